"""What a run showed, in words that every target has; and how a target is asked to run a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Protocol

from specflow.plan import Plan

__all__ = ["Executor", "Given", "Observed", "ObservedStep"]


@dataclass(frozen=True, slots=True)
class Given:
    """What a run is started with."""

    project: FilePath
    inputs: Mapping[str, Any]
    environ: Mapping[str, str]
    secrets: Mapping[str, str]
    jobs: int
    cancel_at: str | None = None
    """The label of a step: once it has started, the user cancels the run."""


@dataclass(frozen=True, slots=True)
class ObservedStep:
    """How a step ended. `began` and `ended` may come from any clock: they are only compared."""

    state: str
    reason: str
    attempts: int
    seconds: float
    began: float | None
    ended: float
    log: str
    """What its attempts wrote to stdout and stderr."""
    hint: str | None = None
    """What the target adds to a failure; None where it adds nothing to any."""
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Observed:
    """How a run ended. Outputs are values, paths on this machine, lists of them, or None; steps go by label."""

    state: str
    reason: str
    outputs: Mapping[str, Any]
    steps: Mapping[str, ObservedStep]
    registered: Mapping[str, str] = field(default_factory=dict)
    """`<name>:<version>` for each output that was entered in a registry."""


class Executor(Protocol):
    """Runs a plan to its end."""

    def __call__(self, plan: Plan, given: Given) -> Observed:
        """Return what the run of a plan showed."""
        ...
