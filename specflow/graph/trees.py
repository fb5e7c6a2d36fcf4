"""Expressions → the JSON trees that attempt/evaluate.py reads, and what can be said of a tree before the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from specflow.attempt.evaluate import EvaluationError, children, evaluate
from specflow.spec.expressions import Call, Expression, ListOf, Literal, Reference

__all__ = [
    "NULL",
    "Tree",
    "bare_references",
    "fold",
    "is_constant",
    "is_present",
    "leaf_nodes",
    "leaf_outputs",
    "template_tree",
    "tree_of",
    "with_default",
]

Tree = list[Any]

NULL: Tree = ["value", None]


def tree_of(expression: Expression, leaf: Callable[[Reference], Tree]) -> Tree:
    """Return the tree of an expression; `leaf` gives that of a reference."""
    if isinstance(expression, Literal):
        return ["value", expression.value]
    if isinstance(expression, ListOf):
        return ["list", *(tree_of(item, leaf) for item in expression.items)]
    if isinstance(expression, Reference):
        return leaf(expression)
    if expression.name in ("success", "failure", "always"):
        return ["status", expression.name]
    return [expression.name, *(tree_of(arg, leaf) for arg in expression.args)]


def template_tree(parts: tuple[str | Expression, ...], piece: Callable[[Expression], Tree]) -> Tree:
    """Return the tree of a text with expressions in it; a whole expression keeps its type."""
    trees = [["value", part] if isinstance(part, str) else piece(part) for part in parts]
    return trees[0] if len(trees) == 1 else ["text", *trees]


def is_constant(tree: Tree) -> bool:
    """Return whether a tree is a value, or a list of values."""
    return tree[0] == "value" or (tree[0] == "list" and all(is_constant(item) for item in tree[1:]))


def is_present(tree: Tree) -> bool:
    """Return whether a tree can't be null."""
    return (tree[0] == "value" and tree[1] is not None) or tree[0] in ("data", "location", "run")


def fold(tree: Tree) -> Tree:
    """Return the tree with every part decided that can be decided now."""
    inner = children(tree)
    if not inner:
        return tree
    folded = [fold(child) for child in inner]
    head = tree[0]
    if head == "if" and folded[0][0] == "value":
        return folded[1] if folded[0][1] is True else folded[2]
    if head == "default":
        present = [child for child in folded if child != NULL]
        if not present:
            return NULL
        if len(present) == 1 or is_present(present[0]):
            return present[0]
        return ["default", *present]
    if head not in ("list", "group") and all(child[0] == "value" for child in folded):
        try:
            return ["value", evaluate([head, *folded], lambda leaf: leaf)]
        except EvaluationError:
            return [head, *folded]
    return [head, *folded]


def with_default(given: Tree, default: Tree | None) -> Tree:
    """Return what a port gets: what is given, or its default where that is null."""
    return given if default is None else fold(["default", given, default])


def leaf_nodes(trees: Iterable[Tree]) -> tuple[str, ...]:
    """Return the nodes whose outputs some trees read, each once, in order."""
    found: dict[str, None] = {}
    stack = list(trees)[::-1]
    while stack:
        tree = stack.pop()
        if tree[0] == "output":
            found[tree[1]] = None
        stack.extend(reversed(children(tree)))
    return tuple(found)


def leaf_outputs(tree: Tree) -> tuple[tuple[str, str], ...]:
    """Return the outputs that a tree reads, as node and port, each once, in order."""
    found: dict[tuple[str, str], None] = {}
    stack = [tree]
    while stack:
        inner = stack.pop()
        if inner[0] == "output":
            found[(inner[1], inner[2])] = None
        stack.extend(reversed(children(inner)))
    return tuple(found)


def bare_references(expression: Expression, is_bare: bool = True) -> Iterable[tuple[Reference, bool]]:
    """Yield references; one is bare where its absence would make the whole expression absent."""
    if isinstance(expression, Reference):
        yield expression, is_bare
    elif isinstance(expression, ListOf):
        for item in expression.items:
            yield from bare_references(item, False)
    elif isinstance(expression, Call):
        keeps = is_bare and expression.name not in ("default", "has", "if")
        for arg in expression.args:
            yield from bare_references(arg, keeps)
