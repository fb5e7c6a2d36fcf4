"""The history of the project that the user stands in, for the commands that read it."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path as FilePath

from specflow.errors import UsageError
from specflow.history import History, RunRow
from specflow.spec.load import find_root
from specflow.targets.local.workspace import Workspace

__all__ = ["ago", "find_run", "moment", "open_history"]


def open_history() -> tuple[Workspace, History]:
    """Return the workspace and the history of the project around the current folder; UsageError if nothing ran yet."""
    workspace = Workspace(find_root(FilePath.cwd()))
    if not workspace.history.is_file():
        raise UsageError(f'nothing has been run in "{workspace.root}" yet', "run something: specflow run SPEC")
    return workspace, History(workspace.history)


def find_run(history: History, text: str | None) -> RunRow:
    """Return the run that a text means: the latest one for None, else the one whose id begins or ends with it."""
    if text is None or text == "latest":
        latest = history.runs(1)
        if not latest:
            raise UsageError("nothing has been run here yet", "run something: specflow run SPEC")
        return latest[0]
    found = history.run(text)
    if found is None:
        raise UsageError(f'there is no one run "{text}"', "`specflow runs` lists them; the last six characters will do")
    return found


def moment(seconds: float) -> str:
    """Return a time as people here read it."""
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M:%S}"


def ago(seconds: float) -> str:
    """Return how long ago something was, in one unit."""
    passed = max(0.0, time.time() - seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if passed >= length:
            return f"{passed / length:.0f} {unit} ago"
    return f"{passed:.0f} s ago"
