"""What the run of a plan would do, as far as it is known before anything is run or sent; nothing is changed for it.

A step is known to be taken from an earlier run only where all that it reads is known. Behind a step that runs, nothing
is: what that gives may be what it gave before, and then those behind it are taken over after all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Literal

from specflow.attempt.outcomes import Outcome
from specflow.history import ForeignRow, History, ResultRow
from specflow.lowering import leaves_of, trees_of
from specflow.plan import Plan
from specflow.targets.local.bindings import Bindings
from specflow.targets.local.cache import Cache, Key, Made
from specflow.targets.local.crossings import made_elsewhere
from specflow.targets.local.environments import Environments
from specflow.targets.local.foreign import Abroad, Errand, Isle
from specflow.targets.local.why import code_files, differences
from specflow.targets.local.workspace import Workspace

__all__ = ["Forecast", "IslandForecast", "StepForecast", "forecast"]

State = Literal["cached", "skipped", "runs", "may run"]
NO_RUN = "(the run)"
"""Stands for the id and the date of a run that has not begun."""


@dataclass(frozen=True, slots=True)
class StepForecast:
    """What becomes of a step, and why, a line for each reason."""

    id: str
    label: str
    target: str
    island: str | None
    state: State
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IslandForecast:
    """What becomes of an island: `runs` says that it is submitted."""

    name: str
    target: str
    state: State
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Forecast:
    """What becomes of all of a plan's steps and islands, in the plan's order."""

    steps: tuple[StepForecast, ...]
    islands: tuple[IslandForecast, ...]


def forecast(plan: Plan, given: Mapping[str, Any], workspace: Workspace, *, use_cache: bool = True) -> Forecast:
    """Return what a run in a project with these inputs would do."""
    workspace.open()
    history = History(workspace.history)
    try:
        return _Forecaster(plan, given, workspace, history, use_cache=use_cache).go()
    finally:
        history.close()


class _ReadOnly(Cache):
    """The results of a project, damaged ones left where they are."""

    def _drop(self, row: ResultRow, path: str) -> None:
        del row
        self.damaged.append(path)


class _Nobody:
    """Where no bridge comes from: nothing is sent."""

    def open(self, errand: Errand, wake: Any) -> Any:
        raise AssertionError(errand, wake)


class _Forecaster:
    """One forecast; used once."""

    def __init__(
        self, plan: Plan, given: Mapping[str, Any], workspace: Workspace, history: History, *, use_cache: bool
    ) -> None:
        self.plan, self.history, self.use_cache = plan, history, use_cache
        self.facts = {"id": NO_RUN, "date": NO_RUN, "pipeline": plan.name, "target": "local"}
        self.cache = _ReadOnly(workspace.results, history)
        self.environments = Environments(plan, workspace.path / "environments")
        self.bindings = Bindings(plan, given, self.facts)
        self.abroad = Abroad(
            plan, given, self.bindings, self.cache, history, NO_RUN, FilePath(), _Nobody(), lambda: None, workspace.root
        )
        self.specs = self.abroad.specs
        self.steps: dict[str, StepForecast] = {}
        self.islands: dict[str, IslandForecast] = {}

    def go(self) -> Forecast:
        """Return the forecast: every step and island in an order in which each comes after what it needs."""
        open_ = list(self.specs)
        while open_:
            left = [name for name in open_ if not self._is_told(name)]
            assert len(left) < len(open_), left  # islands among themselves have no cycle
            open_ = left
        order = self.plan.document["islands"]
        return Forecast(
            tuple(self.steps[name] for name in self.specs), tuple(self.islands[isle["name"]] for isle in order)
        )

    def _is_told(self, name: str) -> bool:
        """Return whether a step's fate is settled, as far as it can be, now that those before it are."""
        if name in self.steps:
            return True
        step = self.specs[name]
        needs = step["needs"] if step["island"] is None else self.abroad.isles[step["island"]].spec["outer"]
        if any(need not in self.steps for need in needs):
            return False
        unknown = [need for need in needs if need not in self.bindings.outcomes]
        if step["island"] is None:
            self._tell(name, *self._here(step, unknown))
        else:
            self._tell_island(self.abroad.isles[step["island"]], unknown)
        return True

    def _tell(self, name: str, state: State, why: tuple[str, ...]) -> None:
        step = self.specs[name]
        self.steps[name] = StepForecast(name, step["label"], step["target"], step["island"], state, why)

    # Steps on this machine

    def _here(self, step: Mapping[str, Any], unknown: list[str]) -> tuple[State, tuple[str, ...]]:
        if unknown:
            return "may run", (self._hangs_on(unknown),)
        asked = {leaf[1] for leaf in leaves_of(*trees_of(step)) if leaf[0] == "run"}
        if asked:
            return "may run" if step["conditions"] else "runs", (_asks(asked),)
        settled = self.bindings.settle(step)
        if isinstance(settled, Outcome):
            self.bindings.end(step["id"], settled)
            return "skipped", (settled.reason,)
        if not step["cache"]:
            return "runs", ("it must run every time",)
        if step["asks_run"]:
            return "runs", (_asks(step["asks_run"]),)
        key = self.cache.key(step, settled, self.environments.identity(step["environment"]), self.facts)
        made = self.cache.find(key) if self.use_cache else None
        if made is not None:
            return self._taken_over(step, made)
        return "runs", tuple(self._why(step, key))

    def _taken_over(self, step: Mapping[str, Any], made: Made) -> tuple[State, tuple[str, ...]]:
        self.bindings.end(step["id"], Outcome("cached"), made.outputs)
        row = self.history.result_at(made.home)
        return "cached", (f"made in run {row.run}",) if row is not None else ()

    def _why(self, step: Mapping[str, Any], key: Key) -> Iterator[str]:
        """Yield what differs from the step's latest result."""
        if not self.use_cache:
            yield "earlier results are not taken"
            return
        earlier = next(self.history.earlier_results(f"{self.plan.name}/{step['label']}"), None)
        if earlier is None:
            yield "there is no earlier result of it"
            return
        now = earlier._replace(parts=key.parts)
        code = self.plan.document["code"].get(step["code"], {}) if step["code"] else {}
        found = list(differences(earlier, now, code_files(self.history, earlier), code))
        yield from found or [f"its result of run {earlier.run} is damaged or gone"]

    def _hangs_on(self, unknown: list[str]) -> str:
        names = ", ".join(self.steps[name].label for name in unknown[:3])
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        return f"hangs on what {names}{more} will give"

    # Islands

    def _tell_island(self, isle: Isle, unknown: list[str]) -> None:
        state, why = self._elsewhere(isle, unknown)
        self.islands[isle.spec["name"]] = IslandForecast(isle.spec["name"], isle.spec["target"], state, why)
        for name in isle.spec["steps"]:
            if name not in self.steps:
                self._tell(name, state, why)

    def _elsewhere(self, isle: Isle, unknown: list[str]) -> tuple[State, tuple[str, ...]]:
        if unknown:
            return "may run", (self._hangs_on(unknown),)
        verdicts = self.abroad.verdicts(isle)
        if verdicts is not None:
            for name, outcome in verdicts.items():
                self.bindings.end(name, outcome)
                self._tell(name, "skipped", (outcome.reason,))
            return "skipped", ("none of its steps would run",)
        steps = [self.specs[name] for name in isle.spec["steps"]]
        every_time = [step["label"] for step in steps if not step["cache"]]
        if every_time:
            return "runs", (f"{every_time[0]} must run every time",)
        asking = [step for step in steps if step["asks_run"]]
        if asking:
            return "runs", (_asks(asking[0]["asks_run"], asking[0]["label"]),)
        earlier = self.history.foreign(self.abroad.content(isle))
        if earlier is not None and earlier.state == "succeeded" and self.use_cache:
            self._enter(isle, earlier)
            return "cached", (f"run with the same content as job {earlier.job}, in run {earlier.run}",)
        if earlier is not None and earlier.state == "running" and not self.history.is_running(earlier.run):
            return "runs", (f"job {earlier.job or earlier.key} of run {earlier.run} is taken up where it is",)
        return "runs", tuple(self._why_elsewhere(earlier))

    def _enter(self, isle: Isle, earlier: ForeignRow) -> None:
        for name in isle.spec["steps"]:
            record = earlier.records[name]
            outcome = Outcome(record["state"], record["reason"])
            made = made_elsewhere(self.specs[name], record, record["fetched"]) if outcome.is_good else None
            isle.records[name] = record
            self.bindings.end(
                name, Outcome("cached") if outcome.is_good else outcome, made.outputs if made is not None else None
            )

    def _why_elsewhere(self, earlier: ForeignRow | None) -> Iterator[str]:
        if not self.use_cache:
            yield "earlier results are not taken"
        elif earlier is not None:
            yield f"job {earlier.job or earlier.key}, the last with this content, is {earlier.state}"
        else:
            yield "no job with this content has been run from here"


def _asks(names: Iterable[str], who: str = "it") -> str:
    return f"{who} asks for the run's {' and '.join(sorted(names))}"
