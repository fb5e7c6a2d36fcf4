"""Whatever is sent, the answer is a refusal in Databricks' words or a success: never a bug of the emulator."""

from __future__ import annotations

import http.client
import json
import random
import re
from typing import Any

import pytest

from specflow.targets.databricks.emulator.server import Emulator

WORDS = re.findall(
    r"\w+",
    """
job_id run_id new_settings name tasks path content scope key string_value bytes_value access_control_list
seconds fields_to_remove cluster_id task_key depends_on parameters rerun_tasks only idempotency_token
job_parameters schedule condition_task op left right for_each_task inputs task recursive overwrite format
latest_repair_id environments spec rerun_all_failed_tasks all_queued_runs environment_key run_if
permission_level user_name language default tags job_clusters notebook_task notebook_path python_params
notebook_params libraries queue enabled
""",
)
TEXTS = ["", "a", "/a", "/Users/x", "EQUAL_TO", "{{job.id}}", "{{input}}", "\0", "..", "ü", "t", "[]", "ALL_DONE"]
GATE = {"task_key": "t", "condition_task": {"op": "EQUAL_TO", "left": "1", "right": "1"}}
SPARED = ("/_emulator/clock", "/_emulator/faults")


class Asker:
    def __init__(self, emulator: Emulator, seed: int) -> None:
        self.emulator, self.random = emulator, random.Random(seed)
        self.job = self.ask("POST", "/api/2.2/jobs/create", {"tasks": [GATE]})[1]["job_id"]
        self.run = self.ask("POST", "/api/2.2/jobs/run-now", {"job_id": self.job})[1]["run_id"]
        known = [path for path in emulator.routes.paths() if path[1] not in SPARED]
        self.posts = [path for method, path in known if method == "POST"]
        self.gets = [path for method, path in known if method == "GET"]

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.emulator.server.port, timeout=20)
        headers = {"Authorization": f"Bearer {self.emulator.token}"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, json.loads(data) if data[:1] == b"{" else data

    def value(self, depth: int = 0) -> Any:
        choose, known = self.random.choice, [self.job, self.run]
        match self.random.randrange(7 if depth < 4 else 4):
            case 0:
                return choose([0, 1, -1, 10**20, 1.5, *known])
            case 1:
                return choose(TEXTS)
            case 2:
                return choose([True, False, None])
            case 3:
                return choose([*known, "t"])
            case 4:
                return [self.value(depth + 1) for _ in range(self.random.randrange(3))]
        return {choose(WORDS): self.value(depth + 1) for _ in range(self.random.randrange(6))}

    def odd(self) -> tuple[str, str, Any]:
        choose = self.random.choice
        if self.random.random() < 0.2:
            values = ["", "a", "-1", "9" * 30, str(self.job), str(self.run), "true", "/x"]
            query = "&".join(f"{choose(WORDS)}={choose(values)}" for _ in range(3))
            return "GET", f"{choose(self.gets)}?{query}&run_id={self.run}&page_token={choose(values)}", None
        path = choose(self.posts)
        if self.random.random() < 0.1:
            return "POST", path, self.value()
        body = {choose(WORDS): self.value(1) for _ in range(self.random.randrange(5))}
        if path.endswith("create"):
            body["tasks"] = [{**GATE, choose(WORDS): self.value(1)}]
        else:
            body[choose(["job_id", "run_id"])] = choose([self.job, self.run, self.value()])
        return "POST", path, body


@pytest.mark.parametrize("seed", range(4))
def test_an_odd_request_gets_a_proper_answer(emulator: Emulator, seed: int) -> None:
    asker = Asker(emulator, seed)
    bugs = []
    for _ in range(300):
        request = asker.odd()
        status, answer = asker.ask(*request)
        if status >= 500 or (status >= 400 and set(answer) != {"error_code", "message"}):
            bugs.append((request, status, answer))

    assert [] == bugs
