"""Which target each step runs on: --target, else the profile's placement, else what the spec says, else the host."""

from __future__ import annotations

from collections.abc import Mapping

from specflow.diagnostics import Diagnostic, error
from specflow.diagnostics.model import Span
from specflow.graph.model import Graph, Node
from specflow.graph.trees import leaf_outputs
from specflow.spec.load import PROJECT_FILE, Workspace
from specflow.spec.model import PATH_TYPES
from specflow.spec.types import nearest

__all__ = ["edges_without_store", "place", "placement_faults"]


def place(graph: Graph, workspace: Workspace, *, target: str | None, host: str) -> Mapping[str, str]:
    """Return the target of every node; `target` puts every step there, `host` takes those that nobody places."""
    if target is not None:
        return dict.fromkeys(graph.nodes, target)
    moved = workspace.profile.placement
    return {
        node.id: moved.get(".".join((graph.name, *node.path))) or node.target or host for node in graph.nodes.values()
    }


def placement_faults(graph: Graph, workspace: Workspace) -> tuple[Diagnostic, ...]:
    """Return placements in the profile that name this pipeline and none of its steps."""
    known = {".".join((graph.name, *node.path)) for node in graph.nodes.values()}
    found = []
    for step in workspace.profile.placement:
        if step.partition(".")[0] == graph.name and step not in known and workspace.project is not None:
            place_ = ("profiles", workspace.profile_name or "", "placement", step)
            message = f'"{graph.name}" has no step "{step.partition(".")[2]}"'
            found.append(error("unknown-step", message, workspace.project.key_span(*place_), nearest(step, known)))
    return tuple(found)


def edges_without_store(graph: Graph, lying: Mapping[str, str], workspace: Workspace) -> tuple[Diagnostic, ...]:
    """Return where one platform reads a file of another and the profile's store is not spelled for both.

    `lying` says where steps lie, `local` for this machine: what crosses over from or to it needs no store. Of two
    platforms the first such edge is told.
    """
    store = workspace.profile.store
    found: dict[tuple[str, str], Diagnostic] = {}
    for node in graph.nodes.values():
        reader = lying[node.id]
        for port, bound in node.inputs.items():
            for step, output in leaf_outputs(bound.binding):
                maker = lying[step]
                pair = (maker, reader)
                if pair in found or maker == reader or "local" in pair or {maker, reader} <= store.keys():
                    continue
                if graph.nodes[step].outputs[output].type not in PATH_TYPES:
                    continue  # a value crosses with the record of its step
                message = (
                    f'"{node.label}" on {reader} reads "{output}" of "{graph.nodes[step].label}" on {maker}, and no '
                    "store is common to both"
                )
                found[pair] = error("no-common-store", message, _edge(node, port), _store_to_add(workspace, pair))
    return tuple(found.values())


def _edge(node: Node, port: str) -> Span:
    """Return where a port of a step is bound: at its call, or for a body in place at the step."""
    place_ = (*node.place, "inputs", port)
    return node.file.span(*place_) if node.file.document.has(place_) else node.file.key_span(*node.place)


def _store_to_add(workspace: Workspace, pair: tuple[str, str]) -> str:
    store = workspace.profile.store
    entries = ", ".join(f"{name}: {store.get(name, f'<the address of one folder on {name}>')}" for name in sorted(pair))
    profile = workspace.profile_name or "<a profile>"
    return f"add to {PROJECT_FILE}: profiles: {{{profile}: {{store: {{{entries}}}}}}}"
