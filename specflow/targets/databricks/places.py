"""Where named data lies for a task: on a volume, or in the bundle, whose files the workspace has."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from specflow.diagnostics import error
from specflow.graph.model import DataRef, Graph, Node
from specflow.lowering import Lowering, leaves_of
from specflow.spec.checks.files import is_address
from specflow.targets.databricks.checks import reference_faults
from specflow.targets.databricks.environments import FILES
from specflow.targets.databricks.folders import is_notebook

if TYPE_CHECKING:
    from specflow.targets.databricks.job import Job

__all__ = ["data_places"]

MAX_FILE_BYTES = 500 * 1024 * 1024
"""Of one workspace file; docs.databricks.com/files/workspace."""


def data_places(graph: Graph, nodes: Iterable[Node], lowering: Lowering, job: Job) -> dict[str, str]:
    """Return where each named source and literal location lies; what is in the project is put into the bundle.

    The job keeps what the plan has to know of them: their digests, and where they are before they are sent.
    """
    found: dict[str, str] = {}
    used = _used(graph, nodes)
    for key, ref in graph.data.items():
        place = _named(key, ref, job, lowering) if key in used else None
        if place is not None:
            found[key] = place
            facts = {"type": ref.source.type, "version": ref.source.version, "sha256": ref.source.sha256}
            job.data[key] = facts | _shown(place)
    for location, key in lowering.literals.items():
        found[key] = _put(key, lowering.root / location, job, lowering)
        job.data[key] = {"type": "file", "version": None, "sha256": None} | _shown(found[key])
    for key, place in found.items():
        job.found += reference_faults(place.removeprefix(FILES), partial(lowering.place_of, key))
    return found


def _shown(place: str) -> dict[str, str]:
    inside = place.removeprefix(f"{FILES}/")
    return {"path": inside} if inside != place else {"address": place}


def _used(graph: Graph, nodes: Iterable[Node]) -> set[str]:
    trees = [port.binding for node in nodes for port in node.inputs.values()]
    trees += [tree for node in nodes for condition in node.conditions for tree in condition.requires]
    return {leaf[1] for leaf in leaves_of(*trees, *graph.defaults.values()) if leaf[0] == "data"}


def _named(key: str, ref: DataRef, job: Job, lowering: Lowering) -> str | None:
    own = ref.location if isinstance(ref.location, str) else ref.location.get("databricks")
    if own is not None and own.startswith(("/Volumes/", "/Workspace/", "dbfs:/Volumes/")):
        return own.removeprefix("dbfs:")
    span = ref.file.span(*ref.place, "location")
    if own is None and not isinstance(ref.location, str) and not is_address(ref.location.get("local", "x:y")):
        own = ref.location["local"]  # the project's own file travels in the bundle
    if own is None:
        message = f'the data "{ref.place[-1]}" has no location for "databricks"'
        job.found.append(error("data-elsewhere", message, span, "add databricks: /Volumes/…, or a path in the project"))
        return None
    if is_address(own):
        if not isinstance(ref.location, str):  # a plain address is told by the capabilities already
            message = f'databricks reads data on volumes, not at "{own}"'
            job.found.append(error("data-elsewhere", message, span, "give the same place as a path: /Volumes/…"))
        return None
    if own.startswith("/"):
        message = f'"{own}" is no path that databricks has'
        job.found.append(error("data-elsewhere", message, span, "give a path below /Volumes/ or in the project"))
        return None
    return _put(key, lowering.root / own, job, lowering)


def _put(key: str, source: FilePath, job: Job, lowering: Lowering) -> str:
    """Put a file or folder of the project into the bundle, and return where a task finds it."""
    base = f"data/{key}/{source.name}"
    span = partial(lowering.place_of, key)
    if not source.exists():  # a literal location has been looked for already
        message = f'there is no "{source.name}" at the location for "databricks"'
        job.found.append(error("data-missing", message, span(), "paths start from the file that names them"))
        return f"{FILES}/{base}"
    files = [path for path in sorted(source.rglob("*")) if path.is_file()] if source.is_dir() else [source]
    for file in files:
        if file.stat().st_size > MAX_FILE_BYTES:
            message = f'"{file.name}" is too large for a file of the workspace, which has at most 500 MiB'
            job.found.append(error("platform-limit", message, span(), "put it on a volume: databricks: /Volumes/…"))
        if is_notebook(file):
            message = f'the workspace takes "{file.name}" for a notebook, and would drop the end of its name'
            job.found.append(error("data-elsewhere", message, span(), "put it on a volume: databricks: /Volumes/…"))
    job.files[base] = source
    return f"{FILES}/{base}"
