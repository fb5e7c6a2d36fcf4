"""Where Databricks' judgement of a run would be another than the language's, and what the last task then looks at.

Databricks judges a run by its leaves: one that runs whatever came before it hides a failure. And a step that was
skipped is shown as succeeded, though the pipeline may have promised what it was to make.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
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
    graph, through = island.graph, island.through
    nodes = {name: node for name, node in graph.nodes.items() if name in through or name in island.nodes}
    absent = _Absent(nodes, graph.inputs, graph.defaults)
    promised = {}
    if island.is_whole:
        promised = {name: output.tree for name, output in graph.outputs.items() if not output.optional}
    is_open = any(absent.is_open(tree) for tree in promised.values())
    if not hides and not is_open:
        return None
    steps = [
        *_last_steps(nodes, island.bridges),
        *(step for tree in promised.values() for step, _ in leaf_outputs(tree)),
    ]
    outputs = {name: {"tree": lowering.tree(tree), "optional": False} for name, tree in promised.items()}
    verdict: dict[str, Any] = {"steps": sorted(set(steps)), "outputs": outputs}
    passed = {step: through[step] for step in verdict["steps"] if step in through}
    return {"note": 1, "pipeline": graph.name, "verdict": {**verdict, **({"through": passed} if passed else {})}}


def leaves(tasks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the tasks that no other waits for."""
    waited = {one["task_key"] for task in tasks for one in task.get("depends_on", ())}
    return [task["task_key"] for task in tasks if task["task_key"] not in waited]


def _last_steps(nodes: Mapping[str, Node], bridges: Container[str]) -> list[str]:
    """Return the steps that no other waits for; bridges, which stand for others, neither wait nor count."""
    waited = {need for node in nodes.values() if node.id not in bridges for need in node.needs}
    return [name for name in nodes if name not in waited and name not in bridges]


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
