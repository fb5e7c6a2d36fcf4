"""What is known of a run, as frozen data: read from the history and the workspace, nothing shown yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.evaluate import evaluate
from specflow.attempt.values import PATH_TYPES
from specflow.history import History, ResultRow, RunRow, StepRow
from specflow.targets.local.hints import tail
from specflow.targets.local.session import plan_of_run
from specflow.targets.local.why import explain
from specflow.targets.local.workspace import Workspace

__all__ = ["MAX_STEPS", "Log", "Port", "RunFacts", "StepFacts", "gather"]

MAX_STEPS = 300
"""Steps that are told in detail; of a larger run those that did not end well come first."""
MAX_LOGS = 12
LOG_LINES = 60
_GOOD = ("succeeded", "cached")


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a run or a step: its value, or for a path where it is (shown from the project's root)."""

    name: str
    type: str
    value: Any
    paths: tuple[FilePath, ...] = ()
    said: str = ""


@dataclass(frozen=True, slots=True)
class Log:
    """The end of what an attempt wrote."""

    attempt: int
    lines: list[str]


@dataclass(frozen=True, slots=True)
class StepFacts:
    """A step of a run; `state` is empty where it has not started, `started` None where it did not run."""

    id: str
    label: str
    target: str
    needs: tuple[str, ...]
    state: str = ""
    reason: str = ""
    attempts: int = 0
    started: float | None = None
    seconds: float = 0.0
    metrics: Mapping[str, Mapping[str, float]] | None = None
    result: str | None = None
    why: tuple[str, ...] = ()
    outputs: tuple[Port, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    logs: tuple[Log, ...] = ()


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run; `steps` are all of it, `told` those with details."""

    run: str
    pipeline: str
    version: str
    description: str
    state: str
    reason: str
    started: float
    ended: float | None
    now: float
    root: FilePath
    document: Mapping[str, Any]
    steps: tuple[StepFacts, ...]
    told: tuple[StepFacts, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @property
    def seconds(self) -> float:
        """Return how long the run took, or has lasted; if it was ended from outside, up to its last known step."""
        if self.ended is not None:
            return max(0.0, self.ended - self.started)
        if self.state == "running":
            return max(0.0, self.now - self.started)
        ends = [step.started + step.seconds for step in self.steps if step.started is not None]
        return max(0.0, max(ends, default=self.started) - self.started)

    def shown(self, path: str) -> str:
        """Return a path, or a text with paths, as it is from the project's root."""
        shorter = path.replace(f"{self.root}/", "")
        return shorter.replace(f"{FilePath.home()}/", "~/")


def gather(history: History, workspace: Workspace, row: RunRow, state: str, now: float) -> RunFacts:
    """Return what is known of a run; `state` is the run's, seen from now."""
    document = history.plan_of(row.id)
    ended = {step.id: step for step in history.steps(row.id)}
    steps = tuple(_step(spec, ended.get(spec["id"]), workspace, row, state, now) for spec in document["steps"])
    facts = RunFacts(
        run=row.id,
        pipeline=row.pipeline,
        version=document["version"] or "",
        description=document["description"] or "",
        state=state,
        reason=row.reason,
        started=row.started,
        ended=row.ended,
        now=now,
        root=workspace.root,
        document=document,
        steps=steps,
        told=(),
        inputs=tuple(_inputs(history, workspace, row, document)),
        outputs=tuple(_port(name, facts, row.outputs.get(name)) for name, facts in document["outputs"].items()),
    )
    return _with_details(facts, history, workspace, ended)


def _step(
    spec: Mapping[str, Any], row: StepRow | None, workspace: Workspace, run: RunRow, state: str, now: float
) -> StepFacts:
    known = StepFacts(spec["id"], spec["label"], spec["target"], tuple(spec["needs"]))
    if row is not None:
        rest = (row.state, row.reason, row.attempts, row.started, row.seconds, row.metrics, row.result)
        return StepFacts(known.id, known.label, known.target, known.needs, *rest)
    folder = workspace.run(run.id)
    attempts = 0
    while folder.log(known.id, attempts + 1).exists():
        attempts += 1
    if not attempts:
        return known
    # The history has a step when it has ended; until then its first attempt's folder tells when it began.
    try:
        began = FilePath(folder.attempt(known.id, 1)).stat().st_mtime
    except OSError:
        began = run.started
    is_running = state == "running"
    until = now if is_running else max(began, folder.log(known.id, attempts).stat().st_mtime)
    what = "running" if is_running else "interrupted"
    return StepFacts(known.id, known.label, known.target, known.needs, what, "", attempts, began, until - began)


def _with_details(facts: RunFacts, history: History, workspace: Workspace, ended: Mapping[str, StepRow]) -> RunFacts:
    plan_of = cache(history.plan_of)
    specs = {spec["id"]: spec for spec in facts.document["steps"]}
    order = sorted(range(len(facts.steps)), key=lambda i: (facts.steps[i].state in (*_GOOD, ""), i))
    told = []
    logs = 0
    for index in order[:MAX_STEPS] if len(order) > MAX_STEPS else sorted(order):
        step = facts.steps[index]
        row = ended.get(step.id)
        if row is not None:
            step = replace(step, why=tuple(explain(history, row, plan_of)))
        result = history.result_at(step.result) if step.result is not None else None
        if result is not None:
            outputs = _step_outputs(workspace, specs[step.id], result)
            step = replace(step, outputs=outputs, environment=_environment(result))
        if step.attempts and step.state not in _GOOD and logs < MAX_LOGS:
            logs += 1
            step = replace(step, logs=tuple(_logs(workspace, facts.run, step)))
        told.append(step)
    return replace(facts, told=tuple(told))


def _logs(workspace: Workspace, run: str, step: StepFacts) -> Iterable[Log]:
    for attempt in range(max(1, step.attempts - 2), step.attempts + 1):
        yield Log(attempt, tail(workspace.run(run).log(step.id, attempt), LOG_LINES))


def _environment(result: ResultRow) -> tuple[tuple[str, str], ...]:
    found = result.parts.get("environment")
    return tuple((str(name), str(value)) for name, value in found.items()) if isinstance(found, dict) else ()


def _step_outputs(workspace: Workspace, spec: Mapping[str, Any], result: ResultRow) -> tuple[Port, ...]:
    folder = workspace.results / result.home[:2] / result.home / "outputs"
    found = []
    for name, facts in spec["attempt"]["outputs"].items():
        entry = result.outputs.get(name)
        if isinstance(entry, dict) and "name" in entry:
            found.append(Port(name, facts["type"], None, (folder / entry["name"],)))
        elif isinstance(entry, dict):
            found.append(Port(name, facts["type"], entry.get("value")))
        else:
            found.append(Port(name, facts["type"], None))
    return tuple(found)


def _inputs(history: History, workspace: Workspace, row: RunRow, document: Mapping[str, Any]) -> Iterable[Port]:
    plan = plan_of_run(history, workspace, row.id)

    def look_up(leaf: list[Any]) -> Any:
        if leaf[0] == "data":
            entry = document["data"][leaf[1]]
            return str(plan.path(entry["path"])) if "path" in entry else entry.get("address")
        return None

    for name, facts in document["inputs"].items():
        given = row.inputs.get(name)
        said = "" if given is not None else "default"
        if given is None and facts["default"] is not None:
            given = evaluate(facts["default"], look_up)
        yield _port(name, facts, given, said)


def _port(name: str, facts: Mapping[str, Any], value: Any, said: str = "") -> Port:
    kind = f"{facts['type']}/{facts['format']}" if facts.get("format") else str(facts["type"])
    if facts["type"] not in PATH_TYPES:
        return Port(name, kind, value, (), said)
    paths = [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]
    return Port(name, kind, None, tuple(FilePath(path) for path in paths), said)
