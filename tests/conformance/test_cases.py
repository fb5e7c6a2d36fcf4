"""The suite itself: every case on every installed target, from its spec and from the plan that was written to disk."""

from pathlib import Path

import pytest

from specflow.conformance.cases import Case, discover
from specflow.conformance.suite import run_case
from specflow.targets.base import target_names

CASES = discover(Path(__file__).parent)
# What waits by the clock is not waited for twice: a plan that was saved holds the same numbers.
FROM_PLANS = [case for case in CASES if case.expect.run is not None and not case.id.startswith(("attempts/", "order/"))]


@pytest.mark.parametrize("target", target_names())
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_case_passes_or_is_refused_as_declared(case: Case, target: str) -> None:
    result = run_case(case, target)

    assert result.verdict != "failed", "\n".join(result.told)


@pytest.mark.parametrize("target", target_names())
@pytest.mark.parametrize("case", FROM_PLANS, ids=lambda case: case.id)
def test_a_plan_from_disk_gives_what_its_spec_gives(case: Case, target: str) -> None:
    result = run_case(case, target, "plan")

    assert result.verdict != "failed", "\n".join(result.told)
