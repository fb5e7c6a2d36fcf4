"""An island → a bundle: what `databricks bundle deploy` takes, and what our own client uploads. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path as FilePath
from typing import Any

from specflow.diagnostics import Diagnostic, error
from specflow.graph.islands import Island
from specflow.launcher import launcher_files
from specflow.lowering import Lowering
from specflow.spec.load import Workspace
from specflow.targets.base import Compiled
from specflow.targets.databricks.checks import limits, reference_faults
from specflow.targets.databricks.job import Job, build_job
from specflow.targets.databricks.names import FOLDER, LAUNCHER, STORE_VARIABLE
from specflow.targets.databricks.natives import end_of, is_between
from specflow.targets.databricks.yaml_text import document_text
from specflow.targets.patches import merged, patch_findings, spans_of

__all__ = ["DEFAULT_STORE", "compile_databricks"]

DEFAULT_STORE = "/Volumes/main/default/specflow"
"""Where outputs lie if no profile says; a volume of the catalog that new workspaces have."""
_KEY = "x-databricks"
_HERE = FilePath(__file__).parent


def compile_databricks(island: Island, workspace: Workspace) -> Compiled:
    """Return the bundle of an island. Reads code folders and data; the same for the same project, wherever it lies."""
    lowering = Lowering(island.graph, workspace.root, "databricks", island.bridges)
    job = build_job(island, workspace, lowering, f"${{var.{STORE_VARIABLE}}}")
    found = [*job.found, *_with_patches(island, job)]
    found += _faults_of_profile(workspace)
    bundle = _bundle(island, workspace, job.files)
    profile_patch = workspace.profile.targets.get("databricks", {}).get(_KEY, {})
    if profile_patch:
        found += _findings_in_profile(bundle, profile_patch, workspace)
        bundle = merged(bundle, profile_patch)
    found += limits(island, job.settings)
    files: dict[str, bytes | FilePath] = dict(job.files)
    for path, content in launcher_files().items():
        if path != "launch.py":
            files[f"{LAUNCHER}/{path}"] = content
    files[f"{LAUNCHER}/start.py"] = (_HERE / "travels" / "start.py").read_bytes()
    if any(is_between(node) for node in island.nodes.values()):
        for name in ("beside.py", "decide.py"):
            files[f"{LAUNCHER}/{name}"] = (_HERE / "travels" / name).read_bytes()
    told = f"Made by specflow from the pipeline {island.graph.name}; compile it again rather than change it."
    files["databricks.yml"] = document_text(bundle, told).encode()
    resources = {"resources": {"jobs": {island.job: job.settings}}}
    files[f"resources/{island.job}.job.yml"] = document_text(resources, told).encode()
    return Compiled(dict(sorted(files.items())), _native(island, job), tuple(found), tuple(_watched(lowering, job)))


def _bundle(island: Island, workspace: Workspace, files: Iterable[str]) -> dict[str, Any]:
    """Return `databricks.yml`: the profile as the bundle's target, its variables as the bundle's.

    `files` are the paths of what travels beside the launcher.
    """
    profile, words = workspace.profile, workspace.profile.targets.get("databricks", {})
    variables: dict[str, Any] = {
        STORE_VARIABLE: {
            "description": "The volume that outputs of runs lie on.",
            "default": profile.store.get("databricks", DEFAULT_STORE),
        }
    }
    for name, value in profile.variables.items():
        variables.setdefault(name, {"default": value if isinstance(value, str) else _text(value)})
    where = {}
    if "host" in words:
        where["host"] = words["host"]
    if "root" in words:
        where["root_path"] = f"{words['root']}/${{bundle.name}}/${{bundle.target}}"
    target: dict[str, Any] = {"default": True, **({"workspace": where} if where else {})}
    return {
        "bundle": {"name": island.job},
        "include": ["resources/*.yml"],
        # What is built is often ignored by git, and the CLI leaves out what git ignores. It warns of a pattern that
        # matches nothing, and `--strict` ends at that. Source: databricks/cli, validate_sync_patterns.go.
        "sync": {"include": [f"{folder}/**" for folder in (LAUNCHER, *_folders(files))]},
        "variables": variables,
        "targets": {workspace.profile_name or "default": target},
    }


def _folders(files: Iterable[str]) -> list[str]:
    """Return the bundle's folders that hold any of these files: the steps' first, then the others by name."""
    return sorted({path.partition("/")[0] for path in files}, key=lambda folder: (folder != FOLDER, folder))


def _text(value: object) -> str:
    from specflow.attempt.evaluate import text_of

    return text_of(value)


def _with_patches(island: Island, job: Job) -> Iterator[Diagnostic]:
    """Put the patches of the pipeline and of its steps into the job; yield what they replace."""
    tasks = {task["task_key"]: task for task in job.settings["tasks"]}
    for node in island.nodes.values():
        patch = node.extensions.get("databricks", {})
        if not patch:
            continue
        task = tasks[node.id]
        kinds = {key for key in (*task, *patch) if key.endswith("_task")} if node.kind != "native" else set()
        protected: list[tuple[str, ...]] = [("task_key",), ("depends_on",), *((kind,) for kind in sorted(kinds))]
        yield from patch_findings(task, patch, protected, spans_of(node, _KEY))
        tasks[node.id] = merged(task, patch)
    job.settings["tasks"] = list(tasks.values())
    whole = island.graph.extensions.get("databricks", {})
    if whole:
        file = island.graph.file
        held: list[tuple[str, ...]] = [("name",), ("tasks",), ("parameters",), ("tags", "specflow")]
        yield from patch_findings(job.settings, whole, held, lambda keys: file.key_span(_KEY, *keys))
        job.settings = merged(job.settings, whole)


def _faults_of_profile(workspace: Workspace) -> Iterator[Diagnostic]:
    """Yield what can't be a variable of a bundle: a name of ours, and texts that hold a reference."""
    profile, project = workspace.profile, workspace.project
    named = {("variables", name): value for name, value in profile.variables.items()}
    if project is not None and STORE_VARIABLE in profile.variables:
        taken = project.key_span("profiles", workspace.profile_name or "", "variables", STORE_VARIABLE)
        message = f'"{STORE_VARIABLE}" is a variable of specflow\'s own in a bundle'
        yield error("bad-name", message, taken, "give it another name")
    for place, value in {**named, ("store", "databricks"): profile.store.get("databricks")}.items():
        if project is not None and isinstance(value, str):
            span = partial(project.span, "profiles", workspace.profile_name or "", *place)
            yield from reference_faults(value, span, ("${",))


def _findings_in_profile(
    bundle: Mapping[str, Any], patch: Mapping[str, Any], workspace: Workspace
) -> Iterator[Diagnostic]:
    project = workspace.project
    assert project is not None
    place = ("profiles", workspace.profile_name or "", "targets", "databricks", _KEY)
    protected = [("bundle", "name"), ("include",)]
    yield from patch_findings(bundle, patch, protected, lambda keys: project.key_span(*place, *keys))


def _native(island: Island, job: Job) -> dict[str, Any]:
    """Return what the client has to know of the bundle."""
    graph = island.graph
    inputs = {
        name: {"type": port.type, "many": port.many, "parameter": job.parameters[name]}
        for name, port in graph.inputs.items()
    }
    ends = {node.id: end_of(node) for node in island.nodes.values() if is_between(node)}
    return {"job": island.job, "pipeline": graph.name, "inputs": inputs, "ends": ends, "data": job.data}


def _watched(lowering: Lowering, job: Job) -> Iterator[FilePath]:
    for snapshot in lowering.snapshots.values():
        yield from snapshot.watched
    yield from lowering.read
    yield from (source for source in job.files.values() if isinstance(source, FilePath))
