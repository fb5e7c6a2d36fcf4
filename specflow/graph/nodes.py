"""One use of a step → its node: what its call says, what its definition says, and what is handed down to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from specflow.graph.bodies import Bodies
from specflow.graph.model import Condition, Environment, Node, Tree
from specflow.graph.ports import Ports
from specflow.graph.values import Names
from specflow.spec import model
from specflow.spec.load import File
from specflow.spec.types import Type

__all__ = ["Inherited", "Use", "by_target", "node_of"]


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a pipeline hands down to its steps."""

    target: str | None = None
    compute: str | None = None
    environment: Environment | None = None
    env: Mapping[str, tuple[Tree, Type]] = field(default_factory=dict)
    computes: Mapping[str, model.Compute] = field(default_factory=dict)
    environments: Mapping[str, Environment] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    path: tuple[str, ...] = ()
    id: str = ""
    label: str = ""
    entry: tuple[str, ...] = ()
    """What every step inside waits for: the nodes right before the calls around it."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a step: where it stands, what it runs, with which ports and variables."""

    scope: Names
    place: tuple[str | int, ...]
    """Where in the scope's file."""
    definition: Any
    """The step's body: of a step file, or in place."""
    used: File | None
    """The step file; None for a body in place."""
    call: model.StepUse | None
    """None for a step file that is run by itself."""
    ports: Ports
    variables: Mapping[str, Tree]

    def either(self, key: str) -> Any:
        """Return what the call says under a key, else what the definition says."""
        is_called = self.call is not None and key in self.call.given
        return getattr(self.call if is_called else self.definition, key)

    @property
    def kind(self) -> str:
        """Return `command`, `script`, `notebook` or `native`."""
        if self.definition.notebook:
            return "notebook"
        if self.definition.run is None:
            return "native"
        return "script" if self.definition.shell else "command"


def node_of(
    use: Use,
    inherited: Inherited,
    bodies: Bodies,
    needs: tuple[str, ...] = (),
    conditions: tuple[Condition, ...] = (Condition(None, ()),),
) -> Node:
    """Return the node of a use; `needs` are the nodes that it waits for."""
    file, used, definition, call = use.scope.file, use.used, use.definition, use.call
    home, kind = used or file, use.kind
    compute = (call.compute if call is not None else None) or inherited.compute
    extensions = _composed(
        by_target(used.model.extensions) if used is not None else {},
        by_target((call if call is not None else definition).extensions),
    )
    return Node(
        id=inherited.id,
        label=inherited.label,
        path=inherited.path,
        file=file,
        place=use.place,
        definition=used,
        kind=kind,
        engine=definition.engine,
        command=bodies.command(definition, use.ports, file, use.place) if kind == "command" else (),
        script=str(definition.run) if kind == "script" else None,
        notebook=home.folder / definition.notebook if kind == "notebook" else None,
        code=bodies.code(definition, used, file),
        inputs=use.ports.declared,
        outputs=definition.outputs,
        env=dict(use.variables),
        secrets=definition.secrets,
        environment=_environment(use, inherited, bodies),
        compute=compute,
        compute_need=inherited.computes.get(compute) if compute else None,
        target=(call.target if call is not None else None) or inherited.target,
        retry=use.either("retry"),
        timeout=use.either("timeout"),
        cache=use.either("cache"),
        extensions=extensions,
        matrix=dict(use.scope.matrix),
        version=used.model.version if used is not None else None,
        needs=needs,
        conditions=conditions,
    )


def _environment(use: Use, inherited: Inherited, bodies: Bodies) -> Environment | None:
    """Return the environment that the call names, else the definition, else what is handed down."""
    file = use.scope.file
    for given, of in ((use.call, file), (use.definition, use.used or file)):
        if given is not None and given.environment is not None:
            return bodies.environment(given.environment, of, inherited.environments)
    return inherited.environment


def by_target(extensions: Mapping[str, Any]) -> dict[str, Any]:
    """Return patches by the name of their target."""
    return {key.removeprefix("x-"): patch for key, patch in extensions.items()}


def _composed(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return patches by target; where both patch one target, the second is applied after the first."""
    return {target: _after(under.get(target, {}), over.get(target, {})) for target in sorted({*under, *over})}


def _after(first: Any, second: Any) -> Any:
    """Return the one JSON merge patch (RFC 7396) that does what two do, one after the other."""
    if not isinstance(second, dict):
        return second
    both = dict(first) if isinstance(first, dict) else {}
    for key, value in second.items():
        both[key] = _after(both.get(key), value) if isinstance(value, dict) else value
    return both
