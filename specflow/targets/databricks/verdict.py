"""Where Databricks' judgement of a run would be another than the language's, and what the last task then looks at.

Databricks judges a run by its leaves: one that runs whatever came before it hides a failure. And a step that was
skipped is shown as succeeded, though the pipeline may have promised what it was to make.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from specflow.graph.islands import Island
from specflow.graph.model import Node, Tree
from specflow.graph.trees import leaf_outputs
from specflow.lowering import Lowering, leaves_of

__all__ = ["leaves", "verdict_note"]


def verdict_note(island: Island, lowering: Lowering, *, hides: bool) -> dict[str, Any] | None:
    """Return the note of the task that judges a run; None if the platform comes to the same.

    `hides` says that some task may run, or is shown as succeeded, though another before it failed.
    """
    nodes, graph = island.nodes, island.graph
    absent = _Absent(nodes, graph.inputs, graph.defaults)
    promised = {}
    if island.is_whole:
        promised = {name: output.tree for name, output in graph.outputs.items() if not output.optional}
    is_open = any(absent.is_open(tree) for tree in promised.values())
    if not hides and not is_open:
        return None
    steps = [*_last_steps(nodes), *(step for tree in promised.values() for step, _ in leaf_outputs(tree))]
    outputs = {name: {"tree": lowering.tree(tree), "optional": False} for name, tree in promised.items()}
    return {"note": 1, "pipeline": graph.name, "verdict": {"steps": sorted(set(steps)), "outputs": outputs}}


def leaves(tasks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the tasks that no other waits for."""
    waited = {one["task_key"] for task in tasks for one in task.get("depends_on", ())}
    return [task["task_key"] for task in tasks if task["task_key"] not in waited]


def _last_steps(nodes: Mapping[str, Node]) -> list[str]:
    waited = {need for node in nodes.values() for need in node.needs}
    return [name for name in nodes if name not in waited]


class _Absent:
    """Which values of a graph may be absent though nothing failed."""

    def __init__(self, nodes: Mapping[str, Node], inputs: Mapping[str, Any], defaults: Mapping[str, Tree]) -> None:
        self.nodes, self.inputs, self.defaults = nodes, inputs, defaults
        self.skipped: dict[str, bool] = {}
        for name, node in nodes.items():  # in an order in which each comes after what it needs
            self.skipped[name] = self._may_be_skipped(node)

    def is_open(self, tree: Tree) -> bool:
        """Return whether a value may be absent. What mends absence is not looked into: one too many is no harm."""
        return any(self._leaf(leaf) for leaf in leaves_of(tree))

    def _leaf(self, leaf: Tree) -> bool:
        if leaf[0] == "input":
            return bool(self.inputs[leaf[1]].optional)
        if leaf[0] != "output" or leaf[1] not in self.nodes:
            return bool(leaf[0] == "output")
        return self.skipped[leaf[1]] or self.nodes[leaf[1]].outputs[leaf[2]].optional

    def _may_be_skipped(self, node: Node) -> bool:
        if any(condition.when is not None or condition.requires for condition in node.conditions):
            return True
        return any(not port.optional and self.is_open(port.binding) for port in node.inputs.values())
