"""A graph → the plan of a local run. Reads code folders for their digests; writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from specflow import __version__
from specflow.attempt.evaluate import children
from specflow.diagnostics import Diagnostic, error
from specflow.digests import digest_of_file
from specflow.graph.model import Condition, Graph, InputPort, Node, Tree
from specflow.lock import LOCK_FILE, Needs, needs_of, read_lock
from specflow.plan import VERSION, Plan, with_digest
from specflow.snapshot import Snapshot, SnapshotError, snapshot_of_file, take_snapshot
from specflow.spec import model
from specflow.spec.checks.files import is_address
from specflow.spec.checks.ports import port_facts
from specflow.spec.load import Workspace

__all__ = ["compile_local", "seconds"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(duration: str | None) -> int | None:
    """Return a duration of the language in seconds."""
    return None if duration is None else int(duration[:-1]) * _UNITS[duration[-1]]


def compile_local(graph: Graph, workspace: Workspace) -> tuple[Plan | None, tuple[Diagnostic, ...]]:
    """Return the plan by which this machine runs the graph; its files lie in the project until it is saved."""
    compiler = _Compiler(graph, workspace.root)
    steps = [compiler.step(node) for node in graph.nodes.values()]
    document: dict[str, Any] = {
        "plan": VERSION,
        "specflow": __version__,
        "name": graph.name,
        "version": graph.version,
        "description": graph.description,
        "tags": dict(graph.tags),
        "target": "local",
        "inputs": {name: compiler.input(name, port) for name, port in graph.inputs.items()},
        "outputs": compiler.outputs(),
        "fail_fast": graph.fail_fast,
        "concurrency": graph.concurrency,
        "timeout_s": seconds(graph.timeout),
        "schedule": graph.schedule.model_dump() if graph.schedule else None,
        "notify": graph.notify.model_dump(exclude_none=True) if graph.notify else None,
        "secrets": _secrets(graph, workspace),
        "steps": steps,
        "data": compiler.data(),
        "code": compiler.code_files(),
        "files": {},
    }
    if compiler.found:
        return None, tuple(compiler.found)
    return Plan(
        with_digest(_plain(document)), None, compiler.sources, workspace.root, _watched(workspace, compiler)
    ), ()


def _watched(workspace: Workspace, compiler: _Compiler) -> tuple[FilePath, ...]:
    """Return everything that a plan was made from: specs, project file, code, requirements, lock."""
    specs = [file.document.file for file in workspace.files.values()]
    beside = [path.parent / name for path in specs for name in ("step.yaml", "pipeline.yaml")]
    above = [folder / "specflow.yaml" for folder in workspace.spec.parents if folder.is_relative_to(workspace.root)]
    code = [path for snapshot in compiler.snapshots.values() for path in snapshot.watched]
    lock = workspace.root / LOCK_FILE
    return tuple(dict.fromkeys((*specs, *beside, *above, *code, *compiler.read, lock)))


def _plain(value: Any) -> Any:
    """Return the value as JSON would give it back: lists for tuples, plain dicts for mappings."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


class _Compiler:
    """One compilation: gathers code folders and data files on the way."""

    def __init__(self, graph: Graph, root: FilePath) -> None:
        self.graph, self.root = graph, root
        self.lock = read_lock(root)
        self.environments: dict[int, dict[str, Any]] = {}
        self.sources: dict[str, FilePath] = {}
        self.literals: dict[str, str] = {}
        self.snapshots: dict[tuple[FilePath, tuple[FilePath, ...]], Snapshot] = {}
        self.found: list[Diagnostic] = []
        self.read: list[FilePath] = []

    def input(self, name: str, port: model.Input) -> dict[str, Any]:
        facts: dict[str, Any] = {**port_facts(port), "optional": port.optional, "description": port.description}
        if port.format is not None:
            facts["format"] = port.format
        facts["default"] = self._tree(self.graph.defaults[name]) if name in self.graph.defaults else None
        return facts

    def outputs(self) -> dict[str, Any]:
        found = {}
        for name, output in self.graph.outputs.items():
            entry: dict[str, Any] = {
                "tree": self._tree(output.tree),
                "type": output.type,
                "many": output.many,
                "format": output.format,
                "optional": output.optional,
                "register": None,
                "location": self._location(output.location),
            }
            if output.register_name is not None:
                entry["register"] = {"name": output.register_name, "version": output.register_version}
            found[name] = entry
        return found

    def _location(self, tree: Tree | None) -> Tree | None:
        """Return where an output is written, from the project's root; the spec says it from its own folder."""
        if tree is None:
            return None
        folder = self.graph.file.folder.relative_to(self.root).as_posix()
        prefix = "" if folder == "." else f"{folder}/"
        if tree[0] == "value":
            return tree if is_address(str(tree[1])) else ["value", f"{prefix}{tree[1]}"]
        return ["text", ["value", prefix], tree]

    def data(self) -> dict[str, Any]:
        """Return every named source and literal location that steps read, once all trees are compiled."""
        found: dict[str, Any] = {}
        for key, ref in self.graph.data.items():
            location = ref.location if isinstance(ref.location, str) else ref.location.get("local")
            entry: dict[str, Any] = {
                "type": ref.source.type,
                "version": ref.source.version,
                "sha256": ref.source.sha256,
            }
            if location is None:
                place = ref.file.span(*ref.place, "location")
                message = f'the data "{ref.place[-1]}" has no location for "local"'
                self.found.append(error("data-elsewhere", message, place, "add local: <path in the project>"))
                continue
            found[key] = entry | self._file(key, location)
        for location, key in self.literals.items():
            found[key] = {"type": "file", "version": None, "sha256": None} | self._file(key, location)
        return found

    def _file(self, key: str, location: str) -> dict[str, Any]:
        if is_address(location):
            return {"address": location}
        source = self.root / location
        name = f"data/{key}/{source.name}"
        self.sources[name] = source
        return {"path": name}

    def step(self, node: Node) -> dict[str, Any]:
        attempt: dict[str, Any] = {
            "step": node.label,
            "inputs": {name: self._facts(port) for name, port in node.inputs.items()},
            "outputs": {name: _output_facts(output) for name, output in node.outputs.items()},
            "env": node.env,
            "secrets": node.secrets,
        }
        if node.script is not None:
            attempt["script"] = node.script
        elif node.notebook is not None:
            attempt["notebook"] = self._notebook(node.notebook)
        else:
            attempt["command"] = [self._tree(tree) for tree in node.command]
        if node.engine == "spark":
            attempt["spark"] = {"cpus": node.compute_need.cpus if node.compute_need else None}
        retry = node.retry
        step: dict[str, Any] = {
            "id": node.id,
            "label": node.label,
            "path": ".".join(node.path),
            "target": "local",
            "needs": node.needs,
            "conditions": [] if _is_plain(node) else [self._condition(condition) for condition in node.conditions],
            "bindings": {name: self._tree(port.binding) for name, port in node.inputs.items()},
            "attempt": attempt,
            "code": self._code(node),
            "environment": self._environment(node),
            "cpus": node.compute_need.cpus if node.compute_need and node.compute_need.cpus else 1,
            "retry": {
                "attempts": retry.attempts if retry else 1,
                "delay_s": seconds(retry.delay) if retry else 0,
                "backoff": retry.backoff if retry else 1,
            },
            "timeout_s": seconds(node.timeout),
            "cache": node.cache,
            "version": node.version,
        }
        return {**step, "parts": _parts(step), "asks_run": _asked(node)}

    def _facts(self, port: InputPort) -> dict[str, Any]:
        return {**port.facts, "optional": port.optional}

    def _condition(self, condition: Condition) -> dict[str, Any]:
        return {
            "when": self._tree(condition.when) if condition.when is not None else None,
            "needs": condition.needs,
            "within": condition.within,
            "requires": [self._tree(tree) for tree in condition.requires],
        }

    def _tree(self, tree: Tree) -> Tree:
        """Return a tree with literal locations as data of the plan."""
        if tree[0] == "location":
            key = self.literals.setdefault(tree[1], f"location__{len(self.literals) + 1}")
            return ["data", key]
        if tree[0] == "group" or children(tree):
            return [tree[0], *(self._tree(child) for child in children(tree))]
        return tree

    def _code(self, node: Node) -> str | None:
        if node.code is None:
            return None
        left_out = (node.definition.document.file,) if node.definition is not None else ()
        key = (node.code, left_out)
        if key not in self.snapshots:
            try:
                self.snapshots[key] = take_snapshot(node.code, self.root, left_out)
            except SnapshotError as failure:
                place = node.file.key_span(*node.place)
                self.found.append(error("code-escapes", f'the code of "{node.label}": {failure}', place))
                self.snapshots[key] = Snapshot("", ())
        snapshot = self.snapshots[key]
        for file in snapshot.files:
            self.sources[f"code/{snapshot.digest}/{file.path}"] = file.source
        return snapshot.digest

    def _notebook(self, file: FilePath) -> dict[str, str]:
        """Return where a notebook lies in the plan: a code folder of its own, wherever it is in the project."""
        key = (file, ())
        if key not in self.snapshots:
            self.snapshots[key] = snapshot_of_file(file)
        snapshot = self.snapshots[key]
        self.sources[f"code/{snapshot.digest}/{file.name}"] = file
        return {"code": snapshot.digest, "name": file.name}

    def code_files(self) -> dict[str, dict[str, str]]:
        """Return the files of each code folder, by its digest."""
        return {found.digest: {file.path: file.sha256 for file in found.files} for found in self.snapshots.values()}

    def _environment(self, node: Node) -> dict[str, Any] | None:
        if node.environment is None or node.environment.needs is None:
            return None
        key = id(node.environment.needs)  # many steps share one; it lives as long as the graph
        if key not in self.environments:
            self.environments[key] = self._resolved(needs_of(node.environment))
        return self.environments[key]

    def _resolved(self, needs: Needs | None) -> dict[str, Any]:
        """Return an environment as the plan holds it: the lock's lines where it has them, else those of the spec."""
        if needs is None:  # an image or a conda file, approximated by this interpreter
            return {"python": None, "dependencies": [], "wheels": [], "locked": False}
        self.read += needs.read
        wheels = []
        for source in needs.wheels:
            digest = digest_of_file(source)
            name = f"wheels/{digest[:16]}/{source.name}"
            self.sources[name] = source
            wheels.append({"path": name, "sha256": digest})
        packages = None if needs.is_empty else self.lock.packages(needs)
        lines = needs.lines if packages is None else packages
        return {
            "python": needs.python,
            "dependencies": list(lines),
            "wheels": wheels,
            "locked": packages is not None,
        }


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


def _asked(node: Node) -> list[str]:
    """Return what a step asks of the run it belongs to (`id`, `date`): its result then depends on it."""
    found: set[str] = set()
    stack = [*node.command, *node.env.values(), *(port.binding for port in node.inputs.values())]
    while stack:
        tree = stack.pop()
        if tree[0] == "run":
            found.add(tree[1])
        stack.extend(children(tree))
    return sorted(found)


def _output_facts(output: model.Output) -> dict[str, Any]:
    facts: dict[str, Any] = {"type": output.type, "optional": output.optional}
    if output.format is not None:
        facts["format"] = output.format
    return facts


def _is_plain(node: Node) -> bool:
    """Return whether a node runs whenever nothing before it failed: the rule that needs no saying."""
    return len(node.conditions) == 1 and node.conditions[0].when is None and node.conditions[0].needs == node.needs
