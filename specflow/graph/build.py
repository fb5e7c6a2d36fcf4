"""A checked workspace → its graph: pipelines inlined, matrices expanded, references resolved, constants folded.

Nothing here can fail for a workspace without errors, save for size: substitution may make a small text large.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from specflow.diagnostics import Diagnostic, error
from specflow.graph.bodies import Bodies
from specflow.graph.model import Condition, Environment, Graph, Node, PipelineOutput, Tree
from specflow.graph.nodes import Inherited, Use, by_target, node_of
from specflow.graph.ports import Ports
from specflow.graph.trees import leaf_nodes
from specflow.graph.values import Names, TooLargeError, Values
from specflow.spec import model
from specflow.spec.checks.context import Context
from specflow.spec.checks.steps import needs as step_needs
from specflow.spec.load import File, Workspace
from specflow.spec.scope import instances
from specflow.spec.types import Type

__all__ = ["MAX_NODES", "build"]

MAX_NODES = 100_000


def build(workspace: Workspace) -> tuple[Graph | None, tuple[Diagnostic, ...]]:
    """Return the graph of a workspace that has no errors; no graph, and why, when it would be too large."""
    builder = _Builder(workspace)
    try:
        return builder.graph(), ()
    except TooLargeError as failure:
        return None, (failure.diagnostic,)


class _Builder:
    """One walk from the root file inwards; used once."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.nodes: dict[str, Node] = {}
        self.values = Values(workspace)
        self.bodies = Bodies(self.values)

    # The root

    def graph(self) -> Graph:
        file = self.workspace.main
        spec = file.model
        inputs: dict[str, Tree] = {name: ["input", name] for name in spec.inputs}
        scope = Names(file, inputs)
        defaults = {name: self.values.default(scope, port, name) for name, port in spec.inputs.items()}
        shared = {
            "name": spec.name,
            "file": file,
            "nodes": self.nodes,
            "inputs": spec.inputs,
            "defaults": {name: tree for name, tree in defaults.items() if tree is not None},
            "data": self.values.data,
            "tags": spec.tags,
            "version": spec.version,
            "description": spec.description,
            "extensions": by_target(spec.extensions),
        }
        if file.kind == "step":
            return Graph(outputs=self._lone_step(file), **shared)
        profile = {name: Environment(name=name) for name in self.workspace.profile.environments}
        self._pipeline(scope, Inherited(environments=profile))
        outputs = {name: self._root_output(scope, name, output) for name, output in spec.outputs.items()}
        return Graph(
            outputs=outputs,
            fail_fast=spec.fail_fast,
            concurrency=spec.concurrency,
            timeout=spec.timeout,
            schedule=spec.schedule,
            notify=spec.notify,
            **shared,
        )

    def _lone_step(self, file: File) -> Mapping[str, PipelineOutput]:
        """Add a step file that is run by itself: a pipeline of one step, its ports the pipeline's own."""
        step = file.model
        ports = Ports()
        for name, port in step.inputs.items():
            ports.declare(name, port, ["input", name])
        variables = {key: self.bodies.own_variable(value) for key, value in step.env.items()}
        profile = {name: Environment(name=name) for name in self.workspace.profile.environments}
        inherited = Inherited(environments=profile, path=(step.name,), id=step.name, label=step.name)
        use = Use(Names(file, {}), (), step, file, None, ports, variables)
        self._add(node_of(use, inherited, self.bodies))
        return {
            name: PipelineOutput(["output", step.name, name], output.type, False, output.format, output.optional)
            for name, output in step.outputs.items()
        }

    def _root_output(self, scope: Names, name: str, output: model.PipelineOutput) -> PipelineOutput:
        kind = self.values.signatures.outputs_of(scope.file)[name]
        registered = output.registered
        version = registered.version if registered is not None else ""
        return PipelineOutput(
            self.values.value(scope, output.source, ("outputs", name, "from")),
            kind.kind,
            kind.many,
            kind.format,
            output.optional,
            self.values.value(scope, registered.name, ("outputs", name)) if registered is not None else None,
            self.values.value(scope, version, ("outputs", name)) if version else None,
            self.values.value(scope, output.location, ("outputs", name)) if output.location else None,
        )

    # Pipelines

    def _pipeline(self, scope: Names, inherited: Inherited) -> None:
        """Add every step of a pipeline file, each after those that it needs."""
        inner = self._handed_down(scope, inherited)
        context = Context(scope.file, self.workspace, self.values.signatures, ())
        before = {name: step_needs(context, name) for name in scope.file.model.steps}
        for name in _in_order(before):
            step = scope.file.model.steps[name]
            assignments = instances(step.matrix)
            results: list[dict[str, Tree]] = []
            ends: list[str] = []
            for index, matrix in enumerate(assignments):
                suffix = f"__{index}" if step.matrix is not None else ""
                shown = (
                    f"[{','.join(f'{k}={_shown(v)}' for k, v in matrix.items())}]" if step.matrix is not None else ""
                )
                local = replace(
                    inner,
                    path=(*inner.path, name),
                    id=f"{inner.id}__{name}{suffix}" if inner.id else f"{name}{suffix}",
                    label=f"{inner.label}.{name}{shown}" if inner.label else f"{name}{shown}",
                )
                own = Names(scope.file, scope.inputs, scope.outputs, scope.ends, matrix)
                outputs, last = self._step(own, name, step, local, inner.id)
                results.append(outputs)
                ends.extend(last)
            scope.ends[name] = tuple(ends)
            if step.matrix is None:
                scope.outputs[name] = results[0]
            else:
                scope.outputs[name] = {port: _flat(result[port] for result in results) for port in results[0]}

    def _handed_down(self, scope: Names, inherited: Inherited) -> Inherited:
        """Return what the steps of this file inherit: its own defaults where the call around it says nothing."""
        spec = scope.file.model
        named = {
            **inherited.environments,
            **{name: Environment(env, scope.file.folder, name) for name, env in spec.environments.items()},
        }
        variables = {name: self.values.variable(scope, value, ("env", name)) for name, value in spec.env.items()}
        called = bool(inherited.path)
        return replace(
            inherited,
            target=inherited.target if called and inherited.target else spec.target or inherited.target,
            compute=inherited.compute if called and inherited.compute else spec.compute or inherited.compute,
            environment=inherited.environment or self.bodies.environment(spec.environment, scope.file, named),
            env={**variables, **inherited.env} if called else variables,
            computes={**inherited.computes, **spec.computes},
            environments=named,
        )

    def _step(
        self, scope: Names, name: str, step: model.StepUse, inherited: Inherited, around: str
    ) -> tuple[dict[str, Tree], tuple[str, ...]]:
        """Add one instance of a step; return its outputs' trees and the nodes that end it."""
        place = ("steps", name)
        used = self.workspace.files[scope.file.uses[name]] if step.uses is not None else None
        before = list(inherited.entry)
        for other in step.after:
            before.extend(scope.ends.get(other, ()))
        when = self.values.when(scope, step.when, place)
        if used is not None and used.kind == "pipeline":
            return self._call(scope, step, used, inherited, around, when, tuple(before), place)
        use = self._use(scope, step, used, inherited, place)
        reads = leaf_nodes([port.binding for port in use.ports.declared.values()])
        asked = leaf_nodes([when] if when is not None else [])
        needs = tuple(dict.fromkeys((*reads, *asked, *before)))
        own_condition = Condition(when, tuple(n for n in needs if _is_within(n, around)), around)
        node = node_of(use, inherited, self.bodies, needs, (*inherited.conditions, own_condition))
        self._add(node)
        return {port: ["output", node.id, port] for port in node.outputs}, (node.id,)

    def _use(
        self,
        scope: Names,
        step: model.StepUse,
        used: File | None,
        inherited: Inherited,
        place: tuple[str | int, ...],
    ) -> Use:
        """Return what a step runs, its ports and variables bound: what is handed down, its own, and the call's."""
        ports = Ports()
        variables = {key: ports.carry(key, tree, kind) for key, (tree, kind) in inherited.env.items()}
        if used is not None:
            for port, declared in used.model.inputs.items():
                given = self.values.given(scope, step.inputs.get(port), declared, (*place, "inputs", port))
                ports.declare(port, declared, self.values.bound(given, used, declared, port))
        elif step.run is None:
            for port, value in step.inputs.items():
                ports.declare_by_value(port, *self.values.by_value(scope, value, (*place, "inputs", port), step))
        definition = used.model if used is not None else self.bodies.in_place(scope, step, ports, place)
        outer = {key: self.values.variable(scope, value, (*place, "env", key)) for key, value in step.env.items()}
        if used is not None:
            variables |= {key: self.bodies.own_variable(value) for key, value in definition.env.items()}
        variables |= {key: ports.carry(key, tree, kind) for key, (tree, kind) in outer.items()}
        return Use(scope, place, definition, used, step, ports, variables)

    def _call(
        self,
        scope: Names,
        step: model.StepUse,
        used: File,
        inherited: Inherited,
        around: str,
        when: Tree | None,
        before: tuple[str, ...],
        place: tuple[str | int, ...],
    ) -> tuple[dict[str, Tree], tuple[str, ...]]:
        """Inline a pipeline that is used as a step."""
        bound: dict[str, Tree] = {}
        requires: list[Tree] = []
        for port, declared in used.model.inputs.items():
            given = self.values.given(scope, step.inputs.get(port), declared, (*place, "inputs", port))
            bound[port] = self.values.bound(given, used, declared, port)
            if not declared.optional and not self.values.is_never_null(bound[port]):
                requires.append(bound[port])
        reads = leaf_nodes([*bound.values(), *([when] if when is not None else [])])
        entry = tuple(dict.fromkeys((*reads, *before)))
        gate = Condition(when, tuple(n for n in entry if _is_within(n, around)), around, tuple(requires))
        is_open = when is None and not gate.needs and not requires
        variables = {key: self.values.variable(scope, value, (*place, "env", key)) for key, value in step.env.items()}
        inner_scope = Names(used, bound)
        first = len(self.nodes)
        called = self.bodies.environment(step.environment, scope.file, inherited.environments)
        self._pipeline(
            inner_scope,
            replace(
                inherited,
                target=step.target or (None if used.model.target else inherited.target),
                compute=step.compute or (None if used.model.compute else inherited.compute),
                environment=called or (None if used.model.environment else inherited.environment),
                env={**inherited.env, **variables}
                if not used.model.env
                else {**_under(inherited.env, used), **variables},
                conditions=inherited.conditions if is_open else (*inherited.conditions, gate),
                entry=entry,
            ),
        )
        outputs = {
            port: self.values.value(inner_scope, output.source, ("outputs", port, "from"))
            for port, output in used.model.outputs.items()
        }
        added = list(self.nodes)[first:]
        needed = {need for node_id in added for need in self.nodes[node_id].needs}
        return outputs, tuple(node_id for node_id in added if node_id not in needed)

    def _add(self, node: Node) -> None:
        if len(self.nodes) >= MAX_NODES:
            message = f"the pipeline has more than {MAX_NODES} steps once matrices are expanded"
            raise TooLargeError(error("too-large", message, node.file.key_span(*node.place)))
        self.nodes[node.id] = node


def _under(env: Mapping[str, tuple[Tree, Type]], used: File) -> dict[str, tuple[Tree, Type]]:
    """Return inherited variables, less those that a used pipeline says itself: the nearer word counts."""
    return {key: value for key, value in env.items() if key not in used.model.env}


def _shown(value: Any) -> str:
    from specflow.attempt.evaluate import text_of

    return text_of(value)


def _flat(trees: Iterable[Tree]) -> Tree:
    """Return the list of what instances give; a matrix inside another gives one list, as types have no other."""
    return ["list", *(item for tree in trees for item in (tree[1:] if tree[0] == "list" else [tree]))]


def _is_within(node_id: str, around: str) -> bool:
    return not around or node_id.startswith(f"{around}__")


def _in_order(before: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the steps, each after those it needs; among those that could come next, in the file's order."""
    import heapq

    position = {name: index for index, name in enumerate(before)}
    behind: dict[str, list[str]] = {name: [] for name in before}
    open_needs = {name: len(needs) for name, needs in before.items()}
    for name, needs in before.items():
        for need in needs:
            behind[need].append(name)
    ready = [position[name] for name, count in open_needs.items() if not count]
    heapq.heapify(ready)
    names = list(before)
    order = []
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(name)
        for following in behind[name]:
            open_needs[following] -= 1
            if not open_needs[following]:
                heapq.heappush(ready, position[following])
    return order
