"""A step's body: its command as trees, its variables, its code and its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from specflow.graph.model import Environment, Tree
from specflow.graph.ports import Ports
from specflow.graph.trees import bare_references, fold, is_constant, template_tree, tree_of
from specflow.graph.values import Names, Values
from specflow.spec import model
from specflow.spec.checks.commands import command_of
from specflow.spec.checks.context import Context
from specflow.spec.commands import Argument, Group
from specflow.spec.expressions import Expression, Reference, holds_expression, parse_template
from specflow.spec.load import File
from specflow.spec.types import Type

__all__ = ["Bodies"]


class Bodies:
    """Reads bodies; what they name of the pipeline around them becomes ports."""

    def __init__(self, values: Values) -> None:
        """Use the values of one build."""
        self.values = values
        self.commands: dict[int, tuple[Tree, ...]] = {}

    def code(self, definition: Any, used: File | None, file: File) -> FilePath | None:
        """Return the folder that travels with a step; None for a body in place that names none."""
        if definition.code is not None:
            return FilePath(os.path.normpath((used or file).folder / definition.code))
        if used is not None:
            return used.folder
        if file.kind == "pipeline" and file.model.code is not None:
            return FilePath(os.path.normpath(file.folder / file.model.code))
        return None

    def environment(self, given: Any, file: File, named: Mapping[str, Environment]) -> Environment | None:
        """Return an environment given in place or by name; a name that no pipeline explains is the profile's."""
        if given is None:
            return None
        if isinstance(given, str):
            return named.get(given, Environment(name=given))
        return Environment(given, file.folder)

    def command(self, definition: Any, ports: Ports, file: File, place: tuple[str | int, ...]) -> tuple[Tree, ...]:
        """Return the arguments of a command as trees over the step's own ports."""
        known = self.commands.get(id(definition)) if not ports.carried else None
        if known is not None:
            return known
        command, _ = command_of(definition)
        found: list[Tree] = []
        for item in command.items if command is not None else ():
            if isinstance(item, Group):
                found.append(["group", *(self.argument(argument, ports) for argument in item.arguments)])
            else:
                found.append(self.argument(item, ports))
        trees = tuple(self.values.bounded(tree, file, place) for tree in found)
        if not ports.carried:
            self.commands[id(definition)] = trees  # the workspace holds the definition all the while
        return trees

    def argument(self, argument: Argument, ports: Ports) -> Tree:
        """Return one argument as a tree."""
        parts = [["value", part] if isinstance(part, str) else fold(self.own(part, ports)) for part in argument.parts]
        return parts[0] if len(parts) == 1 else fold(["text", *parts])

    def own(self, expression: Expression, ports: Ports | None) -> Tree:
        """Return an expression of a step's body: `inputs` and `outputs` are its own ports."""

        def leaf(reference: Reference) -> Tree:
            head, name = reference.parts[0], reference.parts[1]
            if ports is not None and reference.parts in ports.carried:
                return ports.carried[reference.parts]
            if head in ("inputs", "outputs"):
                return ["here", head, name]
            return self.values.common(reference)

        return tree_of(expression, leaf)

    def own_variable(self, value: Any) -> Tree:
        """Return a variable of a step file as a tree over the step's own ports."""
        if not holds_expression(value):
            return ["value", value]
        template = parse_template(value)
        return template_tree(template.parts, lambda part: self.own(part, None))

    def in_place(self, scope: Names, step: model.StepUse, ports: Ports, place: tuple[str | int, ...]) -> model.StepUse:
        """Make a port of each thing that an in-place command names."""
        command, _ = command_of(step)
        file_scope = Context(scope.file, self.values.workspace, self.values.signatures, ()).pipeline_scope(step)
        for item in command.items if command is not None else ():
            arguments = item.arguments if isinstance(item, Group) else (item,)
            for argument in arguments:
                for part in argument.parts:
                    if isinstance(part, str):
                        continue
                    for reference, is_bare in bare_references(part):
                        if reference.parts[0] in ("outputs", "run", "profile"):
                            continue
                        tree = self.values.reference(scope, reference)
                        if is_constant(tree):
                            ports.carried[reference.parts] = tree
                            continue
                        kind = file_scope.resolve(reference)
                        required = is_bare and not isinstance(item, Group)
                        if isinstance(kind, Type):
                            ports.refer(reference.parts, kind, self.values.bounded(tree, scope.file, place), required)
        return step
