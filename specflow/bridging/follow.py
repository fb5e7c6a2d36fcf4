"""Follows a job on its platform, whatever the platform: what becomes of its steps, what they write, how it ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from specflow.attempt.records import LINE, from_line
from specflow.targets.base import Client, Status, StepStatus

__all__ = ["JobEnded", "Looked", "Pace", "StepEnded", "StepStarted", "StepWrote", "follow", "record_in"]

ENDED = ("succeeded", "failed", "cancelled")
LOOKS_FOR_A_RECORD = 5
"""How often a step that has ended is looked at until its log has its record: logs come later than states."""


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step began an attempt on its platform."""

    step: str
    attempt: int
    url: str


@dataclass(frozen=True, slots=True)
class StepWrote:
    """All that a step has written so far, without its launcher's records."""

    step: str
    text: str


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step ended; its record tells how, where the launcher came to write one."""

    step: str
    status: StepStatus
    record: Mapping[str, Any] | None
    text: str


@dataclass(frozen=True, slots=True)
class Looked:
    """The job was looked at, and is to be looked at again after a wait; whoever follows may end that early."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class JobEnded:
    """The job ended, and nothing more will come."""

    status: Status


Event = StepStarted | StepWrote | StepEnded | Looked | JobEnded


@dataclass(slots=True)
class Pace:
    """How long to wait between two looks: short after something happened, longer and longer while nothing does."""

    shortest_s: float = 1.0
    longest_s: float = 15.0
    growth: float = 1.3
    now_s: float = field(default=0.0)

    def next_s(self, *, is_news: bool) -> float:
        """Return the next wait in seconds."""
        self.now_s = self.shortest_s if is_news or not self.now_s else min(self.now_s * self.growth, self.longest_s)
        return self.now_s


def record_in(text: str, step: str) -> dict[str, Any] | None:
    """Return the last record that a step's log tells: the last attempt's; None if there is none of the step's own."""
    at = text.rfind(LINE)
    while at >= 0:
        if at == 0 or text[at - 1] == "\n":
            found = from_line(text[at:].split("\n", 1)[0])
            if found is not None and found["step"] == step:
                return found
        at = text.rfind(LINE, 0, at)
    return None


def _for_people(text: str) -> str:
    """Return a step's log without the records in it: what they say is told in other ways."""
    return "\n".join(line for line in text.split("\n") if from_line(line) is None)


def follow(client: Client, job: str, steps: Sequence[str], pace: Pace, *, tells_logs: bool = True) -> Iterator[Event]:
    """Yield what happens to a job until it has ended. It never waits: who takes a `Looked` does.

    A step that ended is told once, after those that it came after in `steps`, with all that it wrote. What running
    steps write is told as a whole whenever it has grown. The job's own end is told last.
    """
    started: dict[str, int] = {}
    ended: set[str] = set()
    written: dict[str, int] = {}
    without_record: dict[str, int] = {}
    while True:
        status = client.status(job)
        is_news = False
        for step in steps:
            found = status.steps.get(step)
            if found is None or step in ended or found.state in ("waiting", "not run"):
                continue
            if started.get(step, 0) < found.attempt:
                started[step] = found.attempt
                is_news = True
                yield StepStarted(step, found.attempt, found.url)
            if found.state in ENDED:
                is_news = True
                text = client.log(job, step)
                looks = without_record[step] = without_record.get(step, 0) + 1
                if found.state != "cancelled" and record_in(text, step) is None and looks < LOOKS_FOR_A_RECORD:
                    continue
                ended.add(step)
                yield StepEnded(step, _with_attempt(found, text, step), record_in(text, step), _for_people(text))
            elif tells_logs and found.state == "running":
                text = client.log(job, step)
                if len(text) > written.get(step, 0):
                    written[step] = len(text)
                    yield StepWrote(step, _for_people(text))
        if status.state in ENDED and set(without_record) == ended:
            yield JobEnded(status)
            return
        yield Looked(pace.next_s(is_news=is_news))


def _with_attempt(status: StepStatus, text: str, step: str) -> StepStatus:
    record = record_in(text, step)
    return replace(status, attempt=record["attempts"]) if record is not None and record["attempts"] else status
