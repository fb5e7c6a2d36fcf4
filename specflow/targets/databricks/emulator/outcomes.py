"""What follows from how tasks ended: which tasks run then, what a condition says, what the run as a whole is.

Sources: docs.databricks.com/jobs/run-if ("Run if condition options", "determine job run status"), /jobs/if-else
(operators), and the docstrings of `RunIf`, `RunResultState` and `ConditionTaskOp` in databricks-sdk.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

__all__ = ["FAILED", "holds", "run_result", "verdict"]

FAILED = frozenset({"FAILED", "TIMEDOUT", "UPSTREAM_FAILED"})
"""Results that count as failed for the tasks behind them."""

_CANCELLED = frozenset({"CANCELED", "UPSTREAM_CANCELED"})
_NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "GREATER_THAN": operator.gt,
    "GREATER_THAN_OR_EQUAL": operator.ge,
    "LESS_THAN": operator.lt,
    "LESS_THAN_OR_EQUAL": operator.le,
}


def verdict(run_if: str, results: Sequence[str], *, excluded_counts_as_success: bool) -> str:
    """Return "" if a task is to run after dependencies that ended so, else the result that it gets without running.

    A dependency on the other outcome of a condition counts as `EXCLUDED`, a disabled one as `SUCCESS`.
    """
    if not results:
        return ""
    if all(result == "EXCLUDED" for result in results):
        return "EXCLUDED"
    bad = [result for result in results if result in FAILED or result in _CANCELLED]
    good = [result for result in results if result in ("SUCCESS", "SUCCESS_WITH_FAILURES", "DISABLED")]
    spared = len(good) + (results.count("EXCLUDED") if excluded_counts_as_success else 0)
    met = {
        "ALL_SUCCESS": spared == len(results),
        "AT_LEAST_ONE_SUCCESS": bool(good),
        "NONE_FAILED": not bad,
        "ALL_DONE": True,
        "AT_LEAST_ONE_FAILED": bool(bad),
        "ALL_FAILED": len(bad) == len(results),
    }[run_if]
    if met:
        return ""
    if run_if in ("AT_LEAST_ONE_FAILED", "ALL_FAILED"):
        return "EXCLUDED"
    return "UPSTREAM_CANCELED" if bad and all(result in _CANCELLED for result in bad) else "UPSTREAM_FAILED"


def holds(op: str, left: str, right: str) -> bool:
    """Return whether a condition holds: of text for `EQUAL_TO`, `NOT_EQUAL`, else of numbers; ValueError if not."""
    if op == "EQUAL_TO":
        return left == right
    if op == "NOT_EQUAL":
        return left != right
    return _NUMERIC[op](float(left), float(right))


def run_result(results: Sequence[str], leaves: Sequence[str]) -> str:
    """Return the result state of a run whose tasks, and whose tasks with nothing behind them, ended so."""
    if any(result in FAILED for result in leaves):
        return "FAILED"
    if any(result in _CANCELLED for result in leaves):
        return "CANCELED"
    if any(result in FAILED or result in _CANCELLED for result in results):
        return "SUCCESS_WITH_FAILURES"
    return "SUCCESS"
