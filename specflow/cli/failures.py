"""What nobody expected, told in one line: the machine's trouble, a path that can't be used, or a bug of ours."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from pathlib import Path as FilePath

from specflow import __version__

__all__ = ["tell_bug", "tell_outside"]

_MACHINE = {
    errno.ENOSPC: "make room, and run it again",
    errno.EDQUOT: "make room, and run it again",
    errno.EROFS: "name another place, or make that one writable",
    errno.EACCES: "name another place, or get the right to use that one",
    errno.EPERM: "name another place, or get the right to use that one",
    errno.EIO: "the disk is not well: see the system's log",
    errno.EMFILE: "raise the limit: `ulimit -n`",
    errno.ENFILE: "end other programs: the whole machine has too many files open",
}
"""What is never our fault, and the way out of it."""
_USAGE = {
    errno.ENOENT: "make the folder first, or name another place",
    errno.ENOTDIR: "name another place",
    errno.EISDIR: "name a file",
    errno.EEXIST: "name another place",
    errno.ENAMETOOLONG: "name it shorter",
    errno.ELOOP: "name another place",
}
"""What is not our fault if it befalls a path that the command named."""


def tell_outside(failure: Exception, args: list[str]) -> int | None:
    """Say in one line what the system refused, and return the exit code; None, and nothing said, for what may be a bug.

    `args` are the command's words: trouble with a path among them is the caller's.
    """
    if isinstance(failure, OSError):
        return _tell_refused(failure, args)
    sqlite = sys.modules.get("sqlite3")
    if sqlite is None or not isinstance(failure, (sqlite.DatabaseError, sqlite.InterfaceError)):
        return None
    if isinstance(failure, (sqlite.ProgrammingError, sqlite.InterfaceError, sqlite.IntegrityError)):
        return None
    print(f"error: can't use the history of this project: {failure}", file=sys.stderr)  # noqa: T201
    away = 'if it is damaged, move ".specflow" away: it holds results, and what was registered here'
    print(f"  = help: {'make room, and try again' if 'full' in str(failure) else away}", file=sys.stderr)  # noqa: T201
    return 1


def _tell_refused(failure: OSError, args: list[str]) -> int | None:
    touched = failure.filename2 or failure.filename  # of two, the second is the one that was to be written
    name = os.fsdecode(touched) if isinstance(touched, (str, bytes)) else ""
    number = failure.errno or 0
    is_named = bool(name) and any(_is_along(name, word.rpartition("=")[2]) for word in args)
    if number not in _MACHINE and not (number in _USAGE and is_named):
        return None
    said = (failure.strerror or os.strerror(number)).lower()
    message = f'can\'t use "{name}": {said}' if name else said
    print(f"error: {message}", file=sys.stderr)  # noqa: T201
    print(f"  = help: {_MACHINE.get(number) or _USAGE[number]}", file=sys.stderr)  # noqa: T201
    return 1 if number in _MACHINE else 2


def _is_along(name: str, word: str) -> bool:
    """Return whether a path is the one that a word names, or lies below it, or above."""
    if not word or word.startswith("-"):
        return False
    path, given = FilePath(name).absolute(), FilePath(word).absolute()
    return path.is_relative_to(given) or given.is_relative_to(path)


def tell_bug(failure: Exception) -> int:
    """Say in one line that this is our fault, and keep the details in a file; return the exit code."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="specflow-bug-", suffix=".txt", delete=False, encoding="utf-8"
    ) as report:
        report.write(f"specflow {__version__}, Python {sys.version}\n{' '.join(sys.argv)}\n\n")
        traceback.print_exception(failure, file=report)
    kind = type(failure).__name__
    print(f"error: this is a bug in specflow: {kind}: {failure}", file=sys.stderr)  # noqa: T201
    print(f"  = help: please report it with {report.name}", file=sys.stderr)  # noqa: T201
    return 3
