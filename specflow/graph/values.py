"""The values that a pipeline file gives: literals, expressions, defaults and data, as trees with constants folded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from specflow.attempt.evaluate import children
from specflow.diagnostics import Diagnostic, error
from specflow.graph.model import DataRef, Tree
from specflow.graph.trees import NULL, fold, is_present, template_tree, tree_of, with_default
from specflow.spec import model
from specflow.spec.checks.context import Context
from specflow.spec.checks.files import is_address
from specflow.spec.expressions import Reference, holds_expression, parse_template
from specflow.spec.load import File, Workspace
from specflow.spec.scope import Signatures
from specflow.spec.types import Type

__all__ = ["MAX_TREE", "Names", "TooLargeError", "Values"]

MAX_TREE = 20_000
"""Operators and leaves in one expression after substitution."""


class TooLargeError(Exception):
    """An expression or the graph outgrew its bound; holds the diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(slots=True)
class Names:
    """The names of one pipeline file while it is inlined: trees for its inputs and its steps' outputs."""

    file: File
    inputs: Mapping[str, Tree]
    outputs: dict[str, dict[str, Tree]] = field(default_factory=dict)
    ends: dict[str, tuple[str, ...]] = field(default_factory=dict)
    matrix: Mapping[str, Any] = field(default_factory=dict)


class Values:
    """Makes trees of what files say; gathers the data that they name."""

    def __init__(self, workspace: Workspace) -> None:
        """Begin with no data."""
        self.workspace = workspace
        self.signatures = Signatures(workspace)
        self.data: dict[str, DataRef] = {}
        self.sizes: dict[int, tuple[int, Tree]] = {}

    def given(self, scope: Names, value: Any, port: model.Input, place: tuple[str | int, ...]) -> Tree:
        """Return what a call gives to a port, as a tree; null when it gives nothing."""
        if value is None:
            return NULL
        if isinstance(value, tuple):
            return ["list", *(self.given(scope, item, port, place) for item in value)]
        if holds_expression(value):
            return self.value(scope, value, place)
        return self.literal(scope.file, value, port.is_path)

    def bound(self, given: Tree, used: File, port: model.Input, name: str) -> Tree:
        """Return what a port gets: what is given, or its default where that may be null."""
        if self.is_never_null(given):
            return given
        return with_default(given, self.default(Names(used, {}), port, name))

    def is_never_null(self, tree: Tree) -> bool:
        """Return whether a tree has a value in every run: a required input of the root is given, or nothing starts."""
        if tree[0] == "input":
            return not self.workspace.main.model.inputs[tree[1]].optional
        if tree[0] == "default":
            return any(self.is_never_null(child) for child in children(tree))
        return is_present(tree)

    def by_value(
        self, scope: Names, value: Any, place: tuple[str | int, ...], step: model.StepUse
    ) -> tuple[Tree, Type]:
        """Return the tree and the type of an input that has no declaration: typed by its value."""
        from specflow.spec.types import type_of_value

        if isinstance(value, tuple):
            trees = [self.by_value(scope, item, place, step) for item in value]
            kind = trees[0][1] if trees else Type("string")
            return ["list", *(tree for tree, _ in trees)], replace(kind, many=True)
        if not holds_expression(value):
            return ["value", value], type_of_value(value)
        context = Context(scope.file, self.workspace, self.signatures, ())
        found, _ = context.typed(place, value, context.pipeline_scope(step))
        return self.value(scope, value, place), found or Type("string")

    def literal(self, file: File, value: Any, is_path: bool) -> Tree:
        """Return a literal as a tree; for a path port it is a location, from the project's root."""
        if not is_path:
            return ["value", value]
        if is_address(str(value)):
            return ["location", str(value)]
        absolute = os.path.normpath(os.path.join(file.folder, str(value)))  # noqa: PTH118 - for every path in a spec
        return ["location", os.path.relpath(absolute, self.workspace.root).replace(os.sep, "/")]

    def default(self, scope: Names, port: model.Input, name: str) -> Tree | None:
        """Return a port's default as a tree; None if it has none."""
        default = port.default
        if default is None:
            return None
        if isinstance(default, tuple):
            return ["list", *(self.literal(scope.file, item, port.is_path) for item in default)]
        if holds_expression(default):
            return self.value(scope, str(default), ("inputs", name, "default"))
        return self.literal(scope.file, default, port.is_path)

    def when(self, scope: Names, when: Any, place: tuple[str | int, ...]) -> Tree | None:
        """Return a condition as a tree; None if there is none."""
        if when is None:
            return None
        if isinstance(when, bool):
            return ["value", when]
        return self.value(scope, when, (*place, "when"))

    def variable(self, scope: Names, value: Any, place: tuple[str | int, ...]) -> tuple[Tree, Type]:
        """Return a variable's value as a tree, and its type."""
        if not holds_expression(value):
            return ["value", value], Type("string")
        context = Context(scope.file, self.workspace, self.signatures, ())
        step = scope.file.model.steps[place[1]] if place[0] == "steps" else None
        outputs = {name: Type(output.type) for name, output in step.outputs.items()} if step is not None else None
        names = context.pipeline_scope(step)
        known = context.scope((*names.contexts, "outputs"), names.matrix, outputs)
        kind, _ = context.typed_text(place, value, known)
        return self.value(scope, value, place), kind or Type("string")

    def value(self, scope: Names, text: str, place: tuple[str | int, ...]) -> Tree:
        """Return a text as a tree, with all that it names filled in."""
        template = parse_template(text)
        tree = template_tree(template.parts, lambda part: tree_of(part, lambda ref: self.reference(scope, ref)))
        return self.bounded(tree, scope.file, place)

    def reference(self, scope: Names, reference: Reference) -> Tree:
        """Return what a reference in a pipeline stands for."""
        head, name = reference.parts[0], reference.parts[1]
        if head == "inputs":
            return scope.inputs[name]
        if head == "steps":
            return scope.outputs[name][reference.parts[3]]
        if head == "matrix":
            return ["value", scope.matrix.get(name)]
        if head == "outputs":
            return ["here", "outputs", name]
        if head == "data":
            return ["data", self.data_key(scope.file, name)]
        return self.common(reference)

    def common(self, reference: Reference) -> Tree:
        """Return what a reference stands for that means the same everywhere: `run` and `profile`."""
        head, name = reference.parts[0], reference.parts[1]
        if head == "run":
            return ["run", name]
        if name == "name":
            return ["value", self.workspace.profile_name]
        return ["value", self.workspace.profile.variables[name]]

    def data_key(self, file: File, name: str) -> str:
        """Return the key of a named source; two files may mean different ones by one name."""
        project = self.workspace.project
        holder = file if file.kind == "pipeline" and name in file.model.data else project
        if holder is None:
            raise KeyError(name)
        source = holder.model.data[name]
        key, count = name, 1
        while key in self.data and self.data[key].source != source:
            count += 1
            key = f"{name}__{count}"
        if key not in self.data:
            self.data[key] = DataRef(source, holder, self.location(holder, source), ("data", name))
        return key

    def location(self, file: File, source: model.DataSource) -> str | dict[str, str]:
        """Return where a named source is, from the project's root, per target where the source says so."""

        def folded(text: str, target: str) -> str:
            tree = self.value(Names(file, {}), text, ("data",)) if holds_expression(text) else ["value", text]
            found = str(tree[1])
            is_elsewhere = target != "local" and found.startswith("/")  # a path of that platform's, such as a volume's
            return found if is_address(found) or is_elsewhere else str(self.literal(file, found, True)[1])

        if isinstance(source.location, str):
            return folded(source.location, "local")
        return {target: folded(text, target) for target, text in source.location.items()}

    def bounded(self, tree: Tree, file: File, place: tuple[str | int, ...]) -> Tree:
        """Return the tree, constants folded; raise TooLargeError if it outgrew its bound."""
        folded = fold(tree)
        if self.size(folded) > MAX_TREE:
            message = f"the expression grows beyond {MAX_TREE} parts once everything it names is filled in"
            raise TooLargeError(
                error("expression-too-large", message, file.span(*place), "break it up, or pass less through")
            )
        return folded

    def size(self, tree: Tree) -> int:
        """Return how many parts a tree has; shared parts are counted wherever they stand."""
        known = self.sizes.get(id(tree))
        if known is None:
            known = (1 + sum(self.size(child) for child in children(tree)), tree)
            self.sizes[id(tree)] = known
        return known[0]
