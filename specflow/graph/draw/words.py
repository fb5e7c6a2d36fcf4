"""The texts of a picture: what a condition, a default, a port's type, a call and its matrix values are shown as."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from specflow.attempt.evaluate import text_of
from specflow.diagnostics.render.characters import visible
from specflow.graph.model import Condition, Node, Tree
from specflow.spec.expressions import CLOSING, OPENING, parse_template, references

__all__ = ["Segment", "condition_text", "one_line", "segments", "tree_text", "type_text"]

MAX_DEPTH = 8
"""Operators inside each other that are shown of an expression."""
MAX_ITEMS = 4
"""Elements that are shown of a list."""

_LEVELS = {
    **dict.fromkeys(("||",), 1),
    **dict.fromkeys(("&&",), 2),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%"), 5),
}
"""How tightly an operator binds, as spec/expressions.py reads it."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One step on the way from the root pipeline to a node: its id so far, its name, its matrix values."""

    id: str
    name: str
    detail: str
    is_instance: bool


def one_line(text: str) -> str:
    """Return a text on one printable line: runs of white space are one space, the rest is spelled out."""
    return visible(" ".join(text.split()))


def segments(node: Node) -> tuple[Segment, ...]:
    """Return the calls around a node and the node itself, the outermost first."""
    tokens = node.id.split("__")
    names: list[tuple[str, str]] = []
    for index, token in enumerate(tokens):
        if token.isdigit() and names:
            names[-1] = (names[-1][0], "__".join(tokens[: index + 1]))
        else:
            names.append((token, "__".join(tokens[: index + 1])))
    details = _details(node.label, [name for name, _ in names])
    return tuple(
        Segment(id_, name, detail, id_.rpartition("__")[2].isdigit())
        for (name, id_), detail in zip(names, details, strict=True)
    )


def _details(label: str, names: list[str]) -> list[str]:
    """Return what stands in brackets behind each name of a label: `a[x=1].b[y=2]` → `x=1`, `y=2`."""
    found, start = [], 0
    for index, name in enumerate(names):
        start += len(name)
        if not label.startswith("[", start):
            found.append("")
            start += 1
            continue
        # A value may hold dots and brackets; the name of the next step ends it.
        end = len(label) - 1 if index == len(names) - 1 else label.find(f"].{names[index + 1]}", start)
        end = end if end >= 0 else len(label) - 1
        found.append(visible(label[start + 1 : end]))
        start = end + 2
    return found


def type_text(kind: str, format: str | None = None, many: bool = False) -> str:  # noqa: A002
    """Return a port's type as messages show it: `file/csv`, `list of model`."""
    shown = f"{kind}/{format}" if format else kind
    return f"list of {shown}" if many else shown


def condition_text(node: Node) -> str:
    """Return the `when` of a step as its file says it, `steps.a.outputs.b` shortened to `a.b`; "" without one.

    A node that a plan told of has no place in a file: its condition is told from the tree.
    """
    if not node.place and node.conditions and node.conditions[-1].when is not None:
        return tree_text(node.conditions[-1].when, str)
    step = node.file.model.steps[node.place[1]] if len(node.place) == 2 else None
    if step is None or step.when is None:
        return ""
    if isinstance(step.when, bool):
        return text_of(step.when)
    text: str = step.when
    template = parse_template(text)
    for expression in reversed(template.expressions):
        for found in reversed(references(expression)):
            if found.parts[0] == "steps" and len(found.parts) == 4:
                text = f"{text[: found.start]}{found.parts[1]}.{found.parts[3]}{text[found.end :]}"
    return one_line(text.strip().removeprefix(OPENING).removesuffix(CLOSING) if template.whole else text)


def gate_text(conditions: tuple[Condition, ...], around: str, label_of: Callable[[str], str]) -> str:
    """Return the `when` of the call right inside `around`, given the conditions of a node in it; "" without one."""
    gates = [gate for gate in conditions[:-1] if gate.within == around and gate.when is not None]
    return tree_text(gates[0].when, label_of) if gates and gates[0].when is not None else ""


def tree_text(tree: Tree, label_of: Callable[[str], str]) -> str:
    """Return a tree in the words of the language; `label_of` gives a node's name."""
    return visible(_tree_text(tree, label_of, 0, 0))


def _tree_text(tree: Tree, label_of: Callable[[str], str], level: int, depth: int) -> str:
    head = tree[0]
    if head == "value":
        return _value_text(tree[1], is_alone=depth == 0)
    if head == "output":
        return f"{label_of(tree[1])}.{tree[2]}"
    if head in ("here", "status"):
        return f"{tree[1]}()" if head == "status" else f"{tree[1]}.{tree[2]}"
    if head == "location":
        return str(tree[1])
    if head in ("input", "data", "run"):
        return f"{'inputs' if head == 'input' else head}.{tree[1]}"
    if depth >= MAX_DEPTH:
        return "…"
    own = _LEVELS.get(head, 9)
    args = [_tree_text(arg, label_of, own + (i > 0), depth + 1) for i, arg in enumerate(tree[1:][: MAX_ITEMS + 1])]
    if head in _LEVELS and len(args) == 2:
        text = f"{args[0]} {head} {args[1]}"
        return f"({text})" if own < level else text
    if head in ("!", "neg"):
        return f"{'!' if head == '!' else '-'}{args[0]}"
    shown = ", ".join(args[:MAX_ITEMS] + ["…"] * (len(args) > MAX_ITEMS))
    return f"[{shown}]" if head == "list" else f"{head}({shown})"


def _value_text(value: Any, *, is_alone: bool) -> str:
    if value is None:
        return "null"
    if isinstance(value, str) and not is_alone:
        return f"'{value}'"
    return text_of(value)
