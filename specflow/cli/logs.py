"""`specflow logs`."""

from __future__ import annotations

import codecs
import sys
import time
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from specflow.history import History, StepRow

__all__ = ["command"]

POLL_S = 0.1


@click.command(
    "logs",
    epilog="""\b
Examples:
  specflow logs train[model=ridge]
  specflow logs prepare --run 1a2b3c --attempt 1
  specflow logs train -f
""",
)
@click.argument("step")
@click.option("--run", help="The run to read.  [default: the latest]")
@click.option("--attempt", type=click.IntRange(1), help="Which attempt.  [default: the last one]")
@click.option("-f", "--follow", is_flag=True, help="Go on as the step writes, until it has ended.")
def command(step: str, run: str | None, attempt: int | None, follow: bool) -> int:
    """Print what STEP wrote to stdout and stderr. For a step that was not run again, the run that made its result."""
    from specflow.cli.project import find_run, open_history
    from specflow.errors import UsageError
    from specflow.spec.types import nearest

    workspace, history = open_history()
    row = find_run(history, run)
    names = {entry["label"]: entry["id"] for entry in history.plan_of(row.id)["steps"]}
    if step not in names:
        raise UsageError(f'run {row.id} has no step "{step}"', nearest(step, names))
    owner, its_id = _maker(history, row.id, names[step])

    def goes_on() -> bool:
        if not follow or any(entry.id == names[step] for entry in history.steps(row.id)):
            return False
        return history.is_running(row.id)

    def latest() -> FilePath | None:
        return _log(workspace.run(owner).logs, its_id, attempt)

    log = latest()
    while log is None and goes_on():  # it has not begun
        time.sleep(POLL_S)
        log = latest()
    if log is None:
        ended = next((entry for entry in history.steps(row.id) if entry.id == names[step]), None)
        raise UsageError(f'there is no log of "{step}" in run {row.id}: {_why_none(ended, owner, attempt)}')
    _print(log, goes_on, latest)
    return 0


def _maker(history: History, run: str, step_id: str) -> tuple[str, str]:
    """Return the run that made a step's result, and the step's id there: an earlier one for a cached step."""
    for entry in history.steps(run):
        if entry.id == step_id and entry.state == "cached" and entry.result:
            result = history.result_at(entry.result)
            if result is None:
                return run, step_id
            made = (each.id for each in history.steps(result.run) if each.result == entry.result)
            return str(result.run), next(made, step_id)
    return run, step_id


def _why_none(ended: StepRow | None, owner: str, attempt: int | None) -> str:
    if ended is None:
        return "it has not started"
    if attempt is not None and ended.attempts:
        return f"it took {ended.attempts} attempt{'s' if ended.attempts > 1 else ''}"
    if ended.state == "cached":
        return f"it was taken over from run {owner}, whose log is gone" if owner != ended.run else "it was taken over"
    return f"{ended.state}: {ended.reason}" if ended.reason else ended.state


def _log(folder: FilePath, step_id: str, attempt: int | None) -> FilePath | None:
    if attempt is not None:
        path = folder / f"{step_id}.{attempt}.log"
        return path if path.is_file() else None
    found = [path for path in folder.glob(f"{step_id}.*.log") if path.name[len(step_id) + 1 : -4].isdigit()]
    return max(found, key=lambda path: int(path.name[len(step_id) + 1 : -4]), default=None)


def _print(log: FilePath, goes_on: Callable[[], bool], latest: Callable[[], FilePath | None]) -> None:
    """Print a log as it grows, and those of the attempts that come after it."""
    put = _putter()
    while True:
        newer = log
        with log.open("rb") as stream:
            while newer == log:
                is_last = not goes_on()
                newer = latest() or log  # where there is another, this one is whole
                while chunk := stream.read(1 << 16):
                    put(chunk)
                if newer == log:
                    if is_last:
                        return
                    time.sleep(POLL_S)
        log = newer


def _putter() -> Callable[[bytes], None]:
    """Return what writes to stdout: bytes as they are, but for a terminal, which is to obey nothing in them."""
    if not sys.stdout.isatty():

        def put(chunk: bytes) -> None:
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()

        return put
    from specflow.diagnostics.render.characters import visible

    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def show(chunk: bytes) -> None:
        lines = decoder.decode(chunk).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        sys.stdout.write("\n".join("\t".join(visible(cell) for cell in line.split("\t")) for line in lines))
        sys.stdout.flush()

    return show
