"""What is drawn, as frozen data, whatever the format: boxes in lanes and groups, and the edges between them.

Every text in it is one printable line: formats escape their own syntax and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["Box", "BoxKind", "Edge", "EdgeKind", "Flow", "Group", "Picture", "counted", "plural"]

BoxKind = Literal["step", "data", "input", "output"]
EdgeKind = Literal["data", "condition", "order"]


@dataclass(frozen=True, slots=True)
class Box:
    """A step, several of them drawn as one, or an end of the pipeline: a data source, an input, an output."""

    id: str
    """Its kind and what it stands for: `step:train__0`, `input:mixes`."""
    kind: BoxKind
    name: str
    label: str
    """The name with the calls around it and the values of the matrix: what messages call it."""
    detail: str = ""
    """What tells it from others of its name: the values of the matrix, how many steps it holds; of a port, its type."""
    count: int = 1
    """Instances."""
    lane: str = ""
    groups: tuple[str, ...] = ()
    """The groups around it, the outermost first."""
    when: str = ""
    facts: tuple[str, ...] = ()
    """More about it, a line each."""
    nodes: tuple[str, ...] = ()
    """The nodes of the graph that it stands for."""

    @property
    def title(self) -> str:
        """Return the name, with its count where it is more than one."""
        return counted(self.name, self.count)


@dataclass(frozen=True, slots=True)
class Group:
    """A call of a pipeline, or all instances of one."""

    id: str
    name: str
    detail: str = ""
    count: int = 1
    when: str = ""

    @property
    def title(self) -> str:
        """Return the name, with its count or the values of its matrix."""
        title = counted(self.name, self.count)
        return f"{title}[{self.detail}]" if self.detail else title


@dataclass(frozen=True, slots=True)
class Flow:
    """One thing that passes along an edge: from which output, into which input, of which type."""

    port: str
    into: str
    type: str


@dataclass(frozen=True, slots=True)
class Edge:
    """From one box to another; an `order` edge carries nothing."""

    source: str
    target: str
    kind: EdgeKind
    label: str = ""
    """The names of the outputs that pass, where the ends do not say so already."""
    flows: tuple[Flow, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A whole graph, at some level of detail."""

    name: str
    description: str
    boxes: Mapping[str, Box]
    """By id; among the steps each comes after what it needs."""
    groups: Mapping[str, Group]
    edges: tuple[Edge, ...]
    lanes: tuple[str, ...]
    size: tuple[int, int]
    """How many steps and how many stages the graph has, however few are drawn."""
    note: str = ""
    """What was left out for want of room."""

    @property
    def summary(self) -> str:
        """Return how large the graph is and where it runs: `6 steps in 4 stages on local`."""
        steps, stages = self.size
        return f"{plural(steps, 'step')} in {plural(stages, 'stage')} on {', '.join(self.lanes)}"

    def stages(self) -> dict[str, int]:
        """Return the stage of each step, by box: 1 where it needs no other, else one after the last that it needs."""
        needs: dict[str, list[str]] = {box.id: [] for box in self.of_kind("step")}
        for edge in self.edges:
            if edge.source in needs and edge.target in needs:
                needs[edge.target].append(edge.source)
        found: dict[str, int] = {}
        for id_, before in needs.items():
            found[id_] = 1 + max((found[need] for need in before), default=0)
        return found

    def of_kind(self, kind: BoxKind) -> tuple[Box, ...]:
        """Return the boxes of one kind."""
        return tuple(box for box in self.boxes.values() if box.kind == kind)


def counted(name: str, count: int) -> str:
    """Return a name with the number of its instances, where it has several."""
    return name if count == 1 else f"{name} ×{count}"


def plural(count: int, noun: str) -> str:
    """Return a number and its noun: `1 step`, `1,024 steps`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
