"""What becomes of a step once all that it needs has ended: the values of its inputs if it runs, else how it ends.

`outcomes` say how steps ended, `behind(step, within)` what stands behind one of them inside a call: an engine knows
both for a whole run, a launcher from the records of the steps right before its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from specflow.attempt.evaluate import EvaluationError, children, evaluate
from specflow.attempt.outcomes import Ancestry, Outcome, absent_port, ancestry, is_absent, judge

__all__ = ["behind_all", "settle"]

Tree = list[Any]
Lookup = Callable[[Tree], Any]
Behind = Callable[[str, str], Ancestry]


def settle(
    step: Mapping[str, Any], look_up: Lookup, outcomes: Mapping[str, Outcome], behind: Behind
) -> Outcome | dict[str, Any]:
    """Return the values of a step's inputs if it runs, else how it ends without running."""
    try:
        for condition in step["conditions"] or (None,):
            outcome = _held_back(step, condition, look_up, outcomes, behind)
            if outcome is not None:
                return outcome
        values = {port: evaluate(tree, look_up) for port, tree in step["bindings"].items()}
    except EvaluationError as failure:
        return Outcome("failed", f"an input has no value: {failure}")
    for port, facts in step["attempt"]["inputs"].items():
        if not facts["optional"] and is_absent(values[port]):
            return absent_port(_sources(step["bindings"][port], outcomes))
    return values


def behind_all(needs: Iterable[str], outcomes: Mapping[str, Outcome], behind: Behind, within: str) -> Ancestry:
    """Return what stands behind a step that needs these, looking no further out than the call `within`."""
    return ancestry((outcomes[need], behind(need, within)) for need in needs if need in outcomes)


def _held_back(
    step: Mapping[str, Any],
    condition: Mapping[str, Any] | None,
    look_up: Lookup,
    outcomes: Mapping[str, Outcome],
    behind: Behind,
) -> Outcome | None:
    if condition is None:
        return judge(None, behind_all(step["needs"], outcomes, behind, ""), look_up)
    above = behind_all(condition["needs"], outcomes, behind, condition["within"])
    outcome = judge(condition["when"], above, look_up)
    if outcome is not None:
        return outcome
    for tree in condition["requires"]:
        if is_absent(evaluate(tree, look_up)):
            return absent_port(_sources(tree, outcomes))
    return None


def _sources(tree: Tree, outcomes: Mapping[str, Outcome]) -> list[Outcome]:
    if tree[0] == "output":
        return [outcomes[tree[1]]] if tree[1] in outcomes else []
    return [outcome for child in children(tree) for outcome in _sources(child, outcomes)]
