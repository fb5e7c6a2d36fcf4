"""The states of Azure ML's jobs and nodes in the words that every target has."""

from __future__ import annotations

from typing import Literal

__all__ = ["child_status", "job_state"]

State = Literal["waiting", "running", "succeeded", "failed", "cancelled"]

_STATES: dict[str, State] = {
    "Completed": "succeeded",
    "Failed": "failed",
    "Canceled": "cancelled",
    "Running": "running",
    "Finalizing": "running",
    "CancelRequested": "running",
    "NotResponding": "running",
    "Paused": "running",
}
"""azure-ai-ml 1.35.2, `JobStatus`; all others come before anything runs."""


def job_state(status: str) -> State:
    """Return how a job stands."""
    return _STATES.get(status, "waiting")


def child_status(
    status: str, job: State, *, has_begun: bool
) -> Literal["waiting", "running", "succeeded", "failed", "cancelled", "not run"]:
    """Return how a node of a job stands; one that never began, and never will, was not run."""
    state = job_state(status)
    if state == "cancelled" and not has_begun:
        return "not run"
    if state == "waiting" and job in ("succeeded", "failed", "cancelled"):
        return "not run"
    return state
