"""The results of a run's steps: which need no process of ours because there is one, and what becomes of new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from specflow.attempt.collect import Collected
from specflow.attempt.outcomes import Outcome
from specflow.plan import Plan
from specflow.targets.local.bindings import Bindings
from specflow.targets.local.cache import Cache, Key, Made
from specflow.targets.local.environments import Environments
from specflow.targets.local.holding import Holding
from specflow.targets.local.locks import Claims
from specflow.targets.local.selection import NOT_SELECTED, TAKEN_IS_GONE
from specflow.targets.local.steps import Options, Step

__all__ = ["Ended", "Later", "Results"]

CACHED = Outcome("cached")
CONTENTION_S = 0.1
"""How long to wait before asking again whether another run is done with a step."""


class Ended(NamedTuple):
    """How a step ends without running, and the result that it has then."""

    outcome: Outcome
    made: Made | None = None


class Later(NamedTuple):
    """Somebody is at the very same work: ask again after so many seconds; None: once that step of this run is done."""

    after_s: float | None


class Results:
    """What a run takes from earlier ones, from others that go on beside it, and leaves to later ones."""

    def __init__(
        self,
        plan: Plan,
        options: Options,
        facts: Mapping[str, Any],
        bindings: Bindings,
        environments: Environments,
        cache: Cache,
        claims: Claims,
        holding: Holding,
    ) -> None:
        """Serve one run; `facts` are its id, date, pipeline and target."""
        self.plan, self.options, self.facts = plan, options, facts
        self.bindings, self.environments = bindings, environments
        self.cache, self.claims, self.holding = cache, claims, holding

    def settle(self, step: Step) -> Ended | Later | None:
        """Return how a step goes on without a process of ours; None if it needs one: it has values and a key then.

        Raise OSError for an input that can't be read.
        """
        if self._is_left_out(step):
            return self._left_out(step)
        held = self.holding.take(step.id)
        if held is not None:
            return Ended(CACHED, held)
        if step.values is None:
            settled = self.bindings.settle(step.spec)
            if isinstance(settled, Outcome):
                return Ended(settled)
            step.values = settled
            environment = self.environments.identity(step.spec["environment"])
            step.key = self.cache.key(step.spec, settled, environment, self.facts)
        assert step.key is not None
        if step.holds_lock:  # then nobody else can have made it meanwhile
            return None
        if not self._shares(step):
            return self._taken_over(step, step.key)
        holder = self.claims.claim(step.key.digest, step)
        if holder != "us":
            return Later(CONTENTION_S if holder == "another run" else None)
        step.holds_lock = True
        return self._taken_over(step, step.key)

    def _is_left_out(self, step: Step) -> bool:
        """Return whether a step is not in the part that runs."""
        return self.options.selection is not None and step.id not in self.options.selection.steps

    def _left_out(self, step: Step) -> Ended:
        """Return what others need of a step that is not in the part that runs, taken from an earlier run."""
        assert self.options.selection is not None
        taken = self.options.selection.taken
        if step.id not in taken:
            return Ended(Outcome("skipped", NOT_SELECTED))
        made = self.cache.at(taken[step.id])
        return Ended(Outcome("failed", TAKEN_IS_GONE)) if made is None else Ended(CACHED, made)

    def _shares(self, step: Step) -> bool:
        """Return whether a step's result may be another's: not if it must run every time."""
        return step.spec["cache"] and self.options.use_cache and step.label not in self.options.force

    def _taken_over(self, step: Step, key: Key) -> Ended | None:
        made = self.cache.find(key) if self._shares(step) else None
        if made is None and step.id in self.options.resumed:
            made = self.cache.find_again(self.options.resumed[step.id], key)
        return None if made is None else Ended(CACHED, made)

    def keep(self, step: Step, found: Collected) -> Made:
        """Return the result of an attempt that ended well: moved to its place in one step, and remembered."""
        assert step.attempt is not None
        assert step.key is not None
        own = None if self._shares(step) else f"{self.facts['id']}/{step.id}"
        name = f"{self.plan.name}/{step.label}"
        return self.cache.take(
            step.key,
            step.attempt.folder,
            step.spec,
            found,
            self.facts["id"],
            name,
            own,
            is_shared=step.spec["cache"],
        )

    def let_go(self, step: Step) -> list[Step]:
        """Return the steps that waited for one which has ended now, however it did."""
        if not step.holds_lock or step.key is None:
            return []
        step.holds_lock = False
        return [other for other in self.claims.let_go(step.key.digest) if other.outcome is None]
