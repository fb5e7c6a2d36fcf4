"""What holds for every graph, whatever its conditions: laws, on random graphs of up to seven steps."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specflow.attempt.outcomes import Outcome, run_state
from specflow.graph.model import Condition
from specflow.graph.outcomes import Fate, Ledger, Terms, settle
from tests.graph.test_outcomes_docs import tree, when_rows

Graph = dict[str, Terms]
Fates = dict[str, Fate]

WHENS = [when for when, _ in when_rows()]
ENDS = [
    Fate(Outcome("succeeded"), {"o": "path", "v": True}),
    Fate(Outcome("cached"), {"o": "path", "v": False}),
    Fate(Outcome("succeeded"), {}),
    Fate(Outcome("failed", "exit code 1")),
    Fate(Outcome("failed", "exit code 1")),
]


def condition(when: str, needs: tuple[str, ...], reads: str | None = None) -> tuple[Condition, ...]:
    return (Condition(tree(when, ["output", reads, "v"] if reads else ["value", True]), needs),)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Graph, Fates]:
    """Return steps `a`, `b`, …: each may wait for, read and ask any before it."""
    steps: Graph = {}
    for name in "abcdefg"[: draw(st.integers(1, 7))]:
        before = list(steps)
        some = st.sets(st.sampled_from(before), max_size=3) if before else st.just(set())
        after, ports, listed = draw(some), draw(some), draw(some)
        asks = draw(st.sampled_from(before)) if before and draw(st.booleans()) else None
        needs = tuple(sorted(after | ports | listed | ({asks} if asks else set())))
        given_ = {f"from_{other}": ["output", other, "o"] for other in sorted(ports)}
        if listed:
            given_["many"] = ["list", *(["output", other, "o"] for other in sorted(listed))]
        optional = frozenset(port for port in given_ if draw(st.booleans()))
        steps[name] = Terms(needs, condition(draw(st.sampled_from(WHENS)), needs, asks), given_, optional)
    return steps, {name: draw(st.sampled_from(ENDS)) for name in steps}


def above(steps: Mapping[str, Terms], name: str) -> set[str]:
    needs = set(steps[name].needs)
    return needs.union(*(above(steps, need) for need in needs))


def plain(needs: tuple[str, ...]) -> Terms:
    return Terms(needs, (Condition(None, needs),))


law = settings(max_examples=200, deadline=None)


@law
@given(graphs(), st.data())
def test_a_step_without_condition_and_ports_runs_if_no_ancestor_counts_as_failed(
    graph: tuple[Graph, Fates], data: st.DataObject
) -> None:
    steps, fates = graph
    needs = tuple(sorted(data.draw(st.sets(st.sampled_from(list(steps))))))
    steps, fates = {**steps, "last": plain(needs)}, {**fates, "last": Fate()}
    ends = settle(steps, fates)
    is_well = not any(ends[name].counts_as_failed for name in above(steps, "last"))

    assert (Outcome("succeeded") if is_well else Outcome("skipped", "upstream failed")) == ends["last"]


@law
@given(graphs(), st.data())
def test_always_depends_on_no_outcome(graph: tuple[Graph, Fates], data: st.DataObject) -> None:
    steps, _ = graph
    needs = tuple(steps)
    steps = {**steps, "last": Terms(needs, condition("always()", needs))}
    fates = {name: data.draw(st.sampled_from(ENDS)) for name in steps}

    assert fates["last"].outcome == settle(steps, fates)["last"]


@law
@given(graphs())
def test_upstream_failed_means_that_an_ancestor_failed_itself(graph: tuple[Graph, Fates]) -> None:
    steps, fates = graph
    ends = settle(steps, fates)
    blamed = {name for name, end in ends.items() if end.reason == "upstream failed"}

    assert blamed == {name for name in blamed if any(ends[other].state == "failed" for other in above(steps, name))}


@law
@given(graphs(), st.booleans(), st.booleans())
def test_a_run_fails_if_a_step_failed_or_a_required_output_is_absent(
    graph: tuple[Graph, Fates], absent: bool, fail_fast: bool
) -> None:
    ends = settle(*graph, fail_fast=fail_fast)
    failed = any(end.state == "failed" for end in ends.values())
    state = run_state(ends, ["model"] if absent else [], was_cancelled=False)

    assert ("failed" if failed or absent else "succeeded") == state


@law
@given(graphs(), st.data())
def test_a_step_skipped_by_its_own_when_is_like_one_that_succeeded_and_left_nothing(
    graph: tuple[Graph, Fates], data: st.DataObject
) -> None:
    steps, fates = graph
    name = data.draw(st.sampled_from(list(steps)))
    unasked = {**steps, name: Terms(steps[name].needs, (Condition(["value", True], ()),))}
    skipped = {**steps, name: Terms(steps[name].needs, (Condition(["value", False], ()),))}
    ran = settle(unasked, {**fates, name: Fate()})
    ends = settle(skipped, fates)

    assert Outcome("skipped", "condition false") == ends.pop(name)
    assert {other: end for other, end in ran.items() if other != name} == ends


@law
@given(graphs())
def test_outputs_of_a_step_that_did_not_succeed_are_null_whatever_it_wrote(graph: tuple[Graph, Fates]) -> None:
    steps, fates = graph
    written = {
        name: fate if fate.outcome.is_good else replace(fate, outputs={"o": "half", "v": True})
        for name, fate in fates.items()
    }

    assert settle(steps, fates) == settle(steps, written)


@law
@given(graphs())
def test_a_cached_result_is_as_good_as_a_new_one(graph: tuple[Graph, Fates]) -> None:
    steps, fates = graph

    def as_new(end: Outcome) -> Outcome:
        return Outcome("succeeded") if end.state == "cached" else end

    renewed = {name: replace(fate, outcome=as_new(fate.outcome)) for name, fate in fates.items()}

    assert {name: as_new(end) for name, end in settle(steps, fates).items()} == settle(steps, renewed)


@law
@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_steps_that_do_not_wait_for_each_other_does_not_matter(
    graph: tuple[Graph, Fates], random: Any
) -> None:
    steps, fates = graph
    other: Graph = {}
    while len(other) < len(steps):
        name = random.choice([n for n in steps if n not in other and set(steps[n].needs) <= set(other)])
        other[name] = steps[name]

    assert settle(steps, fates) == settle(other, fates)


@law
@given(graphs())
def test_fail_fast_starts_nothing_after_the_first_failure(graph: tuple[Graph, Fates]) -> None:
    steps, fates = graph
    slow, fast = settle(steps, fates), settle(steps, fates, fail_fast=True)
    names = list(steps)
    first = next((i for i, name in enumerate(names) if slow[name].state == "failed"), len(names))
    held_back = dict.fromkeys(names[first + 1 :], Outcome("skipped", "fail fast"))

    assert {name: slow[name] for name in names[: first + 1]} | held_back == fast


@law
@given(graphs(), st.data())
def test_a_required_port_left_null_skips_whatever_the_when(graph: tuple[Graph, Fates], data: st.DataObject) -> None:
    steps, fates = graph
    needs = tuple(steps)
    sources = data.draw(st.sets(st.sampled_from(needs), min_size=1))
    port = ["list", *(["output", name, "o"] for name in sorted(sources))]
    last = Terms(needs, condition("always()", needs), {"port": port})
    ends = settle({**steps, "last": last}, {**fates, "last": Fate()})
    left = [name for name in sources if ends[name].is_good and "o" in fates[name].outputs]
    reason = "upstream failed" if any(ends[name].counts_as_failed for name in sources) else "input absent"

    assert (Outcome("succeeded") if left else Outcome("skipped", reason)) == ends["last"]


NOT_WELL = [Outcome("failed", "exit code 1"), Outcome("skipped", "upstream failed"), Outcome("skipped", "fail fast")]
WELL = [
    Outcome("succeeded"),
    Outcome("cached"),
    Outcome("skipped", "condition false"),
    Outcome("skipped", "input absent"),
]


@pytest.mark.parametrize("distance", [1, 2, 30])
@pytest.mark.parametrize("end", [*NOT_WELL, *WELL], ids=lambda end: end.reason or end.state)
def test_status_functions_look_at_all_ancestors(end: Outcome, distance: int) -> None:
    # first ── 1 ── 2 ── … ── last
    ledger = Ledger()
    ledger.enter("first", (), end)
    names = ["first", *map(str, range(1, distance))]
    for before, name in pairwise(names):
        ledger.enter(name, (before,), Outcome("succeeded"))
    asked = {when: ledger.verdict(Terms(names[-1:], condition(when, tuple(names[-1:]))), id) for when in WHENS[:4]}
    runs: dict[str, Any] = {}
    failed, false = Outcome("skipped", "upstream failed"), Outcome("skipped", "condition false")
    expected = (
        {"none": failed, "success()": failed, "failure()": runs, "always()": runs}
        if end in NOT_WELL
        else {"none": runs, "success()": runs, "failure()": false, "always()": runs}
    )

    assert expected == asked


def test_a_failure_is_seen_down_every_way_of_a_lattice() -> None:
    #  a0 ─ a1 ─ … ─ a9      each step waits for every one before it
    names = [f"a{i}" for i in range(10)]
    for bad in names:
        steps = {name: plain(tuple(names[:i])) for i, name in enumerate(names)}
        ends = settle(steps, {name: ENDS[3] if name == bad else ENDS[0] for name in names})
        behind = names[names.index(bad) + 1 :]

        assert behind == [name for name in names if ends[name].state == "skipped"]


@pytest.mark.parametrize("within", ["", "outer", "outer__inner"])
def test_a_chain_of_five_thousand_steps_is_no_trouble(within: str) -> None:
    prefix = f"{within}__" if within else ""
    names = [f"{prefix}s{i}" for i in range(5_000)]
    steps = {"s": Terms()}
    steps |= {
        name: Terms(needs, (Condition(None, needs, within),))
        for name, before in zip(names, ["", *names], strict=False)
        for needs in [(before,) if before else ()]
    }
    for around in {"", "outer", within}:
        steps[f"{around}__end" if around else "end"] = Terms(
            (names[-1],), (Condition(["status", "failure"], (names[-1],), around),)
        )
    fates = dict.fromkeys(steps, ENDS[0]) | {names[0]: ENDS[3]}
    ends = settle(steps, fates)

    assert Outcome("skipped", "upstream failed") == ends[names[-1]]
    assert Outcome("succeeded") == ends["end"]


def test_a_condition_without_a_value_fails_its_step_and_is_not_asked_behind_a_failure() -> None:
    divided = ["==", ["/", ["value", 1], ["output", "a", "n"]], ["value", 1]]
    steps = {"a": Terms(), "b": Terms(("a",), (Condition(divided, ("a",)),))}
    reason = "the condition has no value: division by zero"
    ends = settle(steps, {"a": Fate(outputs={"n": 0}), "b": Fate()})
    behind_failure = settle(steps, {"a": ENDS[3], "b": Fate()})

    assert Outcome("failed", reason) == ends["b"]
    assert Outcome("skipped", "upstream failed") == behind_failure["b"]


@pytest.mark.parametrize("place", ["a port", "an optional port", "an input of the pipeline around it"])
def test_an_input_without_a_value_fails_its_step(place: str) -> None:
    divided = ["/", ["value", 1], ["output", "a", "n"]]
    requires = (divided,) if place.startswith("an input") else ()
    ports = {} if requires else {"p": divided}
    optional = frozenset({"p"} if "optional" in place else ())
    step = Terms(("a",), (Condition(None, ("a",), "", requires),), ports, optional)
    ends = settle({"a": Terms(), "b": step}, {"a": Fate(outputs={"n": 0}), "b": Fate()})

    assert Outcome("failed", "an input has no value: division by zero") == ends["b"]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_list_shrinks_by_the_steps_that_left_nothing(count: int) -> None:
    names = ("a", "b", "c")
    port = ["list", *(["output", name, "o"] for name in names)]
    seen: list[Any] = []
    for failing in combinations(names, count):
        ledger = Ledger()
        for name in names:
            ledger.enter(name, (), Outcome("failed") if name in failing else Outcome("succeeded"))
        terms = Terms(names, condition("always()", names), {"p": port})
        produced = {name: f"{name}/o" for name in names if name not in failing}
        seen.append(ledger.verdict(terms, lambda leaf, produced=produced: produced.get(leaf[1])))

    assert [
        {"p": [f"{name}/o" for name in names if name not in failing]}
        if count < 3
        else Outcome("skipped", "upstream failed")
        for failing in combinations(names, count)
    ] == seen
