"""One project, run alone on this machine and mixed over simulated platforms; and what can be compared of the two."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specflow.attempt import launch
from specflow.installed import installed_targets
from specflow.plan import Plan
from specflow.spec.load import Loader
from specflow.stages import make_plan, validate
from specflow.targets.base import target
from specflow.targets.local.session import run_plan
from specflow.targets.local.steps import Options, Result
from specflow.targets.local.workspace import Workspace
from tests.mixed.simulation.pipelines import Writer
from tests.mixed.simulation.platform import Job, NoTime, SimulatedClient, SimulatedPlatform, Trouble, is_well
from tests.mixed.simulation.step import content
from tests.mixed.simulation.world import NEVER, CoordinatorKilled, SimulatedBridges, SimulatedProcesses, World

STORE = 'store: {local: .specflow/exchange, alpha: /alpha/store, beta: "beta:/store"}'
PLATFORMS = ("alpha", "beta")
DEAD = 2**22 + 1
"""A process id that no process has."""


@contextmanager
def simulated_targets() -> Iterator[None]:
    """Have `alpha` and `beta` among the installed targets."""
    installed = installed_targets()
    assert isinstance(installed, dict)
    for name in PLATFORMS:
        installed[name] = f"tests.mixed.simulation.platform:{name.upper()}"
    time = launch.time
    try:
        yield
    finally:
        launch.time = time
        for name in PLATFORMS:
            del installed[name]
        target.cache_clear()


@dataclass(frozen=True, slots=True)
class Seen:
    """What of a run may be compared: how it and its steps ended, and its outputs by content."""

    state: str
    steps: Mapping[str, tuple[str, str]]
    attempts: Mapping[str, int]
    outputs: Mapping[str, Any]


class Stage:
    """A project of a seed in an empty folder, its plans, and the worlds in which it is run."""

    def __init__(self, folder: Path, seed: int = 0, *, is_written: bool = False) -> None:
        self.folder, self.seed = folder, seed
        if not is_written:
            Writer(folder, random.Random(seed), ("local", *PLATFORMS)).write()
        (folder / "specflow.yaml").write_text(f"specflow: 1\nprofiles: {{all: {{{STORE}}}}}\n")
        self.checked = validate(folder / "p.yaml", Loader(folder, "all"))
        self.local = self._plan("local")
        self.mixed = self._plan(None)

    @property
    def fails_fast(self) -> bool:
        """Return whether a failure starts nothing new."""
        return bool(self.local.document["fail_fast"])

    def _plan(self, chosen: str | None) -> Plan:
        plan, found = make_plan(self.checked, chosen)
        assert plan is not None, [finding.message for finding in found]
        return plan

    def here(self) -> Seen:
        """Return what is seen of the run on this machine alone."""
        world = World(self.seed)
        workspace = Workspace(self.folder / "alone")
        return seen(run(self.local, workspace, SimulatedProcesses(world), None, use_cache=False))

    def abroad(self, trouble: Trouble | None = None) -> Abroad:
        """Return platforms for the mixed run."""
        return Abroad(self, World(self.seed + 1), trouble or Trouble())


class Abroad:
    """The platforms of one project, and runs that meet them."""

    def __init__(self, stage: Stage, world: World, trouble: Trouble) -> None:
        self.stage, self.world = stage, world
        self.platforms = {name: SimulatedPlatform(name, world, stage.folder / "abroad", trouble) for name in PLATFORMS}
        self.workspace = Workspace(stage.folder / "mixed")
        launch.time = NoTime(world)  # type: ignore[assignment]

    def run(self, *, interrupted_at: float = NEVER, use_cache: bool = False) -> Seen:
        """Return what is seen of a run of the mixed plan."""
        processes = SimulatedProcesses(self.world)
        count = self._interrupts(processes, interrupted_at)
        return seen(run(self.stage.mixed, self.workspace, processes, self._bridges(), count, use_cache=use_cache))

    def killed(self, after_s: float) -> bool:
        """Run until the coordinator is killed; return False if it has ended before."""
        aside = self.stage.folder / "aside"
        database = self.workspace.history

        def keep() -> None:
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir()
            for file in database.parent.glob(f"{database.name}*"):
                shutil.copy(file, aside / file.name)
            raise CoordinatorKilled

        self.world.at(self.world.now + after_s, keep)
        try:
            run(self.stage.mixed, self.workspace, SimulatedProcesses(self.world), self._bridges())
        except CoordinatorKilled:
            for file in database.parent.glob(f"{database.name}*"):
                file.unlink()
            for file in aside.iterdir():
                shutil.copy(file, database.parent / file.name)
            with sqlite3.connect(database) as history:
                history.execute("UPDATE runs SET pid=?", (DEAD,))
            history.close()
            return True
        else:
            return False
        finally:
            self.world.due.clear()  # what was to happen in the process that is gone

    def needless(self) -> list[str]:
        """Return the jobs that were submitted although one of the same steps ran, or had ended well."""
        found = []
        for side in self.platforms.values():
            last: dict[frozenset[str], Job] = {}
            for job in sorted(side.jobs.values(), key=lambda job: job.began):
                before = last.get(frozenset(job.steps))
                if before is not None and (before.end > job.began or is_well(before)):
                    found.append(f"{job.id} after {before.id}")
                last[frozenset(job.steps)] = job
        return found

    def still_run(self) -> list[str]:
        """Return the jobs that have not ended."""
        now = self.world.now
        jobs = (job for side in self.platforms.values() for job in side.jobs.values())
        return [job.id for job in jobs if min(job.end, job.cancelled_at) > now]

    def _bridges(self) -> SimulatedBridges:
        return SimulatedBridges(self.world, lambda name, settings: SimulatedClient(self.platforms[name], settings))

    def _interrupts(self, processes: SimulatedProcesses, moment: float) -> Callable[[], int]:
        counted = [0]

        def interrupt() -> None:
            counted[0] += 1
            processes.wake()

        if moment < NEVER:
            self.world.at(self.world.now + moment, interrupt)
        return lambda: counted[0]


def run(
    plan: Plan,
    workspace: Workspace,
    processes: Any,
    bridges: Any,
    is_interrupted: Callable[[], int] = lambda: 0,
    **options: Any,
) -> Result:
    """Return how a run ended."""
    chosen = Options(4, {"PATH": "/usr/bin:/bin"}, bridges=bridges, **options)
    return run_plan(plan, {}, workspace, chosen, lambda event: None, processes, is_interrupted).result


def seen(result: Result) -> Seen:
    """Return what may be compared of a result."""
    labels = result.steps.items()
    return Seen(
        result.state,
        {label: (step.outcome.state, step.outcome.reason) for label, step in labels},
        {label: step.attempts for label, step in labels},
        {name: _by_content(value) for name, value in result.outputs.items()},
    )


def _by_content(value: Any) -> Any:
    if isinstance(value, list):
        return [_by_content(item) for item in value]
    if isinstance(value, str) and Path(value).exists():
        return Path(value).name, content(Path(value))
    return value


def agree(here: Seen, abroad: Seen, *, fails_fast: bool) -> bool:
    """Return whether a mixed run ended as one on this machine alone.

    With `fail_fast` what had begun when the first step failed is a matter of time: a step may also have ended as it
    would have, or have been held back; and Azure ML cancels what runs then, which it says of itself.
    """
    if not fails_fast:
        return here == abroad
    stopped = {("skipped", "fail fast"), ("cancelled", "cancelled")}
    ends = [(end, abroad.steps[label]) for label, end in here.steps.items()]
    return here.state == abroad.state and all(a == b or stopped & {a, b} for a, b in ends)


def regardless_of_the_cache(seen: Seen) -> Seen:
    """Return what is seen when results of earlier runs count as made anew."""
    steps = {label: ("succeeded", "") if end[0] == "cached" else end for label, end in seen.steps.items()}
    return Seen(seen.state, steps, {}, seen.outputs)
