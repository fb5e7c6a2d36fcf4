"""An island → a script and what travels beside it. Pure: the same for the same project, wherever it lies.

run.sh                  the pipeline; `sh run.sh NAME=VALUE …`
begin.py start.py end.py   what is easier said in Python than in shell
pipeline.json           inputs, outputs, steps, data, secrets
verdict.json            what the last word on the run looks at
launcher/               the launcher, as it travels with every step on every platform
steps/<id>/step.json    a step's note, and its notebook
code/<digest>/          code folders, each once
data/ wheels/           files of the project
environments/           what is to be installed for steps
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from specflow.diagnostics import Diagnostic, error
from specflow.graph.islands import Island
from specflow.graph.model import Graph, Node
from specflow.launcher import launcher_files
from specflow.lowering import Lowering, leaves_of, plain, seconds
from specflow.plan import digest_of
from specflow.spec.load import Workspace
from specflow.targets.base import Compiled

from specflow_posix.script import Line, script_text

__all__ = ["compile_posix"]

_TRAVELS = Path(__file__).parent / "travels"


def compile_posix(island: Island, workspace: Workspace) -> Compiled:
    """Return the script of an island."""
    compiler = _Compiler(island, workspace)
    lines = [compiler.line(node) for node in island.nodes.values()]
    pipeline = compiler.pipeline()
    files = compiler.files
    files["pipeline.json"] = _json(pipeline)
    files["verdict.json"] = _json({"verdict": {"steps": list(island.nodes), "outputs": pipeline["promised"]}})
    files["run.sh"] = script_text(island, pipeline, lines).encode()
    for name in ("begin.py", "start.py", "end.py"):
        files[name] = (_TRAVELS / name).read_bytes()
    for name, content in launcher_files().items():
        files[f"launcher/{name}"] = content
    found = (*compiler.found, *compiler.lowering.found)
    return Compiled(dict(sorted(files.items())), {"data": pipeline["data"]}, found, tuple(compiler.watched()))


class _Compiler:
    """One compilation; `files` grow on the way."""

    def __init__(self, island: Island, workspace: Workspace) -> None:
        self.island, self.graph = island, _at_home(island.graph)
        self.secrets = workspace.profile.secrets
        self.lowering = Lowering(self.graph, workspace.root, "posix")
        self.files: dict[str, bytes | Path] = {}
        self.found: list[Diagnostic] = []
        self.variables: dict[str, str] = {}
        self.read: set[str] = set()

    def line(self, node: Node) -> Line:
        """Return the step's line of the script; its note, code and environment are put beside it."""
        note = self.lowering.note(node)
        snapshot = self.lowering.code(node)
        if note["code"] is not None and snapshot is not None:
            folder = f"code/{snapshot.digest[:16]}"
            note["code"] = f"../../{folder}"
            self.files.update({f"{folder}/{file.path}": file.source for file in snapshot.files})
        if node.notebook is not None:
            self.files[f"steps/{node.id}/notebook/{node.notebook.name}"] = node.notebook
        self.files[f"steps/{node.id}/step.json"] = _json(note)
        self.read.update(note["data"])
        need = node.compute_need
        return Line(
            node.id,
            tuple(need for need in node.needs if need in self.island.nodes),
            need.cpus if need is not None and need.cpus else 1,
            self._environment(node),
            tuple((name, self._variable(node, name)) for name in node.secrets),
            tuple(note["data"]),
        )

    def _environment(self, node: Node) -> str:
        """Return the file that says what is to be installed for a step; empty if nothing is."""
        needs = self.lowering.environment(node)
        if needs is None or not (needs["python"] or needs["dependencies"] or needs["wheels"]):
            return ""
        for wheel in needs["wheels"]:
            self.files[wheel["path"]] = self.lowering.sources[wheel["path"]]
        path = f"environments/{digest_of(needs)[:16]}.json"
        self.files[path] = _json(needs)
        return path

    def _variable(self, node: Node, secret: str) -> str:
        """Return the variable of the script's environment that holds a secret."""
        bound = self.secrets.get(secret, {}).get("posix", {"env": secret})
        if set(bound) != {"env"}:
            place = node.file.key_span(*node.place)
            message = f'the profile binds the secret "{secret}" for posix otherwise than by a variable'
            self.found.append(error("secret-unavailable", message, place, "write posix: {env: NAME}"))
        return self.variables.setdefault(secret, str(bound.get("env", secret)))

    def pipeline(self) -> dict[str, Any]:
        """Return what the script knows of the pipeline as a whole."""
        graph, lowering = self.graph, self.lowering
        inputs = {name: lowering.input(name, port) for name, port in graph.inputs.items()}
        self.read.update(
            leaf[1] for facts in inputs.values() for leaf in leaves_of(facts["default"]) if leaf[0] == "data"
        )
        outputs = lowering.outputs() if self.island.is_whole else {}
        data = lowering.data(self.read)
        self.files.update(
            {entry["path"]: lowering.sources[entry["path"]] for entry in data.values() if "path" in entry}
        )
        return {
            "name": graph.name,
            "version": graph.version,
            "description": graph.description,
            "tags": dict(graph.tags),
            "inputs": inputs,
            "outputs": {name: {"tree": output["tree"], "type": output["type"]} for name, output in outputs.items()},
            "promised": {
                name: {"tree": output["tree"], "optional": output["optional"]} for name, output in outputs.items()
            },
            "steps": {node.id: node.label for node in self.island.nodes.values()},
            "data": data,
            "secrets": dict(sorted(self.variables.items())),
            "timeout_s": seconds(graph.timeout) if self.island.is_whole else None,
        }

    def watched(self) -> Iterator[Path]:
        """Yield the files of the project that this was made from."""
        for snapshot in self.lowering.snapshots.values():
            yield from snapshot.watched
        yield from self.lowering.read
        yield from self.lowering.sources.values()


def _at_home(graph: Graph) -> Graph:
    """Return the graph with its data where this machine has it: `posix:` locations, else the `local:` ones."""
    data = {}
    for key, ref in graph.data.items():
        places = ref.location
        if isinstance(places, Mapping) and "posix" not in places and "local" in places:
            ref = replace(ref, location={**places, "posix": places["local"]})
        data[key] = ref
    return replace(graph, data=data)


def _json(document: Any) -> bytes:
    return (json.dumps(plain(document), indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
