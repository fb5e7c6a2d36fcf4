"""Every graph of up to four steps, with every condition, every kind of edge and every end, against docs/outcomes.md.

The page's tables are the oracle: what a step comes to is a row of them, chosen by the ends of its ancestors and of the
steps that feed it. Graphs that nobody could tell apart are played once: what lies before a step is known to it as steps
with their needs, ends and outputs, whatever their names and whatever conditions brought them there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specflow.attempt.outcomes import Outcome
from specflow.graph.model import Condition
from specflow.graph.outcomes import Fate, Ledger, Terms, settle
from tests.graph.test_outcomes_docs import RUNS, shown, tree, when_rows

ROWS = when_rows()
CONDITIONS = tuple(dict.fromkeys(when for when, _ in ROWS))
ON_A_VALUE = tuple(dict.fromkeys(when for when, value in ROWS if value))
WORDS = {None: "null", True: "true", False: "false"}
EDGES = ("none", "after", "required", "optional")

# What comes of a step that runs: its end, its optional output `o` and its value `v`.
FATES = {
    "fails": Fate(Outcome("failed", "exit code 1")),
    "leaves all, v true": Fate(outputs={"o": "o", "v": True}),
    "leaves all, v false": Fate(outputs={"o": "o", "v": False}),
    "leaves nothing": Fate(),
}
CANCELLED = Fate(Outcome("cancelled", "cancelled"))


@dataclass(frozen=True, slots=True)
class Step:
    """A step that has ended: which earlier ones it waited for, how it ended and what it left."""

    needs: tuple[int, ...]
    end: str
    o: bool = False
    v: bool | None = None


Past = tuple[Step, ...]


def ended(needs: tuple[int, ...], outcome: Outcome, fate: Fate | None) -> Step:
    outputs = fate.outputs if fate is not None and outcome.is_good else {}
    end = outcome.state if outcome.state in ("succeeded", "failed") else outcome.reason
    return Step(needs, end, "o" in outputs, outputs.get("v"))


def ancestors(past: Past, needs: tuple[int, ...]) -> set[int]:
    return set(needs) | {other for need in needs for other in ancestors(past, past[need].needs)}


FAILURES = {"failed", "upstream failed", "fail fast"}


def needs_of(edges: tuple[str, ...], asks: int | None) -> tuple[int, ...]:
    return tuple(i for i, edge in enumerate(edges) if edge != "none" or i == asks)


@cache
def column(past: Past, needs: tuple[int, ...]) -> int:
    """Return which column of the page holds for a step that waits for these."""
    ends = {past[i].end for i in ancestors(past, needs)}
    return 1 if ends & FAILURES else 2 if "cancelled" in ends else 0


def expected(past: Past, step: "Shape") -> str:
    """Return what the page says of a step behind `past`."""
    value = step.value if step.asks is None else past[step.asks].v
    said = ROWS[step.when, WORDS[value] if step.when in ON_A_VALUE else ""][column(past, step.needs)]
    if said != RUNS:
        return said
    for before, edge in zip(past, step.edges, strict=True):
        if edge == "required" and not before.o:
            return "upstream failed" if before.end in FAILURES else "input absent"
    return RUNS


def smallest(past: Past) -> Past:
    """Return the one that stands for all pasts that differ in the order of their steps alone."""
    if len(past) < 2:
        return past
    found = []
    for order in permutations(range(len(past))):
        place = {old: new for new, old in enumerate(order)}
        moved = [Step(tuple(sorted(place[n] for n in past[i].needs)), past[i].end, past[i].o, past[i].v) for i in order]
        if all(need < index for index, step in enumerate(moved) for need in step.needs):
            found.append(tuple(moved))
    return min(found, key=repr)


def ledger_of(past: Past) -> Ledger:
    ledger = Ledger()
    for index, step in enumerate(past):
        reason = "" if step.end == "succeeded" else step.end
        state: Any = step.end if step.end in ("succeeded", "failed", "cancelled") else "skipped"
        ledger.enter(str(index), tuple(map(str, step.needs)), Outcome(state, reason))
    return ledger


def conditions(count: int) -> Iterator[tuple[str, bool | None, int | None]]:
    """Yield conditions: as on the page, what `v` is if it is an input of the pipeline, and the step it is read from."""
    for when in CONDITIONS:
        if when not in ON_A_VALUE:
            yield when, None, None
            continue
        for value in (True, False, None):
            if (when, WORDS[value]) in ROWS:
                yield when, value, None
        if all((when, word) in ROWS for word in WORDS.values()):
            for index in range(count):
                yield when, None, index


def terms(when: str, value: bool | None, edges: tuple[str, ...], asks: int | None) -> Terms:
    needs = tuple(map(str, needs_of(edges, asks)))
    condition = tree(when, ["value", value] if asks is None else ["output", str(asks), "v"])
    ports = {f"p{i}": ["output", str(i), "o"] for i, edge in enumerate(edges) if edge in ("required", "optional")}
    optional = frozenset(f"p{i}" for i, edge in enumerate(edges) if edge == "optional")
    return Terms(needs, (Condition(condition, needs),), ports, optional)


@dataclass(frozen=True, slots=True)
class Shape:
    """One way to put a step behind others."""

    edges: tuple[str, ...]
    when: str
    value: bool | None
    asks: int | None
    terms: Terms
    needs: tuple[int, ...]


@cache
def shapes(count: int) -> tuple[Shape, ...]:
    """Return every way to put one more step behind some."""
    return tuple(
        Shape(edges, when, value, asks, terms(when, value, edges, asks), needs_of(edges, asks))
        for edges in product(EDGES, repeat=count)
        for when, value, asks in conditions(count)
    )


def played(past: Past) -> set[tuple[str, tuple[int, ...]]]:
    """Check every way to put one more step behind some; return what they come to, and their needs."""
    ledger = ledger_of(past)
    values = {(str(i), "o"): "o" if step.o else None for i, step in enumerate(past)}
    values |= {(str(i), "v"): step.v for i, step in enumerate(past)}

    def look_up(leaf: list[Any]) -> Any:
        return values[leaf[1], leaf[2]]

    ways = set()
    for shape in shapes(len(past)):
        found = ledger.verdict(shape.terms, look_up)
        end = shown(found) if isinstance(found, Outcome) else RUNS
        assert expected(past, shape) == end, (past, shape)
        ways.add((end, shape.needs))
    return ways


def grown(pasts: set[Past], fates: tuple[Fate, ...]) -> set[Past]:
    """Return every past that is one step longer, each step on the way checked."""
    found: set[Past] = set()
    for past in pasts:
        for end, needs in played(past):
            steps = [ended(needs, fate.outcome, fate) for fate in fates] if end == RUNS else [Step(needs, end)]
            found |= {smallest((*past, step)) for step in steps}
    return found


@cache
def pasts(count: int, with_cancelled: bool) -> set[Past]:
    """Return everything that may lie behind a step, `count` steps long."""
    fates = (*FATES.values(), CANCELLED) if with_cancelled else tuple(FATES.values())
    return grown(pasts(count - 1, with_cancelled), fates) if count else {()}


@pytest.mark.parametrize("with_cancelled", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_graphs_of_up_to_three_steps_end_as_the_page_says(count: int, with_cancelled: bool) -> None:
    assert pasts(count, with_cancelled)
    for past in pasts(count, with_cancelled):
        played(past)


def test_a_fair_share_of_the_graphs_of_four_steps_end_as_the_page_says() -> None:
    for past in sorted(pasts(3, True), key=repr)[::5]:
        played(past)


@pytest.mark.slow
def test_all_graphs_of_four_steps_end_as_the_page_says() -> None:
    for past in pasts(3, True):
        played(past)


def test_nothing_is_left_out() -> None:
    ends = {step.end for past in pasts(3, True) for step in past}

    assert {"succeeded", "failed", "cancelled", "upstream failed", "condition false", "input absent"} == ends
    assert 64 == len({shape.edges for shape in shapes(3)})
    assert set(ROWS) == {
        (shape.when, WORDS[value] if shape.when in ON_A_VALUE else "")
        for shape in shapes(3)
        for value in ([shape.value] if shape.asks is None else [True, False, None])
    }


@st.composite
def played_graphs(draw: st.DrawFn) -> tuple[list[Shape], list[Fate]]:
    steps = [draw(st.sampled_from(shapes(count))) for count in range(4)]
    return steps, [draw(st.sampled_from((*FATES.values(), CANCELLED))) for _ in steps]


@settings(max_examples=1_500, deadline=None)
@given(played_graphs())
def test_a_graph_played_in_one_go_ends_as_step_by_step(graph: tuple[list[Shape], list[Fate]]) -> None:
    steps, fates = graph
    names = list(map(str, range(4)))
    ends = settle(dict(zip(names, [shape.terms for shape in steps], strict=True)), dict(zip(names, fates, strict=True)))
    past: Past = ()
    said, found = [], []
    for shape, fate, name in zip(steps, fates, names, strict=True):
        said.append(expected(past, shape))
        found.append(RUNS if ends[name] is fate.outcome else shown(ends[name]))
        past = (*past, ended(shape.needs, ends[name], fate))

    assert said == found
