"""An island as one job: tasks in order, their machines and packages, parameters, schedule, whom to tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.codec import NULL, encode
from specflow.attempt.evaluate import text_of
from specflow.diagnostics import Diagnostic, error, warning
from specflow.graph.islands import Island
from specflow.graph.model import Node
from specflow.lowering import Lowering, seconds
from specflow.spec.load import Workspace
from specflow.targets.databricks.computes import ComputeError, Machine, machine_for, unchecked_python
from specflow.targets.databricks.environments import Packages, libraries, serverless_spec
from specflow.targets.databricks.folders import folders, json_bytes
from specflow.targets.databricks.names import FOLDER, ROOT_PARAMETER, RUN_PARAMETER, TAG, VERDICT, parameter_names
from specflow.targets.databricks.natives import end_of, is_between, native_tasks
from specflow.targets.databricks.places import data_places
from specflow.targets.databricks.schedule import quartz_of
from specflow.targets.databricks.tasks import Around, outlives_failures, script_task, task_of, with_order
from specflow.targets.databricks.verdict import leaves, verdict_note

__all__ = ["Job", "build_job"]

LONGEST_DEFAULT = 500
"""Of a parameter's default that is shown; a longer one stays in the note of the steps that read it."""


@dataclass(slots=True)
class Job:
    """A job while it is put together: its settings, the files that travel, what is wrong."""

    settings: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes | FilePath] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)
    """The job parameter of each input of the pipeline."""
    data: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Named data by key: its digest, and where it lies in the bundle, or else its address."""


def build_job(island: Island, workspace: Workspace, lowering: Lowering, store: str) -> Job:
    """Return the job of an island; `store` is where the outputs of its runs lie, in the bundle's words."""
    return _Builder(island, workspace, lowering, store).job()


class _Builder:
    """One job; used once."""

    def __init__(self, island: Island, workspace: Workspace, lowering: Lowering, store: str) -> None:
        self.island, self.graph, self.workspace = island, island.graph, workspace
        self.lowering, self.store = lowering, store
        self.made = Job()
        self.environments: dict[str, dict[str, Any]] = {}
        self.clusters: dict[str, Mapping[str, Any]] = {}
        widgets = {port for node in island.nodes.values() if is_between(node) for port in (*node.inputs, *node.outputs)}
        self.made.parameters = parameter_names(self.graph.inputs, widgets)

    def job(self) -> Job:
        """Return the job, its keys in the order in which one would write them."""
        tasks = self._tasks()
        made, graph = self.made, self.graph
        settings: dict[str, Any] = {"name": self.island.job}
        if graph.description:
            settings["description"] = graph.description
        settings["tags"] = {**graph.tags, TAG: self.island.job}
        settings |= self._around_runs()
        settings["parameters"] = [{"name": name, "default": text} for name, text in self._parameters().items()]
        if self.environments:
            settings["environments"] = [
                {"environment_key": key, "spec": spec} for key, spec in sorted(self.environments.items())
            ]
        if self.clusters:
            settings["job_clusters"] = [
                {"job_cluster_key": key, "new_cluster": cluster} for key, cluster in sorted(self.clusters.items())
            ]
        settings["tasks"] = tasks
        made.settings = settings
        made.found += self.lowering.found
        return made

    def _around_runs(self) -> dict[str, Any]:
        graph, found = self.graph, dict[str, Any]()
        if graph.schedule is not None and self.island.is_whole:
            found["schedule"] = {
                "quartz_cron_expression": quartz_of(graph.schedule.cron),
                "timezone_id": graph.schedule.timezone,
                "pause_status": "UNPAUSED" if graph.schedule.enabled else "PAUSED",
            }
        if graph.notify is not None and self.island.is_whole:
            told = {name: value for name, value in graph.notify.plain().items() if value}
            found["email_notifications"] = {event: list(addresses) for event, addresses in told.items()}
        if graph.timeout is not None and self.island.is_whole:
            found["timeout_seconds"] = seconds(graph.timeout)
        return {**found, "max_concurrent_runs": 1, "queue": {"enabled": True}}

    def _parameters(self) -> dict[str, str]:
        """Return the job's parameters and their defaults: texts of specflow's codec, as the launcher reads them."""
        found = {ROOT_PARAMETER: f"{self.store}/{self.graph.name}", RUN_PARAMETER: "{{job.run_id}}"}
        for name, parameter in self.made.parameters.items():
            tree = self.graph.defaults.get(name)
            value = tree[1] if tree is not None and tree[0] == "value" else None
            text = NULL if value is None or isinstance(value, (list, tuple)) else encode(text_of(value))
            found[parameter] = text if len(text) <= LONGEST_DEFAULT else NULL
        return found

    def _tasks(self) -> list[dict[str, Any]]:
        island = self.island
        made = folders(island.nodes.values(), self.lowering, self.made.files)
        data = data_places(self.graph, island.nodes.values(), self.lowering, self.made)
        lanes = _lanes(list(island.nodes), self.graph.concurrency)
        tasks: list[dict[str, Any]] = []
        for node in island.nodes.values():
            place, note = made[node.id]
            around = self._around(node, data)
            if island.bridges:
                around = replace(around, store=self.store)
            lane = [key for key in lanes.get(node.id, ()) if key not in node.needs]
            before = [end_of(island.nodes[key]) for key in (*node.needs, *lane) if key in island.nodes]
            if is_between(node):
                tasks += native_tasks(node, note, place, around, before, self.made.files)
                continue
            task = task_of(node, note, place, around, before)
            tasks.append(with_order(task, before, always=True) if lane else task)
        last = self._verdict(tasks, hides=bool(lanes))
        return [*tasks, *([last] if last else [])]

    def _verdict(self, tasks: list[dict[str, Any]], *, hides: bool) -> dict[str, Any] | None:
        """Return the task that judges the run, where the platform's own judgement could be another."""
        nodes = self.island.nodes
        hides = hides or bool(self.island.bridges)
        hides = hides or any(outlives_failures(node) or is_between(node) for node in nodes.values())
        note = verdict_note(self.island, self.lowering, hides=hides)
        if note is None:
            return None
        path = f"{FOLDER}/{VERDICT}/verdict.json"
        self.made.files[path] = json_bytes(note)
        machine = self._plain_machine(next(iter(nodes.values())))
        around = Around(machine, "default" if machine.is_serverless else "")
        if machine.is_serverless:
            self.environments.setdefault("default", dict(serverless_spec(Packages(), "", None) or {}))
        return with_order(script_task(VERDICT, path, ["--verdict"], around), leaves(tasks), always=True)

    def _around(self, node: Node, data: Mapping[str, str]) -> Around:
        machine = self._machine(node)
        self._tell_of(node, machine)
        environment, installed = "", tuple[Mapping[str, Any], ...]()
        packages, file = self._packages(node)
        registered = self._registered(node, machine)
        if machine.is_serverless:
            if node.notebook is not None and is_between(node):
                packages, registered = self._none_inside(node, packages, registered)
            environment = self._environment(node, packages, file, registered)
        else:
            known = registered if isinstance(registered, Mapping) else None
            installed = tuple(libraries(packages, file, known))
        return Around(
            machine,
            environment,
            installed,
            self.made.parameters,
            data,
            {name: self._secret(node, name) for name in node.secrets},
            self.graph.fail_fast,
        )

    def _none_inside(self, node: Node, packages: Packages, registered: Any) -> tuple[Packages, None]:
        """Return the environment of the tasks around a source notebook, which itself takes none from its job."""
        if registered is not None or packages != Packages():
            message = "databricks: on serverless compute a source notebook has its environment inside it"
            way_out = "install packages in the notebook, by %pip, or give it a compute that is a cluster"
            self.made.found.append(error("unsupported", message, node.span_of("environment"), way_out))
        return Packages(), None

    def _machine(self, node: Node) -> Machine:
        needs = node.environment.needs if node.environment is not None else None
        image, python = (needs.image or "", needs.python) if needs is not None else ("", None)
        bound = self.workspace.profile.computes.get(node.compute or "default", {}).get("databricks")
        try:
            machine = machine_for(node.compute, node.compute_need, bound, python, image)
        except ComputeError as failure:
            place = node.file.key_span(*node.place)
            self.made.found.append(error("unknown-compute", f'step "{node.label}": {failure}', place))
            return Machine("serverless")
        if machine.kind != "job_cluster":
            return machine
        key, number = machine.name, 1
        while self.clusters.setdefault(key, machine.cluster) != machine.cluster:
            number += 1
            key = f"{machine.name}_{number}"
        return Machine("job_cluster", key, machine.cluster)

    def _tell_of(self, node: Node, machine: Machine) -> None:
        """Tell what a machine may not have though a step asks for it."""
        needs = node.environment.needs if node.environment is not None else None
        unchecked = unchecked_python(machine, needs.python if needs is not None else None)
        if unchecked:
            place, way_out = node.span_of("environment"), "look it up in the workspace"
            self.made.found.append(warning("approximated", f"databricks: {unchecked}", place, way_out))
        pool = machine.cluster.get("instance_pool_id")
        if pool and node.compute_need is not None and node.compute_need.spot:
            message = f'databricks: the instance pool "{pool}" decides whether machines may be taken away'
            self.made.found.append(warning("approximated", message, node.span_of("compute"), "look it up there"))

    def _plain_machine(self, node: Node) -> Machine:
        return self._machine(node)

    def _packages(self, node: Node) -> tuple[Packages, str]:
        """Return what is installed for a step, and where its requirements file lies in the bundle."""
        resolved = self.lowering.environment(node)
        if resolved is None:
            return Packages(), ""
        wheels = []
        for wheel in resolved["wheels"]:
            source = self.lowering.sources[wheel["path"]]
            path = f"wheels/{wheel['sha256'][:16]}/{source.name}"
            self.made.files[path] = source
            wheels.append(path)
        packages = Packages(resolved["python"], tuple(resolved["dependencies"]), tuple(wheels))
        file = f"environments/{self._environment_name(node)}.txt"
        if packages.lines and packages.needs_file:
            file = self._requirements(file, packages.requirements.encode())
        return packages, file

    def _requirements(self, file: str, content: bytes) -> str:
        path, number = file, 1
        while self.made.files.setdefault(path, content) != content:
            number += 1
            path = file.replace(".txt", f"_{number}.txt")
        return path

    @staticmethod
    def _environment_name(node: Node) -> str:
        if node.environment is None or node.environment.needs is None or node.environment.name:
            return (node.environment.name if node.environment is not None else None) or "default"
        return node.id.rpartition("__")[0] if node.matrix else node.id

    def _registered(self, node: Node, machine: Machine) -> str | Mapping[str, Any] | None:
        """Return what the profile says of an environment that a step asks for by a name of its own.

        Of a mapping, what its machine takes: `libraries` are for clusters, all else for serverless compute.
        """
        if node.environment is None or node.environment.needs is not None:
            return None
        name = node.environment.name or ""
        found = self.workspace.profile.environments.get(name, {}).get("databricks")
        if found is None:
            message = f'the profile says nothing of the environment "{name}" for databricks'
            place = node.file.key_span(*node.place)
            self.made.found.append(error("unknown-environment", message, place, "add a databricks: entry to it"))
            return {}
        of_clusters = {key: found[key] for key in ("libraries",) if key in found} if isinstance(found, Mapping) else {}
        if not machine.is_serverless:
            if not of_clusters:
                self._unfit(node, "runs on a cluster", "serverless compute takes", "libraries")
            return of_clusters
        if not isinstance(found, Mapping):
            return found
        of_serverless = {key: value for key, value in found.items() if key not in of_clusters}
        if not of_serverless:
            self._unfit(node, "runs on serverless compute", "clusters take", "dependencies")
        return of_serverless

    def _unfit(self, node: Node, where: str, only: str, missing: str) -> None:
        name = node.environment.name if node.environment is not None else ""
        message = f'step "{node.label}" {where}, and the profile says of "{name}" only what {only}'
        help_ = f"add {missing}: […] to its databricks: entry"
        self.made.found.append(error("unknown-environment", message, node.file.key_span(*node.place), help_))

    def _environment(
        self, node: Node, packages: Packages, file: str, registered: str | Mapping[str, Any] | None
    ) -> str:
        """Return the key of the job's environment that has what a step needs."""
        spec = serverless_spec(packages, file, registered)
        if spec is None:
            message = f'step "{node.label}": no serverless environment known here has Python "{packages.python}"'
            place = node.file.key_span(*node.place)
            self.made.found.append(
                error("unknown-compute", message, place, "ask for another version, or for a job cluster")
            )
            return "default"
        plain_spec = serverless_spec(Packages(), "", None)
        name = "default" if spec == plain_spec else self._environment_name(node)
        same = next((key for key, known in self.environments.items() if known == spec), None)
        if same is not None:
            return same
        key, number = name, 1
        while self.environments.setdefault(key, spec) != spec:
            number += 1
            key = f"{name}_{number}"
        return key

    def _secret(self, node: Node, name: str) -> str:
        """Return where a secret is: the scope and key of the profile, else a scope of ours and its own name."""
        bound = self.workspace.profile.secrets.get(name, {}).get("databricks", {"scope": "specflow", "key": name})
        if set(bound) != {"scope", "key"}:
            message = f'the profile binds the secret "{name}" without a scope and a key'
            place = node.file.key_span(*node.place)
            self.made.found.append(
                error("secret-unavailable", message, place, "write databricks: {scope: ml, key: token}")
            )
        return f"{bound.get('scope', '')}/{bound.get('key', '')}"


def _lanes(steps: list[str], width: int | None) -> dict[str, list[str]]:
    """Return for each step the one that it waits for so that at most `width` run at once.

    Every step but the first `width` is behind the one so many places before it. Of two that run at once neither is
    behind the other, so all that run are in different lanes, and there are `width` of these.
    """
    if width is None or width >= len(steps):
        return {}
    return {step: [steps[at - width]] for at, step in enumerate(steps) if at >= width}
