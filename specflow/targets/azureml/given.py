"""pipeline.yml with what a run is given: values and paths of its inputs, what arrives from elsewhere, assets' names."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from specflow.errors import UsageError
from specflow.targets.azureml.checks import UNSAFE, refusal_of
from specflow.targets.azureml.nodes import unquoted
from specflow.targets.azureml.outputs import Known, registered_as
from specflow.targets.azureml.ports import Wiring, literal

__all__ = ["run_afresh", "with_given"]


def with_given(
    document: Mapping[str, Any],
    native: Mapping[str, Any],
    inputs: Mapping[str, Any],
    arrivals: Mapping[str, str],
    run: Mapping[str, str],
) -> dict[str, Any]:
    """Return the document with the inputs that were given; a new one, the old stays as it is. UsageError: one can't be.

    `arrivals` are addresses, or paths on this machine, for inputs by which an island gets what steps outside left;
    `run` has what registered names may ask for.
    """
    found = {**document, "inputs": dict(document.get("inputs") or {}), "jobs": dict(document["jobs"])}
    for name, value in inputs.items():
        if name in native["plain"] and literal(value) != value:
            told = (
                f'the input "{name}" is read by a native step, and can\'t hold {json.dumps(value, ensure_ascii=False)}'
            )
            raise UsageError(told, "of texts only those of letters, digits and _./:@+,=%- arrive there as they are")
        if value is not None:
            _give(found, native["inputs"][name], name, value)
    for name, place in arrivals.items():
        found["inputs"][name] = {"type": native["arrivals"][name], "path": place}
    known = Known({**native["values"], **inputs}, run)
    outputs = {name: dict(output) for name, output in (document.get("outputs") or {}).items()}
    for name, trees in native["registered"].items():
        outputs[name] |= registered_as(trees["name"], trees["version"], known)
    for name, location in native["located"].items():
        address = known.text(location)
        assert address is not None, "a run has its inputs, and what may be absent is no place"
        _check(address)
        outputs[name]["path"] = address
    return {**found, "outputs": outputs} if outputs else found


def run_afresh(
    document: Mapping[str, Any], native: Mapping[str, Any], steps: Collection[str], key: str
) -> Mapping[str, Any]:
    """Return the document with nodes that Azure ML can't reuse: all of them, or those whose command says who asked.

    A native step has no command of ours, and one elsewhere no node: with one, the whole job is run afresh.
    """
    if not steps:
        return document
    known = native["steps"]
    if set(known) <= set(steps) or any(step not in known or known[step]["native"] for step in steps):
        return {**document, "settings": {**document["settings"], "force_rerun": True}}
    jobs = dict(document["jobs"])
    for step in steps:
        jobs[step] = _with_words(jobs[step], [f"--afresh {key}"])
    return {**document, "jobs": jobs}


def _give(document: dict[str, Any], port: Mapping[str, Any], name: str, value: Any) -> None:
    if not port["late"]:
        document["inputs"][name] = _entry(port, value)
        return
    items = list(value) if isinstance(value, (list, tuple)) else [value]
    names = [f"{name}__{index}" if port["many"] else name for index in range(len(items))]
    document["inputs"] |= {key: _entry(port, item) for key, item in zip(names, items, strict=True)}
    for node, wanted in port["late"].items():
        own = [f"{wanted}__{index}" if port["many"] else wanted for index in range(len(items))]
        document["jobs"][node] = _with_inputs(
            document["jobs"][node], name, dict(zip(own, names, strict=True)), port["type"]
        )


def _entry(port: Mapping[str, Any], value: Any) -> Any:
    if port["is_path"]:
        name = value.name if isinstance(value, FilePath) else str(value)
        _check(name)
        return {"type": port["type"], "path": str(value)}
    return literal(value)


def _check(place: str) -> None:
    if UNSAFE.search(place):
        raise UsageError(f"Azure ML can't be told this place: {refusal_of(place)}", "give it another name")


def _with_inputs(node: Mapping[str, Any], name: str, added: Mapping[str, str], kind: str) -> dict[str, Any]:
    """Return a node that reads more inputs of the pipeline: `added` has its own name for each, and theirs."""
    wiring = Wiring(is_spark=node["type"] == "spark")
    words = [f"--input {name}={wiring.take(own, _bound(outer), kind, None)}" for own, outer in added.items()]
    if wiring.is_spark:
        words = [unquoted(word) for word in words]
    found = _with_words({**node, "inputs": {**(node.get("inputs") or {}), **wiring.inputs}}, words)
    if "component" not in found:
        return found
    component = found["component"]
    declared = {**(component.get("inputs") or {}), **{own: wiring.declared(own) for own in added}}
    return {**found, "component": {**component, "inputs": declared}}


def _with_words(node: Mapping[str, Any], words: Sequence[str]) -> dict[str, Any]:
    """Return a node whose launcher is told more."""
    key = "args" if node["type"] == "spark" else "command"
    if "component" not in node:
        return {**node, key: " ".join([node[key], *words])}
    component = node["component"]
    return {**node, "component": {**component, key: " ".join([component[key], *words])}}


def _bound(name: str) -> str:
    return f"${{{{parent.inputs.{name}}}}}"
