"""The local engine ends the steps of a real run as `settle` says: random pipelines of files, planned and run."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from specflow.attempt.outcomes import Outcome, run_state
from specflow.graph.outcomes import Fate, settle, terms_of
from specflow.spec.load import Loader
from specflow.stages import make_plan, validate
from specflow.targets.local.processes import Processes
from specflow.targets.local.session import run_plan
from specflow.targets.local.steps import Options
from specflow.targets.local.workspace import Workspace

# What a step does with its outputs `o` and `v`, the first arguments of its script, and what settle is told of it.
FATES = {
    "exit 1": Fate(Outcome("failed", "exit code 1")),
    "echo x > $0; exit 1": Fate(Outcome("failed", "exit code 1")),
    "echo x > $0; echo true > $1": Fate(outputs={"o": "a path", "v": True}),
    "echo x > $0; echo false > $1": Fate(outputs={"o": "a path", "v": False}),
    ":": Fate(),
}
OUTPUTS = {"o": "file", "v": "boolean"}
WHENS = ["", "", "success()", "failure()", "always()", "success() || failure()", "!failure()"]
WHENS_ON_A_VALUE = ["V", "failure() && V", "always() && default(V, false)"]
WHEN_WITHOUT_A_VALUE = ["1 / if(default(V, false), 1, 0) > 0"]
PORTS = {"required": "${{{{ inputs.{} }}}}", "optional": "$[[${{{{ inputs.{} }}}}]]"}


class Writer:
    """Writes a random pipeline of up to four steps into a folder, and remembers the steps' fates."""

    def __init__(self, folder: Path, seed: int, whens: list[str]) -> None:
        self.folder, self.random, self.whens = folder, random.Random(seed), whens
        self.fates: dict[str, Fate] = {}

    def write(self, nested: bool = False, **head: Any) -> dict[str, Fate]:
        """Write the pipeline; with `nested` its last step is one of up to three steps, another step behind it."""
        steps = self.steps("s", self.random.randint(2, 4))
        if nested:
            name = list(steps)[-1]
            del self.fates[name]
            steps[name] = self.call_of_a_pipeline(name, steps)
            steps["behind"] = {"run": ["sh", "-c", ":"], "after": [name]}
            self.fates["behind"] = Fate()
        self.save("p.yaml", {"name": "p", **head, "steps": steps})
        return self.fates

    def call_of_a_pipeline(self, name: str, steps: dict[str, Any]) -> dict[str, Any]:
        inner = self.steps(f"{name}__t", self.random.randint(1, 3), ["inputs"])
        inputs = {port: {"type": kind, "optional": self.random.random() < 0.5} for port, kind in OUTPUTS.items()}
        self.save("inner.yaml", {"name": "inner", "inputs": inputs, "steps": inner})
        before = list(steps)[:-1]
        given = {port: f"${{{{ steps.{self.random.choice(before)}.outputs.{port} }}}}" for port in OUTPUTS}
        kept = {key: value for key, value in steps[name].items() if key in ("when", "after")}
        return {"uses": "inner.yaml", "inputs": given, **kept}

    def steps(self, prefix: str, count: int, around: list[str] | None = None) -> dict[str, Any]:
        """Return steps by name, each using a step file of its own; they read each other and what is `around`."""
        steps: dict[str, Any] = {}
        for node in [f"{prefix}{index}" for index in range(count)]:
            sources = [f"steps.{other}.outputs" for other in steps] + (around or [])
            edges = {source: self.random.choice(["none", "none", "after", *PORTS]) for source in sources}
            script = self.random.choice(list(FATES))
            self.fates[node] = FATES[script]
            self.step_file(node, script, edges)
            steps[node.split("__")[-1]] = self.call(node, edges)
        return steps

    def step_file(self, name: str, script: str, edges: dict[str, str]) -> None:
        ports = {f"p{i}": edge for i, edge in enumerate(edges.values()) if edge in PORTS}
        document = {
            "name": "step",
            "inputs": {port: {"type": "file", "optional": edge == "optional"} for port, edge in ports.items()},
            "outputs": {port: {"type": kind, "optional": True} for port, kind in OUTPUTS.items()},
            "run": ["sh", "-c", script, "${{ outputs.o }}", "${{ outputs.v }}"]
            + [PORTS[edge].format(port) for port, edge in ports.items()],
        }
        self.save(f"{name}/step.yaml", document)

    def call(self, name: str, edges: dict[str, str]) -> dict[str, Any]:
        after = [source.split(".")[1] for source, edge in edges.items() if edge == "after" and source != "inputs"]
        inputs = {f"p{i}": f"${{{{ {source}.o }}}}" for i, (source, edge) in enumerate(edges.items()) if edge in PORTS}
        call: dict[str, Any] = {"uses": name, "after": after, "inputs": inputs}
        when = self.random.choice(self.whens if edges else WHENS)
        if when:
            read = f"{self.random.choice(list(edges))}.v" if edges else ""
            call["when"] = f"${{{{ {when.replace('V', read)} }}}}"
        return call

    def save(self, name: str, document: dict[str, Any]) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"specflow": 1, **document}))


Ends = dict[str, tuple[str, str]]


def settled(folder: Path, fates: dict[str, Fate]) -> tuple[Ends, str]:
    """Return how `settle` ends each step, and the run."""
    checked = validate(folder / "p.yaml", Loader(folder))
    assert checked.graph is not None, [d.message for d in checked.diagnostics]
    steps = {name: terms_of(node) for name, node in checked.graph.nodes.items()}
    ends = settle(steps, fates, fail_fast=checked.graph.fail_fast)
    return {name: (end.state, end.reason) for name, end in ends.items()}, run_state(ends, [], was_cancelled=False)


def run(folder: Path, jobs: int) -> tuple[Ends, str]:
    """Return how the engine ends each step, and the run."""
    plan, found = make_plan(validate(folder / "p.yaml", Loader(folder)), None)
    assert plan is not None, [d.message for d in found]
    options = Options(jobs, {"PATH": os.environ["PATH"]}, use_cache=False)
    result = run_plan(plan, {}, Workspace(folder), options, lambda event: None, Processes(), lambda: 0).result
    ends = {label.replace(".", "__"): step.outcome for label, step in result.steps.items()}
    return {name: (end.state, end.reason) for name, end in ends.items()}, result.state


@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
@pytest.mark.parametrize("seed", range(100))
def test_the_engine_ends_steps_as_settle_does(tmp_path: Path, seed: int, nested: bool) -> None:
    whens = WHENS + WHENS_ON_A_VALUE + WHEN_WITHOUT_A_VALUE
    fates = Writer(tmp_path, seed, whens).write(nested)

    assert settled(tmp_path, fates) == run(tmp_path, jobs=4)


@pytest.mark.parametrize("seed", range(100))
def test_with_fail_fast_the_engine_starts_nothing_behind_the_first_failure(tmp_path: Path, seed: int) -> None:
    fates = Writer(tmp_path, seed, WHENS + WHENS_ON_A_VALUE).write(fail_fast=True)
    ends, state = settled(tmp_path, fates)
    ran, ran_state = run(tmp_path, jobs=1)

    # What need not run may be decided while the step before it, in the order of the file, still runs.
    early = {name: end for name, end in ran.items() if end[1] == "condition false" and ends[name][1] == "fail fast"}
    assert ({**ends, **early}, state) == (ran, ran_state)
