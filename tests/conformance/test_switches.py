"""The docs say of every switch of every emulator what breaks when it is flipped, and it does."""

from collections.abc import Iterator
from functools import cache

import pytest

from specflow.conformance.cases import Case
from tests.conformance.switches import (
    NAMED,
    PAGE,
    PLATFORMS,
    Found,
    broken,
    cases,
    met_by,
    rows_in,
    spread,
    switches,
    table,
    written,
)

PAGE_TEXT = PAGE.read_text(encoding="utf-8")
CASES = {case.id: case for case in cases()}
ROWS = {name: rows_in(PAGE_TEXT, name) for name in PLATFORMS}
EVERY = [(name, switch) for name in PLATFORMS for switch in switches(name)]


@cache
def met(name: str) -> dict[str, frozenset[str]]:
    """Return the switches that each case meets on a platform; that takes minutes."""
    return {case.id: met_by(case, name)[1] for case in CASES.values()}


def first_broken() -> Iterator[tuple[str, str, str]]:
    """Yield a case that each switch breaks, of those that break any."""
    for name, rows in ROWS.items():
        for switch, row in rows.items():
            if row.broken:
                yield name, switch, row.named[0]


@pytest.mark.parametrize("name", PLATFORMS)
def test_the_docs_have_a_row_for_every_switch(name: str) -> None:
    assert list(switches(name)) == list(ROWS[name])
    assert set() == {case for row in ROWS[name].values() for case in row.named} - CASES.keys()


@pytest.mark.parametrize(("name", "switch", "case"), list(first_broken()))
def test_a_flipped_switch_breaks_what_the_docs_say(name: str, switch: str, case: str) -> None:
    assert () != broken(CASES[case], name, switch)


@pytest.mark.long
@pytest.mark.parametrize(("name", "switch"), EVERY)
def test_a_flipped_switch_breaks_nothing_else(name: str, switch: str) -> None:
    row = ROWS[name][switch]
    meeting = [case for case in CASES.values() if switch in met(name)[case.id]]

    found = [case.id for case in spread(meeting, row.ran) if broken(case, name, switch)]

    assert (row.broken, row.named) == (len(found), tuple(found[:NAMED]))


@pytest.mark.parametrize(
    ("name", "case", "met"),
    [
        ("azureml", "attempts/exhausted", "bash_stops_at_the_first_error"),
        ("databricks", "attempts/exhausted", "failed_run_is_internal_error"),
    ],
)
def test_a_case_is_known_to_meet_the_switches_that_it_does(name: str, case: str, met: str) -> None:
    told, seen = met_by(CASES[case], name)

    assert () == told
    assert met in seen
    assert seen <= set(switches(name))
    assert "registry_assets_exist" not in seen
    assert "repair_includes_upstream_failed" not in seen


def test_cases_are_spread_over_their_groups() -> None:
    def ids(some: list[Case]) -> list[str]:
        return [case.id for case in some]

    some = [CASES[one] for one in ("order/after", "order/data", "order/cpus", "env/values", "data/source")]

    assert ["data/source", "env/values", "order/after", "order/data"] == ids(spread(some, 4))
    assert 5 == len(spread(some, 9))


def test_a_table_is_read_as_it_was_written() -> None:
    many = {f"a/{number}": "why" for number in range(NAMED + 2)}
    found = {switch: Found(9, 8, {}) for switch in switches("databricks")}
    first, second = list(found)[:2]
    found |= {first: Found(9, 9, {"b/one": "why"}), second: Found(20, 20, many)}
    empty = "before\n<!-- made by a run: what breaks on databricks -->\nold\n<!-- end -->\nafter\n"

    page = written(empty, "databricks", table("databricks", found))
    rows = rows_in(page, "databricks")

    assert page.startswith("before\n<!-- made")
    assert page.endswith("<!-- end -->\nafter\n")
    assert (1, ("b/one",), 9) == (rows[first].broken, rows[first].named, rows[first].ran)
    assert (NAMED + 2, NAMED) == (rows[second].broken, len(rows[second].named))
    assert {0} == {row.broken for switch, row in rows.items() if switch not in (first, second)}
