"""What the service refuses about a component when it is registered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from specflow.targets.azureml.emulator.assumptions import Assumptions
from specflow.targets.azureml.emulator.fields import DATA_TYPES, component_fields, unknown
from specflow.targets.azureml.emulator.graph import graph_problems
from specflow.targets.azureml.emulator.literals import LITERAL_TYPES, literal_problem
from specflow.targets.azureml.emulator.names import PORT
from specflow.targets.azureml.emulator.node_settings import setting_problems
from specflow.targets.azureml.emulator.reading import Components, Reader
from specflow.targets.azureml.emulator.refusals import Problem
from specflow.targets.azureml.emulator.template import placeholders, strangers

__all__ = ["Catalogue", "component_problems"]

_PORT = {"type", "description", "optional", "default", "min", "max", "enum", "mode", "path", "datatype"}
_PORT |= {"is_control", "early_available", "intellectual_property"}


class Catalogue(Components, Protocol):
    """Who knows what is registered in the workspace."""

    def has_environment(self, reference: str) -> bool:
        """Return whether the environment's version exists."""

    def has_code(self, reference: str) -> bool:
        """Return whether the code's version exists."""

    def has_compute(self, reference: str) -> bool:
        """Return whether the compute exists; `serverless` always does."""

    def has_datastore(self, reference: str) -> bool:
        """Return whether the datastore exists."""

    def has_data(self, uri: str) -> bool:
        """Return whether a URI is in a datastore that exists, or names a data asset or model that does."""


def component_problems(spec: Mapping[str, Any], catalogue: Catalogue, assumed: Assumptions) -> Iterator[Problem]:
    """Return what is wrong with a component's spec."""
    kind = str(spec.get("type", ""))
    known = component_fields(kind)
    if known is None:
        # Sweep, parallel and the like may be registered; a job that uses one is refused.
        return
    if assumed.refuses_unknown_fields:
        yield from unknown(spec, known, "componentSpec")
    for side in ("inputs", "outputs"):
        for name, port in (spec.get(side) or {}).items():
            yield from _port_problems(name, port, f"componentSpec.{side}.{name}", assumed, is_input=side == "inputs")
    if kind == "pipeline":
        yield from _inside(spec, catalogue, assumed)
        return
    yield from _template_problems(spec, "command" if kind == "command" else "args")
    yield from _asset_problems(spec, kind, catalogue)
    yield from setting_problems(kind, spec, "componentSpec")
    if kind == "spark" and not (spec.get("entry") or {}).get("file"):
        yield Problem("a Spark component has an entry file here; class_name is not emulated", "componentSpec.entry")


def _port_problems(name: str, port: Any, where: str, assumed: Assumptions, *, is_input: bool) -> Iterator[Problem]:
    if not PORT.fullmatch(name):
        yield Problem(f'"{name}" is not a port name; expected {PORT.pattern}', where, "InvalidName")
    if not isinstance(port, Mapping):
        yield Problem("a port is an object", where)
        return
    if assumed.refuses_unknown_fields:
        yield from unknown(port, _PORT, where)
    kind = port.get("type")
    kinds = DATA_TYPES | LITERAL_TYPES if is_input else DATA_TYPES
    if not isinstance(kind, str) or kind not in kinds:
        yield Problem(f'"{kind}" is no type of an {"input" if is_input else "output"} here', f"{where}.type")
        return
    if (odd := list(_bound_problems(port, where))) or kind not in LITERAL_TYPES:
        yield from odd
        return
    default = port.get("default")
    if default is not None and (problem := literal_problem(port, str(default))):
        yield Problem(problem, f"{where}.default", "InvalidValue")


def _bound_problems(port: Mapping[str, Any], where: str) -> Iterator[Problem]:
    for name in ("min", "max"):
        if port.get(name) is not None and literal_problem({"type": "number"}, str(port[name])):
            yield Problem(f'"{port[name]}" is not a number', f"{where}.{name}", "InvalidValue")
    if not isinstance(port.get("enum") or [], list):
        yield Problem("it is a list", f"{where}.enum")


def _template_problems(spec: Mapping[str, Any], key: str) -> Iterator[Problem]:
    text, where = spec.get(key), f"componentSpec.{key}"
    if key == "command" and not str(text or "").strip():
        yield Problem("a command component has a command", where)
    for odd in strangers(str(text or "")):
        yield Problem(f'"{odd}" is nothing that a command can name', where, "BadBinding")
    for each in placeholders(str(text or "")):
        if each.name not in (spec.get(each.side) or {}):
            yield Problem(f"the command names {each.side}.{each.name}, which is not declared", where, "BadBinding")


def _asset_problems(spec: Mapping[str, Any], kind: str, catalogue: Catalogue) -> Iterator[Problem]:
    environment, code = spec.get("environment"), spec.get("code")
    if environment is None and kind == "command":
        yield Problem("a command component has an environment", "componentSpec.environment")
    elif environment is not None and not catalogue.has_environment(str(environment)):
        text = f'environment "{environment}" does not exist; name it with its version'
        yield Problem(text, "componentSpec.environment", "ResourceNotFound")
    if code is not None and not catalogue.has_code(str(code)):
        yield Problem(f'code "{code}" does not exist', "componentSpec.code", "ResourceNotFound")
    if code is None and kind == "spark":
        yield Problem("a Spark component has code", "componentSpec.code")


def _inside(spec: Mapping[str, Any], catalogue: Catalogue, assumed: Assumptions) -> Iterator[Problem]:
    reader = Reader(catalogue, refuses_unknown_fields=assumed.refuses_unknown_fields)
    inputs = spec.get("inputs") or {}
    graph = reader.graph(spec.get("jobs"), inputs, spec.get("outputs") or {}, "componentSpec.jobs")
    yield from reader.problems
    defaults = {name: str(port["default"]) for name, port in inputs.items() if port.get("default") is not None}
    yield from graph_problems(graph, defaults, assumed, "componentSpec.jobs")
