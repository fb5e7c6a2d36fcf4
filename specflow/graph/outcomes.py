"""How the steps of a whole graph end, by the algebra of `specflow.attempt.outcomes`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from specflow.attempt.evaluate import EvaluationError, children, evaluate
from specflow.attempt.outcomes import FAIL_FAST, Ancestry, Outcome, absent_port, ancestry, is_absent, judge

if TYPE_CHECKING:
    from specflow.graph.model import Condition, Node

__all__ = ["Fate", "Ledger", "Terms", "settle", "terms_of"]

Tree = list[Any]
Lookup = Callable[[Tree], Any]

_SUCCEEDED = Outcome("succeeded")


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a step runs: its conditions, those of the outermost call first, and what its ports are given.

    No condition at all is the one that needs no saying: `success()`.
    """

    needs: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    ports: Mapping[str, Tree] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()


def terms_of(node: Node) -> Terms:
    """Return the terms on which a step of a graph runs."""
    optional = frozenset(name for name, port in node.inputs.items() if port.optional)
    return Terms(node.needs, node.conditions, {name: port.binding for name, port in node.inputs.items()}, optional)


class Ledger:
    """The steps of a run that have ended, and what follows from it for the others."""

    def __init__(self) -> None:
        """Begin with none."""
        self.outcomes: dict[str, Outcome] = {}
        self._needs: dict[str, tuple[str, ...]] = {}
        self._above: dict[tuple[str, str], Ancestry] = {}

    def enter(self, step: str, needs: tuple[str, ...], outcome: Outcome) -> None:
        """Take down how a step ended; all that it needs is entered already."""
        self.outcomes[step] = outcome
        self._needs[step] = needs
        # Now, though nobody asks yet: so the way to the oldest ancestor is never longer than one step.
        parts = step.split("__")
        for length in range(len(parts)):
            self._above_of(step, "__".join(parts[:length]))

    def verdict(self, terms: Terms, lookup: Lookup) -> Outcome | dict[str, Any]:
        """Return how a step ends without running; if it runs, the values of its ports.

        All that it needs is entered; `lookup` gives None for outputs of steps that did not end well.
        """
        try:
            outcome = self._held_back(terms, lookup)
            values = {port: evaluate(tree, lookup) for port, tree in terms.ports.items()} if outcome is None else {}
        except EvaluationError as failure:
            return Outcome("failed", f"an input has no value: {failure}")
        if outcome is not None:
            return outcome
        for port, value in values.items():
            if port not in terms.optional and is_absent(value):
                return absent_port(self._sources(terms.ports[port]))
        return values

    def _held_back(self, terms: Terms, lookup: Lookup) -> Outcome | None:
        """Return how a step ends that one of its conditions keeps from running, from the outermost call inwards."""
        if not terms.conditions:
            return judge(None, self._ancestry(terms.needs, ""), lookup)
        for condition in terms.conditions:
            outcome = judge(condition.when, self._ancestry(condition.needs, condition.within), lookup)
            if outcome is not None:
                return outcome
            for tree in condition.requires:
                if is_absent(evaluate(tree, lookup)):
                    return absent_port(self._sources(tree))
        return None

    def _sources(self, tree: Tree) -> list[Outcome]:
        if tree[0] == "output":
            return [self.outcomes[tree[1]]]
        return [outcome for child in children(tree) for outcome in self._sources(child)]

    def _ancestry(self, needs: Iterable[str], within: str) -> Ancestry:
        """Return what stands behind some steps, looking no further out than the call `within`."""
        return ancestry((self.outcomes[need], self._above_of(need, within)) for need in needs)

    def _above_of(self, step: str, within: str) -> Ancestry:
        key = (step, within)
        if key not in self._above:
            prefix = f"{within}__" if within else ""
            self._above[key] = self._ancestry((need for need in self._needs[step] if need.startswith(prefix)), within)
        return self._above[key]


@dataclass(frozen=True, slots=True)
class Fate:
    """What would come of a step if it ran: how it ends, and the values of the outputs that it leaves."""

    outcome: Outcome = _SUCCEEDED
    outputs: Mapping[str, Any] = field(default_factory=dict)


def settle(
    steps: Mapping[str, Terms],
    fates: Mapping[str, Fate],
    inputs: Mapping[str, Any] | None = None,
    *,
    fail_fast: bool = False,
) -> dict[str, Outcome]:
    """Return how each step of a graph ends, given what would come of it if it ran and the pipeline's inputs.

    Steps come in an order in which each is after what it needs, and run in it, one at a time: only with `fail_fast`
    does that matter.
    """
    ledger = Ledger()

    def look_up(leaf: Tree) -> Any:
        if leaf[0] == "output":
            return fates[leaf[1]].outputs.get(leaf[2]) if ledger.outcomes[leaf[1]].is_good else None
        return (inputs or {}).get(leaf[1]) if leaf[0] == "input" else leaf[1]

    for name, terms in steps.items():
        if fail_fast and any(outcome.state == "failed" for outcome in ledger.outcomes.values()):
            ledger.enter(name, terms.needs, Outcome("skipped", FAIL_FAST))
            continue
        found = ledger.verdict(terms, look_up)
        ledger.enter(name, terms.needs, found if isinstance(found, Outcome) else fates[name].outcome)
    return ledger.outcomes
