"""A bundle on disk as the one job in it, references resolved as the vendor's CLI does, and the files that it needs.

What the CLI resolves and we don't is refused by name: then `databricks bundle deploy` is the way.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from pathlib import PurePosixPath
from typing import Any

import yaml

from specflow.digests import digest_of_file
from specflow.errors import SpecflowError

__all__ = ["Artifact", "read_artifact"]

_REFERENCE = re.compile(r"\$\{([A-Za-z0-9_.\-\[\]]+)\}")
_PATHS = ("python_file", "notebook_path")
_LEVELS = {"CAN_RUN": "CAN_MANAGE_RUN"}
"""Of a bundle's levels those that jobs have another word for. Source: databricks/cli, bundle/permissions/mutator.go."""
_DOCUMENTS = ("databricks.yml", "resources")


@dataclass(frozen=True, slots=True)
class Artifact:
    """A bundle: its folder, its two documents, and the digest of all else, under which that is uploaded."""

    folder: FilePath
    bundle: Mapping[str, Any]
    job: Mapping[str, Any]
    digest: str

    @property
    def name(self) -> str:
        """Return the bundle's name."""
        return str(self.bundle["bundle"]["name"])

    def files(self) -> Iterator[tuple[str, FilePath]]:
        """Yield what is uploaded: the path in the bundle, and the file."""
        yield from _files(self.folder)

    def settings(self, file_path: str, user: str, host: str) -> dict[str, Any]:
        """Return the job's settings with its files at `file_path` on the workspace."""
        target = next(iter(self.bundle.get("targets", {"default": {}})))
        known = {
            "workspace.file_path": file_path,
            "workspace.root_path": file_path,
            "workspace.host": host,
            "workspace.current_user.userName": user,
            "bundle.name": self.name,
            "bundle.target": target,
        }
        for name, variable in self.bundle.get("variables", {}).items():
            known[f"var.{name}"] = variable.get("default")
        chosen = (self.bundle.get("targets") or {}).get(target) or {}
        for name, value in (chosen.get("variables") or {}).items():
            known[f"var.{name}"] = value.get("default") if isinstance(value, Mapping) else value
        resolved: dict[str, Any] = _resolved(_with_what_is_around(self.job, self.bundle, chosen), known, "")
        return _with_paths(resolved, file_path)


def read_artifact(folder: FilePath) -> Artifact:
    """Return the bundle in a folder; raise SpecflowError for one that isn't ours, with exactly one job."""
    try:
        bundle = yaml.safe_load((folder / "databricks.yml").read_text(encoding="utf-8"))
        jobs: dict[str, Any] = {}
        for file in sorted((folder / "resources").glob("*.yml")):
            jobs |= yaml.safe_load(file.read_text(encoding="utf-8"))["resources"]["jobs"]
        (job,) = jobs.values()
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as failure:
        raise SpecflowError(f'"{folder}" is no bundle of one job', "compile it again") from failure
    digest = hashlib.sha256()
    for path, source in _files(folder):
        digest.update(f"{path}\0{digest_of_file(source)}\n".encode())
    return Artifact(folder, bundle, job, digest.hexdigest()[:16])


def _files(folder: FilePath) -> Iterator[tuple[str, FilePath]]:
    for source in sorted(folder.rglob("*")):
        path = source.relative_to(folder).as_posix()
        if source.is_file() and path.partition("/")[0] not in _DOCUMENTS:
            yield path, source


def _with_what_is_around(job: Mapping[str, Any], *around: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job with what its bundle says of all jobs, the target after the root: who runs them, who may do what.

    What the job says itself goes first. Source: databricks/cli, bundle/permissions/mutator.go.
    """
    made = dict(job)
    for place in reversed(around):
        if "run_as" in place:
            made.setdefault("run_as", place["run_as"])
    listed = [dict(one) for one in made.get("permissions", ())]
    for place in around:
        for one in place.get("permissions", ()):
            entry = {**one, "level": _LEVELS.get(str(one.get("level")), one.get("level"))}
            if _principal(entry) not in [_principal(known) for known in listed]:
                listed.append(entry)
    return {**made, "permissions": listed} if listed else made


def _principal(permission: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in permission.items() if key != "level"}


def _resolved(value: Any, known: Mapping[str, Any], place: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _resolved(item, known, f"{place}.{key}".lstrip(".")) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, known, place) for item in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole is not None and whole[1] in known:
        return known[whole[1]]

    def put(match: re.Match[str]) -> str:
        if match[1] not in known:
            message = f'{place} holds "{match[0]}", which only the Databricks CLI resolves'
            raise SpecflowError(message, "deploy the bundle with: databricks bundle deploy")
        return str(known[match[1]])

    return _REFERENCE.sub(put, value)


def _with_paths(settings: dict[str, Any], file_path: str) -> dict[str, Any]:
    """Return settings with paths of the workspace in place of those that start from the job's own file."""
    tasks = []
    for task in settings.get("tasks", ()):
        made = dict(task)
        for kind, body in task.items():
            if not kind.endswith("_task") or not isinstance(body, Mapping):
                continue
            for key in _PATHS:
                path = str(body.get(key, ""))
                if path.startswith("../"):
                    found = f"{file_path}/{path.removeprefix('../')}"
                    made[kind] = {**made[kind], key: _notebook(found) if key == "notebook_path" else found}
        tasks.append(made)
    return {**settings, "tasks": tasks}


def _notebook(path: str) -> str:
    return str(PurePosixPath(path).with_suffix(""))
