"""A mixed pipeline as the platform has it that coordinates it: a bridge step in place of every island elsewhere.

A bridge waits for what its island needs, runs whatever became of that, and leaves the records of the island's steps.
Steps of the host wait for the bridge in place of the steps behind it. So the host's compiler sees steps of its own
target alone, and islands are compiled by theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from specflow.attempt.relay import PORT
from specflow.diagnostics import Diagnostic, error, warning
from specflow.graph.islands import Crossing, Island, cut
from specflow.graph.model import Condition, Environment, Graph, InputPort, Node
from specflow.graph.trees import leaf_outputs
from specflow.hosting.errand import START_FILE, files_of
from specflow.hosting.wheel import requirements
from specflow.lowering import leaves_of
from specflow.spec import model
from specflow.spec.checks.ports import port_facts
from specflow.spec.load import Workspace
from specflow.targets.base import Compiled, is_coordinating, is_platform, target

__all__ = ["hosted", "hosting_faults"]

RETRY = model.Retry(attempts=3, delay="30s", backoff=2)
"""How often a bridge is begun again that could not reach its platform: it finds its own job."""


def hosting_faults(graph: Graph, placed: Mapping[str, str], workspace: Workspace, host: str) -> tuple[Diagnostic, ...]:
    """Return what a platform can't coordinate: steps on the user's machine, native steps beside an island's edge."""
    found = []
    through = {name for name, where in placed.items() if where != host}
    for node in graph.nodes.values():
        where = placed[node.id]
        span = node.file.key_span(*node.place)
        if not is_platform(target(where)):
            message = f'"{node.label}" runs on this machine, which {host} can\'t reach when it coordinates the pipeline'
            found.append(error("unreachable-step", message, span, "place it elsewhere, or leave out --host"))
        elif node.kind == "native" and where == host and through & {*node.needs, *_read_by(node)}:
            message = f'"{node.label}" is native, and can\'t read what a step on another target left'
            found.append(error("unsupported", message, span, "put a step of your own in between"))
        for need in node.needs:
            if graph.nodes[need].kind == "native" and placed[need] != where:
                message = (
                    f'"{node.label}" is on {where}, and the native step "{need}" on {placed[need]} leaves no record'
                )
                found.append(error("unsupported", message, span, "put a step of your own in between"))
    found += _promises_elsewhere(graph, placed, host)
    first = {placed[node.id]: node for node in reversed(tuple(graph.nodes.values())) if placed[node.id] != host}
    for where, node in first.items():
        found += _unreached(where, node, workspace, host)
    return tuple(found)


def _unreached(where: str, node: Node, workspace: Workspace, host: str) -> Iterator[Diagnostic]:
    """Yield what keeps bridges on the host from a target, or may: an emulator, or nothing to log in with."""
    which, settings = target(where), workspace.profile.targets
    is_emulated = bool(settings.get(where, {}).get("emulate"))
    span = node.file.key_span(*node.place)
    if is_emulated and not settings.get(host, {}).get("emulate"):
        message = f"the profile emulates {where} on this machine, where a bridge on {host} can't reach it"
        yield error(
            "unreachable-step", message, span, f"emulate both, or neither: targets: {{{host}: {{emulate: true}}}}"
        )
    elif not is_emulated and is_coordinating(which) and not _logins(where, workspace, host):
        message = f"a bridge on {host} has nothing to log in to {where} with but the identity of its own node"
        names = " or ".join(which.login_secrets)
        yield warning(
            "bridge-login", message, span, f"if that may not, bind {names} for {host}: secrets in the profile"
        )


def _promises_elsewhere(graph: Graph, placed: Mapping[str, str], host: str) -> Iterator[Diagnostic]:
    for name, output in graph.outputs.items():
        makers = {step for step, _ in leaf_outputs(output.tree)}
        if all(placed[step] == host for step in makers):
            continue
        for key, value in (("register", output.register_name), ("location", output.location)):
            if value is not None:
                message = f'{host} coordinates, and "{name}" comes from another target: it can\'t be put there'
                yield error("unsupported", message, graph.file.key_span("outputs", name, key), f"leave out `{key}`")


def _read_by(node: Node) -> Iterator[str]:
    for port in node.inputs.values():
        yield from (step for step, _ in leaf_outputs(port.binding))


def hosted(
    graph: Graph, placed: Mapping[str, str], workspace: Workspace, host: str
) -> tuple[Island, dict[str, Compiled]]:
    """Return the pipeline as its host has it, and what was made of each island elsewhere, by its bridge."""
    parts = (_as_part(island) for island in cut(graph, placed) if island.target != host)
    islands = {_bridge_name(island, graph): island for island in parts}
    through = {step: bridge for bridge, island in islands.items() for step in island.nodes}
    compiled, crossings, bridges = dict[str, Compiled](), dict[str, Crossing](), dict[str, Node]()
    for name, island in islands.items():
        platform = target(island.target)
        assert is_platform(platform)
        compiled[name] = made = platform.compile(island, workspace)
        files = files_of(island, made, workspace, host)
        crossings[name] = Crossing(island.target, tuple(island.nodes), files)
        bridges[name] = _bridge(name, island, workspace, host)
    everything = replace(graph, nodes={**graph.nodes, **bridges})
    own = {name: node for name, node in everything.nodes.items() if name not in through}
    nodes = dict(_in_order({name: _behind_bridges(node, through) for name, node in own.items()}))
    leaving: dict[str, set[str]] = {}
    for island in islands.values():
        for step, ports in island.outer.items():
            if step in nodes:
                leaving.setdefault(step, set()).update(ports)
    left = {step: frozenset(ports) for step, ports in sorted(leaving.items())}
    return Island(graph.name, host, everything, nodes, True, {}, left, crossings), compiled


def _as_part(island: Island) -> Island:
    """Return an island that another target coordinates: never a whole pipeline, though it has all of its steps.

    What it leaves goes through the exchange store, and its host judges the run.
    """
    return replace(island, name=next(iter(island.nodes)), is_whole=False) if island.is_whole else island


def _bridge_name(island: Island, graph: Graph) -> str:
    name = f"bridge_{island.name}"
    while name in graph.nodes:
        name += "_"
    return name


def _bridge(name: str, island: Island, workspace: Workspace, host: str) -> Node:
    """Return the step that runs an island: after all that the island needs, whatever became of that."""
    first, graph = next(iter(island.nodes.values())), island.graph
    needs = tuple(island.outer)
    read = {each for node in island.nodes.values() for each in _inputs_of(node)}
    inputs = {each: InputPort(port_facts(graph.inputs[each]), ["input", each], True) for each in sorted(read)}
    lines = model.Environment(dependencies=requirements(island.target))
    return Node(
        id=name,
        label=name,
        path=(name,),
        file=first.file,
        place=first.place,
        definition=None,
        kind="command",
        command=(["value", "python"], ["value", START_FILE], ["here", "outputs", PORT]),
        inputs=inputs,
        outputs={PORT: model.Output(type="folder")},
        secrets=_logins(island.target, workspace, host),
        environment=Environment(lines, graph.file.folder, name),
        retry=RETRY,
        cache=False,
        needs=needs,
        conditions=(Condition(["status", "always"], needs),),
    )


def _inputs_of(node: Node) -> Iterator[str]:
    """Yield the pipeline's inputs that a step reads."""
    trees = [port.binding for port in node.inputs.values()]
    trees += [tree for condition in node.conditions for tree in (condition.when, *condition.requires) if tree]
    yield from (str(leaf[1]) for leaf in leaves_of(*trees) if leaf[0] == "input")


def _logins(name: str, workspace: Workspace, host: str) -> tuple[str, ...]:
    """Return the secrets by which a target is logged in to that the profile says where to find on the host."""
    which = target(name)
    wanted = which.login_secrets if is_coordinating(which) else ()
    return tuple(each for each in wanted if host in workspace.profile.secrets.get(each, {}))


def _behind_bridges(node: Node, through: Mapping[str, str]) -> Node:
    """Return a step that waits for bridges in place of the steps behind them."""
    needs = tuple(dict.fromkeys(through.get(need, need) for need in node.needs))
    return node if needs == node.needs else replace(node, needs=needs)


def _in_order(nodes: Mapping[str, Node]) -> Iterator[tuple[str, Node]]:
    """Yield steps, each after those that it needs, else in the order that they have."""
    done: set[str] = set()
    pending = list(nodes.values())
    while pending:
        held_back = []
        for node in pending:
            if done.issuperset(node.needs):
                done.add(node.id)
                yield node.id, node
            else:
                held_back.append(node)
        assert len(held_back) < len(pending), "islands among themselves have no cycle"
        pending = held_back
