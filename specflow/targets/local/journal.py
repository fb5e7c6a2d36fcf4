"""What has happened in a run, on its way to the history and to the user: written in groups, told once written."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from specflow.history import History, StepRow
from specflow.targets.local.steps import Step

__all__ = ["GROUP_S", "Event", "Journal"]

Event = dict[str, Any]

GROUP_S = 0.05
"""How long finished steps wait for others to be written with them; longer where writing takes long."""
SHARE = 20
"""Writing takes no more than one part in so many of the time."""


class Journal:
    """A step counts as done, and is told as done, once the history has it."""

    def __init__(self, run: str, history: History, tell: Callable[[Event], None], written: Callable[[], None]) -> None:
        """Write of a run to a history, tell a user; `written` is called after each group."""
        self.run, self.history, self.tell_user, self.written = run, history, tell, written
        self.untold: list[Event] = []
        self.last = time.monotonic()
        self.group_s = GROUP_S

    def ended(self, step: Step, more: Mapping[str, Any]) -> None:
        """Enter the end of a step; it is told when it is written, with what `more` says."""
        outcome, made = step.outcome, step.made
        assert outcome is not None
        metrics = made.metrics if made is not None else {}
        home = made.home or None if made is not None else None
        row = StepRow(
            self.run,
            step.index,
            step.id,
            step.label,
            outcome.state,
            outcome.reason,
            step.attempts,
            step.started_at or None,
            step.seconds,
            home,
            metrics,
        )
        self.history.add_step(row)
        event: Event = {
            "event": "step_finished",
            "run": self.run,
            "step": step.label,
            "state": outcome.state,
            "attempts": step.attempts,
            "seconds": round(step.seconds, 3),
            "reason": outcome.reason,
        }
        if metrics:
            event["metrics"] = metrics
        event.update(more)
        self.untold.append(event)

    def tell(self, event: Event) -> None:
        """Tell of something, in its order."""
        if self.untold:
            self.untold.append(event)
        else:
            self.tell_user(event)

    def patience(self, wanted: float | None) -> float | None:
        """Return how long to wait at most, with something to write: others may end in a moment, and go along."""
        if self.history.is_open and time.monotonic() - self.last > self.group_s:
            self.commit()
        if not self.history.is_open:
            return wanted
        return GROUP_S if wanted is None else min(wanted, GROUP_S)

    def commit(self) -> None:
        """Write what was entered, durably, and tell it."""
        began = time.monotonic()
        self.history.commit()
        self.last = time.monotonic()
        self.group_s = max(GROUP_S, SHARE * (self.last - began))
        self.written()
        for event in self.untold:
            self.tell_user(event)
        self.untold.clear()
