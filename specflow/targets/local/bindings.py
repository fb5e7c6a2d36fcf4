"""The values of a run while it lasts: inputs, what steps made, data; and what stands behind each step."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from specflow.attempt.evaluate import evaluate
from specflow.attempt.outcomes import Ancestry, Outcome
from specflow.attempt.records import calls_around
from specflow.attempt.settle import behind_all, settle
from specflow.plan import Plan

__all__ = ["Bindings"]

Tree = list[Any]
_NOTHING = Ancestry()


class Bindings:
    """Looks up the leaves of trees, and judges conditions by the outcomes so far."""

    def __init__(self, plan: Plan, given: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        """Take a run's inputs, defaults filled in, and its facts (`id`, `date`)."""
        self.plan, self.facts = plan, facts
        self.needs: dict[str, Sequence[str]] = {step["id"]: step["needs"] for step in plan.document["steps"]}
        self.outcomes: dict[str, Outcome] = {}
        self.made: dict[str, Mapping[str, Any]] = {}
        self._above: dict[tuple[str, str], Ancestry] = {}
        self._data: dict[str, str] = {}
        self._given = given
        self._inputs: dict[str, Any] = {}

    def look_up(self, leaf: Tree) -> Any:
        """Return the value of a leaf; None for what is absent."""
        head, name = leaf[0], leaf[1]
        if head == "output":
            made = self.made.get(name)
            return made.get(leaf[2]) if made is not None else None
        if head == "input":
            return self._input(name)
        return self.facts[name] if head == "run" else self.data(name)

    def _input(self, name: str) -> Any:
        """Return an input of the pipeline; its default only if that is read: it may be data that a plan leaves out."""
        if name not in self._inputs:
            value, default = self._given.get(name), self.plan.document["inputs"][name]["default"]
            self._inputs[name] = evaluate(default, self.look_up) if value is None and default is not None else value
        return self._inputs[name]

    def data(self, key: str) -> str:
        """Return the path of a named source, or its address where only steps elsewhere read it."""
        if key not in self._data:
            entry = self._entry(key)
            self._data[key] = entry.get("address") or self._path(entry["path"])
        return self._data[key]

    def _path(self, name: str) -> str:
        return os.path.abspath(self.plan.path(name))  # noqa: PTH100 - per source of every run

    def _entry(self, key: str) -> Mapping[str, Any]:
        holders = (self.plan.document, *self.plan.document["islands"])
        return next(holder["data"][key] for holder in holders if key in holder["data"])

    def end(self, step: str, outcome: Outcome, made: Mapping[str, Any] | None = None) -> None:
        """Remember how a step ended, and what it made."""
        self.outcomes[step] = outcome
        if made is not None:
            self.made[step] = made
        # Worked out as steps end, so that no question goes deeper than one step back.
        self._behind(step, "")

    def settle(self, step: Mapping[str, Any]) -> Outcome | dict[str, Any]:
        """Return the values of a step's inputs if it runs, else how it ends without running."""
        return settle(step, self.look_up, self.outcomes, self._behind)

    def above(self, step: str) -> dict[str, list[bool]]:
        """Return what stands behind a step that has ended, inside each call around it."""
        return {call: list(self._behind(step, call)) for call in calls_around(step)}

    def ends_without_running(self, steps: Sequence[Mapping[str, Any]]) -> dict[str, Outcome] | None:
        """Return how all of some steps end, if none of them will run; None if any may. Nothing is entered for it."""
        kept = dict(self.outcomes), dict(self._above)
        found: dict[str, Outcome] = {}
        try:
            for step in steps:
                settled = self.settle(step)
                if not isinstance(settled, Outcome):
                    return None
                found[step["id"]] = settled
                self.end(step["id"], settled)
            return found
        finally:
            self.outcomes, self._above = kept

    def _behind(self, step: str, within: str) -> Ancestry:
        if not self.needs[step]:
            return _NOTHING
        key = (step, within)
        if key not in self._above:
            prefix = f"{within}__" if within else ""
            inside = [need for need in self.needs[step] if need.startswith(prefix)]
            self._above[key] = behind_all(inside, self.outcomes, self._behind, within)
        return self._above[key]
