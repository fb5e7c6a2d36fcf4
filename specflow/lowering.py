"""A graph's steps as every target's plan has them: the neutral half of compiling. Reads code folders; writes nothing.

A step here is the JSON object that `specflow.attempt` reads: what it needs, on which terms it runs, what its ports are
bound to, its command, its environment. Targets add where and how it is started there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.evaluate import children
from specflow.attempt.outcomes import status_names
from specflow.diagnostics import Diagnostic, Span, error
from specflow.digests import digest_of_file
from specflow.environments.lock import Needs, needs_of, read_lock
from specflow.graph.islands import Crossing
from specflow.graph.locations import leads_away
from specflow.graph.model import Condition, Graph, InputPort, Node, Tree
from specflow.snapshot import Snapshot, SnapshotError, snapshot_of_file, take_snapshot
from specflow.spec import model
from specflow.spec.checks.files import is_address
from specflow.spec.checks.ports import port_facts

__all__ = [
    "Lowering",
    "gibibytes",
    "holds_after_failure",
    "leaves_of",
    "plain",
    "seconds",
    "soft_nodes",
    "trees_of",
]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
NOTE_VERSION = 1


def seconds(duration: str | None) -> int | None:
    """Return a duration of the language in seconds."""
    return None if duration is None else int(duration[:-1]) * _UNITS[duration[-1]]


def gibibytes(memory: str | None) -> float:
    """Return an amount of memory of the language (`32GiB`, `500MB`) in GiB; 0 for none."""
    if memory is None:
        return 0
    number, unit = memory.rstrip("BiTGM"), memory.lstrip("0123456789.")
    base = 1024 if "i" in unit else 1000
    return float(number) * float(base ** {"M": 2, "G": 3, "T": 4}[unit[0]]) / 1024**3


_AS_IT_IS = frozenset((str, int, float, bool, type(None)))


def plain(value: Any) -> Any:
    """Return the value as JSON would give it back: lists for tuples, plain dicts for mappings."""
    if isinstance(value, (dict, Mapping)):
        return {key: item if type(item) in _AS_IT_IS else plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [item if type(item) in _AS_IT_IS else plain(item) for item in value]
    return value


def leaves_of(*trees: Tree | None) -> list[Tree]:
    """Return the leaves of trees that are no values, each once, in order."""
    found: dict[tuple[str, ...], Tree] = {}
    stack = [tree for tree in reversed(trees) if tree is not None and tree[0] != "value"]
    while stack:
        tree = stack.pop()
        inner = children(tree)
        if inner:
            stack += [child for child in reversed(inner) if child[0] != "value"]
        elif tree[0] not in ("group", "list"):
            found.setdefault(tuple(tree), tree)
    return list(found.values())


def trees_of(step: Mapping[str, Any]) -> list[Tree]:
    """Return the trees that a lowered step is decided by: its bindings and its conditions."""
    found = list(step["bindings"].values())
    for condition in step["conditions"]:
        found += [tree for tree in (condition["when"], *condition["requires"]) if tree is not None]
    return found


def holds_after_failure(when: Tree | None) -> bool:
    """Return whether a condition can hold although something before it failed: it does not ask for `success()`."""
    return when is not None and bool(status_names(when)) and not _asks_success(when)


def _asks_success(tree: Tree) -> bool:
    return tree == ["status", "success"] or (tree[0] == "&&" and any(_asks_success(child) for child in tree[1:]))


def soft_nodes(nodes: Mapping[str, Node]) -> frozenset[str]:
    """Return the steps behind which something may run although they failed, or did not run because of a failure."""
    found: set[str] = set()
    for node in nodes.values():
        for condition in node.conditions:
            if holds_after_failure(condition.when):
                found |= _before(condition, nodes)
    return frozenset(found)


def _before(condition: Condition, nodes: Mapping[str, Node]) -> set[str]:
    prefix = f"{condition.within}__" if condition.within else ""
    found: set[str] = set()
    pending = [need for need in condition.needs if need in nodes]
    while pending:
        need = pending.pop()
        if need not in found:
            found.add(need)
            pending += [other for other in nodes[need].needs if other.startswith(prefix) and other in nodes]
    return found


class Lowering:
    """One graph for one target: gathers code folders, data and wheels on the way. `found` are errors."""

    def __init__(
        self, graph: Graph, root: FilePath, target: str, bridges: Mapping[str, Crossing] | None = None
    ) -> None:
        """Begin with the project at `root`; its lock is read. `bridges` are those steps of an island that are such."""
        self.graph, self.root, self.target = graph, root, target
        self.bridges = bridges or {}
        self.through = {step: bridge for bridge, crossing in self.bridges.items() for step in crossing.steps}
        self.lock = read_lock(root)
        self.environments: dict[int, dict[str, Any]] = {}
        self.sources: dict[str, FilePath] = {}
        """Files of the project by the names that they have in a plan: `data/…`, `wheels/…`."""
        self.literals: dict[str, str] = {}
        self.snapshots: dict[tuple[FilePath, tuple[FilePath, ...]], Snapshot] = {}
        self.found: list[Diagnostic] = []
        self.read: list[FilePath] = []

    # The pipeline

    def input(self, name: str, port: model.Input) -> dict[str, Any]:
        """Return an input of the pipeline: what it takes, and its default's tree."""
        facts: dict[str, Any] = {**port_facts(port), "optional": port.optional, "description": port.description}
        if port.format is not None:
            facts["format"] = port.format
        facts["default"] = self.tree(self.graph.defaults[name]) if name in self.graph.defaults else None
        return facts

    def outputs(self) -> dict[str, Any]:
        """Return the outputs of the pipeline: their trees, types, and where they are registered and written."""
        found = {}
        for name, output in self.graph.outputs.items():
            entry: dict[str, Any] = {
                "tree": self.tree(output.tree),
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
        if leads_away(tree):
            return tree
        if tree[0] == "value":
            return ["value", f"{prefix}{tree[1]}"]
        return ["text", ["value", prefix], tree]

    def data(self, read: set[str] | None = None) -> dict[str, Any]:
        """Return every named source and literal location that steps read, once all trees are lowered.

        `read` names those that count, where some steps of the graph lie on other targets.
        """
        found: dict[str, Any] = {}
        for key, ref in self.graph.data.items():
            if read is not None and key not in read:
                continue
            location = ref.location if isinstance(ref.location, str) else ref.location.get(self.target)
            entry: dict[str, Any] = {
                "type": ref.source.type,
                "version": ref.source.version,
                "sha256": ref.source.sha256,
            }
            if location is None:
                place = ref.file.span(*ref.place, "location")
                message = f'the data "{ref.place[-1]}" has no location for "{self.target}"'
                self.found.append(error("data-elsewhere", message, place, f"add {self.target}: <path in the project>"))
                continue
            found[key] = entry | self._file(key, location)
        for location, key in self.literals.items():
            if read is not None and key not in read:
                continue
            found[key] = {"type": "file", "version": None, "sha256": None} | self._file(key, location)
        return found

    def _file(self, key: str, location: str) -> dict[str, Any]:
        if is_address(location) or location.startswith("/"):  # the latter is a path of another platform's
            return {"address": location}
        source = self.root / location
        name = f"data/{key}/{source.name}"
        self.sources[name] = source
        return {"path": name}

    def place_of(self, key: str) -> Span:
        """Return where the spec says where a source lies, or first names a literal location."""
        ref = self.graph.data.get(key)
        if ref is not None:
            below = () if isinstance(ref.location, str) else (self.target,)
            return ref.file.span(*ref.place, "location", *below)
        leaf = ["location", next(text for text, name in self.literals.items() if name == key)]
        for name, tree in self.graph.defaults.items():
            if leaf in leaves_of(tree):
                return self.graph.file.span("inputs", name, "default")
        for node in self.graph.nodes.values():
            for port in (name for name, port in node.inputs.items() if leaf in leaves_of(port.binding)):
                if node.file.document.has((*node.place, "inputs", port)):
                    return node.file.span(*node.place, "inputs", port)
                if node.definition is not None:
                    return node.definition.span("inputs", port, "default")
        return self.graph.file.key_span("name")

    # Steps

    def step(self, node: Node) -> dict[str, Any]:
        """Return a step without its code: what it needs, on which terms it runs, its ports and its process."""
        attempt: dict[str, Any] = {
            "step": node.label,
            "inputs": {name: _facts(port) for name, port in node.inputs.items()},
            "outputs": {name: _output_facts(output) for name, output in node.outputs.items()},
            "env": node.env,
            "secrets": node.secrets,
        }
        if node.script is not None:
            attempt["script"] = node.script
        elif node.notebook is None:
            attempt["command"] = [self.tree(tree) for tree in node.command]
        if node.engine == "spark":
            attempt["spark"] = {"cpus": node.compute_need.cpus if node.compute_need else None}
        retry = node.retry
        said = self.graph.nodes.get(node.id, node)  # an island's may wait for a bridge, in place of the steps behind it
        return {
            "id": node.id,
            "label": node.label,
            "path": ".".join(node.path),
            "target": self.target,
            "needs": said.needs,
            "conditions": [] if _is_plain(said) else [self._condition(condition) for condition in said.conditions],
            "bindings": {name: self.tree(port.binding) for name, port in node.inputs.items()},
            "attempt": attempt,
            "retry": {
                "attempts": retry.attempts if retry else 1,
                "delay_s": seconds(retry.delay) if retry else 0,
                "backoff": retry.backoff if retry else 1,
            },
            "timeout_s": seconds(node.timeout),
            "cache": node.cache,
            "version": node.version,
        }

    def note(self, node: Node, *, soft: bool = False) -> dict[str, Any]:
        """Return what travels with a step as `step.json`: its code lies in `code`, its notebook in `notebook`."""
        step = self.step(node)
        snapshot = self.code(node)
        read = leaves_of(*trees_of(step))
        names = [leaf[1] for leaf in read if leaf[0] == "input"]
        inputs = {name: self.input(name, self.graph.inputs[name]) for name in names}
        read += leaves_of(*(facts["default"] for facts in inputs.values()))
        attempt = step["attempt"]
        if node.notebook is not None:
            attempt["notebook"] = {"path": f"notebook/{node.notebook.name}"}
        return {
            "note": NOTE_VERSION,
            "pipeline": self.graph.name,
            **{key: step[key] for key in ("id", "label", "needs", "conditions", "bindings", "retry", "timeout_s")},
            **self._bridged(step, read),
            "attempt": attempt,
            "inputs": inputs,
            "data": sorted(leaf[1] for leaf in read if leaf[0] == "data"),
            "soft": soft,
            "code": "code" if (snapshot is not None and snapshot.files) or node.id in self.bridges else None,
            "executables": sorted(file.path for file in snapshot.files if file.is_executable) if snapshot else [],
        }

    def _bridged(self, step: Mapping[str, Any], read: Iterable[Tree]) -> dict[str, Any]:
        """Return what a note says of steps elsewhere: through which bridges, or of which it is one itself."""
        if not self.bridges:
            return {}
        named = {*step["needs"], *(str(leaf[1]) for leaf in read if leaf[0] == "output")}
        through = {step: self.through[step] for step in sorted(named) if step in self.through}
        found: dict[str, Any] = {"through": through} if through else {}
        if step["id"] in self.bridges:
            found["bridge"] = {"fail_fast": self.graph.fail_fast, "steps": list(self.bridges[step["id"]].steps)}
        return found

    def travels(self, node: Node) -> Mapping[str, bytes]:
        """Return what a bridge has in the folder that it runs in, in place of code; nothing for any other step."""
        crossing = self.bridges.get(node.id)
        return crossing.files if crossing is not None else {}

    def _condition(self, condition: Condition) -> dict[str, Any]:
        return {
            "when": self.tree(condition.when) if condition.when is not None else None,
            "needs": condition.needs,
            "within": condition.within,
            "requires": [self.tree(tree) for tree in condition.requires],
        }

    def tree(self, tree: Tree) -> Tree:
        """Return a tree with literal locations as data of the plan."""
        if tree[0] == "location":
            key = self.literals.setdefault(tree[1], f"location__{len(self.literals) + 1}")
            return ["data", key]
        if tree[0] == "group" or children(tree):
            return [tree[0], *(self.tree(child) for child in children(tree))]
        return tree

    def code(self, node: Node) -> Snapshot | None:
        """Return the files that travel with a step; None if it has no code folder."""
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
        return self.snapshots[key]

    def notebook(self, file: FilePath) -> Snapshot:
        """Return a notebook as a code folder of its own, wherever it is in the project."""
        key = (file, ())
        if key not in self.snapshots:
            self.snapshots[key] = snapshot_of_file(file)
        return self.snapshots[key]

    def environment(self, node: Node) -> dict[str, Any] | None:
        """Return what a step needs installed: the lock's lines where it has them, else those of the spec."""
        if node.environment is None or node.environment.needs is None:
            return None
        key = id(node.environment.needs)  # many steps share one; it lives as long as the graph
        if key not in self.environments:
            self.environments[key] = self._resolved(needs_of(node.environment))
            if node.environment.needs.conda is not None and node.environment.folder is not None:
                self.read.append(node.environment.folder / node.environment.needs.conda)
        return self.environments[key]

    def _resolved(self, needs: Needs | None) -> dict[str, Any]:
        if needs is None:  # an image or a conda file
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


def _facts(port: InputPort) -> dict[str, Any]:
    return {**port.facts, "optional": port.optional}


def _output_facts(output: model.Output) -> dict[str, Any]:
    facts: dict[str, Any] = {"type": output.type, "optional": output.optional}
    if output.format is not None:
        facts["format"] = output.format
    return facts


def asked(node: Node) -> list[str]:
    """Return what a step asks of the run it belongs to (`id`, `date`): its result then depends on it."""
    found: set[str] = set()
    stack: list[Tree] = [*node.command, *node.env.values(), *(port.binding for port in node.inputs.values())]
    while stack:
        tree = stack.pop()
        if tree[0] == "run":
            found.add(str(tree[1]))
        else:
            stack.extend(children(tree))
    return sorted(found)


def _is_plain(node: Node) -> bool:
    """Return whether a node runs whenever nothing before it failed: the rule that needs no saying."""
    return len(node.conditions) == 1 and node.conditions[0].when is None and node.conditions[0].needs == node.needs
