"""A graph → the plan of a local run. Reads code folders for their digests; writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from specflow import __version__
from specflow.diagnostics import Diagnostic
from specflow.environments.lock import LOCK_FILE
from specflow.graph.model import Graph, Node
from specflow.lowering import Lowering, asked, leaves_of, plain, seconds, trees_of
from specflow.plan import VERSION, Plan
from specflow.spec.load import Workspace

__all__ = ["compile_local"]


def compile_local(
    graph: Graph, workspace: Workspace, abroad: Mapping[str, tuple[str, str]] | None = None
) -> tuple[Plan | None, tuple[Diagnostic, ...]]:
    """Return the plan by which this machine runs the graph, without a digest; its files lie in the project still.

    `abroad` has target and island of each step that runs elsewhere: of these the plan says how they hang together.
    """
    abroad = abroad or {}
    compiler = _Compiler(graph, workspace.root, abroad)
    steps = [plain(compiler.step(node)) for node in graph.nodes.values()]  # each copied by itself: there may be many
    document: dict[str, Any] = {
        "plan": VERSION,
        "specflow": __version__,
        "name": graph.name,
        "version": graph.version,
        "description": graph.description,
        "tags": dict(graph.tags),
        "target": _target_of(graph, abroad),
        "inputs": {name: compiler.lowering.input(name, port) for name, port in graph.inputs.items()},
        "outputs": compiler.lowering.outputs(),
        "fail_fast": graph.fail_fast,
        "concurrency": graph.concurrency,
        "timeout_s": seconds(graph.timeout),
        "schedule": graph.schedule.plain() if graph.schedule else None,
        "notify": {name: told for name, told in graph.notify.plain().items() if told} if graph.notify else None,
        "secrets": _secrets(graph, workspace),
        "data": compiler.data(),
        "code": compiler.code_files(),
        "islands": [],
        "store": dict(workspace.profile.store) if abroad else {},
        "files": {},
    }
    if compiler.lowering.found:
        return None, tuple(compiler.lowering.found)
    watched = _watched(workspace, compiler)
    return Plan({**plain(document), "steps": steps}, None, compiler.sources, workspace.root, watched), ()


def _target_of(graph: Graph, abroad: Mapping[str, tuple[str, str]]) -> str:
    """Return the target that all steps lie on, else `mixed`."""
    names = {abroad[name][0] if name in abroad else "local" for name in graph.nodes}
    return names.pop() if len(names) == 1 else "mixed"


def _watched(workspace: Workspace, compiler: _Compiler) -> tuple[FilePath, ...]:
    """Return everything that a plan was made from: specs, project file, code, requirements, lock."""
    specs = [file.document.file for file in workspace.files.values()]
    beside = [path.parent / name for path in specs for name in ("step.yaml", "pipeline.yaml")]
    above = [folder / "specflow.yaml" for folder in workspace.spec.parents if folder.is_relative_to(workspace.root)]
    code = [path for snapshot in compiler.lowering.snapshots.values() for path in snapshot.watched]
    lock = workspace.root / LOCK_FILE
    return tuple(dict.fromkeys((*specs, *beside, *above, *code, *compiler.lowering.read, lock)))


class _Compiler:
    """One compilation: the neutral steps, and where their code and data lie."""

    def __init__(self, graph: Graph, root: FilePath, abroad: Mapping[str, tuple[str, str]]) -> None:
        self.lowering = Lowering(graph, root, "local")
        self.sources = self.lowering.sources
        self.graph, self.abroad = graph, abroad
        self.here: list[dict[str, Any]] = []

    def step(self, node: Node) -> dict[str, Any]:
        lowered = {**self.lowering.step(node), "asks_run": asked(node)}
        need = node.compute_need
        cpus = need.cpus if need and need.cpus else 1
        if node.id in self.abroad:
            target, island = self.abroad[node.id]
            lowered["attempt"] = {key: lowered["attempt"][key] for key in ("step", "inputs", "outputs", "secrets")}
            elsewhere: dict[str, Any] = {"code": None, "cpus": cpus, "parts": {}}
            elsewhere["environment"] = self.lowering.environment(node)
            return {**lowered, **elsewhere, "target": target, "island": island}
        self.here.append(lowered)
        if node.notebook is not None:
            lowered["attempt"]["notebook"] = self._notebook(node.notebook)
        step = {
            **lowered,
            "code": self._code(node),
            "environment": self.lowering.environment(node),
            "cpus": cpus,
            "island": None,
        }
        return {**step, "parts": _parts(step)}

    def data(self) -> dict[str, Any]:
        """Return the named sources that steps on this machine read."""
        trees = [tree for step in self.here for tree in trees_of(step)]
        names = {leaf[1] for leaf in leaves_of(*trees) if leaf[0] == "input"}
        inputs = (self.lowering.input(name, self.graph.inputs[name])["default"] for name in names)
        read = {leaf[1] for leaf in leaves_of(*trees, *inputs) if leaf[0] == "data"}
        return self.lowering.data(read if self.abroad else None)

    def _code(self, node: Node) -> str | None:
        snapshot = self.lowering.code(node)
        if snapshot is None:
            return None
        for file in snapshot.files:
            self.sources[f"code/{snapshot.digest}/{file.path}"] = file.source
        return snapshot.digest

    def _notebook(self, file: FilePath) -> dict[str, str]:
        """Return where a notebook lies in the plan: a code folder of its own, wherever it is in the project."""
        snapshot = self.lowering.notebook(file)
        self.sources[f"code/{snapshot.digest}/{file.name}"] = file
        return {"code": snapshot.digest, "name": file.name}

    def code_files(self) -> dict[str, dict[str, str]]:
        """Return the files of each code folder, by its digest."""
        found = self.lowering.snapshots.values()
        return {snapshot.digest: {file.path: file.sha256 for file in snapshot.files} for snapshot in found}


def _secrets(graph: Graph, workspace: Workspace) -> dict[str, Mapping[str, str]]:
    """Return where each secret is on this machine: as the profile says, else the variable of its own name."""
    bound = workspace.profile.secrets
    names = sorted({name for node in graph.nodes.values() for name in node.secrets})
    return {name: bound.get(name, {}).get("local", {"env": name}) for name in names}


def _parts(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the cache's key covers of a step that is known before the run."""
    attempt = step["attempt"]
    tools = {"notebook": attempt["notebook"]} if "notebook" in attempt else {}
    if "spark" in attempt:
        tools["engine"] = "spark"
    return {
        **tools,
        "command": attempt.get("command", attempt.get("script")),
        "outputs": attempt["outputs"],
        "env": attempt["env"],
        "secrets": attempt["secrets"],
        "code": step["code"],
    }
