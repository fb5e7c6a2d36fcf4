"""A run of a plan whose last run still stands: nothing to start and nothing to read, it is entered and told.

This is the way that most runs go, so it is kept short: no language, no engine.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from specflow.claims import claim
from specflow.history import History
from specflow.recall.marks import read_head
from specflow.recall.standing import Standing, read_standing

__all__ = ["replay"]


class _Outcome(NamedTuple):
    state: str = "cached"
    reason: str = ""


class _Step(NamedTuple):
    outcome: _Outcome = _Outcome()
    attempts: int = 0
    seconds: float = 0.0


class _Result(NamedTuple):
    """Looks to a display like the result of a run."""

    run: str
    outputs: Mapping[str, Any]
    steps: Mapping[str, _Step]
    metrics: Mapping[str, Any]
    state: str = "succeeded"
    reason: str = ""
    damaged: tuple[str, ...] = ()


def replay(spec: str, display: Callable[[], Any]) -> int | None:
    """Return the exit code of a run that had nothing to do, shown on a display; None if there is something to do."""
    head = read_head(spec, None, None)
    if head is None or head.findings:
        return None
    standing = read_standing(head.place, head.plan, {})
    if standing is None or not standing.stands():
        return None
    try:
        run = _enter(f"{head.root}/.specflow", standing)
    except (OSError, sqlite3.Error):  # the long way says what is wrong
        return None
    if run is not None:
        _tell(run, standing, display())
    return None if run is None else 0


def _enter(folder: str, standing: Standing) -> str | None:
    """Return the id under which the run is in the history; None if the run that it repeats is not."""
    now = time.time()
    run = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{os.urandom(3).hex()}"
    held = claim(f"{folder}/claim", is_shared=True, waits=False)
    if held is None:  # results are being cleaned away: the long way waits for that
        return None
    history = History(f"{folder}/state.db")
    try:
        if not history.has_run(standing.run):
            return None
        for name in ("logs", "attempts"):
            os.makedirs(f"{folder}/runs/{run}/{name}")  # noqa: PTH103
        history.repeat_run(run, standing.run, now)
    finally:
        history.close()
        os.close(held)
    return run


def _tell(run: str, standing: Standing, show: Any) -> None:
    labels = [step.label for step in standing.steps]
    show({"event": "run_started", "run": run, "pipeline": standing.name, "steps": labels})
    for step in standing.steps:
        event: dict[str, Any] = {"event": "step_finished", "run": run, "step": step.label, "state": "cached"}
        event |= {"attempts": 0, "seconds": 0.0, "reason": ""}
        show({**event, "metrics": step.metrics} if step.metrics else event)
    metrics = {step.label: step.metrics for step in standing.steps if step.metrics}
    show.result(_Result(run, standing.outputs, dict.fromkeys(labels, _Step()), metrics), standing.outputs, {}, None)
