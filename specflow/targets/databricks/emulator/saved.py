"""The jobs that a workspace has saved. Sources: docs.databricks.com/api/workspace/jobs, libs/testserver of the CLI."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from specflow.emulation import Clock, State
from specflow.targets.databricks.emulator.assumptions import Assumptions
from specflow.targets.databricks.emulator.jobs import check_job, with_defaults
from specflow.targets.databricks.emulator.messages import check_message
from specflow.targets.databricks.emulator.refusals import denied, invalid, missing

__all__ = ["USER", "Jobs"]

USER = "emulator@example.com"
"""Whose token it is."""


class Jobs:
    """Every job by its id, kept in the state file."""

    def __init__(
        self, state: State, lock: threading.RLock, clock: Clock, next_id: Callable[[], int], assumptions: Assumptions
    ) -> None:
        """Read what was kept."""
        self._state, self._lock, self._clock = state, lock, clock
        self._next_id, self._assumptions = next_id, assumptions
        self.all: dict[int, dict[str, Any]] = {int(key): job for key, job in state.all("jobs").items()}

    def check(self, settings: dict[str, Any]) -> None:
        """Refuse settings that the service would not save."""
        check_job(settings, self._state.all("clusters"), self._assumptions)

    def create(self, body: dict[str, Any]) -> int:
        """Return the id of a new job."""
        check_message(body, "CreateJob")
        settings = {key: value for key, value in body.items() if key != "access_control_list"}
        self.check(settings)
        with self._lock:
            job_id = self._next_id()
            now = int(self._clock.now() * 1000)
            job = {"job_id": job_id, "created_time": now, "creator_user_name": USER, "run_as_user_name": USER}
            self._keep({**job, "settings": with_defaults(settings)})
            self._state.put("permissions", f"jobs/{job_id}", body.get("access_control_list", []))
            return job_id

    def reset(self, job_id: int, settings: dict[str, Any]) -> None:
        """Put new settings in the place of a job's; without run_as the old one stays."""
        check_message(settings, "JobSettings", "new_settings")
        self.check(settings)
        with self._lock:
            if job_id not in self.all:
                raise denied(f"User {USER} does not have Manage permissions on job {job_id}")
            job = self.all[job_id]
            kept = {"run_as": job["settings"]["run_as"]} if "run_as" in job["settings"] else {}
            self._keep({**job, "settings": with_defaults({**kept, **settings})})

    def update(self, job_id: int, new: Mapping[str, Any], removed: Sequence[str]) -> None:
        """Change the top-level fields of a job that are named; tasks, clusters and the like are merged by their key."""
        check_message(new, "JobSettings", "new_settings")
        if not all(isinstance(name, str) for name in removed):
            raise invalid("fields_to_remove holds names")
        keys = {"tasks": "task_key", "job_clusters": "job_cluster_key", "environments": "environment_key"}
        with self._lock:
            job = self.get(job_id)
            settings = {key: value for key, value in job["settings"].items() if key not in removed}
            for key, value in new.items():
                if key in keys:
                    merged = {one[keys[key]]: one for one in settings.get(key, ())}
                    merged.update({one[keys[key]]: one for one in value})
                    value = list(merged.values())
                settings[key] = value
            self.check(settings)
            self._keep({**job, "settings": with_defaults(settings)})

    def delete(self, job_id: int) -> None:
        """Forget a job; its runs stay."""
        with self._lock:
            self.get(job_id)
            del self.all[job_id]
            self._state.drop("jobs", job_id)

    def get(self, job_id: Any) -> dict[str, Any]:
        """Return a job."""
        found = self.all.get(job_id)
        if found is None:
            raise missing(f"Job {job_id} does not exist.")
        return found

    def _keep(self, job: dict[str, Any]) -> None:
        self.all[job["job_id"]] = job
        self._state.put("jobs", job["job_id"], job)
