"""What the engine does about islands: it sends them when nothing holds them back, and enters what their bridges tell.

A step elsewhere is a step of the run like any other: it starts, writes, ends, and others wait for it. Only that it does
so on another platform, and that the launcher there came to the outcome, by the same algebra.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from specflow.attempt.outcomes import CANCELLED, FAIL_FAST, Outcome, reason_of
from specflow.errors import SpecflowError, UnreachableError
from specflow.history import ForeignRow
from specflow.plan import Plan
from specflow.targets.local.bindings import Bindings
from specflow.targets.local.cache import Made
from specflow.targets.local.foreign import Abroad, Isle
from specflow.targets.local.processes import Processes
from specflow.targets.local.steps import Options, Step
from specflow.targets.local.workspace import RunFolder

__all__ = ["DETACHED", "Crossings", "Run", "made_elsewhere"]

Event = dict[str, Any]
ENDED_BY_PLATFORM = "ended by the platform"
DETACHED = "left behind on its platform"


class Run(Protocol):
    """What of a run the crossings touch."""

    plan: Plan
    steps: dict[str, Step]
    options: Options
    folder: RunFolder
    bindings: Bindings
    processes: Processes
    stopping: Outcome | None
    cancelled: bool
    registered: dict[str, str]
    failure: str
    """Why a run failed none of whose steps did."""
    unreachable: SpecflowError | None

    def close(self, step: Step, outcome: Outcome, made: Made | None = None, **more: Any) -> None:
        """Enter how a step ended."""
        ...

    def tell(self, event: str, step: Step | None = None, **more: Any) -> None:
        """Tell the user of something."""
        ...


class Crossings:
    """The islands of one run, as its loop meets them."""

    def __init__(self, abroad: Abroad, run: Run) -> None:
        """Serve a run."""
        self.abroad, self.run = abroad, run

    def has_sent(self, step: Step) -> bool:
        """Return whether a step lies on an island whose bridge is under way: its end will be told."""
        return step.is_foreign and self.abroad.isles[step.spec["island"]].is_under_way

    def closed(self, step: Step) -> None:
        """Take note that a step has ended."""
        self.abroad.closed(step.id)

    def cancel(self) -> None:
        """Have every platform end its job."""
        for isle in self.abroad.under_way():
            assert isle.bridge is not None
            isle.bridge.cancel()

    def leave(self) -> None:
        """Wait no longer for the platforms: what they were asked to end is left to them."""
        for isle in self.abroad.under_way():
            isle.state = "left"
            assert isle.bridge is not None
            isle.bridge.leave()
            for step in self._open(isle):
                self.run.close(step, Outcome("cancelled", DETACHED))

    reason, not_reached = DETACHED, "not reached: what comes before it was left behind"
    """Of steps that were left behind, and of those that wait for such."""

    def is_all_that_is_left(self) -> bool:
        """Return whether there are jobs to wait for, all of which their platforms have."""
        rows = [isle.row for isle in self.abroad.under_way()]
        return bool(rows) and all(row is not None and row.job for row in rows)

    # Sending

    def start_ready(self) -> bool:
        """Send every island that nothing holds back; return whether steps have ended by it.

        One of which no step would run is closed here, and one that was run before is taken over.
        """
        has_ended = False
        for isle in list(self.abroad.ready()):
            if self.run.stopping is not None:
                break
            outcomes = self.abroad.verdicts(isle)
            if outcomes is not None:
                has_ended = True
                isle.state = "ended"
                for step in self._open(isle):  # one by one: with fail_fast a failure here closes the others
                    self.run.close(step, outcomes[step.id])
                continue
            afresh = [name for name in isle.spec["steps"] if self._is_afresh(name)]
            shares = not afresh and all(self._may_share(isle)) and not self._is_put_elsewhere(isle)
            earlier = self.abroad.send(isle, afresh, use_cache=shares, again=self.run.options.foreign)
            if earlier is not None:
                has_ended = True
                self._take_over(isle, earlier)
                continue
            self.run.tell("island_sent", island=isle.spec["name"], target=isle.spec["target"])
        return has_ended

    def _is_afresh(self, name: str) -> bool:
        return not self.run.options.use_cache or self.run.steps[name].label in self.run.options.force

    def _may_share(self, isle: Isle) -> list[bool]:
        specs = (self.run.steps[name].spec for name in isle.spec["steps"])
        return [spec["cache"] and not spec["asks_run"] for spec in specs]

    def _is_put_elsewhere(self, isle: Isle) -> bool:
        """Return whether a job leaves something beside its records: at an address, or under a name of this run's own.

        Another run may have written there since, so nothing stands for doing it again.
        """
        from specflow.graph.locations import leads_away  # brings the whole language with it
        from specflow.lowering import leaves_of

        if not isle.spec["is_whole"]:
            return False
        for output in self.run.plan.document["outputs"].values():
            names = output["register"] or {}
            trees = [tree for tree in (output["location"], names.get("name"), names.get("version")) if tree is not None]
            if leads_away(output["location"]) or any(leaf[0] == "run" for leaf in leaves_of(*trees)):
                return True
        return False

    def _take_over(self, isle: Isle, earlier: ForeignRow) -> None:
        """Enter the steps of an island that was run before with the same content: nothing is sent."""
        isle.state = "ended"
        for name in isle.spec["steps"]:
            record = earlier.records[name]
            outcome = Outcome(record["state"], record["reason"])
            made = self._made(name, record, record["fetched"]) if outcome.is_good else None
            isle.records[name] = record
            self.abroad.lies(name, record["fetched"], record["named"])
            self.run.close(self.run.steps[name], Outcome("cached") if outcome.is_good else outcome, made)
        self.run.registered.update(earlier.records.get("", {}).get("registered", {}))

    # Heeding

    def heed(self) -> None:
        """Enter what the bridges have told."""
        for isle in self.abroad.under_way():
            assert isle.bridge is not None
            for event in isle.bridge.take():
                self._heed(isle, event)
                if not isle.is_under_way:
                    break

    def _heed(self, isle: Isle, event: Event) -> None:
        kind = event["event"]
        if kind == "submitted":
            self.abroad.note(isle, job=event["job"], url=event["url"])
            self.run.tell(
                "island_submitted",
                island=isle.spec["name"],
                target=isle.spec["target"],
                job=event["job"],
                url=event["url"],
            )
        elif kind == "step_started":
            self._started(self.run.steps[event["step"]], event)
        elif kind == "step_wrote":
            self._write(self.run.steps[event["step"]], event["text"])
        elif kind == "step_ended":
            step = self.run.steps[event["step"]]
            self._write(step, event["text"])
            isle.ends[step.id] = event
            self._enter_ends(isle)
        elif kind == "ended":
            self._ended(isle, event)
        elif kind == "broken":
            self._broken(isle, event["error"])

    def _started(self, step: Step, event: Event) -> None:
        if step.outcome is not None:
            return
        step.attempts = max(step.attempts, event["attempt"])
        if not step.started_at:
            step.began, step.started_at = self.run.processes.now(), time.time()
        log = self.run.folder.log(step.id, 1)
        self.run.tell("step_started", step, attempt=event["attempt"], log=str(log), url=event["url"])

    def _write(self, step: Step, text: str) -> None:
        log = self.run.folder.log(step.id, 1)
        log.write_text(text, encoding="utf-8", errors="replace")

    def _enter_ends(self, isle: Isle) -> None:
        """Enter the ends that were told of steps all of whose needs have ended."""
        for name in list(isle.ends):
            step = self.run.steps[name]
            if step.outcome is None and all(need in self.run.bindings.outcomes for need in step.spec["needs"]):
                self._enter(isle, step, isle.ends.pop(name))

    def _enter(self, isle: Isle, step: Step, event: Event) -> None:
        record, status = event["record"], event["status"]
        log = str(self.run.folder.log(step.id, 1))
        if record is None or (status.state == "failed" and record["state"] == "succeeded"):
            step.attempts = max(step.attempts, status.attempt)
            outcome = self._as_stopped(self._without_record(status.state, status.message), step)
            self.run.close(step, outcome, log=log)
            return
        step.attempts = record["attempts"]
        outcome = self._as_stopped(Outcome(record["state"], record["reason"]), step)
        made = self._made(step.id, record, event["fetched"]) if outcome.is_good else None
        isle.records[step.id] = {**record, "fetched": event["fetched"], "named": event["named"]}
        self.abroad.lies(step.id, event["fetched"], event["named"])
        if not step.began:
            step.began, step.started_at = self.run.processes.now(), time.time()
        if record["seconds"]:  # of a native step only its platform knows, and it began when that was seen here
            step.began = self.run.processes.now() - record["seconds"]
        self.run.close(step, outcome, made, log=log)

    def _as_stopped(self, outcome: Outcome, step: Step) -> Outcome:
        """Return what ended a step whose job was cancelled because the run was stopped: its timeout, say."""
        stopping = self.run.stopping
        if outcome.state != "cancelled" or stopping is None or stopping.state != "failed":
            return outcome
        return stopping if step.attempts else Outcome("skipped", FAIL_FAST)

    def _without_record(self, state: str, message: str) -> Outcome:
        if state == "cancelled":
            return Outcome("cancelled", CANCELLED)
        return Outcome("failed", message or ENDED_BY_PLATFORM)

    def _made(self, name: str, record: Mapping[str, Any], fetched: Mapping[str, str]) -> Made:
        return made_elsewhere(self.run.steps[name].spec, record, fetched)

    def _open(self, isle: Isle) -> Iterator[Step]:
        """Yield the steps of an island that have not ended, each as it is when its turn comes."""
        for name in isle.spec["steps"]:
            if self.run.steps[name].outcome is None:
                yield self.run.steps[name]

    def _ended(self, isle: Isle, event: Event) -> None:
        """Enter the end of a job: steps that nothing was told of did not run, and the algebra says why."""
        isle.state = "ended"
        for step in self._open(isle):
            if step.id in isle.ends:
                self._enter(isle, step, isle.ends.pop(step.id))
                continue
            self.run.close(step, self._as_stopped(self._left_over(step, event), step))
        self.run.registered.update(event["registered"])
        records = {**isle.records, "": {"state": "", "registered": event["registered"]}}
        # A platform may call a job a success in which a step failed that another one handles.
        complete = all(isle.records.get(name, {"state": "failed"})["state"] != "failed" for name in isle.spec["steps"])
        state = event["state"] if event["state"] != "succeeded" or complete else "incomplete"
        if (
            isle.spec["is_whole"] and state == "failed" and complete
        ):  # beside its steps: an output was not put in its place
            self.run.failure = event["message"] or ENDED_BY_PLATFORM
        self.abroad.note(isle, url=event["url"], state=state, records=records)

    def _left_over(self, step: Step, event: Event) -> Outcome:
        if self.run.cancelled or event["state"] == "cancelled":
            return Outcome("cancelled", CANCELLED)
        if self.run.stopping is not None and self.run.stopping.state != "cancelled":
            return self.run.stopping if self.run.stopping.state == "skipped" else Outcome("cancelled", CANCELLED)
        outcomes = self.run.bindings.outcomes.values()
        if self.run.plan.document["fail_fast"] and any(outcome.state == "failed" for outcome in outcomes):
            return Outcome("skipped", FAIL_FAST)
        settled = self.run.bindings.settle(step.spec)
        return settled if isinstance(settled, Outcome) else Outcome("failed", event["message"] or ENDED_BY_PLATFORM)

    def _broken(self, isle: Isle, failure: Exception) -> None:
        """Enter that a platform could not be asked any more: its job may go on, and the next run takes it up."""
        isle.state = "broken"
        if not isinstance(failure, UnreachableError) and isle.row is not None:
            self.abroad.note(isle, state="broken")  # what it has left is of no use: the next run has it made anew
        if isinstance(failure, SpecflowError):
            self.run.unreachable = failure
            reason = failure.message
        elif isinstance(failure, OSError):  # this machine's: a full disk, as what was made elsewhere is fetched
            reason = reason_of(failure)
        else:
            raise failure
        for step in self._open(isle):
            self.run.close(step, Outcome("failed", reason))


def made_elsewhere(step: Mapping[str, Any], record: Mapping[str, Any], fetched: Mapping[str, str]) -> Made:
    """Return a result elsewhere: values, and paths where they are here, else as their platform names them."""
    outputs: dict[str, Any] = dict.fromkeys(step["attempt"]["outputs"])
    outputs.update(record["values"])
    for port, left in record["outputs"].items():
        outputs[port] = fetched.get(port, left["path"] or f"{step['id']}.{port}")
    return Made(outputs, dict(record["metrics"]), "")
