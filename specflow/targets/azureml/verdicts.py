"""What Azure ML can't see of how a run ends: steps that fail and are handled, promised outputs that are absent.

It runs nothing below a failed node, so a step whose failure others may handle ends well there and says in its record
that it failed. A last node then reads the records, and fails the job where the language says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specflow.attempt.evaluate import children
from specflow.graph.islands import Island
from specflow.graph.model import Graph, Node, Tree
from specflow.graph.trees import is_present, leaf_outputs

__all__ = ["absent_outputs", "may_be_null", "verdict_name", "verdict_note"]


def absent_outputs(graph: Graph) -> tuple[str, ...]:
    """Return the required outputs of the pipeline that may be absent though no step failed."""
    skips = skippable(graph)
    required = ((name, output.tree) for name, output in graph.outputs.items() if not output.optional)
    return tuple(name for name, tree in required if may_be_null(tree, graph, skips))


def skippable(graph: Graph) -> frozenset[str]:
    """Return the steps that may end without their outputs though nothing failed."""
    found: frozenset[str] = frozenset()
    for node in graph.nodes.values():
        has_terms = any(condition.when is not None or condition.requires for condition in node.conditions)
        required = (port.binding for port in node.inputs.values() if not port.optional)
        if has_terms or any(may_be_null(tree, graph, found) for tree in required):
            found |= {node.id}
    return found


def may_be_null(tree: Tree, graph: Graph, skips: frozenset[str]) -> bool:
    """Return whether a tree may be null though nothing failed; a list is, once nothing is left in it."""
    head = tree[0]
    if head == "input":
        return graph.inputs[tree[1]].optional
    if head == "output":
        return tree[1] in skips or graph.nodes[tree[1]].outputs[tree[2]].optional
    if head in ("default", "list"):
        return all(may_be_null(child, graph, skips) for child in tree[1:])
    if head == "has" or is_present(tree):
        return False
    return tree == ["value", None] or any(may_be_null(child, graph, skips) for child in children(tree))


def verdict_name(graph: Graph) -> str:
    """Return the name of the node that judges the run: one that no step has."""
    name = "specflow_verdict"
    while name in graph.nodes:
        name += "_"
    return name


def verdict_note(island: Island, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the note of the node that judges: whose records it reads, and which outputs it looks for.

    The steps that nobody needs are enough to see every failure.
    """
    graph, through = island.graph, island.through
    nodes = {name: node for name, node in graph.nodes.items() if name in through or name in island.nodes}
    needed = {need for name, node in nodes.items() if name not in island.bridges for need in node.needs}
    needed.update(island.bridges)
    read = {step for output in graph.outputs.values() for step, _ in leaf_outputs(output.tree)}
    steps = [name for name, node in nodes.items() if (name not in needed or name in read) and _is_recorded(node)]
    shown = {name: {"tree": output["tree"], "optional": output["optional"]} for name, output in outputs.items()}
    verdict: dict[str, Any] = {"steps": steps, "outputs": shown}
    passed = {step: through[step] for step in steps if step in through}
    return {"note": 1, "pipeline": graph.name, "verdict": {**verdict, **({"through": passed} if passed else {})}}


def _is_recorded(node: Node) -> bool:
    """Return whether a step leaves a record: a native one without outputs has nothing behind it that could take one."""
    return node.kind != "native" or bool(node.outputs)
