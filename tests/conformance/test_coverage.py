"""The suite is complete by construction: what the language has, some case uses; what a case says of itself is true."""

from pathlib import Path

import pytest

from specflow.conformance.cases import Case, discover
from specflow.diagnostics.codes import codes
from specflow.graph.features import FEATURES
from specflow.targets.base import target, target_names
from tests.conformance.coverage import language, shown
from tests.docs.pages import ROOT

CASES = discover(Path(__file__).parent)


def test_every_word_of_the_language_has_a_case() -> None:
    used = frozenset[str]().union(*(shown(case) for case in CASES))

    assert [] == sorted(language() - used)


def of_a_platform_alone() -> set[str]:
    """Return the codes that nothing but the compilers of platforms tell: no case can ask for them on every target."""
    texts = {path.relative_to(ROOT).parts: path.read_text() for path in (ROOT / "specflow").rglob("*.py")}
    tellers = {code: [parts for parts, text in texts.items() if f'"{code}"' in text] for code in codes()}
    return {
        code
        for code, found in tellers.items()
        if found and all(parts[1] == "targets" and parts[2] not in ("local", "base.py") for parts in found)
    }


def test_every_code_has_a_case() -> None:
    # Capabilities speak in every case; too many steps take seconds to be too many; `unlocked-environment` is told by
    # `compile` alone; a case puts all steps on one target, so that nothing crosses (tests/mixed has that).
    beyond = {"approximated", "unsupported", "too-large", "unlocked-environment", "no-common-store"}
    beyond |= {"bridge-login", "unreachable-step"}
    beyond |= of_a_platform_alone()

    expected = {finding.code for case in CASES for finding in (*case.expect.diagnostics, *case.expect.refused)}
    assert [] == sorted(set(codes()) - beyond - expected)
    assert [] == sorted(expected - set(codes()))


def test_every_code_of_a_platform_alone_has_a_test() -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))

    assert [] == [code for code in sorted(of_a_platform_alone()) if code not in tests]


@pytest.mark.parametrize("name", target_names())
def test_a_target_declares_itself_on_every_feature(name: str) -> None:
    assert list(FEATURES) == list(target(name).CAPABILITIES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_case_shows_what_its_tags_say(case: Case) -> None:
    told = {finding.code for finding in case.expect.diagnostics}

    assert set() == set(case.expect.tags) - shown(case) - told


def test_the_words_of_the_language_are_those_that_a_reader_would_name() -> None:
    some = {"steps.when", "step.run", "pipeline.steps", "project.data", "profile.store", "input.many", "output.format"}
    some |= {"pipeline_output.register", "register.version", "data.sha256", "environment.wheels", "retry.backoff"}
    some |= {"compute.cpus", "autoscale.min", "schedule.cron", "notify.on_failure", "steps.x-", "input.access=mount"}
    some |= {"steps.matrix as array", "input:metrics", "join", "&&", "schedule", "cached", "upstream failed"}

    assert set() == some - language()
    assert language() - shown(CASES[0]) > some - shown(CASES[0])
