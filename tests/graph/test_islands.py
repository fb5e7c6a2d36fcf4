"""Laws of islands: one target each, convex, no cycle among them, the same for the same graph, and few."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specflow.graph.islands import depths, groups_of

Needs = Mapping[str, tuple[str, ...]]
Placed = Mapping[str, str]


@st.composite
def graphs(draw: st.DrawFn, most: int = 14) -> tuple[Needs, Placed]:
    """Draw a graph whose steps come after what they need, and a target for each."""
    names = [f"s{index}" for index in range(draw(st.integers(1, most)))]
    targets = st.sampled_from("abc"[: draw(st.integers(1, 3))])
    needs = {
        name: tuple(draw(st.lists(st.sampled_from(names[:at]), unique=True, max_size=4))) if at else ()
        for at, name in enumerate(names)
    }
    return needs, {name: draw(targets) for name in names}


def home_of(groups: list[frozenset[str]]) -> dict[str, int]:
    return {name: at for at, group in enumerate(groups) for name in group}


def by_depth(needs: Needs, placed: Placed) -> list[set[str]]:
    """Return the islands by the rule of depths alone: steps joined along edges within one target and one depth."""
    depth = depths(needs, placed)
    edges = [(need, name) for name, before in needs.items() for need in before]
    return parts(set(needs), [(a, b) for a, b in edges if (placed[a], depth[a]) == (placed[b], depth[b])])


def siblings(needs: Needs, placed: Placed) -> list[tuple[str, str]]:
    """Return pairs of steps that start together: of one target and depth, with the very same islands before them."""
    depth = depths(needs, placed)
    groups = by_depth(needs, placed)
    home = home_of([frozenset(group) for group in groups])
    first: dict[object, str] = {}
    found = []
    for at, group in enumerate(groups):
        name = min(group)
        before = frozenset(home[need] for one in group for need in needs[one]) - {at}
        found.append((first.setdefault((placed[name], depth[name], before), name), name))
    return [(one, other) for one, other in found if one != other]


def parts(names: set[str], edges: list[tuple[str, str]]) -> list[set[str]]:
    """Return the connected parts of a graph, whatever the direction of its edges."""
    found = []
    left = set(names)
    while left:
        part, pending = set[str](), {left.pop()}
        while pending:
            part |= pending
            pending = {x for edge in edges for x in edge if set(edge) & pending and x in names} - part
        left -= part
        found.append(part)
    return found


@given(graphs())
def test_every_step_is_on_one_island_of_its_target(graph: tuple[Needs, Placed]) -> None:
    needs, placed = graph
    groups = groups_of(needs, placed)

    assert sorted(needs) == sorted(name for group in groups for name in group)
    assert [1] * len(groups) == [len({placed[name] for name in group}) for group in groups]


@given(graphs())
def test_an_island_hangs_together_or_starts_together(graph: tuple[Needs, Placed]) -> None:
    needs, placed = graph
    edges = [(need, name) for name, before in needs.items() for need in before] + siblings(needs, placed)

    for group in groups_of(needs, placed):
        assert 1 == len(parts(set(group), [edge for edge in edges if set(edge) <= group]))


@given(graphs())
def test_islands_stand_in_an_order_and_so_have_no_cycle_and_are_convex(graph: tuple[Needs, Placed]) -> None:
    # A way that leaves an island and comes back would have to go against the order somewhere.
    needs, placed = graph
    home = home_of(groups_of(needs, placed))

    assert [] == [(need, name) for name, before in needs.items() for need in before if home[need] > home[name]]


@given(graphs())
def test_no_two_neighbours_are_left_that_could_be_one(graph: tuple[Needs, Placed]) -> None:
    needs, placed = graph
    groups = groups_of(needs, placed)
    home = home_of(groups)
    crossing = {(home[need], home[name]) for name, before in needs.items() for need in before} - {
        (at, at) for at in range(len(groups))
    }
    same = [(a, b) for a, b in crossing if placed[min(groups[a])] == placed[min(groups[b])]]

    assert [] == [(a, b) for a, b in same if not is_by_way_of_a_third(a, b, crossing)]


def is_by_way_of_a_third(start: int, goal: int, edges: set[tuple[int, int]]) -> bool:
    seen: set[int] = set()
    pending = {b for a, b in edges if a == start} - {goal}
    while pending:
        seen |= pending
        pending = {b for a, b in edges if a in pending} - seen
    return goal in seen


@given(graphs())
def test_there_are_never_more_islands_than_by_depth_alone(graph: tuple[Needs, Placed]) -> None:
    needs, placed = graph

    assert len(groups_of(needs, placed)) <= len(by_depth(needs, placed))


@given(graphs(), st.randoms())
def test_names_and_the_order_of_needs_do_not_matter(graph: tuple[Needs, Placed], random: object) -> None:
    needs, placed = graph
    names = list(needs)
    other = [f"t{index}" for index in range(len(names))]
    random.shuffle(other)  # type: ignore[attr-defined]
    called = dict(zip(names, other, strict=True))
    again = {called[name]: tuple(called[need] for need in reversed(before)) for name, before in needs.items()}

    groups = groups_of(again, {called[name]: target for name, target in placed.items()})

    assert [frozenset(called[name] for name in group) for group in groups_of(needs, placed)] == groups


# Each drawing: steps with their targets, and the islands that come of it.
DRAWN = [
    #  a1 → a2      one target, one island
    ({"a1": (), "a2": ("a1",)}, ["a1 a2"]),
    #  a1 → b1 → a2, a1 → a2     a2 can't be with a1: b1 lies between
    ({"a1": (), "b1": ("a1",), "a2": ("a1", "b1")}, ["a1", "b1", "a2"]),
    #  a1 → b1, a2 → b2, crossed: by target alone this would be a cycle
    ({"a1": (), "b1": (), "b2": ("a1", "b1"), "a2": ("b1", "a1")}, ["a1", "b1 b2", "a2"]),
    #  a1 → a2 → b1, and b0 → a2: the depths of a1 and a2 differ, and yet they are one
    ({"a1": (), "b0": (), "a2": ("a1", "b0"), "b1": ("a2",)}, ["b0", "a1 a2", "b1"]),
    #  two that have nothing to do with each other, and start together
    ({"a1": (), "a2": ()}, ["a1 a2"]),
    #  two that have nothing to do with each other, and don't: a2 waits for b1
    ({"a1": (), "b1": (), "a2": ("b1",)}, ["a1", "b1", "a2"]),
]


@pytest.mark.parametrize(("needs", "islands"), DRAWN)
def test_islands_of_small_graphs(needs: Needs, islands: list[str]) -> None:
    found = groups_of(needs, {name: name[0] for name in needs})

    assert islands == [" ".join(sorted(group)) for group in found]


@pytest.mark.slow
def test_ten_thousand_steps_are_cut() -> None:
    import random

    draw = random.Random(7)
    names = [f"s{index}" for index in range(10_000)]
    needs = {name: tuple(draw.sample(names[:at], min(at, 10))) for at, name in enumerate(names)}
    placed = {name: draw.choice("ab") for name in names}

    home = home_of(groups_of(needs, placed))

    assert all(home[need] <= home[name] for name, before in needs.items() for need in before)
