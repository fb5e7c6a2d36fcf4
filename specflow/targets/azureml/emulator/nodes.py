"""A pipeline as the service understands it: nodes, what feeds their inputs, where their outputs go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Data", "Edge", "Graph", "Input", "Literal", "Node", "Outer", "Output", "Source"]


@dataclass(frozen=True, slots=True)
class Literal:
    """A value, as text."""

    text: str


@dataclass(frozen=True, slots=True)
class Data:
    """Data at an address."""

    uri: str
    type: str


@dataclass(frozen=True, slots=True)
class Edge:
    """`${{parent.jobs.NODE.outputs.OUTPUT}}`."""

    node: str
    output: str


@dataclass(frozen=True, slots=True)
class Outer:
    """`${{parent.inputs.NAME}}`: the input of the pipeline around."""

    name: str


Source = Literal | Data | Edge | Outer


@dataclass(frozen=True, slots=True)
class Input:
    """What feeds an input; `mode` is empty where the body names none."""

    source: Source
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """Where an output goes: `to` names the pipeline's output that it is bound to; empty strings mean "not said"."""

    type: str = ""
    mode: str = ""
    uri: str = ""
    to: str = ""
    asset: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """One node. `component` is its component's spec, `body` the node's own, `graph` its nodes if it is a pipeline."""

    name: str
    kind: str
    component: Mapping[str, Any]
    component_id: str
    body: Mapping[str, Any]
    inputs: Mapping[str, Input]
    outputs: Mapping[str, Output]
    graph: Graph | None = None

    @property
    def before(self) -> frozenset[str]:
        """Return the nodes whose outputs it reads."""
        return frozenset(each.source.node for each in self.inputs.values() if isinstance(each.source, Edge))

    @property
    def ports(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the inputs that its component declares."""
        return self.component.get("inputs") or {}

    @property
    def out_ports(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the outputs that its component declares."""
        return self.component.get("outputs") or {}

    def setting(self, name: str) -> Any:
        """Return a field that the node's body may override, else its component's."""
        value = self.body.get(name)
        return self.component.get(name) if value is None else value


@dataclass(frozen=True, slots=True)
class Graph:
    """A pipeline's inside. `inputs` are declarations for a component, `{type}` of what was given for a job."""

    nodes: Mapping[str, Node]
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
