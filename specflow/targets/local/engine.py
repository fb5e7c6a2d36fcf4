"""Runs a plan here: what is ready, up to `jobs` at once; retries, timeouts, conditions; and says what happens.

One thread, one loop: start what can start, wait for whatever comes first (an end, a deadline, a delay, a signal).
"""

from __future__ import annotations

import heapq
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.collect import collect
from specflow.attempt.evaluate import EvaluationError, children, evaluate
from specflow.attempt.prepare import Prepared, PrepareError, output_name, prepare
from specflow.errors import SpecflowError
from specflow.graph.outcomes import (
    CANCELLED,
    FAIL_FAST,
    Ancestry,
    Outcome,
    absent_port,
    ancestry,
    judge,
    run_state,
)
from specflow.plan import Plan
from specflow.targets.local.environments import interpreter
from specflow.targets.local.hints import missing_code_hint
from specflow.targets.local.processes import Child, Processes
from specflow.targets.local.workspace import RunFolder, Workspace, freeze, thaw_and_remove

__all__ = ["Options", "Result", "StepResult", "execute"]

Event = dict[str, Any]
RUN_TIMEOUT = "the pipeline's timeout ran out"


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: how much at once, in which environment, with which secrets."""

    jobs: int
    environ: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step ended."""

    outcome: Outcome
    attempts: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended: outputs by name (a value, an absolute path, a list, None), steps and metrics by label."""

    run: str
    state: str
    outputs: Mapping[str, Any]
    steps: Mapping[str, StepResult]
    metrics: Mapping[str, Mapping[str, Mapping[str, float]]]
    reason: str = ""


def execute(
    plan: Plan,
    inputs: Mapping[str, Any],
    workspace: Workspace,
    run_id: str,
    now: datetime,
    options: Options,
    tell: Callable[[Event], None],
    processes: Processes,
    is_interrupted: Callable[[], int],
) -> Result:
    """Return how the run of a plan ended; events go to `tell` as they happen, and into the run's folder.

    `is_interrupted` counts the user's Ctrl-C: one ends the run in order, a second one at once.
    """
    return _Run(plan, inputs, workspace, run_id, now, options, tell, processes, is_interrupted).go()


@dataclass(slots=True)
class _Step:
    """A step while the run lasts."""

    index: int
    spec: Mapping[str, Any]
    open_needs: int
    outcome: Outcome | None = None
    attempt: int = 0
    began: float = 0.0
    seconds: float = 0.0
    child: Child | None = None
    prepared: Prepared | None = None
    deadline: float | None = None
    timed_out: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    held: dict[str, tuple[int, int]] = field(default_factory=dict)
    slots: int = 1

    @property
    def id(self) -> str:
        return str(self.spec["id"])


class _Run:
    """One run; used once."""

    def __init__(
        self,
        plan: Plan,
        inputs: Mapping[str, Any],
        workspace: Workspace,
        run_id: str,
        now: datetime,
        options: Options,
        tell: Callable[[Event], None],
        processes: Processes,
        is_interrupted: Callable[[], int],
    ) -> None:
        self.plan, self.workspace, self.options, self.tell_user = plan, workspace, options, tell
        self.processes, self.is_interrupted = processes, is_interrupted
        self.folder: RunFolder = workspace.run(run_id)
        self.facts = {"id": run_id, "date": f"{now:%Y-%m-%d}", "pipeline": plan.name, "target": "local"}
        steps = plan.document["steps"]
        self.steps = {
            s["id"]: _Step(i, s, len(s["needs"]), slots=min(s["cpus"], options.jobs)) for i, s in enumerate(steps)
        }
        self.behind: dict[str, list[_Step]] = {name: [] for name in self.steps}
        for step in self.steps.values():
            for need in step.spec["needs"]:
                self.behind[need].append(step)
        self.above: dict[tuple[str, str], Ancestry] = {}
        self.produced: dict[str, dict[str, Any]] = {}
        self.metrics: dict[str, dict[str, dict[str, float]]] = {}
        self.inputs = self._with_defaults(inputs)
        self.ready: list[tuple[int, str]] = []
        self.delayed: list[tuple[float, int, str]] = []
        self.running: dict[str, _Step] = {}
        self.free = options.jobs
        self.stopping: Outcome | None = None
        self.cancelled = False
        self.hurried = False
        self.pythons: dict[str, str] = {}
        self.unfinished = len(self.steps)

    # The loop

    def go(self) -> Result:
        self.folder.make()
        self.stream = self.folder.events.open("a", encoding="utf-8")
        try:
            return self._loop()
        finally:
            self.processes.close()
            self.stream.close()

    def _loop(self) -> Result:
        began = time.monotonic()
        limit = self.plan.document["timeout_s"]
        deadline = None if limit is None else began + limit
        self._tell("run_started", pipeline=self.plan.name, steps=[step.spec["label"] for step in self.steps.values()])
        for step in self.steps.values():
            if not step.open_needs:
                heapq.heappush(self.ready, (step.index, step.id))
        while self.unfinished:
            self._heed_interrupts()
            now = time.monotonic()
            if deadline is not None and now >= deadline and self.stopping is None:
                self._stop(Outcome("failed", RUN_TIMEOUT))
            self._start_delayed(now)
            self._start_ready()
            if not self.unfinished:
                break
            for child in self.processes.wait(self._patience(deadline)):
                self._ended(child)
            self._end_late(time.monotonic())
        return self._result()

    def _patience(self, run_deadline: float | None) -> float | None:
        """Return how long nothing can happen unless a process ends."""
        moments = [step.deadline for step in self.running.values() if step.deadline is not None and not step.timed_out]
        if self.delayed:
            moments.append(self.delayed[0][0])
        if run_deadline is not None and self.stopping is None:
            moments.append(run_deadline)
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _heed_interrupts(self) -> None:
        count = self.is_interrupted()
        if count and not self.cancelled:
            self.cancelled = True
            self._tell("run_cancelling")
            self._stop(Outcome("cancelled", CANCELLED))
        if count > 1 and not self.hurried:
            self.hurried = True
            for step in self.running.values():
                if step.child is not None:
                    step.child.kill()

    def _stop(self, outcome: Outcome) -> None:
        """Start nothing new and end what runs; every step that is not done yet ends with `outcome`."""
        self.stopping = outcome
        now = time.monotonic()
        for step in self.running.values():
            if step.child is not None:
                step.child.terminate(now)
        for step in self.steps.values():
            if step.outcome is None and step.id not in self.running:
                self._close(step, outcome if outcome.state == "cancelled" else Outcome("skipped", FAIL_FAST))
        self.ready, self.delayed = [], []

    def _end_late(self, now: float) -> None:
        for step in self.running.values():
            if step.deadline is not None and now >= step.deadline and not step.timed_out and step.child is not None:
                step.timed_out = True
                step.child.terminate(now)

    # Starting

    def _start_delayed(self, now: float) -> None:
        while self.delayed and self.delayed[0][0] <= now:
            _, index, name = heapq.heappop(self.delayed)
            heapq.heappush(self.ready, (index, name))

    def _start_ready(self) -> None:
        most = self.plan.document["concurrency"] or len(self.steps)
        while self.ready and self.stopping is None:
            step = self.steps[self.ready[0][1]]
            if step.attempt == 0:
                outcome = self._not_run(step)
                if outcome is not None:
                    heapq.heappop(self.ready)
                    self._close(step, outcome)
                    continue
            if step.slots > self.free or len(self.running) >= most:
                return
            heapq.heappop(self.ready)
            self._start(step)

    def _not_run(self, step: _Step) -> Outcome | None:
        """Return how a step ends without running, or None if it runs; its inputs' values are then known."""
        for condition in step.spec["conditions"] or (
            {"when": None, "needs": step.spec["needs"], "within": "", "requires": ()},
        ):
            above = self._ancestry(condition["needs"], condition["within"])
            outcome = judge(condition["when"], above, self._look_up)
            if outcome is None:
                outcome = self._absent(condition["requires"])
            if outcome is not None:
                return outcome
        try:
            step.values = {port: evaluate(tree, self._look_up) for port, tree in step.spec["bindings"].items()}
        except EvaluationError as failure:
            return Outcome("failed", f"an input has no value: {failure}")
        for port, facts in step.spec["attempt"]["inputs"].items():
            if not facts["optional"] and step.values[port] in (None, []):
                return absent_port(self._sources(step.spec["bindings"][port]))
        return None

    def _absent(self, trees: list[Any]) -> Outcome | None:
        for tree in trees:
            if evaluate(tree, self._look_up) in (None, []):
                return absent_port(self._sources(tree))
        return None

    def _sources(self, tree: list[Any]) -> list[Outcome]:
        if tree[0] == "output":
            outcome = self.steps[tree[1]].outcome
            return [outcome] if outcome is not None else []
        return [outcome for child in children(tree) for outcome in self._sources(child)]

    def _ancestry(self, needs: list[str], within: str) -> Ancestry:
        """Return what stands behind some steps, looking no further out than the call `within`."""
        return ancestry(
            (outcome, self.above_of(need, within)) for need in needs if (outcome := self.steps[need].outcome)
        )

    def above_of(self, name: str, within: str) -> Ancestry:
        """Return the ancestry of one step; every step's is worked out when it ends, so this goes one level deep."""
        key = (name, within)
        if key not in self.above:
            prefix = f"{within}__" if within else ""
            needs = [need for need in self.steps[name].spec["needs"] if need.startswith(prefix)]
            self.above[key] = self._ancestry(needs, within)
        return self.above[key]

    def _look_up(self, leaf: list[Any]) -> Any:
        head, name = leaf[0], leaf[1]
        if head == "output":
            return self.produced.get(name, {}).get(leaf[2])
        if head == "input":
            return self.inputs.get(name)
        if head == "run":
            return self.facts[name]
        return self._data(name)

    def _data(self, key: str) -> str:
        return str(self.plan.path(self.plan.document["data"][key]["path"]).resolve())

    def _with_defaults(self, given: Mapping[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, facts in self.plan.document["inputs"].items():
            value = given.get(name)
            if value is None and facts["default"] is not None:
                value = evaluate(facts["default"], self._look_up)
            values[name] = value
        return values

    def _start(self, step: _Step) -> None:
        step.attempt += 1
        if step.attempt == 1:
            step.began = time.monotonic()
        self._tell("step_started", step, attempt=step.attempt, log=str(self.folder.log(step.id, step.attempt)))
        try:
            self._launch(step)
        except (PrepareError, EvaluationError, SpecflowError) as failure:
            self._failed(step, str(failure), can_retry=False)
        except OSError as failure:
            self._failed(step, f"{failure.strerror or failure}: {failure.filename or ''}".rstrip(": "))

    def _launch(self, step: _Step) -> None:
        folder = self.folder.attempt(step.id, step.attempt)
        facts = {**self.facts, "attempt": step.attempt}
        spec = step.spec["attempt"]
        given = {name: self.options.secrets[name] for name in spec["secrets"]}
        python = self._python(step)
        prepared = prepare(spec, step.values, facts, str(folder), python, self.options.environ, given)
        self._materialise(step.spec["code"], folder / "work")
        step.prepared = prepared
        step.held = self._inputs_as_they_are(step)
        log = self.folder.log(step.id, step.attempt)
        limit = step.spec["timeout_s"]
        try:
            step.child = self.processes.start(prepared.argv, prepared.env, prepared.cwd, log, step)
        except FileNotFoundError as failure:
            program = prepared.argv[0]
            raise PrepareError(f'there is no program "{program}" here') from failure
        step.deadline = None if limit is None else time.monotonic() + limit
        step.timed_out = False
        self.running[step.id] = step
        self.free -= step.slots

    def _python(self, step: _Step) -> str:
        environment = step.spec["environment"]
        key = json.dumps(environment, sort_keys=True)
        if key not in self.pythons:
            wheels = [self.plan.path(name) for name in environment["wheels"]] if environment else []
            self.pythons[key] = interpreter(environment, wheels, self.workspace.path / "environments")
        return self.pythons[key]

    def _materialise(self, code: str | None, work: FilePath) -> None:
        """Fill an attempt's own folder with the step's code; it may write there as it likes."""
        work.mkdir()
        if code is None:
            return
        prefix = f"code/{code}/"
        for name, source in self._code_files(prefix):
            target = work / name[len(prefix) :]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
            target.chmod(target.stat().st_mode | 0o200)

    def _code_files(self, prefix: str) -> list[tuple[str, FilePath]]:
        names = self.plan.sources or self.plan.document["files"]
        return [(name, self.plan.path(name)) for name in names if name.startswith(prefix)]

    def _inputs_as_they_are(self, step: _Step) -> dict[str, tuple[int, int]]:
        """Return size and time of each input path, to notice a step that writes to what it was given to read."""
        held = {}
        for port, facts in step.spec["attempt"]["inputs"].items():
            if facts["type"] not in ("file", "folder", "model", "metrics") or facts.get("access") == "download":
                continue
            value = step.values[port]
            for path in value if isinstance(value, list) else [value]:
                if path is not None:
                    held.update(_stats(path))
        return held

    # Ending

    def _ended(self, child: Child) -> None:
        step: _Step = child.tag
        step.child = None
        del self.running[step.id]
        self.free += step.slots
        if self.stopping is not None and self.stopping.state == "cancelled":
            self._close(step, self.stopping)
            return
        if self.stopping is not None and self.stopping.reason == RUN_TIMEOUT:
            self._close(step, self.stopping)
            return
        code = child.returncode
        if step.timed_out:
            self._failed(step, f"timeout after {step.spec['timeout_s']} s")
        elif code:
            self._failed(step, f"exit code {code}" if code > 0 else f"killed by signal {-code}")
        else:
            self._publish(step)

    def _publish(self, step: _Step) -> None:
        """Take over what a process left that ended well: check it, move it to its place in one step, remember it."""
        assert step.prepared is not None
        changed = [path for path, before in step.held.items() if _stat(path) != before]
        if changed:
            self._failed(step, f'the step wrote to its input "{changed[0]}"; inputs are read-only', can_retry=False)
            return
        found = collect(step.spec["attempt"], step.prepared.outputs)
        if found.problems:
            self._failed(step, "; ".join(found.problems))
            return
        folder = self.folder.attempt(step.id, step.attempt)
        home = self.folder.outputs / step.id
        freeze(folder / "outputs")
        (folder / "outputs").chmod(0o755)
        (folder / "outputs").rename(home)
        thaw_and_remove(folder)
        made: dict[str, Any] = {}
        for port, facts in step.spec["attempt"]["outputs"].items():
            if port in found.absent:
                made[port] = None
            elif port in found.values:
                made[port] = found.values[port]
            else:
                made[port] = str(home / output_name(port, facts))
        self.produced[step.id] = made
        if found.metrics:
            self.metrics[step.spec["label"]] = found.metrics
        self._close(step, Outcome("succeeded"), metrics=found.metrics)

    def _failed(self, step: _Step, reason: str, *, can_retry: bool = True) -> None:
        hint = self._hint(step)
        log = self.folder.log(step.id, step.attempt)
        retry = step.spec["retry"]
        if can_retry and step.attempt < retry["attempts"] and self.stopping is None:
            delay = retry["delay_s"] * retry["backoff"] ** (step.attempt - 1)
            self._tell("attempt_failed", step, attempt=step.attempt, reason=reason, log=str(log), retry_in=delay)
            heapq.heappush(self.delayed, (time.monotonic() + delay, step.index, step.id))
            return
        self._close(step, Outcome("failed", reason), log=str(log), hint=hint)
        if self.plan.document["fail_fast"] and self.stopping is None:
            self._hold_back()

    def _hold_back(self) -> None:
        """Start nothing new after a failure; what runs goes on to its end."""
        self.stopping = Outcome("skipped", FAIL_FAST)
        for step in self.steps.values():
            if step.outcome is None and step.id not in self.running:
                self._close(step, self.stopping)
        self.ready, self.delayed = [], []

    def _hint(self, step: _Step) -> str:
        root = self.plan.root
        if root is None:
            return ""
        code = step.spec["code"]
        sources = [source for name, source in self._code_files(f"code/{code}/")] if code else []
        home = sources[0].parent if sources else root
        return missing_code_hint(self.folder.log(step.id, step.attempt), root, (home, root, root / "specs"))

    def _close(self, step: _Step, outcome: Outcome, **more: Any) -> None:
        step.outcome = outcome
        step.seconds = time.monotonic() - step.began if step.attempt else 0.0
        self.unfinished -= 1
        self.above_of(step.id, "")
        self._tell(
            "step_finished",
            step,
            state=outcome.state,
            attempts=step.attempt,
            seconds=round(step.seconds, 3),
            reason=outcome.reason,
            **more,
        )
        for following in self.behind[step.id]:
            following.open_needs -= 1
            if not following.open_needs and following.outcome is None and self.stopping is None:
                heapq.heappush(self.ready, (following.index, following.id))

    # The end

    def _result(self) -> Result:
        outputs = {name: evaluate(out["tree"], self._look_up) for name, out in self.plan.document["outputs"].items()}
        declared = self.plan.document["outputs"]
        absent = [name for name, value in outputs.items() if value in (None, []) and not declared[name]["optional"]]
        outcomes = {step.id: step.outcome for step in self.steps.values() if step.outcome is not None}
        state = run_state(outcomes, absent, was_cancelled=self.cancelled)
        reason = ""
        if self.stopping is not None and self.stopping.reason == RUN_TIMEOUT:
            state, reason = "failed", RUN_TIMEOUT
        elif state == "failed" and not any(outcome.state == "failed" for outcome in outcomes.values()):
            reason = f'the required output "{absent[0]}" is absent'
        steps = {
            step.spec["label"]: StepResult(step.outcome, step.attempt, step.seconds)
            for step in self.steps.values()
            if step.outcome is not None
        }
        return Result(self.facts["id"], state, outputs, steps, self.metrics, reason)

    def _tell(self, event: str, step: _Step | None = None, **more: Any) -> None:
        told: Event = {"event": event, "run": self.facts["id"]}
        if step is not None:
            told["step"] = step.spec["label"]
        told.update(more)
        self.stream.write(json.dumps(told, ensure_ascii=False) + "\n")
        self.tell_user(told)


def _stat(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - called for every input of every step
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _stats(path: str) -> dict[str, tuple[int, int]]:
    """Return size and time of a file, or of every file and folder below a folder."""
    found = {}
    pending = [path]
    while pending:
        here = pending.pop()
        stat_ = _stat(here)
        if stat_ is not None:
            found[here] = stat_
        if os.path.isdir(here):  # noqa: PTH112 - called for every input of every step
            pending.extend(entry.path for entry in os.scandir(here))
    return found
