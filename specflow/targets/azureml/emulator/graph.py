"""What the service refuses about a graph before anything runs: bindings, cycles, missing inputs, types, values."""

from __future__ import annotations

import graphlib
from collections.abc import Iterator, Mapping
from typing import Any

from specflow.targets.azureml.emulator.assumptions import Assumptions
from specflow.targets.azureml.emulator.literals import LITERAL_TYPES, literal_problem
from specflow.targets.azureml.emulator.nodes import Data, Edge, Graph, Input, Literal, Node, Outer
from specflow.targets.azureml.emulator.refusals import Problem
from specflow.targets.azureml.emulator.template import placeholders

__all__ = ["graph_problems"]

Ports = Mapping[str, Mapping[str, Any]]


def graph_problems(
    graph: Graph, values: Mapping[str, str], assumed: Assumptions, target: str = "jobs"
) -> Iterator[Problem]:
    """Return what is wrong with a graph and the graphs in it.

    `values` holds the text of the graph's literal inputs, which for a job are known, for a component its defaults.
    """
    for name, node in graph.nodes.items():
        place = f"{target}.{name}"
        yield from _unresolved(graph, node, place)
        yield from _undeclared(node, place)
        yield from _missing_inputs(graph, node, place)
        yield from _unset_placeholders(graph, node, assumed, place)
        for port in node.inputs.keys() & node.ports.keys():
            yield from _wrong_value(graph, node, port, values, f"{place}.inputs.{port}")
            if assumed.refuses_type_mismatches:
                yield from _type_mismatch(graph, node, port, f"{place}.inputs.{port}")
        if assumed.refuses_type_mismatches:
            yield from _output_mismatches(graph, node, place)
        if node.graph is not None:
            yield from graph_problems(node.graph, _inner_values(node, values), assumed, f"{place}.jobs")
    yield from _doubly_bound(graph, target)
    yield from _cycles(graph, target)


def _unresolved(graph: Graph, node: Node, place: str) -> Iterator[Problem]:
    for port, given in node.inputs.items():
        where, source = f"{place}.inputs.{port}", given.source
        if isinstance(source, Outer) and source.name not in graph.inputs:
            yield Problem(f'the pipeline has no input "{source.name}"', where, "BadBinding")
        if isinstance(source, Edge):
            before = graph.nodes.get(source.node)
            if before is None:
                yield Problem(f'the pipeline has no job "{source.node}"', where, "BadBinding")
            elif source.output not in before.out_ports:
                yield Problem(f'job "{source.node}" has no output "{source.output}"', where, "BadBinding")
    for port, out in node.outputs.items():
        if out.to and out.to not in graph.outputs:
            yield Problem(f'the pipeline has no output "{out.to}"', f"{place}.outputs.{port}", "BadBinding")


def _undeclared(node: Node, place: str) -> Iterator[Problem]:
    for side, given, known in (("inputs", node.inputs, node.ports), ("outputs", node.outputs, node.out_ports)):
        for port in given:
            if port not in known:
                yield Problem(f'the component declares no such {side[:-1]} as "{port}"', f"{place}.{side}.{port}")


def _missing_inputs(graph: Graph, node: Node, place: str) -> Iterator[Problem]:
    for port, declared in node.ports.items():
        if not _is_set(graph, node, port) and not declared.get("optional"):
            yield Problem("a required input has no value", f"{place}.inputs.{port}", "MissingInput")


def _is_set(graph: Graph, node: Node, port: str) -> bool:
    if node.ports[port].get("default") is not None:
        return True
    given = node.inputs.get(port)
    if given is None:
        return False
    outer = graph.inputs.get(given.source.name) if isinstance(given.source, Outer) else None
    # A component's optional input may be left out by whoever uses it.
    return not (outer and outer.get("optional") and outer.get("default") is None)


def _unset_placeholders(graph: Graph, node: Node, assumed: Assumptions, place: str) -> Iterator[Problem]:
    if not assumed.refuses_bare_optional_inputs:
        return
    text = str(node.component.get("command") or node.setting("args") or "")
    for each in placeholders(text):
        port = node.ports.get(each.name, {}) if each.side == "inputs" and not each.is_optional else {}
        if port.get("optional") and not _is_set(graph, node, each.name):
            yield Problem("the command names it outside $[[ ]], and it has no value", f"{place}.inputs.{each.name}")


def _text(given: Input, values: Mapping[str, str]) -> str | None:
    if isinstance(given.source, Literal):
        return given.source.text
    return values.get(given.source.name) if isinstance(given.source, Outer) else None


def _wrong_value(graph: Graph, node: Node, port: str, values: Mapping[str, str], where: str) -> Iterator[Problem]:
    declared, given = node.ports[port], node.inputs[port]
    if declared.get("type") not in LITERAL_TYPES:
        return
    if isinstance(given.source, Data | Edge):
        yield Problem(f"a {declared.get('type')} can't be read from data", where, "TypeMismatch")
        return
    text = _text(given, values)
    outer = graph.inputs.get(given.source.name) if isinstance(given.source, Outer) else None
    if text is None or (outer is not None and outer.get("type") not in {*LITERAL_TYPES, "literal"}):
        return
    if problem := literal_problem(declared, text):
        yield Problem(problem, where, "InvalidValue")


def _type_mismatch(graph: Graph, node: Node, port: str, where: str) -> Iterator[Problem]:
    wanted, source = str(node.ports[port].get("type")), node.inputs[port].source
    if isinstance(source, Literal):
        found = "literal"
    elif wanted in LITERAL_TYPES and not isinstance(source, Outer):
        return  # told as a wrong value
    else:
        found = _type_of(graph, source)
    if found and not _fits(found, wanted):
        yield Problem(f"it is a {found}, and the component wants a {wanted}", where, "TypeMismatch")


def _fits(found: str, wanted: str) -> bool:
    if found == "literal":
        return wanted in LITERAL_TYPES
    return found == wanted or (found, wanted) == ("integer", "number")


def _type_of(graph: Graph, source: Data | Edge | Outer) -> str:
    if isinstance(source, Data):
        return source.type
    if isinstance(source, Outer):
        return str(graph.inputs.get(source.name, {}).get("type", ""))
    before = graph.nodes.get(source.node)
    return str(before.out_ports.get(source.output, {}).get("type", "")) if before else ""


def _output_mismatches(graph: Graph, node: Node, place: str) -> Iterator[Problem]:
    for port, out in node.outputs.items():
        declared = str(node.out_ports.get(port, {}).get("type", ""))
        outer = str(graph.outputs.get(out.to, {}).get("type", "")) if out.to else ""
        for said in (out.type, outer):
            if declared and said and said != declared:
                yield Problem(
                    f"it is a {said}, and the component makes a {declared}", f"{place}.outputs.{port}", "TypeMismatch"
                )


def _inner_values(node: Node, values: Mapping[str, str]) -> dict[str, str]:
    inner = {port: str(each["default"]) for port, each in node.ports.items() if each.get("default") is not None}
    for port, given in node.inputs.items():
        text = _text(given, values)
        if text is not None:
            inner[port] = text
    return inner


def _doubly_bound(graph: Graph, target: str) -> Iterator[Problem]:
    bound: dict[str, str] = {}
    for name, node in graph.nodes.items():
        for port, out in node.outputs.items():
            where = f"{target}.{name}.outputs.{port}"
            if out.to in bound:
                yield Problem(
                    f'"{bound[out.to]}" is bound to the pipeline\'s output "{out.to}" already', where, "BadBinding"
                )
            elif out.to:
                bound[out.to] = where


def _cycles(graph: Graph, target: str) -> Iterator[Problem]:
    edges = {name: node.before & graph.nodes.keys() for name, node in graph.nodes.items()}
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as found:
        path = " -> ".join(reversed(found.args[1]))
        yield Problem(f"the jobs wait for each other: {path}", f"{target}.{found.args[1][0]}", "CyclicGraph")
