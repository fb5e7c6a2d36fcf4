"""Jobs on a workspace: the one that `run` resets and the one that `deploy` owns, told apart by a tag; their files.

Files lie by the digest of what they hold, and are never written twice: a job that runs keeps what it started with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path as FilePath
from pathlib import PurePosixPath
from typing import Any

from specflow.targets.base import Deployment
from specflow.targets.databricks.artifact import Artifact
from specflow.targets.databricks.client import Api, MaybeDoneError, MissingError
from specflow.targets.databricks.names import TAG

__all__ = ["BY", "DEPLOY", "RUN", "Deploys"]

_JOBS = "/api/2.2/jobs"
BY = "specflow_by"
"""The tag that says who owns a job."""
RUN, DEPLOY = "run", "deploy"
_DIGEST = "specflow_digest"
_COMPLETE = ".complete"
_UPLOADS_AT_ONCE = 8
_OF_DEPLOYED_JOBS = ("schedule", "trigger", "triggers", "continuous", "email_notifications", "webhook_notifications")
"""What a job has that runs unattended, and a run that somebody watches has not."""


@dataclass(slots=True)
class Deploys:
    """What is installed on one workspace; `root` is the folder for files, by default one of the user's own."""

    api: Api
    root: str = ""
    provide: Callable[[Mapping[str, Any]], None] | None = None
    """How an emulator comes to have what a job names."""

    def prepare(self, artifact: Artifact, owner: str, more: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the settings of a bundle's job for an owner; its files are on the workspace then."""
        user = self.api.user()
        settings = artifact.settings(self._upload(artifact, user), user, self.api.host)
        settings.pop("lifecycle", None)
        if owner == RUN:
            settings = {key: value for key, value in settings.items() if key not in _OF_DEPLOYED_JOBS}
            settings["name"] = f"{settings['name']} (run)"
        settings["tags"] = {**settings.get("tags", {}), BY: owner, **(more or {})}
        return settings

    def install(self, prepared: Mapping[str, Any]) -> int:
        """Return the job that has these settings now: made, or reset if its owner has one by the name."""
        settings = dict(prepared)
        permissions = settings.pop("permissions", None)
        if self.provide is not None:
            self.provide(settings)
        job_id = self._job(settings)
        if permissions:
            body = {"access_control_list": [_entry(one) for one in permissions]}
            self.api.call("PATCH", f"/api/2.0/permissions/jobs/{job_id}", body)
        return job_id

    def deploy(self, name: str, artifact: Artifact, digest: str) -> Deployment:
        """Install a job, or bring it up to date."""
        settings = self.prepare(artifact, DEPLOY, {_DIGEST: digest[:16]})
        job_id = self.install(settings)
        return _deployment(name, job_id, settings, self.api.host)

    def undeploy(self, name: str) -> bool:
        """Remove the job that `deploy` installed under a name; what it wrote stays."""
        found = list(self._owned(DEPLOY, name))
        for job in found:
            try:
                self.api.call("POST", f"{_JOBS}/delete", {"job_id": job["job_id"]})
            except MissingError:
                continue  # the answer to an earlier call was lost
        return bool(found)

    def deployments(self) -> tuple[Deployment, ...]:
        """Return every job that `deploy` installed."""
        jobs = self._owned(DEPLOY, None)
        return tuple(
            _deployment(job["settings"]["tags"][TAG], job["job_id"], job["settings"], self.api.host) for job in jobs
        )

    def _job(self, settings: Mapping[str, Any]) -> int:
        """Return the job that an owner has under a name, with new settings; made if there is none, and never twice."""
        tags = settings["tags"]
        while True:
            found = next(self._owned(tags[BY], tags[TAG]), None)
            if found is not None:
                job_id = int(found["job_id"])
                self.api.call("POST", f"{_JOBS}/reset", {"job_id": job_id, "new_settings": settings})
                return job_id
            try:
                return int(self.api.once("POST", f"{_JOBS}/create", settings)["job_id"])
            except MaybeDoneError:
                continue  # it may be there now

    def _owned(self, owner: str, name: str | None) -> Iterator[dict[str, Any]]:
        """Yield the jobs of an owner, oldest first; a bundle of the CLI's is nobody's here.

        What somebody else runs is theirs: each user has a job for runs, as each has a folder for files.
        """
        mine = self.api.user() if owner == RUN else None
        found = []
        for job in self.api.pages(f"{_JOBS}/list", "jobs", limit=100):
            settings = job.get("settings", {})
            tags = settings.get("tags", {})
            is_named = tags.get(BY) == owner and name in (None, tags.get(TAG)) and "deployment" not in settings
            if is_named and mine in (None, job.get("creator_user_name")):
                found.append(job)
        yield from sorted(found, key=lambda job: int(job["job_id"]))

    def _upload(self, artifact: Artifact, user: str) -> str:
        """Return the folder of a bundle's files on the workspace, put there if it is not yet complete."""
        root = self.root or f"/Workspace/Users/{user}/.specflow"
        folder = f"{root}/{artifact.name}/{artifact.digest}"
        try:
            self.api.call("GET", "/api/2.0/workspace/get-status", None, path=f"{folder}/{_COMPLETE}")
            return folder
        except MissingError:
            pass
        files = list(artifact.files())
        for parent in sorted({str(PurePosixPath(path).parent) for path, _ in files} | {"."}):
            place = folder if parent == "." else f"{folder}/{parent}"
            self.api.call("POST", "/api/2.0/workspace/mkdirs", {"path": place})

        def put(one: tuple[str, FilePath]) -> None:
            self.api.put_workspace_file(f"{folder}/{one[0]}", one[1].read_bytes())

        with ThreadPoolExecutor(_UPLOADS_AT_ONCE) as pool:
            list(pool.map(put, files))
        self.api.put_workspace_file(f"{folder}/{_COMPLETE}", artifact.digest.encode())
        return folder


def _entry(permission: Mapping[str, Any]) -> dict[str, Any]:
    """Return a bundle's permission as the Permissions API has it."""
    return {("permission_level" if key == "level" else key): value for key, value in permission.items()}


def _deployment(name: str, job_id: int, settings: Mapping[str, Any], host: str) -> Deployment:
    schedule = settings.get("schedule", {})
    told = f"{schedule['quartz_cron_expression']} {schedule['timezone_id']}" if schedule else ""
    if schedule.get("pause_status") == "PAUSED":
        told += " (paused)"
    digest = settings.get("tags", {}).get(_DIGEST, "")
    return Deployment(name, "databricks", str(job_id), f"{host}/jobs/{job_id}", digest, told)
