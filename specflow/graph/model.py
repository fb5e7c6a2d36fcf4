"""The graph as frozen data: steps with everything resolved, in an order in which each comes after what it needs.

Trees are those of attempt/evaluate.py. In a node's command and variables they hold `here` (own ports), `run` and
`value` leaves only; bindings and conditions hold `input`, `output`, `data`, `location`, `run` and `value`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from specflow.diagnostics import Span
from specflow.spec import model
from specflow.spec.load import File

__all__ = ["Condition", "DataRef", "Environment", "Graph", "InputPort", "Node", "PipelineOutput", "Tree"]

Tree = list[Any]


@dataclass(frozen=True, slots=True)
class InputPort:
    """An input of a node: what it takes (`facts`, as `value_problem` reads them) and what it is bound to."""

    facts: Mapping[str, Any]
    binding: Tree
    optional: bool = False

    @property
    def is_path(self) -> bool:
        """Return whether it holds paths."""
        return self.facts["type"] in model.PATH_TYPES


@dataclass(frozen=True, slots=True)
class Condition:
    """A `when`: of a step (`within` its own pipeline), or of a call around it; None is `success()`.

    `needs` are the nodes right before it. Status functions look at them and at their ancestors inside `within`, the
    id of the call that holds the pipeline (empty: the root). `requires` are required inputs of a call: null skips it.
    """

    when: Tree | None
    needs: tuple[str, ...]
    within: str = ""
    requires: tuple[Tree, ...] = ()


@dataclass(frozen=True, slots=True)
class Environment:
    """What a step needs installed, with the folder that its file names start from."""

    needs: model.Environment | None = None
    folder: FilePath | None = None
    name: str | None = None
    """The name it was given by; with `needs` None it is registered on the targets by the profile."""


@dataclass(frozen=True, slots=True)
class Node:
    """One step instance, ready to be compiled."""

    id: str
    label: str
    path: tuple[str, ...]
    """Names of the steps from the root pipeline inwards, without matrix instances."""
    file: File
    """The pipeline file that holds the step (a step file that is run by itself holds itself)."""
    place: tuple[str | int, ...]
    """Where in that file."""
    definition: File | None
    """The step file that is used; None for a body in place."""
    kind: str
    """`command`, `script`, `notebook` or `native`."""
    engine: str = "process"
    command: tuple[Tree, ...] = ()
    """Arguments: trees; `["group", …]` vanishes when a value in it is null."""
    script: str | None = None
    notebook: FilePath | None = None
    code: FilePath | None = None
    inputs: Mapping[str, InputPort] = field(default_factory=dict)
    outputs: Mapping[str, model.Output] = field(default_factory=dict)
    env: Mapping[str, Tree] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    environment: Environment | None = None
    compute: str | None = None
    compute_need: model.Compute | None = None
    target: str | None = None
    """The target that the spec names for it, the pipelines around it included."""
    retry: model.Retry | None = None
    timeout: str | None = None
    cache: bool = True
    needs: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    extensions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    matrix: Mapping[str, Any] = field(default_factory=dict)
    version: str | None = None

    def span_of(self, key: str) -> Span:
        """Return where a key of the step stands: at its call, else in its step file, else the step itself."""
        if self.file.document.has((*self.place, key)):
            return self.file.key_span(*self.place, key)
        if self.definition is not None and self.definition.document.has((key,)):
            return self.definition.key_span(key)
        return self.file.key_span(*self.place)


@dataclass(frozen=True, slots=True)
class DataRef:
    """A named source as a graph refers to it."""

    source: model.DataSource
    file: File
    location: str | Mapping[str, str]
    place: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class PipelineOutput:
    """An output of the root pipeline."""

    tree: Tree
    type: str
    many: bool = False
    format: str | None = None
    optional: bool = False
    register_name: Tree | None = None
    register_version: Tree | None = None
    location: Tree | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """A whole pipeline, resolved."""

    name: str
    file: File
    nodes: Mapping[str, Node]
    inputs: Mapping[str, model.Input]
    defaults: Mapping[str, Tree]
    outputs: Mapping[str, PipelineOutput]
    data: Mapping[str, DataRef]
    fail_fast: bool = False
    concurrency: int | None = None
    timeout: str | None = None
    schedule: model.Schedule | None = None
    notify: model.Notify | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    version: str | None = None
    description: str = ""
    extensions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
