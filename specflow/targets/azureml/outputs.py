"""The pipeline's outputs as Azure ML's: bound to the node that makes them, registered by name, written to an address.

A node's output is bound once. What is registered under a second name comes from a node that copies it. So does all that
goes to an address: a node that Azure ML reuses writes nothing, and the address may hold another run's by then. Those
that copy are never reused. A value is in its step's record, and so is no output here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from specflow.attempt.evaluate import EvaluationError, evaluate, text_of
from specflow.graph.islands import Ports
from specflow.graph.locations import leads_away
from specflow.graph.model import Graph, PipelineOutput, Tree
from specflow.lowering import leaves_of
from specflow.spec import model
from specflow.targets.azureml.nodes import in_place_component
from specflow.targets.azureml.ports import DIRECT, Sources, data_type
from specflow.targets.azureml.yaml_text import Folded

__all__ = ["THE_JOB", "Bound", "Known", "bind_outputs", "default_values", "registered_as"]

THE_JOB = "${{name}}"
"""What Azure ML puts the job's name for, in an output's address: the run's id, where nobody has given another."""


@dataclass(slots=True)
class Bound:
    """The pipeline's outputs, the node outputs that are bound to them, and the nodes that copy."""

    outputs: dict[str, Any] = field(default_factory=dict)
    of_nodes: dict[tuple[str, str], str] = field(default_factory=dict)
    """The pipeline output that a step's output is bound to."""
    copies: dict[str, dict[str, Any]] = field(default_factory=dict)


def bind_outputs(graph: Graph, sources: Sources, environment: Any, crossing: Ports) -> Bound:
    """Return what the pipeline's outputs are here; `environment` is that of the nodes that copy.

    `crossing` are outputs of steps that lie in the exchange store already: they are bound to that.
    """
    bound = Bound()
    known = Known(default_values(graph), {"id": THE_JOB})
    for name, output in graph.outputs.items():
        tree = output.tree
        if output.type not in model.PATH_TYPES or tree[0] != "output" or tree[1] not in sources.nodes:
            continue
        step, port = str(tree[1]), str(tree[2])
        entry = _entry(output, graph, step, port, known)
        is_registered, is_away = output.register_name is not None, leads_away(output.location)
        # What a Spark node leaves is not registered: MicrosoftDocs/azure-docs#113470 (2023).
        is_copied = is_away or (graph.nodes[step].engine == "spark" and is_registered)
        is_free = (step, port) not in bound.of_nodes and port not in crossing.get(step, ())
        if is_free and not is_copied:
            if graph.nodes[step].engine == "spark":
                entry["mode"] = DIRECT  # a pipeline's word on the mode goes before a node's (azure-ai-ml 1.35.2)
            bound.of_nodes[step, port] = name
            bound.outputs[name] = entry
        elif is_registered or is_away:
            bound.outputs[name] = entry
            copier = f"copy__{name}"
            bound.copies[copier] = _copy(copier, name, *sources.output(step, port), environment)
    return bound


def _entry(output: PipelineOutput, graph: Graph, step: str, port: str, known: Known) -> dict[str, Any]:
    declared = graph.nodes[step].outputs[port]
    entry: dict[str, Any] = {"type": data_type(declared.type, declared.format)}
    place = known.text(output.location) if leads_away(output.location) else None
    if place is not None:
        entry["path"] = place
    return entry | registered_as(output.register_name, output.register_version, known)


def _copy(name: str, output: str, binding: str, kind: str, environment: Any) -> dict[str, Any]:
    """Return a node that copies one output, whatever it is, in every run."""
    source, place = '"${{inputs.source}}"', '"${{outputs.copy}}"'
    lines = [f"if [ -d {source} ]; then mkdir -p {place} && cp -R {source}/. {place};", f"else cp {source} {place}; fi"]
    made = {"type": "command", "display_name": name, "is_deterministic": False}
    made |= {"command": Folded(lines), "environment": environment}
    made |= {"inputs": {"source": binding}, "outputs": {"copy": f"${{{{parent.outputs.{output}}}}}"}}
    return in_place_component(made, {"source": kind}, {"copy": kind})


def default_values(graph: Graph) -> dict[str, Any]:
    """Return the pipeline's inputs as they are without being given; null where that is not known before the run."""
    found: dict[str, Any] = {}
    for name, tree in graph.defaults.items():
        found[name] = tree[1] if tree[0] == "value" else None
    return found


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a run: its inputs, and its `id` and `date`."""

    inputs: Mapping[str, Any]
    run: Mapping[str, str]

    def text(self, tree: Tree | None) -> str | None:
        """Return a tree's text; None where it hangs on what is not known."""
        if tree is None:
            return ""
        leaves = leaves_of(tree)
        if any(self._look_up(leaf) is None for leaf in leaves):
            return None
        try:
            value = evaluate(tree, self._look_up)
        except EvaluationError:
            return None
        return None if value is None else text_of(value)

    def _look_up(self, leaf: Tree) -> Any:
        if leaf[0] not in ("input", "run"):
            return None
        return (self.inputs if leaf[0] == "input" else self.run).get(leaf[1])


def registered_as(name: Tree | None, version: Tree | None, known: Known) -> dict[str, str]:
    """Return the name and version that an output is registered under; nothing where they hang on what is not known.

    A name can't be that of the job, which only addresses may hold.
    """
    if name is None:
        return {}
    found = {}
    for key, tree in (("name", name), ("version", version)):
        text = known.text(tree)
        if text is None or THE_JOB in text:
            return {}
        if text:
            found[key] = text
    return found
