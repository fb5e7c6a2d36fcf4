"""The workspace's state, and what each request means; `wire.py` has only routes."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path as FilePath
from typing import Any

from specflow.emulation import Children, Clock, State
from specflow.targets.azureml.emulator.assets import Assets
from specflow.targets.azureml.emulator.assumptions import Assumptions
from specflow.targets.azureml.emulator.commands import Commands, find_spark_submit
from specflow.targets.azureml.emulator.execution import Execution
from specflow.targets.azureml.emulator.fields import ill_formed
from specflow.targets.azureml.emulator.history import child_document, job_document
from specflow.targets.azureml.emulator.jobs import Accepted, check_job
from specflow.targets.azureml.emulator.leaves import Leaves
from specflow.targets.azureml.emulator.mishaps import Mishaps
from specflow.targets.azureml.emulator.mounts import Mounts
from specflow.targets.azureml.emulator.names import Workspace, name_problem
from specflow.targets.azureml.emulator.nodes import Graph
from specflow.targets.azureml.emulator.refusals import Problem, Refused, conflict, invalid
from specflow.targets.azureml.emulator.runs import ENDED, Run, Runs
from specflow.targets.azureml.emulator.storage import Storage

__all__ = ["Service"]


class Service:
    """One emulated workspace. `close` ends every process that it started."""

    def __init__(
        self,
        root: FilePath,
        *,
        workspace: Workspace | None = None,
        assumed: Assumptions | None = None,
        computes: Iterable[str] = (),
        datastores: Iterable[str] = (),
        limit: int | None = None,
        spark_submit: Sequence[str] | None = None,
        clock: Clock | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Open the workspace kept in `root`; `limit` is how many processes run at once, `variables` are in each."""
        root = root.resolve()
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root, self.workspace = root, workspace or Workspace()
        self.assumed, self.clock = assumed or Assumptions(), clock or Clock()
        self.spark_submit = find_spark_submit() if spark_submit is None else tuple(spark_submit)
        self.state = State(root / "state.sqlite")
        self.storage = Storage(root, self.state, self.workspace, datastores)
        self.assets = Assets(
            self.state, self.storage, self.workspace, self.assumed, frozenset(computes), self.clock.now
        )
        self.runs = Runs(self.state, self.clock.now)
        self.children, self.mishaps = Children(limit), Mishaps()
        self.pool = ThreadPoolExecutor(self.children.limit, thread_name_prefix="node")
        mounts = Mounts(root, self.storage, self.assets, self.assumed)
        commands = Commands(
            root,
            self.workspace,
            self.children,
            self.clock,
            self.assumed,
            self.spark_submit,
            self.storage.spark_settings,
            variables or {},
        )
        self.leaves = Leaves(self.runs, self.storage, mounts, commands, self.state, self.assumed, self.mishaps)
        self._lock = threading.Lock()
        self._executions: dict[str, Execution] = {}

    def close(self) -> None:
        """End all jobs and their processes, and wait for them."""
        with self._lock:
            executions = list(self._executions.values())
        for each in executions:
            each.cancel()
        self.children.close()
        for each in executions:
            each.thread.join()
        self.pool.shutdown()
        self.clock.close()
        self.state.close()

    def submit(self, name: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """Return the job's document and whether it is new; refuse, before anything runs, what can't be run.

        What the live service answers to a repeated PUT is not known: `Assumptions.repeated_job_put_returns_the_job`.
        """
        properties = _object(body, "properties")
        with self._lock:
            if self.runs.has(name):
                return self._repeated(name, properties), False
            job = self._checked(name, properties)
            run = self.runs.add(_root_run(name, properties, job))
            self.state.put("jobs", name, dict(properties))
            execution = Execution(
                job,
                run,
                runs=self.runs,
                assets=self.assets,
                storage=self.storage,
                leaves=self.leaves,
                pool=self.pool,
                assumed=self.assumed,
                on_end=self.pipeline_log,
            )
            self._executions[name] = execution
            execution.start()
        return self.job(name), True

    def _checked(self, name: str, properties: Mapping[str, Any]) -> Accepted:
        problems: list[Problem] = []
        if self.assumed.refuses_odd_names and (odd := name_problem("jobs", name)):
            problems.append(odd)
        kind = properties.get("jobType")
        if kind != "Pipeline":
            text = f'jobs of type "{kind}" are not emulated: only pipelines are'
            raise invalid([*problems, Problem(text, "properties.jobType", "NotEmulated")])
        checked = check_job(properties, self.assets, self.assumed)
        problems += checked.problems
        if not self.spark_submit:
            problems += _spark_nodes(checked.job.graph)
        if problems:
            raise invalid(problems)
        return checked.job

    def _repeated(self, name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        before = self.state.get("jobs", name)
        if before is None:
            raise conflict(f'"{name}" is a child job', "jobs")
        loose = ("tags", "displayName", "description", "isArchived", "properties", "services", "status")
        same = {key: before.get(key) for key in {*before, *properties} if key not in loose} == {
            key: properties.get(key) for key in {*before, *properties} if key not in loose
        }
        if not same or not self.assumed.repeated_job_put_returns_the_job:
            raise conflict(f'a job "{name}" exists', "jobs")
        return self.job(name)

    def job(self, name: str) -> dict[str, Any]:
        """Return a job's document; a child's has no properties."""
        run = self.runs.get(name)
        if run.parent:
            return child_document(run, self.workspace)
        return job_document(run, self.state.get("jobs", name), self.workspace)

    def cancel(self, name: str) -> Run:
        """Return the run, being cancelled; one that has ended stays as it is."""
        run = self.runs.get(name)
        if run.parent:
            raise Refused(400, "UserError", f'"{name}" is a child job: cancel "{run.root}"', "jobs")
        if run.status in ENDED:
            return run
        with self._lock:
            execution = self._executions.get(name)
        run = self.runs.change(name, status="CancelRequested")
        if execution is not None:
            execution.cancel()
        return run

    def patch_run(self, name: str, body: Mapping[str, Any]) -> Run:
        """Return a run with other metadata: what `jobs.update` and `jobs.archive` of azure-ai-ml 1.35.2 send."""
        run = self.runs.get(name)
        changes: dict[str, Any] = {}
        for key, field in (("displayName", "display_name"), ("description", "description"), ("hidden", "is_hidden")):
            if body.get(key) is not None:
                changes[field] = body[key]
        for key, known in (("tags", run.tags), ("properties", run.properties)):
            if body.get(key):
                changes[key] = {**known, **body[key]}
        return self.runs.change(name, **changes)

    def run_component(
        self, component: str, inputs: Mapping[str, Any], settings: Mapping[str, Any], name: str = ""
    ) -> str:
        """Return the name of a new job of a registered pipeline component; a batch deployment's calls end here."""
        name = name or f"batchjob-{uuid.uuid4()}"
        properties = {
            "jobType": "Pipeline",
            "componentId": component,
            "inputs": dict(inputs),
            "settings": dict(settings),
            "experimentName": "batch",
        }
        self.submit(name, {"properties": properties})
        return name

    def resubmit(self, properties: Mapping[str, Any], prefix: str) -> str:
        """Return the name of a new job with this body; schedules fire through here."""
        name = f"{prefix}-{uuid.uuid4().hex[:12]}"
        self.submit(name, {"properties": dict(properties)})
        return name

    def pipeline_log(self, run: Run) -> None:
        """Write the log of a submitted job as far as it has come: a line for each change of a child's state."""
        if run.parent or not run.started:
            return
        lines = []
        for each in self.runs.children(run.id):
            if each.started:
                lines.append((each.started, f"{each.display_name} ({each.id}) started"))
            if each.status in ENDED:
                lines.append((each.ended, f"{each.display_name} ({each.id}) ended: {each.status}"))
        log = self.storage.artifacts(run.id) / "logs/azureml/executionlogs.txt"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("".join(f"{text}\n" for _, text in sorted(lines)), encoding="utf-8")
        if not run.logs:
            self.runs.change(run.id, logs=("logs/azureml/executionlogs.txt",))


def _object(body: Any, name: str) -> Mapping[str, Any]:
    """Return the object under a name; refuse a body whose known objects aren't all objects."""
    if problems := list(ill_formed(body)):
        raise invalid(problems)
    found = body.get(name)
    if not isinstance(found, Mapping):
        raise invalid([Problem("a body has properties", name)])
    return found


def _root_run(name: str, properties: Mapping[str, Any], job: Accepted) -> Run:
    return Run(
        name,
        "pipeline",
        str(properties.get("displayName") or name),
        job.experiment,
        root=name,
        description=str(properties.get("description") or ""),
        tags={str(k): str(v) for k, v in (properties.get("tags") or {}).items()},
        properties={str(k): str(v) for k, v in (properties.get("properties") or {}).items()},
    )


def _spark_nodes(graph: Graph, target: str = "jobs") -> list[Problem]:
    found: list[Problem] = []
    for name, node in graph.nodes.items():
        if node.kind == "spark":
            text = "pyspark is not installed where the emulator runs, so Spark jobs are refused"
            found.append(Problem(text, f"{target}.{name}", "NotEmulated"))
        if node.graph is not None:
            found += _spark_nodes(node.graph, f"{target}.{name}.jobs")
    return found
