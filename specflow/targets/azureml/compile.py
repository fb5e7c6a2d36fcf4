"""An island → the files that `az ml job create -f pipeline.yml` takes. Pure: no network, no clock, no SDK.

pipeline.yml      the job
schedule.yml      its schedule, if the pipeline has one
code/<step>/      what travels with a step: launcher, note, code
environments/     conda files
data/             the project's own data that steps read
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.codec import NULL
from specflow.attempt.relay import PORT
from specflow.diagnostics import Diagnostic, error, has_errors
from specflow.graph.islands import Island
from specflow.graph.locations import leads_away
from specflow.graph.model import Node
from specflow.launcher import packed_launcher
from specflow.lowering import Lowering, soft_nodes
from specflow.spec import model
from specflow.spec.load import Workspace
from specflow.spec.source import no_garbage_collection
from specflow.targets.azureml.checks import (
    LARGE_CODE,
    large_code,
    outputs_left_out,
    profile_faults,
    promises_of_a_schedule,
    unsafe_names,
)
from specflow.targets.azureml.computes import default_compute
from specflow.targets.azureml.environments import Environments
from specflow.targets.azureml.folders import Folders, note_bytes
from specflow.targets.azureml.natives import elsewhere, record_node
from specflow.targets.azureml.nodes import (
    BRIDGE_VARIABLES,
    KEPT_VARIABLES,
    NodeParts,
    body,
    constant_variables,
    in_place_component,
    is_deterministic,
    patched_variables,
)
from specflow.targets.azureml.outputs import Bound, bind_outputs, default_values
from specflow.targets.azureml.ports import (
    RECORD,
    Sources,
    Wiring,
    data_type,
    declared_type,
    literal,
    wire,
    wire_native,
    wire_record,
)
from specflow.targets.azureml.schedules import schedule_document
from specflow.targets.azureml.uploads import IGNORE_FILES, ignore_files
from specflow.targets.azureml.verdicts import absent_outputs, verdict_name, verdict_note
from specflow.targets.azureml.yaml_text import Folded, yaml_text
from specflow.targets.base import Compiled
from specflow.targets.patches import merged, patch_findings, spans_of

__all__ = ["compile_island"]

_SCHEMA = "https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json"
_REQUIRED = "azureml://datastores/workspaceblobstore/paths/to-be-given"
"""Where a required path input lies until somebody gives one: there is nothing, so a run without it fails, saying so."""


_STAYS = ("type", "code", "entry", "command", "args", "component", "identity")
"""Keys by which a step's launcher is started, and by which it reads secrets: no patch may change them."""
_LABEL = "display_name"
"""The key by which the client knows which job of a run is whose: children tell nothing else of their node."""
_MANY = "distribution"
"""The key by which Azure ML starts a command once for each process of several."""


@no_garbage_collection()
def compile_island(island: Island, workspace: Workspace) -> Compiled:
    """Return an island's artifact, and what has to be said of it; no files where there are errors."""
    found = list(profile_faults(island.nodes.values(), workspace.profile))
    if not island.is_whole:
        found += outputs_left_out(island.graph, island.nodes)
    if has_errors(found):
        return Compiled(findings=tuple(found))
    return _Compiler(island, workspace, found).compiled()


class _Compiler:
    """One compilation; used once."""

    def __init__(self, island: Island, workspace: Workspace, found: list[Diagnostic]) -> None:
        self.island, self.workspace, self.found = island, workspace, found
        self.graph, self.nodes, self.profile = island.graph, island.nodes, workspace.profile
        self.lowering = Lowering(island.graph, workspace.root, "azureml", island.bridges)
        self.folders = Folders(self.lowering)
        self.environments = Environments(self.lowering, workspace.profile)
        self.soft = frozenset() if self.graph.fail_fast else soft_nodes(self.nodes)
        self.wirings: dict[str, Wiring] = {}
        self.reused = {
            name: is_deterministic(node, self.graph, soft=name in self.soft) for name, node in self.nodes.items()
        }
        """Of each step, whether an earlier run of its node may stand for a new one."""

    def compiled(self) -> Compiled:
        notes = {name: self._note(node) for name, node in self.nodes.items()}
        outputs = self.lowering.outputs() if self.island.is_whole else {}
        inputs = {name: self.lowering.input(name, port) for name, port in self.graph.inputs.items()}
        self.data = self.lowering.data()
        self.found += unsafe_names(self.data, self.lowering.place_of)
        given = self._inputs(inputs)
        kinds = {name: _kind_of_input(value, inputs[name]["type"]) for name, value in given.items()}
        places = {key: str(entry.get("path", entry.get("address"))) for key, entry in self.data.items()}
        store = self.profile.store.get("azureml", "")
        sources = Sources(self.graph, self.nodes, kinds, places, store, self.island.through)
        bound = self._bound(sources)
        jobs: dict[str, Any] = {}
        for name, node in self.nodes.items():
            make = self._native_jobs if node.kind == "native" else self._jobs
            jobs |= make(node, notes[name], sources, bound)
        jobs |= bound.copies
        verdict = self._verdict(outputs, sources)
        jobs |= verdict
        given |= {name: {"type": kind, "path": _REQUIRED} for name, kind in sources.arrivals.items()}
        self.found += promises_of_a_schedule(self.graph, bound.outputs)
        document = self._patched(self._document(given, bound, jobs))
        files = self._files(document)
        native = self._native(inputs, sources, bound, verdict)
        found = (*self.found, *self.lowering.found)
        return Compiled({} if has_errors(found) else files, native, found, tuple(self._watched()))

    def _bound(self, sources: Sources) -> Bound:
        if not self.island.is_whole:
            return Bound()
        crossing = self.island.leaving if self.island.bridges else {}
        return bind_outputs(self.graph, sources, self._plain_environment(), crossing)

    def _note(self, node: Node) -> dict[str, Any]:
        note = self.lowering.note(node, soft=node.id in self.soft)
        snapshot = self.lowering.code(node)
        size = sum(file.source.stat().st_size for file in snapshot.files) if snapshot else 0
        if size > LARGE_CODE:
            self.found.append(large_code(node, size))
        return note

    # The pipeline's inputs

    def _inputs(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs that the artifact has; lists, and optional paths, get theirs when somebody gives them."""
        found: dict[str, Any] = {}
        for name, facts in inputs.items():
            if not facts.get("many"):
                value = self._path_input(facts) if facts["type"] in model.PATH_TYPES else _value_input(facts)
                found |= {} if value is None else {name: value}
        return found

    def _path_input(self, facts: Mapping[str, Any]) -> dict[str, Any] | None:
        default, kind = facts["default"], data_type(facts["type"], facts.get("format"))
        if default is None:
            return None if facts["optional"] else {"type": kind, "path": _REQUIRED}
        if default[0] == "data" and default[1] in self.data:
            entry = self.data[default[1]]
            return {"type": kind, "path": entry.get("path", entry.get("address"))}
        return None

    # Nodes

    def _jobs(self, node: Node, note: dict[str, Any], sources: Sources, bound: Bound) -> dict[str, Any]:
        wiring = self.wirings[node.id] = wire(node, note, sources)
        in_store = self._in_store(node)
        if in_store and self.island.bridges:
            note["stored"] = {port: f"{self.graph.name}/$AZUREML_RUN_ID/{node.id}/{port}" for port in in_store}
        note["bindings"] = {port: tree for port, tree in note["bindings"].items() if port not in wiring.given}
        variables = {} if node.engine == "spark" else constant_variables(node)
        note["keep"] = [*KEPT_VARIABLES, *(BRIDGE_VARIABLES if node.id in self.island.bridges else ())]
        note["attempt"]["env"] = {k: tree for k, tree in note["attempt"]["env"].items() if k not in variables}
        self._wheels(node, note)
        if node.matrix:
            shared = "__".join(node.path)
            note |= {"id": shared, "label": shared}
            note["attempt"]["step"] = shared
        folder = self.folders.add(node, note)
        environment, vaults = self.environments.reference(node), self._vaults(node)
        patched = () if node.engine == "spark" else patched_variables(node)
        parts = NodeParts(note, folder, environment, wiring, variables, vaults, self.reused[node.id], patched)
        for port in node.outputs:
            if (node.id, port) in bound.of_nodes:
                wiring.bind_output(port, bound.of_nodes[node.id, port])
        for port, place in in_store.items():
            wiring.outputs[port] = {**wiring.outputs[port], "path": place}
        made = body(node, parts, self.profile)
        made = self._patch(made, node)
        types = {**wiring.types, **{port: declared_type(node, port) for port in node.outputs}}
        return {node.id: in_place_component(made, wiring.types, types)}

    def _in_store(self, node: Node) -> dict[str, str]:
        """Return where in the exchange store the outputs lie that steps elsewhere read: a folder for each job."""
        store = self.profile.store.get("azureml")
        if store is None or (self.island.is_whole and not self.island.bridges):
            return {}
        home = f"{store.rstrip('/')}/{self.graph.name}"
        ports = [
            port for port in sorted(self.island.leaving.get(node.id, ())) if node.outputs[port].type in model.PATH_TYPES
        ]
        return {port: f"{home}/${{{{name}}}}/{node.id}/{port}" for port in ports}

    def _vaults(self, node: Node) -> dict[str, str]:
        """Return where each secret is: as the profile says, else in the workspace's own vault under its name."""
        found = {}
        for name in node.secrets:
            own = {"key_vault": "workspace", "name": name.replace("_", "-")}
            where = self.profile.secrets.get(name, {}).get("azureml", own)
            found[name] = f"{where['key_vault']}/{where['name']}"
        return found

    def _wheels(self, node: Node, note: dict[str, Any]) -> None:
        """Say in the note which wheels the launcher installs."""
        needs = self.lowering.environment(node)
        wheels = needs["wheels"] if needs is not None else []
        if needs is None or not wheels:
            return
        names = [wheel["path"] for wheel in wheels]
        note["wheels"] = {"files": names, "with_dependencies": not needs["locked"]}

    def _native_jobs(self, node: Node, note: Mapping[str, Any], sources: Sources, bound: Bound) -> dict[str, Any]:
        """Return a native step: what the spec says, with its ports connected, and the node that takes down the rest."""
        self.found += elsewhere(node, self.nodes)
        wiring = wire_native(node, note, sources)
        for port in node.outputs:
            if (node.id, port) in bound.of_nodes:
                wiring.bind_output(port, bound.of_nodes[node.id, port])
        made = {"display_name": node.label, "inputs": wiring.inputs, "outputs": wiring.outputs}
        patched = self._patch({key: value for key, value in made.items() if value}, node)
        found = {node.id: dict(sorted(patched.items(), key=lambda entry: _place_of(entry[0])))}
        if node.outputs:  # where there are none nothing could wait for the node
            parts = NodeParts(note, self.folders.add(node, note), None, wire_record(node, note, sources), {}, {}, True)
            found[f"{node.id}{RECORD}"] = record_node(node, parts, self._plain_environment())
        return found

    def _patch(self, made: dict[str, Any], node: Node) -> dict[str, Any]:
        patch = node.extensions.get("azureml")
        if not patch:
            return made
        span = spans_of(node, "x-azureml")
        if patch.get(_LABEL, node.label) != node.label:
            message = f'azureml: "{_LABEL}" is what the node of "{node.label}" is known by, and can\'t be patched'
            self.found.append(error("patch-refused", message, span((_LABEL,)), "leave it out, or rename the step"))
        if node.kind != "native":
            if patch.get(_MANY) is not None:
                message = f'azureml: "{_MANY}" starts the launcher of "{node.label}" in each of many processes, '
                message += "and all of them would write its outputs and its record"
                help_ = "let the command start its processes, as torchrun and mpirun do, or make it a native step"
                self.found.append(error("patch-refused", message, span((_MANY,)), help_))
            protected = [(key,) for key in _STAYS if key in made or key == "component"]
            words = {key: value for key, value in patch.items() if key not in (_LABEL, _MANY)}
            self.found += patch_findings(made, words, protected, span)
        patched: dict[str, Any] = merged(made, patch)
        return patched

    def _verdict(self, outputs: Mapping[str, Any], sources: Sources) -> dict[str, Any]:
        """Return the node that judges the run, where the platform would judge otherwise."""
        if not self.island.is_whole or not (self.soft or absent_outputs(self.graph) or self.island.bridges):
            return {}
        name, note = verdict_name(self.graph), verdict_note(self.island, outputs)
        folder = f"code/{name}"
        self.folders.files |= {f"{folder}/{path}": content for path, content in packed_launcher().items()}
        self.folders.files[f"{folder}/step.json"] = note_bytes(note)
        through = note["verdict"].get("through", {})
        steps = [step for step in note["verdict"]["steps"] if step not in through]
        inputs = {f"record__{step}": sources.record(step) for step in steps}
        lines = ["python launch.py step.json --target azureml --verdict"]
        lines += [f'--from {step}="${{{{inputs.record__{step}}}}}"' for step in steps]
        for bridge in sorted(set(through.values())):
            inputs[f"{bridge}__{PORT}"] = sources.output(bridge, PORT)[0]
            lines.append(f'--path {bridge}.{PORT}="${{{{inputs.{bridge}__{PORT}}}}}"')
        made = {"type": "command", "display_name": name, "code": folder, "is_deterministic": False}
        made |= {"command": Folded(lines), "environment": self._plain_environment(), "inputs": inputs}
        return {name: in_place_component(made, dict.fromkeys(inputs, "uri_folder"), {})}

    def _plain_environment(self) -> Any:
        return self.environments.plain()

    # The documents

    def _document(self, inputs: Mapping[str, Any], bound: Bound, jobs: Mapping[str, Any]) -> dict[str, Any]:
        graph = self.graph
        found: dict[str, Any] = {"$schema": _SCHEMA, "type": "pipeline"}
        found |= {"display_name": self.island.job, "experiment_name": graph.name}
        if graph.description:
            found["description"] = graph.description
        if graph.tags:
            found["tags"] = dict(graph.tags)
        found["settings"] = {
            "default_compute": default_compute(self.profile),
            "continue_on_step_failure": not graph.fail_fast,
        }
        if inputs:
            found["inputs"] = dict(inputs)
        if bound.outputs:
            found["outputs"] = dict(bound.outputs)
        return found | {"jobs": dict(jobs)}

    def _patched(self, document: dict[str, Any]) -> dict[str, Any]:
        patch = self.graph.extensions.get("azureml")
        if not patch or not self.island.is_whole:
            return document
        file = self.graph.file
        protected = [("type",), ("name",), ("jobs",)]  # the job's name is the run's
        self.found += patch_findings(document, patch, protected, lambda keys: file.key_span("x-azureml", *keys))
        patched: dict[str, Any] = merged(document, patch)
        return patched

    def _files(self, document: Mapping[str, Any]) -> dict[str, bytes | FilePath]:
        files: dict[str, bytes | FilePath] = {"pipeline.yml": (self._heading() + yaml_text(document)).encode()}
        if self.graph.schedule is not None and self.island.is_whole:
            schedule = yaml_text(schedule_document(self.graph, self.graph.schedule))
            files["schedule.yml"] = (self._schedule_heading(self.graph.schedule) + schedule).encode()
        data = {name: path for name, path in self.lowering.sources.items() if name.startswith("data/")}
        files |= {**data, **ignore_files(data)}
        return {**files, **self.environments.files, **self.folders.files}

    def _made_from(self) -> str:
        spec = self.workspace.spec.relative_to(self.workspace.root).as_posix()
        return f"# Made by specflow from {spec}: change that, and compile again."

    def _schedule_heading(self, schedule: model.Schedule) -> str:
        lines = [self._made_from(), "# az ml schedule create -f schedule.yml"]
        if not schedule.enabled:  # the file has no word for it
            lines.append(f"# It is to be switched off: az ml schedule disable --name {self.graph.name}")
        return "".join(f"{line}\n" for line in lines)

    def _heading(self) -> str:
        lines = [self._made_from(), "# az ml job create -f pipeline.yml"]
        open_inputs = [
            name for name, port in self.graph.inputs.items() if name not in self.graph.defaults and not port.optional
        ]
        lines += [f"#   --set inputs.{name}=…   is required" for name in open_inputs]
        return "".join(f"{line}\n" for line in lines)

    def _native(
        self,
        inputs: Mapping[str, Any],
        sources: Sources,
        bound: Bound,
        verdict: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return what the client has to know of the artifact."""
        steps: dict[str, dict[str, Any]] = {}
        for name, node in self.nodes.items():
            paths = (port for port, output in node.outputs.items() if output.type in model.PATH_TYPES)
            steps[name] = {"label": node.label, "outputs": {port: declared_type(node, port) for port in paths}}
            steps[name] |= {"reused": self.reused[name], "native": node.kind == "native"}
        late: dict[str, dict[str, str]] = {}
        for name, wiring in self.wirings.items():
            for given, port in wiring.late.items():
                late.setdefault(given, {})[name] = port
        registered = {
            name: {"name": output.register_name, "version": output.register_version}
            for name, output in self.graph.outputs.items()
            if output.register_name is not None and name in bound.outputs
        }
        located = {
            name: output.location
            for name, output in self.graph.outputs.items()
            if name in bound.outputs and leads_away(output.location)
        }
        return {
            "name": self.graph.name,
            "steps": steps,
            "inputs": {name: _shown(facts, late.get(name, {})) for name, facts in inputs.items()},
            "values": default_values(self.graph),
            "data": self.data,
            "arrivals": dict(sources.arrivals),
            "bound": {f"{step}.{port}": name for (step, port), name in bound.of_nodes.items()},
            "registered": registered,
            "located": located,
            "verdict": next(iter(verdict), ""),
            "plain": sorted(self._plain_inputs()),
            "spark": [node.label for node in self.nodes.values() if node.engine == "spark"],
            "schedule": self._schedule(),
        }

    def _plain_inputs(self) -> set[str]:
        """Return the pipeline's texts that native nodes read, which don't know how others travel."""
        read = (port.binding for node in self.nodes.values() if node.kind == "native" for port in node.inputs.values())
        return {tree[1] for tree in read if tree[0] == "input" and self.graph.inputs[tree[1]].type == "string"}

    def _schedule(self) -> dict[str, Any] | None:
        found = self.graph.schedule if self.island.is_whole else None
        if found is None:
            return None
        return {"cron": found.cron, "timezone": found.timezone, "enabled": found.enabled}

    def _watched(self) -> list[FilePath]:
        code = [path for snapshot in self.lowering.snapshots.values() for path in snapshot.watched]
        conda = [path for path in self.environments.files.values() if isinstance(path, FilePath)]
        data = (path for name, path in self.lowering.sources.items() if name.startswith("data/") and path.is_dir())
        ignored = [folder / name for folder in data for name in IGNORE_FILES]
        return [*code, *conda, *ignored, *self.lowering.read]


def _place_of(key: str) -> int:
    """Return where a key of a node stands in Azure's examples, as far as native nodes go."""
    return {"type": 0, "display_name": 1, "inputs": 3, "outputs": 4}.get(key, 2)


def _value_input(facts: Mapping[str, Any]) -> Any:
    """Return a value input as a literal; null, in the launcher's encoding, where it has no value before the run."""
    default = facts["default"]
    return literal(default[1] if default is not None and default[0] == "value" else None)


def _kind_of_input(value: Any, declared: str) -> str:
    """Return Azure ML's type of an input of the pipeline: text where it holds null, in the launcher's encoding."""
    if isinstance(value, dict):
        return str(value["type"])
    return "string" if value == NULL else declared


def _shown(facts: Mapping[str, Any], late: Mapping[str, str]) -> dict[str, Any]:
    """Return what the client has to know of an input of the pipeline."""
    is_path = facts["type"] in model.PATH_TYPES
    kind = data_type(facts["type"], facts.get("format")) if is_path else facts["type"]
    bounds = {key: facts[key] for key in ("enum", "minimum", "maximum") if facts.get(key) is not None}
    shown = {"type": kind, "is_path": is_path, "many": bool(facts.get("many")), "optional": facts["optional"]}
    return {**shown, **bounds, "late": late}
