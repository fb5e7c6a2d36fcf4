"""Native steps: the node that `x-azureml` writes, and behind it one of ours that takes down what it has left.

    tune           the node of the spec, its ports connected
    tune__record   looks whether all is there that was promised, and leaves the record that the steps behind go by

Azure ML runs nothing below a node that failed, so the second runs where the first ended well. Nothing of ours runs
before the first: whatever would have to be decided there is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from specflow.attempt.codec import encode
from specflow.diagnostics import Diagnostic, Span, error
from specflow.graph.model import Graph, InputPort, Node
from specflow.lowering import soft_nodes
from specflow.spec import model
from specflow.targets.azureml.nodes import RUN, NodeParts
from specflow.targets.azureml.verdicts import skippable
from specflow.targets.azureml.yaml_text import Folded

__all__ = ["elsewhere", "native_faults", "record_node"]

_LIST = ("it is a list", "give it each element under a name of its own")


def record_node(node: Node, parts: NodeParts, environment: Any) -> dict[str, Any]:
    """Return the node that takes down what a native one has left."""
    lines = [f"python launch.py step.json --target azureml --run {RUN} --native", *parts.wiring.arguments]
    return {
        "type": "command",
        "display_name": f"{node.label} (record)",
        "code": parts.folder,
        "command": Folded(lines),
        "environment": environment,
        "inputs": dict(parts.wiring.inputs),
        "outputs": dict(parts.wiring.outputs),
    }


def native_faults(node: Node, graph: Graph, nodes: Mapping[str, Node]) -> Iterator[Diagnostic]:
    """Yield what a node can't do that nothing of ours stands before: decide, try again, work a value out."""
    if "azureml" not in node.extensions:
        other = min(node.extensions, default="another target")
        message = f'the native step "{node.label}" is for {other}, and is placed on azureml'
        where = node.file.key_span(*node.place, f"x-{other}")
        yield error("native-elsewhere", message, where, f"place it on {other}, or give it an `x-azureml`")
        return
    yield from elsewhere(node, nodes)
    yield from _order_faults(node, graph)
    if any(condition.when is not None or condition.requires for condition in node.conditions):
        yield _fault(node, "can't have a condition", "put the condition on the steps behind it", "when")
    if node.retry is not None and node.retry.attempts > 1:
        yield _fault(node, "is not tried again", "leave `retry` out, or say it in `x-azureml`", "retry")
    if node.timeout is not None:
        yield _fault(node, "has no neutral `timeout`", "say it in `x-azureml`: limits: {timeout: <seconds>}", "timeout")
    for name, port in node.inputs.items():
        problem = _input_problem(port, graph)
        if problem is not None:
            yield _fault(node, f'can\'t be given "{name}": {problem[0]}', problem[1], "inputs", name)


def elsewhere(node: Node, nodes: Iterable[str]) -> Iterator[Diagnostic]:
    """Yield that a native step reads what a step outside the island left: whether that ended well is not known here."""
    outside = next((need for need in node.needs if need not in nodes), None)
    if outside is not None:
        told = f'can\'t stand behind "{outside}", which is on another target'
        yield _fault(node, told, "put a step on azureml between them")


def _order_faults(node: Node, graph: Graph) -> Iterator[Diagnostic]:
    soft = frozenset() if graph.fail_fast else soft_nodes(graph.nodes)
    before = _ancestors(node.needs, graph)
    forgiven = next((name for name in (node.id, *sorted(before)) if name in soft), None)
    if forgiven is not None:
        told = f'can\'t be among steps whose failure another one handles, as "{graph.nodes[forgiven].label}" is here'
        yield _fault(node, told, "nothing runs behind a node that failed, and nothing keeps one from running")
    elif skippable(graph) & set(node.needs):
        yield _fault(node, "hangs on a step that may be skipped", "a native step always runs once all before it ended")
    read = [str(port.binding[1]) for port in node.inputs.values() if port.binding[0] == "output"]
    waited = {*read, *_ancestors(read, graph)}
    unread = next((need for need in node.needs if need not in waited), None)
    if unread is not None:
        told = f'can\'t wait for "{graph.nodes[unread].label}" without reading what it leaves'
        yield _fault(node, told, "Azure ML orders nodes by data alone: give it an output of that step as an input")
    behind = next((other for other in graph.nodes.values() if node.id in other.needs), None)
    if behind is not None and not node.outputs:
        told = f'has no output by which "{behind.label}" could wait for it'
        yield _fault(node, told, "Azure ML orders nodes by data alone: declare an output of it")


def _ancestors(needs: Iterable[str], graph: Graph) -> set[str]:
    found: set[str] = set()
    pending = list(needs)
    while pending:
        need = pending.pop()
        if need not in found:
            found.add(need)
            pending += graph.nodes[need].needs
    return found


def _input_problem(port: InputPort, graph: Graph) -> tuple[str, str] | None:
    """Return why a native node can't be given what a port is bound to, and what would help; None if it can."""
    head, *rest = port.binding
    if head == "list" or (head == "value" and isinstance(rest[0], (list, tuple))):
        return _LIST
    if head == "value":
        if isinstance(rest[0], str) and "${{" in rest[0]:
            return "Azure ML would take its ${{ for its own", "leave that out of the text"
        return None
    if head == "input":
        return _pipeline_input_problem(graph.inputs[rest[0]], rest[0], graph)
    if head == "output":
        if graph.nodes[rest[0]].outputs[rest[1]].type in model.PATH_TYPES:
            return None
        return "a step's value is in its record", "have the step write it to a file, and give it that"
    if head in ("data", "location"):
        return None
    return "nothing works it out there", "bind it to a constant, an input, a step's output or a source as it is"


def _pipeline_input_problem(declared: model.Input, name: str, graph: Graph) -> tuple[str, str] | None:
    if declared.many:
        return _LIST
    default = graph.defaults.get(name)
    if default is None and declared.optional:
        return f'the input "{name}" may be absent', "give that a default, or make it required"
    if default is not None and default[0] not in ("value", "data", "location"):
        return f'the default of "{name}" is only known in a run', "give that a constant as its default"
    if default is not None and declared.type == "string" and encode(default[1]) != default[1]:
        return f'the default of "{name}" travels encoded, for its signs', "use letters, digits and _./:@+,=%- there"
    return None


def _fault(node: Node, told: str, help_: str, *keys: str) -> Diagnostic:
    at = (*node.place, *keys)
    place: Span = node.file.key_span(*(at if node.file.document.has(at) else node.place))
    return error("unsupported", f'azureml: the native step "{node.label}" {told}', place, help_)
