"""A compiled pipeline as a component that others call: its inputs declared, none of them free text.

Callers do not know the launcher's encoding, and what they send is pasted into a line for bash. So numbers, booleans and
paths are inputs, a text is only where it is one of a few; any other text stays what the pipeline says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from specflow.attempt.codec import encode
from specflow.diagnostics import Diagnostic, Span, error, warning

__all__ = ["component_document", "fixed_inputs", "left_out", "open_inputs"]

_SCHEMA = "https://azuremlschemas.azureedge.net/latest/pipelineComponent.schema.json"
_BINDING = re.compile(r"\$\{\{parent\.inputs\.(\w+)\}\}")


def open_inputs(native: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the inputs that callers may give, as a component declares them."""
    found: dict[str, dict[str, Any]] = {}
    for name, port in native["inputs"].items():
        if port["late"] or port["many"] or (port["is_path"] and port["optional"] and name not in native["values"]):
            continue
        if port["is_path"]:
            found[name] = {"type": port["type"]}
            continue
        default, choices = native["values"].get(name), port.get("enum")
        is_closed = port["type"] != "string" or (choices and all(encode(str(choice)) == choice for choice in choices))
        if not is_closed or (default is None and port["optional"]):
            continue
        entry = {"type": port["type"]}
        entry |= {
            key: port[known] for key, known in (("min", "minimum"), ("max", "maximum")) if port.get(known) is not None
        }
        if choices:
            entry["enum"] = list(choices)
        found[name] = entry if default is None else {**entry, "default": default}
    return found


def left_out(native: Mapping[str, Any]) -> Iterator[Diagnostic]:
    """Yield what a component does not have of its pipeline: inputs that callers can't give, places that outputs go to.

    An input that is needed and can't be given is an error: each call would fail.
    """
    is_open = open_inputs(native)
    for name, port in native["inputs"].items():
        if name in is_open:
            continue
        place, told = Span(f"inputs.{name}"), f'azureml: callers can\'t give "{name}", which is {_closed(port)}'
        if name not in native["values"] and not port["optional"]:
            help_ = "give it a default, or make it a number, a boolean, a path, or a text with an `enum` of plain ones"
            yield error("unsupported", f"{told}, and the pipeline needs it", place, help_)
        else:
            is_there = name in native["values"]
            stays = "what the pipeline says" if is_there else "absent"
            yield warning("approximated", f"{told}: it stays {stays}", place)
    for key, what in (("registered", "is not registered"), ("located", "does not go to its `location`")):
        for name in native[key]:
            message = f'azureml: of a call "{name}" {what}: callers say where outputs go'
            yield warning("approximated", message, Span(f"outputs.{name}"))


def _closed(port: Mapping[str, Any]) -> str:
    """Return what an input is that callers can't give."""
    if port["many"]:
        return "a list"
    if port["is_path"]:
        return "a path that may be absent"
    if port["type"] != "string":
        return "a value that may be absent"
    return "one of texts that need encoding" if port.get("enum") else "a free text"


def fixed_inputs(native: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of the job that callers can't give, with what they are."""
    is_open = open_inputs(native)
    return {name: value for name, value in (document.get("inputs") or {}).items() if name not in is_open}


def component_document(document: Mapping[str, Any], native: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return the component: the job's nodes, what is fixed written into them."""
    fixed = fixed_inputs(native, document)
    found: dict[str, Any] = {"$schema": _SCHEMA, "type": "pipeline", "name": native["name"], "version": version}
    found |= {key: document[key] for key in ("display_name", "description", "tags") if key in document}
    inputs = open_inputs(native)
    if inputs:
        found["inputs"] = inputs
    if document.get("outputs"):
        found["outputs"] = {name: {"type": output["type"]} for name, output in document["outputs"].items()}
    return found | {"jobs": {name: _node(node, fixed) for name, node in document["jobs"].items()}}


def _node(node: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
    inputs = {name: _given(value, fixed) for name, value in (node.get("inputs") or {}).items()}
    return {**node, "inputs": inputs} if inputs else dict(node)


def _given(value: Any, fixed: Mapping[str, Any]) -> Any:
    text = value["path"] if isinstance(value, Mapping) and "path" in value else value
    found = _BINDING.fullmatch(text) if isinstance(text, str) else None
    return fixed[found[1]] if found is not None and found[1] in fixed else value
