"""The suite itself: every case on every installed target, from its spec and from the plan that was written to disk."""

import zlib
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from specflow.conformance.cases import Case, discover
from specflow.conformance.suite import run_case
from specflow.targets.base import target_names

CASES = discover(Path(__file__).parent)
# What waits by the clock is not waited for twice: a plan that was saved holds the same numbers.
FROM_PLANS = [case for case in CASES if case.expect.run is not None and not case.id.startswith(("attempts/", "order/"))]


# A case takes a platform's SDK and emulator seconds: one in so many is run each time, all where it is asked for.
SHARE, SHARE_FROM_PLANS = 6, 20


def on_targets(cases: list[Case], share: int) -> list[ParameterSet]:
    """Return every case on every target, those that take a platform long, and are not in the share, marked so."""
    found = []
    for case in cases:
        for name in target_names():
            is_shared = name == "local" or zlib.crc32(case.id.encode()) % share == 0
            marks = [] if is_shared else [pytest.mark.long]
            found.append(pytest.param(case, name, id=f"{case.id}-{name}", marks=marks))
    return found


@pytest.mark.parametrize(("case", "target"), on_targets(CASES, SHARE))
def test_a_case_passes_or_is_refused_as_declared(case: Case, target: str) -> None:
    result = run_case(case, target)

    assert result.verdict != "failed", "\n".join(result.told)


@pytest.mark.parametrize(("case", "target"), on_targets(FROM_PLANS, SHARE_FROM_PLANS))
def test_a_plan_from_disk_gives_what_its_spec_gives(case: Case, target: str) -> None:
    result = run_case(case, target, "plan")

    assert result.verdict != "failed", "\n".join(result.told)
