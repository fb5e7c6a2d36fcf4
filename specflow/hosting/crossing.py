"""A bridge where it runs, on the platform that coordinates: start.py RECORDS, in the folder that travelled with it.

It submits its island's job under a key that is known before, follows it, tells in its own log what happens there, and
leaves the record of every step of the island below RECORDS. Begun again after it died, it finds its own job.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path as FilePath
from types import FrameType
from typing import Any

from specflow.attempt.outcomes import CANCELLED, FAIL_FAST, Outcome
from specflow.attempt.records import Record, Records, new_record, write_record
from specflow.attempt.relay import BEGAN, EMULATORS, GIVEN_FILE, line_for
from specflow.attempt.settle import settle
from specflow.bridging.bridge import Bridge
from specflow.bridging.follow import Pace
from specflow.bridging.platforms import platform
from specflow.emulation.standing import Standing
from specflow.errors import SpecflowError
from specflow.exchange import Exchange
from specflow.hosting.errand import ERRAND_FILE
from specflow.targets.base import Client, Submission
from specflow.targets.local.foreign import Errand, key_of

__all__ = ["main"]

REPAIR = "SPECFLOW_REPAIR"
"""The variable that says how often the host's run was repaired: a deliberate new try, with a key of its own."""
ENDED_ELSEWHERE = "ended by the platform"
LONGEST_LOG = 100_000
"""Characters of a step's log that its bridge relays: its end."""
UNREACHABLE = 4


def main(folder: str) -> int:
    """Return the exit code: 0 once all steps of the island have records in `folder`, whatever became of them."""
    errand = json.loads(FilePath(ERRAND_FILE).read_text(encoding="utf-8"))
    given = json.loads(FilePath(GIVEN_FILE).read_text(encoding="utf-8"))
    return _Crossing(errand, given, FilePath(folder)).go()


class _Crossing:
    """One run of a bridge."""

    def __init__(self, errand: Mapping[str, Any], given: Mapping[str, Any], folder: FilePath) -> None:
        self.errand, self.given, self.folder = errand, given, folder
        self.run: Mapping[str, Any] = given["run"]
        self.exchange = Exchange(errand["store"], FilePath.cwd())
        self.steps = {step["id"]: step for step in errand["steps"]}
        self.known: dict[str, Record | None] = {step: given["records"].get(step) for step in errand["outer"]}
        self.bridge: Bridge | None = None

    def go(self) -> int:
        self._tell({"event": BEGAN})
        if not self._may_run():
            self._leave_the_rest("", "")
            return 0
        try:
            self.bridge = self._opened()
            return self._cross(self.bridge)
        except SpecflowError as failure:
            return self._unreachable(failure)

    def _cross(self, bridge: Bridge) -> int:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._cancel)
        for wait_s in bridge.walk():
            code = self._heed()
            if code is not None:
                return code
            bridge.woken.wait(wait_s)
            bridge.woken.clear()
        code = self._heed()
        return 0 if code is None else code

    def _cancel(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self.bridge is not None:
            self.bridge.cancel()

    # What the island is given

    def _may_run(self) -> bool:
        """Return whether any step may run; those before the first that may are settled."""
        outside = dict(self.known)
        try:
            for step in self.steps.values():
                found = self._settled(step)
                if found is None:
                    return True
                self.known[step["id"]] = self._record(step, found)
            return False
        finally:
            self.known = outside

    def _settled(self, step: Mapping[str, Any]) -> Outcome | None:
        """Return how a step ends without being run; None if it may run."""
        records = Records(self.known)
        settled = settle(step, self._look_up, records.outcomes, records.behind)
        return settled if isinstance(settled, Outcome) else None

    def _look_up(self, leaf: list[Any]) -> Any:
        if leaf[0] == "input":
            return self.given["inputs"].get(leaf[1])
        if leaf[0] == "run":
            return self.run[leaf[1]]
        if leaf[0] != "output":
            return True
        record = self.known.get(leaf[1])
        if record is None or record["state"] not in ("succeeded", "cached"):
            return None
        return record["values"].get(leaf[2], True if leaf[2] in record["outputs"] else None)

    def _opened(self) -> Bridge:
        errand = self.errand
        repair = os.environ.get(REPAIR, "0")
        key = key_of(self.run["id"], errand["island"] if repair in ("", "0") else f"{errand['island']}-{repair}")
        inputs = {name: self._input(name, value) for name, value in self.given["inputs"].items() if value is not None}
        job = Submission(
            key, errand["pipeline"], self.run["id"], FilePath("island").resolve(), errand["native"], inputs,
            self._arrivals(), errand["tags"],
        )  # fmt: skip
        self._tell({"event": "submitting", "key": key, "target": errand["target"]})
        leaving = {step: {port: [errand["host"]] for port in ports} for step, ports in errand["leaving"].items()}
        settings, pace = self._settings()
        sent = Errand(
            errand["target"], settings, job, list(self.steps), {}, leaving, self.exchange, FilePath("outputs").resolve()
        )
        return Bridge(sent, lambda: self._client(settings), pace, lambda: None)

    def _settings(self) -> tuple[Mapping[str, Any], Pace]:
        """Return how the other platform is reached; its emulator stands in for it where this one is an emulator too."""
        emulators = json.loads(os.environ.get(EMULATORS) or "{}")
        found = emulators.get(self.errand["target"])
        if found is None:
            return self.errand["settings"], Pace()
        stand_in = Standing(found["url"], found["token"], None)
        stand_in.ask()
        return {**self.errand["settings"], **stand_in.settings}, Pace(0.05, 0.5)

    def _client(self, settings: Mapping[str, Any]) -> Client:
        host = settings.get("host")
        if host:  # the profile that this was compiled with names it, by the word of who compiled it
            os.environ["SPECFLOW_ALLOW_HOSTS"] = str(host)
        return platform(self.errand["target"]).client(settings)

    def _input(self, name: str, value: Any) -> Any:
        if name not in self.errand["paths"]:
            return value
        many = value if isinstance(value, list) else [value]
        found = [text if "://" in text else FilePath(text) for text in many]
        return found if isinstance(value, list) else found[0]

    def _arrivals(self) -> dict[str, Any]:
        """Return the records of the steps outside, and where their outputs lie for the island's platform."""
        records, paths = {}, {}
        for step, ports in self.errand["outer"].items():
            record = self.known[step]
            if record is None:
                record = new_record(step, step, Outcome("failed", ENDED_ELSEWHERE), {})
            left = {port: {**record["outputs"][port], "check": True} for port in ports if port in record["outputs"]}
            for port, entry in left.items():
                paths[f"{step}.{port}"] = self._address(step, port, entry, self.errand["target"])
            records[step] = {**record, "outputs": left}
        return {"records": records, "paths": paths}

    def _address(self, step: str, port: str, entry: Mapping[str, Any], name: str) -> str:
        if "stored" not in entry:
            raise SpecflowError(f'the output "{port}" of "{step}" does not lie in the exchange store')
        return self.exchange.below(name, entry["stored"])

    # What happens there

    def _heed(self) -> int | None:
        """Relay what has been told since the last look; return the exit code once there is nothing more to come."""
        assert self.bridge is not None
        for event in self.bridge.take():
            kind = event["event"]
            if kind == "submitted":
                self._tell({"event": kind, "job": event["job"], "url": event["url"], "target": self.errand["target"]})
            elif kind == "step_started":
                self._tell({key: event[key] for key in ("event", "step", "attempt", "url")})
            elif kind == "step_ended":
                self._ended(event)
            elif kind == "ended":
                self._leave_the_rest(event["state"], event["message"])
                self._tell({"event": kind, "state": event["state"], "url": event["url"]})
                return 0
            elif kind == "broken":
                return self._unreachable(event["error"])
        return None

    def _unreachable(self, failure: Exception) -> int:
        if not isinstance(failure, SpecflowError):
            raise failure
        _say(f"specflow: {failure.message}")
        if failure.help:
            _say(f"specflow: {failure.help}")
        return UNREACHABLE

    def _ended(self, event: Mapping[str, Any]) -> None:
        step, record, status = self.steps[event["step"]], event["record"], event["status"]
        if record is None or (status.state == "failed" and record["state"] == "succeeded"):
            outcome = Outcome("failed", status.message or ENDED_ELSEWHERE)
            if status.state == "cancelled":
                outcome = Outcome("cancelled", CANCELLED)
            record = {**self._record(step, outcome), "attempts": status.attempt}
        self._leave(self._here(step["id"], record, event["named"]), event["text"])

    def _here(self, step: str, record: Record, named: Mapping[str, Mapping[str, str]]) -> Record:
        """Return a record as the host reads it: outputs that cross by their places in the exchange store."""
        outputs, host = {}, self.errand["host"]
        for port in self.errand["leaving"].get(step, ()):
            left = record["outputs"].get(port)
            if left is None:
                continue
            address = named.get(port, {}).get(host, "")
            stored = self.exchange.rest(host, address)
            if stored is None:
                raise SpecflowError(f'the output "{port}" of "{step}" does not lie in the exchange store')
            outputs[port] = {**left, "path": address, "stored": stored, "check": True}
        return {**record, "outputs": outputs}

    def _leave_the_rest(self, state: str, message: str) -> None:
        """Leave records of the steps that nothing was told of: they did not run, and the algebra says why."""
        for step in self.steps.values():
            if step["id"] not in self.known:
                self._leave(self._record(step, self._left_over(step, state, message)), "")

    def _left_over(self, step: Mapping[str, Any], state: str, message: str) -> Outcome:
        if state == "cancelled" or (self.bridge is not None and self.bridge.is_cancelled):
            return Outcome("cancelled", CANCELLED)
        failed = any(record is not None and record["state"] == "failed" for record in self.known.values())
        if self.errand["fail_fast"] and failed and self._settled(step) is None:
            return Outcome("skipped", FAIL_FAST)
        return self._settled(step) or Outcome("failed", message or ENDED_ELSEWHERE)

    def _record(self, step: Mapping[str, Any], outcome: Outcome) -> Record:
        known = Records({need: self.known.get(need) for need in step["needs"]})
        return known.begun(step["id"], step["label"], outcome, list(step["needs"]))

    def _leave(self, record: Record, text: str) -> None:
        step = record["step"]
        self.known[step] = record
        folder = self.folder / step
        folder.mkdir(parents=True, exist_ok=True)
        write_record(record, str(folder))
        self._tell({"event": "step_ended", "step": step, "text": text[-LONGEST_LOG:], "record": record})

    def _tell(self, event: Mapping[str, Any]) -> None:
        _say(line_for(event))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
