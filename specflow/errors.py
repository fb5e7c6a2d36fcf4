"""The exceptions of specflow: what happens outside of it. A user's mistakes are returned as diagnostics instead.

SpecflowError            anything below; `exit_code` is what the command line ends with
├── UsageError           the command's words don't fit                                 2
├── PlanError            a plan folder is damaged, foreign, or of another version      1
├── WorkspaceError       the project's own folder can't be read or written             1
└── UnreachableError          a platform, store or registry did not answer, or refused us   4
"""

from __future__ import annotations

__all__ = ["PlanError", "SpecflowError", "UnreachableError", "UsageError", "WorkspaceError"]


class SpecflowError(Exception):
    """One clear line about something outside, and the way out of it."""

    exit_code = 1

    def __init__(self, message: str, help: str = "") -> None:  # noqa: A002 - "help" is the word of DESIGN §8
        super().__init__(message)
        self.message = message
        self.help = help


class UsageError(SpecflowError):
    """The command's words don't fit together."""

    exit_code = 2


class PlanError(SpecflowError):
    """A plan folder that can't be trusted or read."""


class WorkspaceError(SpecflowError):
    """The folder that holds runs, code and history can't be used."""


class UnreachableError(SpecflowError):
    """A platform that did not answer or refused us."""

    exit_code = 4
