"""What a run is given, what it gives back, and a step while it lasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from specflow.attempt.outcomes import Outcome
from specflow.recall.standing import Standing
from specflow.targets.local.cache import Key, Made
from specflow.targets.local.selection import Selection

if TYPE_CHECKING:
    from specflow.errors import SpecflowError
    from specflow.history import ForeignRow
    from specflow.targets.local.attempts import Attempt
    from specflow.targets.local.foreign import Bridges

__all__ = ["Options", "Result", "Step", "StepResult"]


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: how much at once, in which environment, with which secrets, and what to take from earlier runs."""

    jobs: int
    environ: Mapping[str, str]
    secrets: Mapping[str, str] = field(default_factory=dict)
    use_cache: bool = True
    force: frozenset[str] = frozenset()
    """Labels of steps that run whatever the cache holds."""
    resumed: Mapping[str, str] = field(default_factory=dict)
    """Homes of results, by step id, that an earlier run of the same plan had finished."""
    selection: Selection | None = None
    """The part of the pipeline that runs; None for all of it."""
    bridges: Bridges | None = None
    """Where bridges to islands come from; None for a plan without any."""
    foreign: Mapping[str, ForeignRow] = field(default_factory=dict)
    """By island, the jobs of the run that is gone on with."""
    detaches: bool = False
    """Whether to wait no longer once nothing but jobs on other platforms is left."""


class StepResult(NamedTuple):
    """How a step ended."""

    outcome: Outcome
    attempts: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended: outputs by name (a value, an absolute path, a list, None), steps and metrics by label."""

    run: str
    state: str
    outputs: Mapping[str, Any]
    steps: Mapping[str, StepResult]
    metrics: Mapping[str, Mapping[str, Mapping[str, float]]]
    reason: str = ""
    damaged: tuple[str, ...] = ()
    """Results in the cache that were not as they had been made, and were made again."""
    registered: Mapping[str, str] = field(default_factory=dict)
    """`<name>:<version>` of each output that another platform has registered."""
    unreachable: SpecflowError | None = None
    """Why a platform could not be asked any more."""
    standing: Standing | None = None
    """What the next run of the same need not work out again; None where it hangs on more than files."""


@dataclass(slots=True)
class Step:
    """A step while the run lasts."""

    index: int
    spec: Mapping[str, Any]
    open_needs: int
    slots: int
    outcome: Outcome | None = None
    values: dict[str, Any] | None = None
    key: Key | None = None
    holds_lock: bool = False
    attempts: int = 0
    attempt: Attempt | None = None
    started_at: float = 0.0
    began: float = 0.0
    seconds: float = 0.0
    deadline: float | None = None
    timed_out: bool = False
    made: Made | None = None
    id: str = field(init=False)
    """By which the plan knows it."""
    label: str = field(init=False)
    """By which the user knows it."""

    def __post_init__(self) -> None:
        """Take its names out of the plan: they are asked for a dozen times."""
        self.id, self.label = self.spec["id"], self.spec["label"]

    @property
    def is_foreign(self) -> bool:
        """Return whether it runs in an island elsewhere."""
        return self.spec["island"] is not None
