"""The plan of a run → its graph, drawn by the same code as `specflow graph`.

A plan holds what a drawing shows of steps; the files that it was made from may have changed since, and are not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from specflow.graph.draw import draw
from specflow.graph.model import Condition, DataRef, Graph, InputPort, Node, PipelineOutput, Tree
from specflow.report.markup import Markup
from specflow.spec import model
from specflow.spec.load import File

__all__ = ["drawing", "graph_of"]

_NO_FILE = cast(File, None)
"""Nodes without a `place` are asked for no file."""


def drawing(document: Mapping[str, Any], states: Mapping[str, str]) -> tuple[Markup, float]:
    """Return the graph of a plan as an SVG element, and its width in pixels; `states` by step id."""
    placed = {step["id"]: step["target"] for step in document["steps"]}
    text = draw(graph_of(document), placed, "svg", states=states)
    width = re.search(r' width="([0-9.]+)"', text)
    # In a page the name space goes without saying, and no address of the network stands in ours.
    return Markup(text.replace(' xmlns="http://www.w3.org/2000/svg"', "", 1)), float(width[1]) if width else 0.0


def graph_of(document: Mapping[str, Any]) -> Graph:
    """Return the graph that a plan document tells of: what a drawing needs, and no commands."""
    nodes = {step["id"]: _node(step, document) for step in document["steps"]}
    inputs = {name: _input(facts) for name, facts in document["inputs"].items()}
    defaults = {
        name: _tree(facts["default"], document)
        for name, facts in document["inputs"].items()
        if facts["default"] is not None
    }
    return Graph(
        name=document["name"],
        file=_NO_FILE,
        nodes=nodes,
        inputs=inputs,
        defaults=defaults,
        outputs={name: _output(facts, document) for name, facts in document["outputs"].items()},
        data={name: _data(name, entry) for name, entry in document["data"].items()},
        version=document["version"],
        description=document["description"] or "",
    )


def _node(step: Mapping[str, Any], document: Mapping[str, Any]) -> Node:
    attempt = step["attempt"]
    return Node(
        id=step["id"],
        label=step["label"],
        path=tuple(step["path"].split(".")),
        file=_NO_FILE,
        place=(),
        definition=None,
        kind="command",
        inputs={
            name: InputPort(attempt["inputs"][name], _tree(tree, document)) for name, tree in step["bindings"].items()
        },
        outputs={
            name: model.Output(**{key: facts[key] for key in ("type", "format") if facts.get(key)})
            for name, facts in attempt["outputs"].items()
        },
        needs=tuple(step["needs"]),
        conditions=tuple(_condition(condition, document) for condition in step["conditions"]),
        retry=model.Retry(attempts=step["retry"]["attempts"]) if step["retry"]["attempts"] > 1 else None,
        timeout=f"{step['timeout_s']} s" if step["timeout_s"] else None,
        version=step["version"],
    )


def _condition(condition: Mapping[str, Any], document: Mapping[str, Any]) -> Condition:
    when = condition["when"]
    return Condition(None if when is None else _tree(when, document), tuple(condition["needs"]), condition["within"])


def _input(facts: Mapping[str, Any]) -> model.Input:
    told = {key: facts[key] for key in ("type", "description", "optional", "many", "format") if facts.get(key)}
    return model.Input(**told)


def _output(facts: Mapping[str, Any], document: Mapping[str, Any]) -> PipelineOutput:
    return PipelineOutput(
        _tree(facts["tree"], document), facts["type"], facts["many"], facts["format"], facts["optional"]
    )


def _data(name: str, entry: Mapping[str, Any]) -> DataRef:
    location = entry.get("address") or entry.get("path", "").rpartition("/")[2] or name
    source = model.DataSource(**{key: entry[key] for key in ("type", "version") if entry[key]}, location=location)
    return DataRef(source, _NO_FILE, location, ())


def _tree(tree: Tree, document: Mapping[str, Any]) -> Tree:
    """Return a tree as a graph has it: what the plan keeps as `location__1` is a location, without a name."""
    if tree[0] == "data" and str(tree[1]).startswith("location__"):
        entry = document["data"][tree[1]]
        return ["location", entry.get("address") or entry["path"].rpartition("/")[2]]
    if tree[0] == "value":
        return tree
    return [tree[0], *(_tree(part, document) if isinstance(part, list) else part for part in tree[1:])]
