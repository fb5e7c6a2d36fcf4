"""What the language consists of, from its schemas and code, and what of it a case uses, from its specs.

Words of the language are named so: keys `<part>.<key>` (`steps.when`, `input.default`), their choices `<key>=<value>`,
their forms `<key> as <type>`, ports `input:<type>` and `output:<type>`; features, functions, operators, contexts,
states and reasons by their own names. They are what the tags of cases are made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from specflow.attempt import outcomes
from specflow.conformance.cases import Case
from specflow.graph.features import FEATURES, uses
from specflow.spec.expressions import Call, Expression, ListOf, Reference, holds_expression, parse_template
from specflow.spec.load import File, Loader
from specflow.spec.schema import schema
from specflow.spec.scope import PIPELINE_CONTEXTS, STEP_CONTEXTS
from specflow.spec.types import FUNCTIONS
from specflow.stages import validate

__all__ = ["Key", "keys", "keys_in", "language", "shown"]

OPERATORS = ("==", "!=", "<", "<=", ">", ">=", "&&", "||", "!", "in", "+", "-", "*", "/", "%", "neg")
RUN_FACTS = ("run.id", "run.date", "profile.name")
PARTS = {"step": "steps", "compute_need": "compute"}
"""Definitions of the schemas whose keys are named after something else; the others go by their own names."""

Path = tuple[str | int, ...]

Node = tuple[str, str, Mapping[str, Any]]
"""A kind of schema, the part of the language that a node of it is, and the node."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the language that a document says: its word, where, its value and what the schema says of that."""

    word: str
    path: Path
    value: Any
    content: Mapping[str, Any]


@cache
def keys() -> frozenset[str]:
    """Return every key of the language, without choices and forms."""
    return frozenset(word for word in _words() if "=" not in word and " as " not in word)


def _words() -> Iterator[str]:
    """Yield keys, their choices and their forms."""
    for kind in ("step", "pipeline", "project"):
        yield from _words_below((kind, kind, schema(kind)), set())


@cache
def language() -> frozenset[str]:
    """Return every word of the language."""
    words = set(_words())
    types = schema("common")["definitions"]["port_type"]["enum"]
    words |= {f"{side}:{kind}" for side in ("input", "output") for kind in types}
    words |= {*FEATURES, *FUNCTIONS, *OPERATORS, *PIPELINE_CONTEXTS, *STEP_CONTEXTS, *RUN_FACTS}
    words |= {*get_args(outcomes.State), *(f"run {state}" for state in get_args(outcomes.RunState))}
    words |= {getattr(outcomes, name) for name in outcomes.__all__ if name.isupper()}
    return frozenset(words)


def shown(case: Case) -> frozenset[str]:
    """Return the words of the language that a case uses; of one whose spec is not valid, none."""
    checked = validate(case.folder / case.expect.spec, Loader(case.folder, case.expect.profile))
    if checked.workspace is None or checked.graph is None:
        return frozenset()
    words: set[str] = set()
    project = checked.workspace.project
    files = [*checked.workspace.files.values(), *([project] if project is not None else [])]
    for file in files:
        words.update(_words_in(file.kind, file.document.data))
        words.update(_expression_words(file.document.data))
        words.update(_ports(file))
    words.update(use.feature for use in uses(checked.graph, checked.graph.nodes, "local"))
    words.update(_outcome_words(case))
    return frozenset(words)


# Keys, their choices and forms


def _follow(node: Node) -> Node:
    """Return what a node of a schema refers to, if it does nothing else."""
    kind, _, content = node
    references = [content, *content.get("allOf", ())]
    target = next((item["$ref"] for item in references if "$ref" in item), None)
    if target is None:
        return node
    file, _, path = target.partition("#/")
    kind = file.removesuffix(".schema.json") or kind
    found = schema(kind)
    for step in path.split("/"):
        found = found[step]
    name = path.rpartition("/")[2]
    return _follow((kind, PARTS.get(name, name), found))


def _below(node: Node) -> Iterator[tuple[str, Node]]:
    """Yield the keys of a node that are named in the schema, each with its own node."""
    kind, _, content = node
    for key, inner in content.get("properties", {}).items():
        yield key, _follow((kind, key, inner))
    for inner in content.get("patternProperties", {}).values():
        yield "x-", _follow((kind, "x-", inner))


def _named_freely(node: Node) -> Node | None:
    """Return what stands under any name of the user's, or is an element of a list."""
    kind, part, content = node
    inner = content.get("additionalProperties") or content.get("items")
    return _follow((kind, part, inner)) if isinstance(inner, dict) else None


def _words_below(node: Node, seen: set[int]) -> Iterator[str]:
    if id(node[2]) in seen:
        return
    seen.add(id(node[2]))
    for key, inner in _below(node):
        name = f"{node[1]}.{key}"
        yield name
        yield from _values(name, inner[2])
        yield from _words_below(inner, seen)
    free = _named_freely(node)
    if free is not None:
        yield from _words_below(free, seen)


def _values(name: str, content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the choices and the forms that a key has."""
    if "enum" in content:
        yield from (f"{name}={choice}" for choice in content["enum"])
    elif isinstance(content.get("type"), list):
        yield from (f"{name} as {form}" for form in content["type"])


def keys_in(kind: str, data: Any) -> Iterator[Key]:
    """Yield the keys that a document of a kind says, each before those inside of its value."""
    yield from _keys_in((kind, kind, schema(kind)), data, ())


def _keys_in(node: Node, data: Any, path: Path) -> Iterator[Key]:
    """Yield the keys in a document's data, walked beside the schema."""
    free = _named_freely(node)
    if isinstance(data, list) and free is not None:
        for index, item in enumerate(data):
            yield from _keys_in(free, item, (*path, index))
    if not isinstance(data, dict):
        return
    known = dict(_below(node))
    for key, value in data.items():
        named = key if key in known else "x-" if key.startswith("x-") and "x-" in known else None
        if named is None:
            yield from _keys_in(free, value, (*path, key)) if free is not None else ()
            continue
        yield Key(f"{node[1]}.{named}", (*path, key), value, known[named][2])
        yield from _keys_in(known[named], value, (*path, key))


def _words_in(kind: str, data: Any) -> Iterator[str]:
    """Yield the words that a document's data uses."""
    for key in keys_in(kind, data):
        yield from (key.word, f"{key.word}={key.value}", f"{key.word} as {_form(key.value)}")


def _form(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


# Ports, expressions and outcomes


def _ports(file: File) -> Iterator[str]:
    if file.kind == "project":
        return
    holders = [file.model, *(file.model.steps.values() if file.kind == "pipeline" else ())]
    for holder in holders:
        for side in ("inputs", "outputs"):
            ports = getattr(holder, side).values()
            yield from (f"{side[:-1]}:{port.type}" for port in ports if hasattr(port, "type"))


def _expression_words(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        yield from (word for value in data.values() for word in _expression_words(value))
    elif isinstance(data, list):
        yield from (word for value in data for word in _expression_words(value))
    elif holds_expression(data):
        yield from (word for part in parse_template(data).expressions for word in _named_in(part))


def _named_in(expression: Expression) -> Iterator[str]:
    if isinstance(expression, Reference):
        yield from (expression.parts[0], ".".join(expression.parts[:2]))
    elif isinstance(expression, Call):
        yield expression.name
        yield from (word for item in expression.args for word in _named_in(item))
    elif isinstance(expression, ListOf):
        yield from (word for item in expression.items for word in _named_in(item))


def _outcome_words(case: Case) -> Iterator[str]:
    for run in (case.expect.run, case.expect.again):
        if run is None:
            continue
        yield f"run {run.state}"
        for step in (run.steps or {}).values():
            yield from [step] if isinstance(step, str) else [*step.states, *([step.reason] if step.reason else [])]
