"""Bodies of pipelines and nodes into `Graph`s; what can't be read is told: unknown kinds and fields, odd bindings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from specflow.targets.azureml.emulator.fields import INPUT_MODES, OUTPUT_MODES, node_fields, unknown
from specflow.targets.azureml.emulator.names import NODE, PORT
from specflow.targets.azureml.emulator.nodes import Data, Edge, Graph, Input, Literal, Node, Outer, Output, Source
from specflow.targets.azureml.emulator.refusals import Problem

__all__ = ["Components", "Reader", "read_input", "read_output"]

_EDGE = re.compile(r"\$\{\{\s*parent\.jobs\.([^.}]+)\.outputs\.([^}]+?)\s*\}\}")
_OUTER = re.compile(r"\$\{\{\s*parent\.inputs\.([^}]+?)\s*\}\}")
_BOUND_OUTPUT = re.compile(r"\$\{\{\s*parent\.outputs\.([^}]+?)\s*\}\}")
_NOT_EMULATED = {
    **dict.fromkeys(
        ("sweep", "parallel", "automl", "data_transfer", "import"), "is a kind of node that is not emulated"
    ),
    **dict.fromkeys(
        ("if_else", "parallel_for", "do_while"), "is control flow, which is behind a private flag of the SDK"
    ),
}


class Components(Protocol):
    """Who knows the registered components."""

    def component(self, reference: str) -> Mapping[str, Any] | None:
        """Return the spec that an ARM id or `name:version` leads to; None if there is none."""


def _either(body: Mapping[str, Any], *names: str) -> str:
    return next((str(body[name]) for name in names if body.get(name) is not None), "")


def read_source(text: str) -> Source | None:
    """Return what a value stands for; None for text that holds a binding which is none of a node's inputs."""
    if edge := _EDGE.fullmatch(text):
        return Edge(edge[1], edge[2])
    if outer := _OUTER.fullmatch(text):
        return Outer(outer[1])
    return None if "${{" in text else Literal(text)


def read_input(body: Any, target: str, problems: list[Problem]) -> Input | None:
    """Return an input of a node or a pipeline; node bodies spell fields in snake_case, envelopes in camelCase."""
    if not isinstance(body, Mapping):
        problems.append(Problem("an input is an object", target))
        return None
    kind = _either(body, "job_input_type", "jobInputType").lower()
    mode = _either(body, "mode")
    if mode and mode not in INPUT_MODES:
        problems.append(Problem(f'"{mode}" is no mode of an input; there are {", ".join(INPUT_MODES)}', target))
    if "uri" in body and body["uri"] is not None:
        source = read_source(str(body["uri"]))
        if isinstance(source, Literal):
            source = Data(source.text, kind or "uri_folder")
    else:
        source = read_source(str(body["value"])) if body.get("value") is not None else Literal("")
    if source is None:
        problems.append(
            Problem(f'"{_either(body, "value", "uri")}" binds to nothing that there is', target, "BadBinding")
        )
        return None
    return Input(source, INPUT_MODES.get(mode, ""))


def read_output(body: Any, target: str, problems: list[Problem]) -> Output:
    """Return an output of a node or a pipeline."""
    if not isinstance(body, Mapping):
        problems.append(Problem("an output is an object", target))
        return Output()
    mode = _either(body, "mode")
    if mode and mode not in OUTPUT_MODES:
        problems.append(Problem(f'"{mode}" is no mode of an output; there are {", ".join(OUTPUT_MODES)}', target))
    uri, to = _either(body, "uri", "value"), ""
    if bound := _BOUND_OUTPUT.fullmatch(uri):
        uri, to = "", bound[1]
    elif "${{parent" in uri.replace(" ", ""):
        problems.append(Problem(f'"{uri}" binds to nothing that there is', target, "BadBinding"))
    kind = _either(body, "job_output_type", "jobOutputType").lower()
    asset, version = _either(body, "name", "assetName"), _either(body, "version", "assetVersion")
    return Output("" if kind == "literal" else kind, OUTPUT_MODES.get(mode, ""), uri, to, asset, version)


class Reader:
    """Reads graphs, and gathers problems as it goes."""

    def __init__(self, components: Components, *, refuses_unknown_fields: bool) -> None:
        """Begin without problems."""
        self.components, self.refuses_unknown_fields = components, refuses_unknown_fields
        self.problems: list[Problem] = []

    def graph(
        self,
        jobs: Any,
        inputs: Mapping[str, Mapping[str, Any]],
        outputs: Mapping[str, Mapping[str, Any]],
        target: str = "jobs",
    ) -> Graph:
        """Return the graph of a `jobs` object; what can't be read is left out of it and told."""
        if not isinstance(jobs, Mapping) or not jobs:
            self.problems.append(Problem("a pipeline has at least one job", target))
            return Graph({}, inputs, outputs)
        nodes = {name: self._node(name, body, f"{target}.{name}") for name, body in jobs.items()}
        return Graph({name: node for name, node in nodes.items() if node}, inputs, outputs)

    def _node(self, name: str, body: Any, target: str) -> Node | None:
        if not NODE.fullmatch(name):
            self.problems.append(
                Problem(f'"{name}" is not a node name; expected {NODE.pattern}', target, "InvalidName")
            )
        if not isinstance(body, Mapping):
            self.problems.append(Problem("a job is an object", target))
            return None
        kind = str(body.get("type") or "command")
        known = node_fields(kind)
        if known is None:
            why = _NOT_EMULATED.get(kind, "is no kind of node")
            self.problems.append(Problem(f'"{kind}" {why}', f"{target}.type", "NotEmulated"))
            return None
        if self.refuses_unknown_fields:
            self.problems.extend(unknown(body, known, target))
        component_id = str(body.get("componentId") or "")
        component = self.components.component(component_id) if component_id else None
        if component is None:
            what = f'component "{component_id}" does not exist' if component_id else "a job needs a componentId"
            self.problems.append(Problem(what, f"{target}.componentId", "ResourceNotFound"))
            return None
        if component.get("type") != kind:
            text = f'a "{kind}" job can\'t have a component of type "{component.get("type")}"'
            self.problems.append(Problem(text, f"{target}.type"))
            return None
        return self._ported(name, kind, body, component, component_id, target)

    def _ported(
        self,
        name: str,
        kind: str,
        body: Mapping[str, Any],
        component: Mapping[str, Any],
        component_id: str,
        target: str,
    ) -> Node:
        inputs: dict[str, Input] = {}
        for port, value in (body.get("inputs") or {}).items():
            if found := read_input(value, f"{target}.inputs.{port}", self.problems):
                inputs[port] = found
        outputs = {
            port: read_output(value, f"{target}.outputs.{port}", self.problems)
            for port, value in (body.get("outputs") or {}).items()
        }
        for port in (*inputs, *outputs):
            if not PORT.fullmatch(port):
                self.problems.append(
                    Problem(f'"{port}" is not a port name; expected {PORT.pattern}', target, "InvalidName")
                )
        graph = None
        if kind == "pipeline":
            ports, out_ports = component.get("inputs") or {}, component.get("outputs") or {}
            graph = self.graph(component.get("jobs"), ports, out_ports, f"{target}.jobs")
        return Node(name, kind, component, component_id, body, inputs, outputs, graph)
