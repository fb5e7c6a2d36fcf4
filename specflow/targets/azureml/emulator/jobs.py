"""A pipeline job's body: read, checked against the workspace, and accepted or refused as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from specflow.targets.azureml.emulator.assumptions import Assumptions
from specflow.targets.azureml.emulator.components import Catalogue
from specflow.targets.azureml.emulator.fields import DATA_TYPES, PIPELINE, SETTINGS, unknown
from specflow.targets.azureml.emulator.graph import graph_problems
from specflow.targets.azureml.emulator.literals import LITERAL_TYPES, literal_problem
from specflow.targets.azureml.emulator.names import name_problem
from specflow.targets.azureml.emulator.node_settings import setting_problems
from specflow.targets.azureml.emulator.nodes import Data, Graph, Input, Literal, Node, Output
from specflow.targets.azureml.emulator.reading import Reader, read_input, read_output
from specflow.targets.azureml.emulator.refusals import Problem

__all__ = ["Accepted", "Checked", "check_job", "settings_problems"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is run: a graph, the values of its inputs, where its outputs go, and the pipeline's settings."""

    graph: Graph
    inputs: Mapping[str, Input]
    outputs: Mapping[str, Output]
    settings: Mapping[str, Any]
    experiment: str

    @property
    def continues(self) -> bool:
        """Return whether branches without the failed node go on."""
        return bool(self.settings.get("continue_on_step_failure"))


@dataclass(frozen=True, slots=True)
class Checked:
    """A job as read, and all that is wrong with it."""

    job: Accepted
    problems: tuple[Problem, ...]


def check_job(body: Mapping[str, Any], catalogue: Catalogue, assumed: Assumptions) -> Checked:
    """Return what a job's `properties` say and what is wrong with them; nothing has been started or stored."""
    reader = Reader(catalogue, refuses_unknown_fields=assumed.refuses_unknown_fields)
    problems = reader.problems
    if assumed.refuses_unknown_fields:
        problems.extend(unknown(body, PIPELINE, ""))
    kept = {name: read_input(each, f"inputs.{name}", problems) for name, each in (body.get("inputs") or {}).items()}
    inputs = {name: each for name, each in kept.items() if each}
    outputs = {
        name: read_output(each, f"outputs.{name}", problems) for name, each in (body.get("outputs") or {}).items()
    }
    types = {name: {"type": _type(each)} for name, each in inputs.items()}
    out_types = {name: {"type": each.type} for name, each in outputs.items()}
    jobs = body.get("jobs")
    if jobs is None and body.get("componentId"):
        graph = _from_component(str(body["componentId"]), catalogue, reader)
    else:
        graph = reader.graph(jobs, types, out_types)
    settings = body.get("settings") or {}
    values = _values(graph, inputs)
    problems.extend(_declared_problems(graph, inputs))
    problems.extend(graph_problems(graph, values, assumed))
    problems.extend(settings_problems(settings, catalogue, assumed))
    problems.extend(_compute_problems(graph, body, settings, catalogue))
    problems.extend(_node_problems(graph, catalogue, assumed))
    problems.extend(_data_problems(inputs, outputs, catalogue))
    experiment = str(body.get("experimentName") or "Default")
    if assumed.refuses_odd_names and (odd := name_problem("experimentName", experiment)):
        problems.append(odd)
    return Checked(Accepted(graph, inputs, outputs, settings, experiment), tuple(dict.fromkeys(problems)))


def _from_component(reference: str, catalogue: Catalogue, reader: Reader) -> Graph:
    """Return the graph of a job that only names a pipeline component, as a batch deployment's do."""
    spec = catalogue.component(reference)
    if spec is None or spec.get("type") != "pipeline":
        reader.problems.append(Problem(f'"{reference}" is no pipeline component', "componentId", "ResourceNotFound"))
        return Graph({})
    return reader.graph(spec.get("jobs"), spec.get("inputs") or {}, spec.get("outputs") or {})


def _values(graph: Graph, inputs: Mapping[str, Input]) -> dict[str, str]:
    defaults = {name: str(each["default"]) for name, each in graph.inputs.items() if each.get("default") is not None}
    given = {name: each.source.text for name, each in inputs.items() if isinstance(each.source, Literal)}
    return {**defaults, **given}


def _declared_problems(graph: Graph, inputs: Mapping[str, Input]) -> Iterator[Problem]:
    """Return what is wrong with the values of inputs that a component declares; a job's own inputs declare nothing."""
    for name, port in graph.inputs.items():
        given = inputs.get(name)
        if given is None and port.get("default") is None and not port.get("optional"):
            yield Problem("a required input has no value", f"inputs.{name}", "MissingInput")
        if given and isinstance(given.source, Literal) and port["type"] != "literal":
            if port["type"] not in LITERAL_TYPES:
                yield Problem(f"a {port['type']} can't be a literal", f"inputs.{name}", "TypeMismatch")
            elif problem := literal_problem(port, given.source.text):
                yield Problem(problem, f"inputs.{name}", "InvalidValue")
        elif given and isinstance(given.source, Data) and given.source.type != port["type"]:
            text = f"it is a {given.source.type}, and the pipeline wants a {port['type']}"
            yield Problem(text, f"inputs.{name}", "TypeMismatch")
    for name in inputs.keys() - graph.inputs.keys():
        yield Problem(f'the pipeline declares no input "{name}"', f"inputs.{name}")


def _type(given: Input) -> str:
    return given.source.type if isinstance(given.source, Data) else "literal"


def settings_problems(settings: Mapping[str, Any], catalogue: Catalogue, assumed: Assumptions) -> Iterator[Problem]:
    """Return what is wrong with a pipeline's settings."""
    if assumed.refuses_unknown_settings:
        yield from unknown(settings, SETTINGS, "settings")
    compute, store = settings.get("default_compute"), settings.get("default_datastore")
    if compute and not catalogue.has_compute(str(compute)):
        yield Problem(f'compute "{compute}" does not exist', "settings.default_compute", "ResourceNotFound")
    if store and not catalogue.has_datastore(str(store)):
        yield Problem(f'datastore "{store}" does not exist', "settings.default_datastore", "ResourceNotFound")
    for name in ("continue_on_step_failure", "force_rerun"):
        if not isinstance(settings.get(name, False), bool | None):
            yield Problem("it is true or false", f"settings.{name}")


def _compute_problems(
    graph: Graph, body: Mapping[str, Any], settings: Mapping[str, Any], catalogue: Catalogue, target: str = "jobs"
) -> Iterator[Problem]:
    default = settings.get("default_compute") or body.get("computeId")
    for name, node in graph.nodes.items():
        compute, where = node.body.get("computeId"), f"{target}.{name}.compute"
        if compute and not catalogue.has_compute(str(compute)):
            yield Problem(f'compute "{compute}" does not exist', where, "ResourceNotFound")
        needs_one = node.kind == "command" and not compute and not default
        if needs_one:
            yield Problem("there is no compute, here or in settings.default_compute", where)
        if node.graph is not None:
            yield from _compute_problems(node.graph, body, settings, catalogue, f"{target}.{name}.jobs")


def _node_problems(graph: Graph, catalogue: Catalogue, assumed: Assumptions, target: str = "jobs") -> Iterator[Problem]:
    for name, node in graph.nodes.items():
        where = f"{target}.{name}"
        yield from setting_problems(node.kind, node.body, where)
        if node.kind == "spark" and assumed.spark_inputs_must_be_direct:
            yield from _not_direct(node, where)
        own = {port: each for port, each in node.inputs.items() if isinstance(each.source, Data)}
        yield from _data_problems(own, node.outputs, catalogue, f"{where}.")
        if node.graph is not None:
            yield from _node_problems(node.graph, catalogue, assumed, f"{where}.jobs")


def _not_direct(node: Node, where: str) -> Iterator[Problem]:
    for side, given, ports in (("inputs", node.inputs, node.ports), ("outputs", node.outputs, node.out_ports)):
        for port, declared in ports.items():
            if declared.get("type") not in DATA_TYPES:
                continue
            said = given.get(port)
            mode = (said.mode if said else "") or str(declared.get("mode") or "")
            if mode != "direct":
                yield Problem("ports of Spark jobs have mode direct", f"{where}.{side}.{port}.mode")


def _data_problems(
    inputs: Mapping[str, Input], outputs: Mapping[str, Output], catalogue: Catalogue, prefix: str = ""
) -> Iterator[Problem]:
    for name, given in inputs.items():
        if isinstance(given.source, Data) and not catalogue.has_data(given.source.uri):
            yield Problem(
                f'"{given.source.uri}" names nothing that exists', f"{prefix}inputs.{name}", "ResourceNotFound"
            )
    for name, out in outputs.items():
        if out.uri and not catalogue.has_data(out.uri):
            yield Problem(f'"{out.uri}" is in no datastore that exists', f"{prefix}outputs.{name}", "ResourceNotFound")
