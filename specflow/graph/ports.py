"""The input ports of one node while it is built: declared ones, and those that expressions ask for."""

from __future__ import annotations

from typing import Any

from specflow.attempt.evaluate import children
from specflow.graph.model import InputPort, Tree
from specflow.spec import model
from specflow.spec.checks.ports import port_facts
from specflow.spec.types import Type

__all__ = ["Ports"]


class Ports:
    """Gathers ports; `carried` says which leaf a reference of an in-place body has become."""

    def __init__(self) -> None:
        """Begin with none."""
        self.declared: dict[str, InputPort] = {}
        self.carried: dict[tuple[str, ...], Tree] = {}

    def declare(self, name: str, port: model.Input, binding: Tree) -> None:
        """Add a port that a step file declares."""
        facts = port_facts(port)
        if port.format is not None:
            facts["format"] = port.format
        if port.access != "mount":
            facts["access"] = port.access
        self.declared[name] = InputPort(facts, binding, port.optional)

    def declare_by_value(self, name: str, binding: Tree, kind: Type) -> None:
        """Add a port that is typed by its value."""
        self.declared[name] = InputPort(_facts(kind), binding, kind.nullable or kind.kind == "null")

    def refer(self, parts: tuple[str, ...], kind: Type, binding: Tree, required: bool) -> None:
        """Add a port for what an in-place command names, once; it is required if any mention needs it."""
        if parts in self.carried:
            name = self.carried[parts][2]
            if required and self.declared[name].optional:
                self.declared[name] = InputPort(self.declared[name].facts, binding, False)
            return
        wanted = f"{parts[1]}__{parts[3]}" if parts[0] == "steps" else parts[1]
        name = self._free(wanted)
        self.declared[name] = InputPort(_facts(kind), binding, not required)
        self.carried[parts] = ["here", "inputs", name]

    def carry(self, variable: str, tree: Tree, kind: Type) -> Tree:
        """Return a variable's tree; what is not known before the run gets a port, so that data moves by ports alone."""
        if not _holds(tree, _ASKING):
            return tree
        if _holds(tree, ("here",)):
            return [tree[0], *(self.carry(variable, child, Type("string")) for child in children(tree))]
        name = self._free(f"env__{variable.lower()}")
        self.declared[name] = InputPort(_facts(kind), tree, True)
        return ["here", "inputs", name]

    def _free(self, wanted: str) -> str:
        name, count = wanted, 1
        while name in self.declared:
            count += 1
            name = f"{wanted}__{count}"
        return name


def _facts(kind: Type) -> dict[str, Any]:
    facts: dict[str, Any] = {"type": "string" if kind.kind in ("any", "null", "mixed") else kind.kind}
    if kind.many:
        facts["many"] = True
    if kind.format is not None:
        facts["format"] = kind.format
    return facts


_ASKING = ("input", "output", "data", "location")


def _holds(tree: Tree, heads: tuple[str, ...]) -> bool:
    return tree[0] in heads or any(_holds(child, heads) for child in children(tree))
