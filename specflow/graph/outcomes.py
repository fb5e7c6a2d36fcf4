"""The algebra of DESIGN §3.6: how steps end, and what that means for the steps behind them. Pure.

| a step is                          | state     | reason            | counts as failed |
|------------------------------------|-----------|-------------------|------------------|
| run, and its attempt succeeded     | succeeded |                   | no               |
| not run, an earlier result taken   | cached    |                   | no               |
| run, and its last attempt failed   | failed    | (what went wrong) | yes              |
| not run: `success()` did not hold  | skipped   | upstream failed   | yes              |
| not run: a required port is null   | skipped   | upstream failed   | yes              |
| … and nothing failed               | skipped   | input absent      | no               |
| not run: its own `when` is false   | skipped   | condition false   | no               |
| not run: fail_fast                 | skipped   | fail fast         | yes              |
| ended by a cancellation            | cancelled | cancelled         | no, and not well |

docs/outcomes.md says it for users; its tables are tested against this module. An engine asks a `Ledger` what to do with
each step; `settle` plays a whole graph without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from specflow.attempt.evaluate import EvaluationError, children, evaluate

if TYPE_CHECKING:
    from specflow.graph.model import Condition, Node

__all__ = [
    "CANCELLED",
    "CONDITION_FALSE",
    "FAIL_FAST",
    "INPUT_ABSENT",
    "UPSTREAM_FAILED",
    "Ancestry",
    "Fate",
    "Ledger",
    "Outcome",
    "State",
    "Terms",
    "absent_port",
    "ancestry",
    "is_absent",
    "judge",
    "run_state",
    "settle",
    "terms_of",
]

State = Literal["succeeded", "cached", "failed", "skipped", "cancelled"]
RunState = Literal["succeeded", "failed", "cancelled"]
Tree = list[Any]
Lookup = Callable[[Tree], Any]

UPSTREAM_FAILED = "upstream failed"
INPUT_ABSENT = "input absent"
CONDITION_FALSE = "condition false"
FAIL_FAST = "fail fast"
CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended, and why, if not well."""

    state: State
    reason: str = ""

    @property
    def is_good(self) -> bool:
        """Return whether its outputs are there."""
        return self.state in ("succeeded", "cached")

    @property
    def counts_as_failed(self) -> bool:
        """Return whether `failure()` sees it: it failed, or did not run because of a failure."""
        return self.state == "failed" or (self.state == "skipped" and self.reason in (UPSTREAM_FAILED, FAIL_FAST))


@dataclass(frozen=True, slots=True)
class Ancestry:
    """What `success()` and `failure()` look at: whether any ancestor counts as failed, or was cancelled."""

    failed: bool = False
    cancelled: bool = False


def ancestry(direct: Iterable[tuple[Outcome, Ancestry]]) -> Ancestry:
    """Return the ancestry behind direct predecessors, each given with its own ancestry."""
    failed = cancelled = False
    for outcome, above in direct:
        failed = failed or outcome.counts_as_failed or above.failed
        cancelled = cancelled or outcome.state == "cancelled" or above.cancelled
    return Ancestry(failed, cancelled)


def judge(when: Tree | None, above: Ancestry, lookup: Lookup) -> Outcome | None:
    """Return how a step ends without running because of one condition, or None where the condition holds.

    `when` is the condition's tree; None means `success()`. Without a status function in it, `success() &&` is put
    before it. A null condition is false. A condition without a value (a division by zero) is a failed step.
    """
    names = _status_names(when) if when is not None else set()
    asks_success = when is None or not names or "success" in names
    is_well = not above.failed and not above.cancelled
    statuses = {"success": is_well, "failure": above.failed, "always": True}

    def look(tree: Tree) -> Any:
        return statuses[tree[1]] if tree[0] == "status" else lookup(tree)

    try:
        holds = (when is None or names or is_well) and (is_well if when is None else evaluate(when, look) is True)
    except EvaluationError as failure:
        return Outcome("failed", f"the condition has no value: {failure}")
    if holds:
        return None
    if asks_success and above.failed:
        return Outcome("skipped", UPSTREAM_FAILED)
    if asks_success and above.cancelled:
        return Outcome("cancelled", CANCELLED)
    return Outcome("skipped", CONDITION_FALSE)


def _status_names(tree: Tree) -> set[str]:
    if tree[0] == "status":
        return {tree[1]}
    return {name for child in children(tree) for name in _status_names(child)}


def absent_port(sources: Iterable[Outcome]) -> Outcome:
    """Return how a step ends whose required port is null, given the outcomes of the steps that feed the port."""
    if any(source.counts_as_failed for source in sources):
        return Outcome("skipped", UPSTREAM_FAILED)
    return Outcome("skipped", INPUT_ABSENT)


def is_absent(value: Any) -> bool:
    """Return whether a value leaves a required port null: there is none, or a list is left with no element."""
    return value is None or value == []


def run_state(outcomes: Mapping[str, Outcome], absent_outputs: Iterable[str], *, was_cancelled: bool) -> RunState:
    """Return how the run ended: any failed step fails it, handled or not; so does an absent required output."""
    if was_cancelled:
        return "cancelled"
    if any(outcome.state == "failed" for outcome in outcomes.values()):
        return "failed"
    if any(outcome.state == "cancelled" for outcome in outcomes.values()):
        return "cancelled"
    return "failed" if any(True for _ in absent_outputs) else "succeeded"


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

    outcome: Outcome = Outcome("succeeded")
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
