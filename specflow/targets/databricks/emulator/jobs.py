"""What a job must be beyond its messages' shape: names, the graph, one kind and one compute for each task, limits.

Sources: the Jobs API 2.2 reference and its limits (docs.databricks.com/api/workspace/jobs, /resources/limits), the
docstrings of databricks-sdk 0.156, and for the wording of the serverless refusal databricks/databricks-sdk-py#1228.
"""

from __future__ import annotations

import graphlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from specflow.targets.databricks.emulator.assumptions import Assumptions
from specflow.targets.databricks.emulator.messages import check_message
from specflow.targets.databricks.emulator.references import BadReference, check_references
from specflow.targets.databricks.emulator.refusals import invalid

__all__ = ["CLUSTERS", "COMPUTE", "check_job", "check_parameters", "check_tasks", "kind_of", "with_defaults"]

CLUSTERS = ("existing_cluster_id", "new_cluster", "job_cluster_key")
COMPUTE = (*CLUSTERS, "environment_key", "compute")
MAX_TASKS = 1000
MAX_PARAMETER_BYTES = 10_000
_NO_COMPUTE = ("condition_task", "for_each_task", "run_job_task")
_NEEDS_COMPUTE = ("spark_python_task", "python_wheel_task", "dbt_task")
_TAG_NAME, _TAG_TEXT = re.compile(r"[^<>*&%;\\/+?\u0100-\U0010ffff]{1,512}"), re.compile(r"[\0-\xff]{0,256}")
"""Of Azure's clusters, whose tags those of their jobs become. Source: libs/tags/azure.go of databricks/cli."""
_QUARTZ = re.compile(r"[0-9A-Za-z*?/,\-#]+")


def kind_of(task: Mapping[str, Any]) -> str:
    """Return the one key of a task that says what it does; refuse none and several."""
    kinds = sorted(key for key in task if key.endswith("_task"))
    if len(kinds) != 1:
        raise invalid(f"Task {task['task_key']} must have exactly one kind of task, not {kinds or 'none'}")
    return kinds[0]


def check_job(settings: Mapping[str, Any], clusters: Collection[str], assumptions: Assumptions) -> None:
    """Refuse settings that the service would not save; their shape is right already."""
    _check_head(settings)
    names = [parameter["name"] for parameter in settings.get("parameters", ())]
    _refuse_repeats("parameters", names)
    _check_clusters(settings)
    for key, owner in (("environments", "environment_key"), ("environment_variables", "environment_variables_key")):
        _refuse_repeats(key, [one[owner] for one in settings.get(key, ())])
    for environment in settings.get("environments", ()):
        _check_environment(environment)
    _check_variables(settings)
    check_tasks(settings, clusters, assumptions)


def check_tasks(settings: Mapping[str, Any], clusters: Collection[str], assumptions: Assumptions) -> None:
    """Refuse tasks that don't make a graph of runnable tasks."""
    tasks = settings.get("tasks", ())
    if len(tasks) > MAX_TASKS:
        raise invalid(f"A job may have at most {MAX_TASKS} tasks, this one has {len(tasks)}")
    keys = [task["task_key"] for task in tasks if "task_key" in task]
    _refuse_repeats("task_key", keys)
    known = set(keys)
    names = {parameter["name"] for parameter in settings.get("parameters", ())}
    for task in tasks:
        _check_task(task, settings, clusters, assumptions)
        _check_dependencies(task, tasks, known)
        if assumptions.bad_reference_is_refused:
            _check_texts(task, known, names)
    try:
        edges = {task["task_key"]: [one["task_key"] for one in task.get("depends_on", ())] for task in tasks}
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as fault:
        raise invalid(f"The tasks depend on each other in a cycle: {' -> '.join(fault.args[1])}") from fault


def check_parameters(parameters: Mapping[str, str], settings: Mapping[str, Any]) -> None:
    """Refuse job parameters that the job doesn't declare, or that are too large together."""
    declared = {parameter["name"] for parameter in settings.get("parameters", ())}
    unknown = sorted(set(parameters) - declared)
    if unknown:
        raise invalid(f"Job parameters {unknown} are not declared by the job")
    size = len(json.dumps(parameters, ensure_ascii=False).encode())
    if size > MAX_PARAMETER_BYTES:
        raise invalid(f"job_parameters has {size} bytes of JSON, at most {MAX_PARAMETER_BYTES} are allowed")


def with_defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as the service gives them back: defaults filled in, dependencies in order of their keys.

    Source: the fix-ups of libs/testserver in databricks/cli, which its acceptance tests compare with the live service.
    """
    tasks = []
    for task in settings.get("tasks", ()):
        full = {"run_if": "ALL_SUCCESS", "timeout_seconds": 0, "email_notifications": {}, **task}
        if "depends_on" in task:
            full["depends_on"] = sorted(task["depends_on"], key=lambda one: str(one["task_key"]))
        if "notebook_task" in task:
            source = "GIT" if "git_source" in settings else "WORKSPACE"
            full["notebook_task"] = {"source": source, **task["notebook_task"]}
        if "new_cluster" in task:
            full["new_cluster"] = {
                "data_security_mode": "SINGLE_USER",
                "enable_elastic_disk": False,
                **task["new_cluster"],
            }
        tasks.append(full)
    head = {"name": "Untitled", "email_notifications": {}, "webhook_notifications": {}, "timeout_seconds": 0}
    full_settings = {**head, "max_concurrent_runs": 1, "format": "MULTI_TASK", **settings}
    return {**full_settings, "tasks": tasks} if tasks else full_settings


def _check_head(settings: Mapping[str, Any]) -> None:
    if len(settings.get("name", "").encode()) > 4096:
        raise invalid("A job's name has at most 4096 bytes")
    if len(settings.get("description", "")) > 27_700:
        raise invalid("A job's description has at most 27700 characters")
    if len(settings.get("tags", {})) > 25:
        raise invalid("A job has at most 25 tags")
    for name, text in settings.get("tags", {}).items():
        if not _TAG_NAME.fullmatch(name) or not _TAG_TEXT.fullmatch(text):
            raise invalid(f"Invalid tag {name}")
    if not 0 <= settings.get("max_concurrent_runs", 1) <= 1000:
        raise invalid("max_concurrent_runs must be between 0 and 1000")
    if settings.get("timeout_seconds", 0) < 0:
        raise invalid("timeout_seconds must not be negative")
    if sum(key in settings for key in ("schedule", "continuous", "triggers")) > 1:
        raise invalid("A job has only one of schedule, continuous and triggers")
    schedule = settings.get("schedule")
    if schedule:
        fields = schedule["quartz_cron_expression"].split()
        days = (fields + [""] * 6)[3], (fields + [""] * 6)[5]
        if len(fields) not in (6, 7) or not all(map(_QUARTZ.fullmatch, fields)) or days.count("?") != 1:
            raise invalid(f"Invalid quartz cron expression: {schedule['quartz_cron_expression']}")
        try:
            ZoneInfo(schedule["timezone_id"])
        except (ValueError, OSError, KeyError) as fault:
            raise invalid(f"Invalid timezone_id: {schedule['timezone_id']}") from fault


def _check_clusters(settings: Mapping[str, Any]) -> None:
    clusters = settings.get("job_clusters", ())
    _refuse_repeats("job_cluster_key", [cluster["job_cluster_key"] for cluster in clusters])
    for cluster in clusters:
        if "new_cluster" not in cluster:
            raise invalid(f"Job cluster {cluster['job_cluster_key']} has no new_cluster")
        if "libraries" in cluster["new_cluster"]:
            raise invalid("Libraries can't be declared in a shared job cluster, declare them in the task")


def _check_environment(environment: Mapping[str, Any]) -> None:
    spec = environment.get("spec", {})
    versions = [key for key in ("environment_version", "base_environment", "client") if key in spec]
    if len(versions) != 1:
        raise invalid(
            f"Environment {environment['environment_key']} needs one of environment_version and base_environment"
        )


def _check_variables(settings: Mapping[str, Any]) -> None:
    """Refuse environment variables over their limits. Source: `JobEnvironmentVariables` in databricks-sdk."""
    groups = settings.get("environment_variables", ())
    if len(groups) > 10:
        raise invalid("A job has at most 10 environment_variables")
    for group in groups:
        spec = group.get("spec", {})
        if len(spec.get("variables", {})) > 20 or len(spec.get("files", ())) > 5:
            raise invalid("environment_variables has at most 20 variables and 5 files")
        for name, value in spec.get("variables", {}).items():
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,255}", name) or len(value) > 512:
                raise invalid(f"Invalid environment variable {name}")
    versions = {one["environment_key"]: one.get("spec", {}) for one in settings.get("environments", ())}
    for task in settings.get("tasks", ()):
        version = versions.get(task.get("environment_key", ""), {}).get("environment_version", "")
        if "environment_variables_key" in task and not (version.isdecimal() and int(version) >= 5):
            raise invalid(
                f"Task {task.get('task_key')}: environment variables need a serverless environment_version >= 5"
            )


def _check_task(task: Any, settings: Mapping[str, Any], clusters: Collection[str], assumptions: Assumptions) -> None:
    key = task.get("task_key", "")
    pattern = r"[A-Za-z0-9_-]{1,100}" if assumptions.task_keys_may_hold_hyphens else r"[A-Za-z0-9_]{1,100}"
    if not re.fullmatch(pattern, key):
        raise invalid(f'Invalid task_key "{key}"')
    kind = kind_of(task)
    if task.get("timeout_seconds", 0) < 0 or task.get("min_retry_interval_millis", 0) < 0:
        raise invalid(f"Task {key} has a negative time")
    if task.get("max_retries", 0) < -1:
        raise invalid(f"Task {key}: max_retries must be -1 or more")
    _check_compute(task, kind, settings, clusters)
    if kind == "condition_task" and task.get("max_retries"):
        raise invalid(f"Task {key}: a condition task can't be retried")
    if kind == "python_wheel_task" and {"parameters", "named_parameters"} <= set(task[kind]):
        raise invalid(f"Task {key} has both parameters and named_parameters")
    if kind == "for_each_task":
        inner = task[kind]["task"]
        if not 1 <= task[kind].get("concurrency", 1) <= 100:
            raise invalid(f"Task {key}: concurrency must be between 1 and 100")
        if "for_each_task" in inner or inner.get("depends_on"):
            raise invalid(f"Task {key}: the task of a for-each is neither a for-each nor depends on others")
        if inner.get("task_key") in {other.get("task_key") for other in settings.get("tasks", ())}:
            raise invalid(f"task_key {inner.get('task_key')} is not unique")
        _check_task(inner, settings, clusters, assumptions)


def _check_compute(task: Mapping[str, Any], kind: str, settings: Mapping[str, Any], clusters: Collection[str]) -> None:
    key, found = task["task_key"], [name for name in COMPUTE if name in task]
    if kind in _NO_COMPUTE and found:
        raise invalid(f"Task {key}: a {kind} has no compute of its own, not {found[0]}")
    if len(found) > 1:
        raise invalid(f"Task {key} has more than one compute: {', '.join(found)}")
    if kind in _NEEDS_COMPUTE and not found:
        raise invalid(f"Task {key}: An environment is required for serverless task")
    if task.get("existing_cluster_id", None) not in {None, *clusters}:
        raise invalid(f"Task {key}: Cluster {task['existing_cluster_id']} does not exist")
    for name, listed in (
        ("job_cluster_key", "job_clusters"),
        ("environment_key", "environments"),
        ("environment_variables_key", "environment_variables"),
    ):
        if name in task and task[name] not in {one[name] for one in settings.get(listed, ())}:
            raise invalid(f"Task {key}: {name} {task[name]} is not defined in {listed}")
    if task.get("libraries") and not {"existing_cluster_id", "new_cluster", "job_cluster_key"} & set(found):
        raise invalid(f"Task {key}: libraries need a cluster; serverless dependencies belong into the environment")


def _check_dependencies(task: Mapping[str, Any], tasks: Any, known: Collection[str]) -> None:
    key, dependencies = task["task_key"], task.get("depends_on", ())
    _refuse_repeats(f"depends_on of task {key}", [(one["task_key"], one.get("outcome")) for one in dependencies])
    for one in dependencies:
        if one["task_key"] not in known:
            raise invalid(f"Task {key} depends on {one['task_key']}, which is not defined")
        if "outcome" in one:
            if one["outcome"] not in ("true", "false"):
                raise invalid(f'Task {key}: an outcome is "true" or "false", not "{one["outcome"]}"')
            (above,) = [other for other in tasks if other["task_key"] == one["task_key"]]
            if "condition_task" not in above:
                raise invalid(f"Task {key}: {one['task_key']} is not a condition task and has no outcome")


def texts_of(task: Mapping[str, Any]) -> Iterator[str]:
    """Yield every text of a task in which references are resolved."""
    body = task[kind_of(task)]
    for name in ("parameters", "named_parameters", "base_parameters", "job_parameters", "inputs", "left", "right"):
        value = body.get(name, ())
        if isinstance(value, str):
            yield value
        else:
            yield from value.values() if isinstance(value, dict) else value


def _check_texts(task: Mapping[str, Any], tasks: Collection[str], parameters: Collection[str]) -> None:
    inner = task.get("for_each_task", {}).get("task")
    for one, in_loop in ((task, False), (inner, True)):
        for text in texts_of(one) if one else ():
            try:
                check_references(text, tasks, parameters, in_loop=in_loop)
            except BadReference as fault:
                raise invalid(f"Task {one['task_key']}: {fault}") from fault


def _refuse_repeats(what: str, names: Collection[Any]) -> None:
    repeated = (
        sorted({str(name) for name in names if list(names).count(name) > 1}) if len(set(names)) < len(names) else []
    )
    if repeated:
        raise invalid(f"{what}: {', '.join(repeated)} is not unique")


def check_create(body: Any) -> None:
    """Refuse what is not the message of jobs/create."""
    check_message(body, "CreateJob")
