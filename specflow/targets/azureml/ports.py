"""What a node reads and writes: Azure ML's inputs and outputs, and the launcher's words for them.

A value is a typed literal of its node, or bound to the pipeline's input; a path is mounted; a step that is needed gives
its record, which is also what makes Azure ML wait for it. What the launcher finds in its note needs no port.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from specflow.attempt.codec import encode
from specflow.attempt.relay import PORT
from specflow.graph.model import Graph, InputPort, Node, Tree
from specflow.lowering import leaves_of
from specflow.spec import model

__all__ = [
    "DIRECT",
    "MAX_LITERAL",
    "RECORD",
    "Sources",
    "Wiring",
    "data_type",
    "declared_type",
    "literal",
    "literal_type",
    "record_port",
    "wire",
    "wire_native",
    "wire_record",
]

MAX_LITERAL = 1000
"""Characters of a value that still go on the command line; longer ones stay in the note. Linux takes 128 KiB in all."""

RECORD = "__record"
"""What the node behind a native one adds to its name; no other step's id begins with that of a step."""

DIRECT = "direct"
"""The mode of all paths of a Spark node: it is given addresses, and Azure ML mounts nothing."""

_PATHS = frozenset({"uri_file", "uri_folder", "custom_model", "mlflow_model", "mltable"})
_DATA_TYPES = {"file": "uri_file", "folder": "uri_folder", "model": "custom_model", "metrics": "uri_file"}


def data_type(kind: str, data_format: str | None) -> str:
    """Return Azure ML's type of a path."""
    if kind == "model" and data_format == "mlflow":
        return "mlflow_model"
    if kind == "folder" and data_format == "mltable":
        return "mltable"
    return _DATA_TYPES[kind]


def declared_type(node: Node, port: str) -> str:
    """Return Azure ML's type of a step's output. Only native nodes have one for a value: a file that holds its text."""
    output = node.outputs[port]
    return data_type(output.type, output.format) if output.type in model.PATH_TYPES else "uri_file"


def literal(value: Any) -> Any:
    """Return a value as a literal of the artifact: texts in the launcher's encoding, all else as it is."""
    return encode(value) if value is None or isinstance(value, str) else value


def literal_type(value: Any) -> str:
    """Return Azure ML's type of a literal."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "string"


@dataclass(slots=True)
class Sources:
    """What nodes may be bound to: the steps of the island, the pipeline's inputs as they are there, data by key."""

    graph: Graph
    nodes: Mapping[str, Node]
    inputs: Mapping[str, str]
    """Azure ML's types of the pipeline inputs that the artifact has."""
    data: Mapping[str, str]
    """Where each named source lies: an address, or a path from the artifact."""
    store: str = ""
    """The address of the exchange store."""
    through: Mapping[str, str] = field(default_factory=dict)
    """The bridge to each step elsewhere, where Azure ML coordinates the pipeline."""
    arrivals: dict[str, str] = field(default_factory=dict)
    """Inputs of the artifact by which what steps outside the island left arrives, and their types."""

    def output(self, step: str, port: str) -> tuple[str, str]:
        """Return the binding to a step's output, and its type."""
        kind = declared_type(self.graph.nodes[step], port)
        if step in self.nodes:
            return f"${{{{parent.jobs.{step}.outputs.{port}}}}}", kind
        return self._arrival(f"{step}__{port}", kind), kind

    def record(self, step: str) -> str:
        """Return the binding to a step's record."""
        if step in self.nodes:
            node = self.nodes[step]
            job = f"{step}{RECORD}" if node.kind == "native" else step
            return f"${{{{parent.jobs.{job}.outputs.{record_port(node)}}}}}"
        return self._arrival(f"record__{step}", "uri_folder")

    def _arrival(self, name: str, kind: str) -> str:
        free = name
        while free in self.graph.inputs:
            free += "_"
        self.arrivals[free] = kind
        return f"${{{{parent.inputs.{free}}}}}"


def record_port(node: Node) -> str:
    """Return the name of the output that holds a step's record: `record`, unless a port of the step has that name."""
    name = "record"
    while name in node.outputs:
        name += "_"
    return name


@dataclass(slots=True)
class Wiring:
    """A node's ports, and the arguments by which its launcher knows them."""

    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    """Azure ML's types of the inputs."""
    arguments: list[str] = field(default_factory=list)
    given: set[str] = field(default_factory=set)
    """The step's ports whose values the arguments give: the note need not hold them."""
    is_spark: bool = False
    late: dict[str, str] = field(default_factory=dict)
    """Pipeline inputs that the artifact has none of until somebody gives one, and the node's input for each."""

    def free(self, wanted: str) -> str:
        """Return a name that no input of the node has yet."""
        name = wanted
        while name in self.inputs or name in self.late.values():
            name += "_"
        return name

    def take(self, wanted: str, bound: Any, kind: str, mode: str | None) -> str:
        """Add an input, and return its name as the command names it."""
        name = self.free(wanted)
        mode = DIRECT if self.is_spark and kind in _PATHS else mode
        if mode is None or kind not in _PATHS:
            self.inputs[name] = bound
        elif isinstance(bound, str):
            self.inputs[name] = {"type": kind, "mode": mode, "path": bound}
        else:
            self.inputs[name] = {**bound, "mode": mode}
        self.types[name] = kind
        return f'"${{{{inputs.{name}}}}}"'

    def declared(self, name: str) -> dict[str, str]:
        """Return how a component declares an input."""
        mode = {"mode": DIRECT} if self.is_spark and self.types[name] in _PATHS else {}
        return {"type": self.types[name], **mode}

    def bind_output(self, port: str, name: str) -> None:
        """Have an output be one of the pipeline."""
        binding = f"${{{{parent.outputs.{name}}}}}"
        self.outputs[port] = {**self.outputs[port], "path": binding} if self.is_spark else binding

    def output(self, kind: str) -> dict[str, str]:
        """Return an output of a type."""
        return {"type": kind, **({"mode": DIRECT} if self.is_spark else {})}


def wire(node: Node, note: Mapping[str, Any], sources: Sources) -> Wiring:
    """Return how a node is connected: constants, what it reads, what it needs, what it writes."""
    wiring = Wiring(is_spark=node.engine == "spark")
    _constants(node, note, wiring)
    _leaves(node, note, sources, wiring)
    _bridges(note, sources, wiring)
    _needed(note, sources, wiring)
    for port, output in node.outputs.items():
        if output.type in model.PATH_TYPES:
            wiring.outputs[port] = wiring.output(declared_type(node, port))
            wiring.arguments.append(f'--output {port}="${{{{outputs.{port}}}}}"')
    _recorded(node, wiring)
    return wiring


def wire_native(node: Node, note: Mapping[str, Any], sources: Sources) -> Wiring:
    """Return how a native node is connected: by its own words, which know nothing of a launcher's encoding.

    What can't be bound so was refused (`specflow.targets.azureml.natives`).
    """
    wiring = Wiring()
    for port in node.inputs:
        head, *rest = note["bindings"][port]
        if head == "value" and rest[0] is not None:
            wiring.inputs[port] = rest[0]
        elif head == "output":
            wiring.inputs[port] = sources.output(rest[0], rest[1])[0]
        elif head == "input":
            wiring.inputs[port] = f"${{{{parent.inputs.{rest[0]}}}}}"
        elif head == "data":
            kind = _kind_of_data(node, note, [head, *rest], sources)
            wiring.inputs[port] = {"type": kind, "path": sources.data[rest[0]]}
    for port in node.outputs:
        wiring.outputs[port] = wiring.output(declared_type(node, port))
    return wiring


def wire_record(node: Node, note: Mapping[str, Any], sources: Sources) -> Wiring:
    """Return how the node is connected that takes down what a native one has left."""
    wiring = Wiring()
    for port in node.outputs:
        binding = f"${{{{parent.jobs.{node.id}.outputs.{port}}}}}"
        wiring.arguments.append(f"--left {port}={wiring.take(port, binding, declared_type(node, port), None)}")
    _needed(note, sources, wiring)
    _recorded(node, wiring)
    return wiring


def _needed(note: Mapping[str, Any], sources: Sources, wiring: Wiring) -> None:
    """Connect the records of the steps before."""
    for need in (each for each in note["needs"] if each not in sources.through):
        text = wiring.take(f"record__{need}", sources.record(need), "uri_folder", None)
        wiring.arguments.append(f"--from {need}={text}")


def _recorded(node: Node, wiring: Wiring) -> None:
    own = record_port(node)
    wiring.outputs[own] = wiring.output("uri_folder")
    wiring.arguments.append(f'--record "${{{{outputs.{own}}}}}"')


def _bridges(note: Mapping[str, Any], sources: Sources, wiring: Wiring) -> None:
    """Connect what bridges leave: records of steps elsewhere; and the store, where a file of one of them is read."""
    through = note.get("through", {})
    for bridge in sorted(set(through.values())):
        text = wiring.take(f"{bridge}__{PORT}", sources.output(bridge, PORT)[0], "uri_folder", None)
        wiring.arguments.append(f"--path {bridge}.{PORT}={text}")
    files = (leaf for leaf in _read(note, sources) if leaf[0] == "output" and leaf[1] in through)
    if any(sources.graph.nodes[leaf[1]].outputs[leaf[2]].type in model.PATH_TYPES for leaf in files):
        entry = {"type": "uri_folder", "path": sources.store}
        wiring.arguments.append(f"--store {wiring.take('exchange_store', entry, 'uri_folder', None)}")


def _constants(node: Node, note: Mapping[str, Any], wiring: Wiring) -> None:
    for port in node.inputs:
        tree = note["bindings"][port]
        if tree[0] != "value" or tree[1] is None or isinstance(tree[1], (list, tuple)):
            continue
        value = literal(tree[1])
        if isinstance(value, str) and len(value) > MAX_LITERAL:
            continue
        text = wiring.take(port, value, literal_type(value), None)
        wiring.arguments.append(f"--value {port}={text}")
        wiring.given.add(port)


def _leaves(node: Node, note: Mapping[str, Any], sources: Sources, wiring: Wiring) -> None:
    """Connect all that the trees of a step name; a port that is bound to one thing alone gives it its name."""
    names, modes = _wanted_names(node, note)
    for leaf in _read(note, sources):
        key, mode, name = repr(leaf), modes.get(repr(leaf)), str(leaf[1])
        if leaf[0] == "output":
            step, port = name, str(leaf[2])
            if step in sources.through or sources.graph.nodes[step].outputs[port].type not in model.PATH_TYPES:
                continue  # in its step's record
            bound, kind = sources.output(step, port)
            text = wiring.take(names.get(key, f"{step}__{port}"), bound, kind, mode)
            wiring.arguments.append(f"--path {step}.{port}={text}")
        elif leaf[0] == "input":
            _pipeline_input(name, names.get(key, name), mode, sources, wiring)
        elif leaf[0] == "data" and name in sources.data:
            kind = _kind_of_data(node, note, leaf, sources)
            entry = {"type": kind, **({"mode": mode} if mode else {}), "path": sources.data[name]}
            text = wiring.take(names.get(key, name), entry, kind, mode)
            wiring.arguments.append(f"--data {name}={text}")


def _pipeline_input(name: str, wanted: str, mode: str | None, sources: Sources, wiring: Wiring) -> None:
    kind = sources.inputs.get(name)
    if kind is None:
        wiring.late[name] = wiring.free(wanted)
        return
    text = wiring.take(wanted, f"${{{{parent.inputs.{name}}}}}", kind, mode)
    wiring.arguments.append(f"--input {name}={text}")


def _read(note: Mapping[str, Any], sources: Sources) -> list[Tree]:
    """Return what the step's trees name, and the defaults of pipeline inputs that the artifact has no input for."""
    trees: list[Tree] = [*note["bindings"].values()]
    for condition in note["conditions"]:
        trees += [*condition["requires"], *([condition["when"]] if condition["when"] is not None else [])]
    defaults = [facts["default"] for name, facts in note["inputs"].items() if name not in sources.inputs]
    return leaves_of(*trees, *defaults)


def _wanted_names(node: Node, note: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the names and modes that leaves get from the ports which are bound to them alone, or as one of a list."""
    names: dict[str, str] = {}
    modes: dict[str, str] = {}
    for port, facts in node.inputs.items():
        tree = note["bindings"][port]
        for index, item in enumerate(tree[1:] if tree[0] == "list" else [tree]):
            names.setdefault(repr(item), f"{port}__{index}" if tree[0] == "list" else port)
            if facts.facts.get("access") == "download":
                modes.setdefault(repr(item), "download")
    return names, modes


def _kind_of_data(node: Node, note: Mapping[str, Any], leaf: Tree, sources: Sources) -> str:
    """Return the type of a named source, or of a location by the port that reads it."""
    ref = sources.graph.data.get(leaf[1])
    if ref is not None:
        return data_type(ref.source.type, ref.source.format)
    for port, facts in node.inputs.items():
        if leaf in leaves_of(note["bindings"][port]) and facts.is_path:
            return _kind_of_port(facts)
    return "uri_file"


def _kind_of_port(port: InputPort) -> str:
    return data_type(port.facts["type"], port.facts.get("format"))
