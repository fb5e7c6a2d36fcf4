"""A world with a clock of its own: processes that never start, and bridges that walk without threads.

Nothing waits. Whoever would, has the clock go on to the next moment at which something happens.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from specflow.bridging.bridge import Bridge
from specflow.bridging.follow import Pace
from specflow.targets.base import Client
from specflow.targets.local.foreign import Errand
from tests.mixed.simulation.step import play

NEVER = float("inf")


class CoordinatorKilled(BaseException):
    """The coordinator's process is gone, as by `kill -9`."""


class World:
    """The clock, and what is to happen when; chance comes from one seed."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.random = random.Random(seed)
        self.due: list[tuple[float, int, Callable[[], None]]] = []
        self.number = 0

    def at(self, moment: float, happens: Callable[[], None]) -> None:
        """Have something happen at a moment."""
        self.number += 1
        heapq.heappush(self.due, (max(moment, self.now), self.number, happens))

    def go_on(self, until: float | None) -> bool:
        """Let the next thing happen that is due by then, and return True; else let the time pass."""
        if self.due and (until is None or self.due[0][0] <= until):
            self.now, _, happens = heapq.heappop(self.due)
            happens()
            return True
        assert until is not None, "nothing can happen any more, and the run waits"
        self.now = until
        return False

    def some(self, shortest: float, longest: float) -> float:
        """Return a duration by chance."""
        return self.random.uniform(shortest, longest)


class SimulatedChild:
    """A process that the world only thinks of."""

    def __init__(self, program: str, tag: Any) -> None:
        self.program, self.tag = program, tag
        self.returncode: int | None = None
        self.failure: OSError | None = None
        self.kill_at: float | None = None
        self.ends: Callable[[int], None] = lambda code: None

    def terminate(self, now: float, grace_s: float = 10.0) -> None:
        """End it: a step of ours ends when it is asked."""
        del now, grace_s
        self.ends(-15)

    def kill(self) -> None:
        """End it at once."""
        self.ends(-9)


class SimulatedProcesses:
    """Stands in for `Processes`: what a step does is done when it starts, and seen when it ends."""

    def __init__(self, world: World, killed_at: float = NEVER) -> None:
        self.world = world
        self.children: set[SimulatedChild] = set()
        self.done: list[SimulatedChild] = []
        self.is_woken = False
        if killed_at < NEVER:
            world.at(killed_at, self._kill)

    def _kill(self) -> None:
        raise CoordinatorKilled

    def now(self) -> float:
        """Return the world's time."""
        return self.world.now

    def start(self, argv: Sequence[str], env: Mapping[str, str], cwd: str, log: Any, tag: Any) -> SimulatedChild:
        """Return a process of a step."""
        del cwd, log
        child = SimulatedChild(argv[0], tag)
        self.children.add(child)

        def end(code: int) -> None:
            if child in self.children:
                self.children.remove(child)
                child.returncode = code
                self.done.append(child)

        child.ends = end
        fate = play(argv[2:], int(env["SPECFLOW_ATTEMPT"]))
        if fate != "hang":
            self.world.at(self.world.now + self.world.some(0.1, 20), lambda: end(0 if fate == "ok" else 1))
        return child

    def wake(self) -> None:
        """Make a `wait` return."""
        self.is_woken = True

    def wait(self, timeout: float | None) -> list[SimulatedChild]:
        """Return the processes that have ended by the time that the first of them did."""
        until = None if timeout is None else self.world.now + timeout
        while not self.done and not self.is_woken:
            if not self.world.go_on(until):
                break
        self.is_woken = False
        done, self.done = self.done, []
        return done

    def close(self) -> None:
        """Let go of nothing."""


class WalkingBridge(Bridge):
    """A bridge that the world lets walk: between two looks the clock goes on, and nobody waits."""

    world: World
    path: Iterator[float]
    turn: int = 0

    def start(self) -> None:
        """Begin as soon as the clock goes on."""
        self.path = self.walk()
        self._soon(self.world.some(0, 2))

    def cancel(self) -> None:
        """Have the platform end the job."""
        self.is_cancelled = True
        self._soon(0.0)

    def _soon(self, wait_s: float) -> None:
        self.turn += 1
        turn = self.turn
        self.world.at(self.world.now + wait_s, lambda: self._step(turn))

    def _step(self, turn: int) -> None:
        if turn == self.turn:  # else it was woken early, and has gone on
            wait_s = next(self.path, None)
            if wait_s is not None:
                self._soon(wait_s)


class SimulatedBridges:
    """Where a run's bridges come from; the platforms outlive the coordinator."""

    def __init__(self, world: World, connect: Callable[[str, Mapping[str, Any]], Client]) -> None:
        self.world, self.connect = world, connect

    def open(self, errand: Errand, wake: Callable[[], None]) -> WalkingBridge:
        """Return a bridge."""
        bridge = WalkingBridge(errand, lambda: self.connect(errand.target, errand.settings), Pace(), wake)
        bridge.world = self.world
        return bridge
