"""No key is dropped in silence: it makes another artifact, or a finding, or its case says why it need not.

What a case says is checked too: that some target does compile the key to the same whatever it says.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from specflow.conformance.cases import Case, discover
from specflow.stages import make_plan
from specflow.targets.base import target_names
from tests.conformance import changes
from tests.conformance.changes import AS_PLACED, ChangedCase, Sight, other_values, sights
from tests.conformance.coverage import keys

HERE = Path(__file__).parent
TARGETS = (*target_names(), AS_PLACED)
VALID = [case for case in discover(HERE) if case.expect.run is not None and keys() & set(case.expect.tags)]

Sights = Mapping[tuple[str, str], Sight]


def sights_of(case: Case, folder: Path, *targets: str) -> Sights:
    return sights(ChangedCase(case, folder / "case"), sorted(keys() & set(case.expect.tags)), targets)


def dropped(case: Case, found: Sights) -> list[str]:
    """Return which keys of a case nobody looks at, against its word."""
    unseen = {word for (word, _), sight in found.items() if sight == "unseen"}
    silent = [
        f"{case.id}: {target} compiles {word} to the same whatever it says"
        for (word, target), sight in found.items()
        if sight == "unseen" and word not in case.expect.unseen
    ]
    return silent + [
        f"{case.id}: says in vain why {word} is unseen" for word in sorted(case.expect.unseen.keys() - unseen)
    ]


def test_what_a_key_says_is_seen_or_its_case_says_why_not(tmp_path: Path) -> None:
    told: list[str] = []
    shown: dict[tuple[str, str], set[str]] = defaultdict(set)
    for index, case in enumerate(VALID):
        found = sights_of(case, tmp_path / str(index), *TARGETS)
        told += dropped(case, found)
        for place, sight in found.items():
            shown[place].add(sight)

    assert [] == told
    # A patch, or a setting, for another target is nothing to this machine; a platform has to have one of its own.
    enough = {name: {"seen", "told", "invalid", "unseen"} for name in TARGETS}
    enough["local"] = enough[AS_PLACED] = {*enough[AS_PLACED], "elsewhere"}
    words = [(word, target) for word in sorted(keys()) for target in TARGETS]
    assert [] == [f"{word} on {target}" for word, target in words if not shown[word, target] & enough[target]]


DROPS = [
    ("attempts/timeout", "steps.timeout", lambda step: step | {"timeout_s": None}),
    ("attempts/retry", "retry.attempts", lambda step: step | {"retry": None}),
    ("order/cpus", "compute.cpus", lambda step: step | {"cpus": 1}),
]


@pytest.mark.parametrize(("name", "word", "drop"), DROPS, ids=[word for _, word, _ in DROPS])
def test_a_key_that_a_compiler_drops_is_found(
    name: str, word: str, drop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(*given: Any) -> Any:
        plan, found = make_plan(*given)
        if plan is None:
            return plan, found
        document = {**plan.document, "steps": [drop(step) for step in plan.document["steps"]], "digest": ""}
        return replace(plan, document=document), found

    (case,) = (case for case in VALID if case.id == name)
    before = dropped(case, sights_of(case, tmp_path / "before", "local"))
    monkeypatch.setattr(changes, "make_plan", forgetful)
    after = dropped(case, sights_of(case, tmp_path / "after", "local"))

    assert [] == before
    assert f"{name}: local compiles {word} to the same whatever it says" in after


VALUES = [
    (True, {}, [False]),
    (4, {}, [64, 5, 3, 2.0]),
    ("90s", {}, ["91s", "1440s", "90sx"]),
    ("process", {"enum": ["process", "spark"]}, ["spark", "processx"]),
    ("${{ inputs.n > 1 }}", {}, ["${{ !( inputs.n > 1 ) }}"]),
]


@pytest.mark.parametrize(("value", "content", "expected"), VALUES)
def test_other_values_are_of_the_same_kind(value: Any, content: Mapping[str, Any], expected: list[Any]) -> None:
    assert [((), other) for other in expected] == list(other_values(value, content, ()))


def test_items_are_changed_and_left_out_one_by_one() -> None:
    of_texts = {"additionalProperties": {"type": "string"}}

    assert [((0,), changes.GONE), ((0,), "ax"), ((1,), changes.GONE), ((1,), 32)] == [
        change for change in other_values(["a", 2], {}, ()) if change[1] not in (3, 1, 1.0)
    ]
    assert [(("A",), changes.GONE), (("A",), "bx")] == list(other_values({"A": "b"}, of_texts, ()))
    assert [] == list(other_values({"delay": "1s"}, {"properties": {"delay": {}}}, ()))
