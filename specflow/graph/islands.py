"""Islands: a placed graph cut into groups of steps of one target, each of which is submitted as one native job.

An island is convex: no path leaves it and comes back. The islands among themselves have no cycle, so one can be run
after the other. Joining neighbours by their target alone gives neither. This rule does: the *depth* of a step is the
largest number of changes of target on any way to it, and steps are joined along edges within one target and one depth.
Along every path depth never falls, and it rises wherever the target changes; so a path that leaves a depth never
returns to it. Groups of one target and depth that wait for the very same others are one too: the instances of a matrix
start together anyhow. Neighbours of one target are then joined further, in a fixed order, where that leaves no cycle.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from specflow.graph.model import Graph, Node, Tree
from specflow.graph.trees import leaf_outputs

__all__ = ["Crossing", "Island", "Ports", "cut", "depths", "groups_of", "whole"]

Ports = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Crossing:
    """What a bridge step has beside itself: the steps that it stands for, and what it needs to have them run."""

    target: str
    steps: tuple[str, ...]
    files: Mapping[str, bytes]
    """What travels with it, by paths in the folder that it runs in."""


@dataclass(frozen=True, slots=True)
class Island:
    """Steps of one target that are submitted together, in an order in which each comes after what it needs."""

    name: str
    target: str
    graph: Graph
    nodes: Mapping[str, Node]
    is_whole: bool = False
    """Whether these are all steps of the pipeline."""
    outer: Ports = field(default_factory=dict)
    """Steps outside that it needs, and the ports of them that it reads; none, where only their outcome counts."""
    leaving: Ports = field(default_factory=dict)
    """Its own steps that others need, and the ports that these, or the pipeline's outputs, read."""
    bridges: Mapping[str, Crossing] = field(default_factory=dict)
    """Of a pipeline that this target coordinates: its steps that are bridges, and what each leads to."""

    @property
    def job(self) -> str:
        """Return the name of its job: the pipeline's, and its own behind it where it is a part of one."""
        return self.name if self.is_whole else f"{self.graph.name}__{self.name}"

    @property
    def through(self) -> dict[str, str]:
        """Return the bridge to each step elsewhere."""
        return {step: bridge for bridge, crossing in self.bridges.items() for step in crossing.steps}


def whole(graph: Graph, target: str) -> Island:
    """Return a pipeline that lies on one target altogether."""
    return Island(graph.name, target, graph, graph.nodes, True, {}, _leaving(graph, graph.nodes))


def cut(graph: Graph, placed: Mapping[str, str]) -> tuple[Island, ...]:
    """Return the islands of a placed graph, each after those that it needs; the same for the same graph.

    Each has one target and is convex; its parts hang together, or wait for the same others; among themselves islands
    have no cycle; and there are never more of them than the rule of depths gives.
    """
    if len(set(placed.values())) == 1:
        return (whole(graph, next(iter(placed.values()))),)
    needs = {name: node.needs for name, node in graph.nodes.items()}
    islands = []
    for members in groups_of(needs, placed):
        nodes = {name: graph.nodes[name] for name in graph.nodes if name in members}
        first = next(iter(nodes))
        island = Island(first, placed[first], graph, nodes, False, _outer(nodes), _leaving(graph, nodes))
        islands.append(island)
    return tuple(islands)


def depths(needs: Mapping[str, Iterable[str]], placed: Mapping[str, str]) -> dict[str, int]:
    """Return the most changes of target on any way to each step; steps come after what they need."""
    found: dict[str, int] = {}
    for name, before in needs.items():
        found[name] = max((found[need] + (placed[need] != placed[name]) for need in before), default=0)
    return found


def groups_of(needs: Mapping[str, Iterable[str]], placed: Mapping[str, str]) -> list[frozenset[str]]:
    """Return the groups of steps that become islands, each after those that it needs."""
    joined = _Groups(needs, placed)
    depth = depths(needs, placed)
    for name, before in needs.items():
        for need in before:
            if placed[need] == placed[name] and depth[need] == depth[name]:
                joined.join(need, name)
    joined.join_siblings(depth)
    joined.join_where_no_cycle_comes()
    return joined.in_order()


class _Groups:
    """Steps in groups, while these are joined."""

    def __init__(self, needs: Mapping[str, Iterable[str]], placed: Mapping[str, str]) -> None:
        self.needs = {name: tuple(before) for name, before in needs.items()}
        self.placed = placed
        self.position = {name: index for index, name in enumerate(self.needs)}
        self.parent = {name: name for name in self.needs}

    def root(self, name: str) -> str:
        """Return the first step of a group."""
        while self.parent[name] != name:
            self.parent[name] = self.parent[self.parent[name]]
            name = self.parent[name]
        return name

    def join(self, one: str, other: str) -> tuple[str, str]:
        """Make two groups one, named after the step that comes first; return both names, the one that stays first."""
        first, second = sorted((self.root(one), self.root(other)), key=self.position.__getitem__)
        self.parent[second] = first
        return first, second

    def before(self) -> dict[str, set[str]]:
        """Return the groups right before each group."""
        found: dict[str, set[str]] = {self.root(name): set() for name in self.needs}
        for name, needs in self.needs.items():
            found[self.root(name)] |= {self.root(need) for need in needs} - {self.root(name)}
        return found

    def join_siblings(self, depth: Mapping[str, int]) -> None:
        """Join groups of one target and depth that have the same groups right before them: they start together."""
        first: dict[tuple[str, int, frozenset[str]], str] = {}
        for group, before in self.before().items():
            alike = (self.placed[group], depth[group], frozenset(before))
            self.join(first.setdefault(alike, group), group)

    def join_where_no_cycle_comes(self) -> None:
        """Join neighbours of one target, in the steps' order, wherever the group would not come after itself.

        It would if a way led from one to the other by way of a third. All that stands behind a group is kept as the
        bits of one number, so that a join costs a look at each group and no search.
        """
        before, behind = self.before(), self._behind()
        for name, needs in self.needs.items():
            for need in needs:
                first, second = self.root(need), self.root(name)
                if first == second or self.placed[first] != self.placed[second]:
                    continue
                bit = 1 << self.position[first]
                if not any(behind[group] & bit for group in before[second] if group != first):
                    self._merge(*self.join(first, second), before, behind)

    def _behind(self) -> dict[str, int]:
        """Return all groups before each group, near and far: the bits at the positions of their first steps."""
        before, found = self.before(), dict[str, int]()
        for group in self._sorted(before):
            found[group] = 0
            for need in before[group]:
                found[group] |= found[need] | 1 << self.position[need]
        return found

    def _merge(self, one: str, other: str, before: dict[str, set[str]], behind: dict[str, int]) -> None:
        """Have what is known of groups say `one` where it said `other`, which is now a part of it."""
        bits = 1 << self.position[one], 1 << self.position[other]
        both, bit = bits[0] | bits[1], bits[0]
        above = (behind.pop(other) | behind[one]) & ~both
        behind[one] = above
        for group, all_before in behind.items():
            if all_before & both:
                behind[group] = all_before & ~both | above | bit
                if other in before[group]:
                    before[group].remove(other)
                    before[group].add(one)
        before[one] = (before[one] | before.pop(other)) - {one, other}

    def in_order(self) -> list[frozenset[str]]:
        """Return the groups, each after those that it needs; among those that could come next, by their first steps."""
        before = self.before()
        members: dict[str, list[str]] = {group: [] for group in before}
        for name in self.needs:
            members[self.root(name)].append(name)
        return [frozenset(members[group]) for group in self._sorted(before)]

    def _sorted(self, before: Mapping[str, set[str]]) -> Iterator[str]:
        after: dict[str, list[str]] = {group: [] for group in before}
        for group, needs in before.items():
            for need in needs:
                after[need].append(group)
        held_back = {group: len(needs) for group, needs in before.items()}
        ready = [(self.position[group], group) for group, count in held_back.items() if not count]
        heapq.heapify(ready)
        while ready:
            _, group = heapq.heappop(ready)
            yield group
            for behind in after[group]:
                held_back[behind] -= 1
                if not held_back[behind]:
                    heapq.heappush(ready, (self.position[behind], behind))


def _outer(nodes: Mapping[str, Node]) -> Ports:
    found: dict[str, set[str]] = {}
    for node in nodes.values():
        for need in node.needs:
            if need not in nodes:
                found.setdefault(need, set())
        for step, port in _read(node):
            if step not in nodes:
                found.setdefault(step, set()).add(port)
    return {name: frozenset(ports) for name, ports in sorted(found.items())}


def _leaving(graph: Graph, nodes: Mapping[str, Node]) -> Ports:
    found: dict[str, set[str]] = {}
    for name, node in graph.nodes.items():
        if name in nodes:
            continue
        for need in node.needs:
            if need in nodes:
                found.setdefault(need, set())
        for step, port in _read(node):
            if step in nodes:
                found.setdefault(step, set()).add(port)
    for output in graph.outputs.values():
        for step, port in leaf_outputs(output.tree):
            if step in nodes:
                found.setdefault(step, set()).add(port)
    return {name: frozenset(ports) for name, ports in sorted(found.items())}


def _read(node: Node) -> Iterator[tuple[str, str]]:
    """Yield every output of another step that a step reads: for its ports, and for its conditions."""
    trees: list[Tree] = [port.binding for port in node.inputs.values()]
    for condition in node.conditions:
        trees += [*condition.requires, *([condition.when] if condition.when is not None else [])]
    for tree in trees:
        yield from leaf_outputs(tree)
