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

docs/outcomes.md says it for users; its tables are tested against this module. The local engine and the launchers on the
platforms ask it the same questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

from specflow.attempt.evaluate import EvaluationError, children, evaluate

__all__ = [
    "CANCELLED",
    "CONDITION_FALSE",
    "FAIL_FAST",
    "INPUT_ABSENT",
    "UPSTREAM_FAILED",
    "Ancestry",
    "Outcome",
    "State",
    "absent_port",
    "ancestry",
    "is_absent",
    "judge",
    "reason_of",
    "run_state",
    "status_names",
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


class Outcome(NamedTuple):
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


def reason_of(failure: OSError) -> str:
    """Return why a step failed that the system refused something: what it said, and about what."""
    said = (failure.strerror or str(failure)).lower()
    return f"{said}: {failure.filename}" if failure.filename else said


class Ancestry(NamedTuple):
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
    names = status_names(when) if when is not None else set()
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


def status_names(tree: Tree) -> set[str]:
    """Return the status functions that a condition names."""
    if tree[0] == "status":
        return {tree[1]}
    return {name for child in children(tree) for name in status_names(child)}


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
