"""The folder `.specflow` of a project: where runs, code by content, environments and the registry lie.

.specflow/
  state.db                          the history: runs, steps, results, digests
  results/<aa>/<key>/outputs/       what a step left that succeeded, read-only
  runs/<run>/logs/<step>.<n>.log    stdout and stderr of an attempt; of a notebook, the executed one beside it
  runs/<run>/attempts/<step>.<n>/   an attempt under way, or one that failed
  registry/<name>/<version>/        registered outputs
  published/<place>                 what outputs have been put at a place in the project, by files and their digests
  code/<digest>/                    code folders, by content
  environments/<digest>/            virtual environments
  locks                             byte ranges of it are the keys that runs are at work on
"""

from __future__ import annotations

import os
import shutil
import stat
from datetime import datetime, timezone
from pathlib import Path as FilePath

from specflow.errors import WorkspaceError

__all__ = ["FOLDER", "RunFolder", "Workspace", "freeze", "new_run_id", "thaw_and_remove", "tidy_work"]

FOLDER = ".specflow"


def new_run_id(now: datetime) -> str:
    """Return a run id that sorts by time and that no other run has: `20260101-120000-1a2b3c`."""
    return f"{now.astimezone(timezone.utc):%Y%m%d-%H%M%S}-{os.urandom(3).hex()}"


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: FilePath) -> None:
        """Name the places in it; `make` makes them."""
        self.path = path
        self.logs = path / "logs"
        self.attempts = path / "attempts"
        self.artifacts = path / "artifacts"
        """What a plan that was not saved compiles to for other platforms: a run keeps what it began with."""
        self._logs, self._attempts = str(self.logs), str(self.attempts)

    def make(self) -> None:
        """Make the folders of a run that begins."""
        for folder in (self.logs, self.attempts):
            folder.mkdir(parents=True)

    def log(self, step_id: str, attempt: int) -> FilePath:
        """Return where an attempt's stdout and stderr go."""
        return FilePath(self.log_name(step_id, attempt))

    def log_name(self, step_id: str, attempt: int) -> str:
        """Return the same as a text: a run asks for it again and again."""
        return f"{self._logs}/{step_id}.{attempt}.log"

    def attempt(self, step_id: str, attempt: int) -> str:
        """Return the folder of an attempt."""
        return f"{self._attempts}/{step_id}.{attempt}"


class Workspace:
    """A project's `.specflow`; made when first needed, and ignored by git from then on."""

    def __init__(self, root: FilePath) -> None:
        """Name the folder of a project."""
        self.root = root
        self.path = root / FOLDER
        self.results = self.path / "results"
        self.locks = self.path / "locks"
        self.history = self.path / "state.db"
        self.claim = self.path / "claim"
        """Who deletes results has it for himself; runs share it."""

    def open(self) -> None:
        """Make the folder, or raise WorkspaceError with the way out."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            ignore = self.path / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
        except OSError as failure:
            message = f'can\'t write to "{self.path}": {failure.strerror}'
            raise WorkspaceError(message, "make the project folder writable") from failure

    def run(self, run_id: str) -> RunFolder:
        """Return the folder of a run."""
        return RunFolder(self.path / "runs" / run_id)

    def code(self, digest: str) -> FilePath:
        """Return where a code folder lies, by its content."""
        return self.path / "code" / digest

    def registry(self, name: str) -> FilePath:
        """Return where the versions of a registered name lie."""
        return self.path / "registry" / name


def freeze(path: str) -> None:
    """Make a file, or a folder with all in it, read-only: what a step left is not changed by its readers."""
    if os.path.isdir(path):  # noqa: PTH112 - one call per output
        for here, _, files in os.walk(path):
            for name in files:
                _without_write(os.path.join(here, name))  # noqa: PTH118 - one call per output file
        for here, _, _ in os.walk(path, topdown=False):
            _without_write(here)
    else:
        _without_write(path)


def _without_write(path: str) -> None:
    found = os.lstat(path)
    mode = found.st_mode
    if stat.S_ISREG(mode) and found.st_nlink > 1:  # somebody else's too: the step has linked it
        own = f"{path}.{os.urandom(4).hex()}"
        shutil.copyfile(path, own)
        os.replace(own, path)  # noqa: PTH105
    if not stat.S_ISLNK(mode):
        os.chmod(path, stat.S_IMODE(mode) & ~0o222)  # noqa: PTH101 - one call per output file


def tidy_work(attempt: str) -> None:
    """Remove what an attempt that succeeded leaves beside its outputs: its work, private inputs, tools' files.

    Empty folders stay: removing them costs more than a process.
    """
    for name in os.listdir(attempt):  # noqa: PTH208 - called for every step
        if name in ("work", "inputs", "temp") and os.listdir(f"{attempt}/{name}"):  # noqa: PTH208
            thaw_and_remove(FilePath(attempt, name))


def thaw_and_remove(path: FilePath) -> None:
    """Remove a folder, read-only parts included; what can't be removed stays."""
    for here, _, _ in os.walk(path):
        mode = os.lstat(here).st_mode
        os.chmod(here, stat.S_IMODE(mode) | 0o700)  # noqa: PTH101 - a folder's mode
    shutil.rmtree(path, ignore_errors=True)
