"""What a target is: what it can do of the language, how it checks and compiles; and how targets are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Literal, Protocol

from specflow.diagnostics import Diagnostic, error, warning
from specflow.graph.features import FEATURES, Use, uses
from specflow.graph.model import Graph, Node

__all__ = [
    "Capability",
    "Target",
    "approximates",
    "capability_findings",
    "implements",
    "rejects",
    "target",
    "target_names",
]


@dataclass(frozen=True, slots=True)
class Capability:
    """How a target honours one feature of the language: fully, nearly (with a warning), or not at all (an error)."""

    support: Literal["implements", "approximates", "rejects"]
    sentence: str


def implements(sentence: str) -> Capability:
    """Return the word of a target that honours a feature as the language says."""
    return Capability("implements", sentence)


def approximates(sentence: str) -> Capability:
    """Return the word of a target that honours a feature nearly; the sentence is the warning."""
    return Capability("approximates", sentence)


def rejects(sentence: str) -> Capability:
    """Return the word of a target that can't honour a feature; the sentence is the error."""
    return Capability("rejects", sentence)


class Target(Protocol):
    """A platform. `CAPABILITIES` has an entry for every feature in `specflow.graph.features.FEATURES`."""

    name: str
    CAPABILITIES: Mapping[str, Capability]

    def check(self, graph: Graph, nodes: Mapping[str, Node]) -> tuple[Diagnostic, ...]:
        """Return what this target finds wrong with steps placed on it, beyond its capabilities."""
        ...


@cache
def _found() -> Mapping[str, object]:
    return {entry.name: entry for entry in sorted(entry_points(group="specflow.targets"), key=lambda e: e.name)}


def target_names() -> tuple[str, ...]:
    """Return the names of the installed targets; none of them is imported for it."""
    return tuple(_found())


@cache
def target(name: str) -> Target:
    """Return an installed target by name."""
    loaded: Target = _found()[name].load()  # type: ignore[attr-defined]  # an EntryPoint
    return loaded


def capability_findings(which: Target, graph: Graph, nodes: Mapping[str, Node]) -> tuple[Diagnostic, ...]:
    """Return a warning for each approximated feature in use, and an error for each rejected one, at its place.

    A feature that many steps use is told once, at its first use: the sentence is the same.
    """
    first: dict[str, Use] = {}
    for use in uses(graph, nodes, which.name):
        first.setdefault(use.feature, use)
    found = []
    for feature in FEATURES:
        use_ = first.get(feature)
        capability = which.CAPABILITIES[feature]
        if use_ is None or capability.support == "implements":
            continue
        report, code = (warning, "approximated") if capability.support == "approximates" else (error, "unsupported")
        found.append(report(code, f"{which.name}: {capability.sentence}", use_.span))
    return tuple(found)
