"""uv, pip and venv, called to their end; what they say when they fail, in one line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath

from specflow.errors import SpecflowError

__all__ = ["ToolError", "call_tool", "find_uv"]

_DECORATION = " ×╰─▶├│"


class ToolError(SpecflowError):
    """A tool that ended with an error: the message is what it said, in one line."""


def call_tool(argv: Sequence[str], folder: FilePath, what: str, held: tuple[int, ...] = ()) -> None:
    """Run uv, pip or venv to its end; raise ToolError with its reason in one line.

    Files in `held` stay open in the tool: a lock on one of them lasts as long as the tool, even if we are killed.
    """
    environment: Mapping[str, str] = {
        key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH")
    }
    import subprocess  # only who installs needs it

    try:
        done = subprocess.run(
            list(argv), cwd=folder, capture_output=True, text=True, env=environment, check=False, pass_fds=held
        )
    except OSError as failure:
        raise ToolError(f"can't {what}: {failure.strerror}: {argv[0]}") from failure
    if done.returncode:
        reason = _reason(done.stderr or done.stdout) or f"exit code {done.returncode}"
        raise ToolError(f"can't {what}: {reason}", "mend the step's `environment:`, or check the network")


def _reason(text: str) -> str:
    """Return why a tool gave up, in one line: the cause that uv names, else pip's last error, else the last line."""
    lines = [line.strip(_DECORATION) for line in text.splitlines() if not line.lstrip().startswith("hint:")]
    lines = [line for line in lines if line]
    causes = [index for index, line in enumerate(lines) if line.startswith(("cause:", "Because"))]
    if causes:
        return " ".join(lines[causes[0] :]).removeprefix("cause:").strip().rstrip(".")
    errors = [line for line in lines if line.lower().startswith("error:")]
    return (errors or lines or [""])[-1][len("error:") if errors else 0 :].strip()


def find_uv() -> str | None:
    """Return the uv on PATH; None where there is none."""
    return shutil.which("uv")
