"""Makes one virtual environment: a process of its own, so that a run goes on meanwhile, and that ends with the run."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from specflow.environments.installers import ToolError, call_tool, find_uv
from specflow.targets.local.environments import TOLD, running

__all__ = ["make"]


def make(environment: Mapping[str, Any], wheels: Sequence[FilePath], home: FilePath) -> None:
    """Make a virtual environment at its home, unless it is there; raise ToolError where it can't be made."""
    folder, done = home.parent, home / "complete"
    with (folder / f"{home.name}.lock").open("w") as lock:
        # The tools hold it too: if we are killed, the next run waits until the last of them has left the folder alone.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            _build(environment, wheels, home, folder, lock.fileno())
            os.sync()  # if the machine goes down now, what says that it is complete must not be all that is left
            done.touch()


def _build(
    environment: Mapping[str, Any], wheels: Sequence[FilePath], home: FilePath, folder: FilePath, lock: int
) -> None:
    shutil.rmtree(home, ignore_errors=True)
    uv = find_uv()
    python = str(home / "bin" / "python")
    wanted = environment["python"]
    make = "make a virtual environment"
    if uv is not None:
        call_tool([uv, "venv", "--quiet", "--python", wanted or sys.executable, str(home)], folder, make, (lock,))
        install = [uv, "pip", "install", "--quiet", "--python", python]
    else:
        from packaging.specifiers import SpecifierSet

        if wanted is not None and not SpecifierSet(wanted).contains(running(), prereleases=True):
            message = f"the step needs Python {wanted}, and this is {running()}"
            raise ToolError(message, "install uv, which brings other versions, or run specflow by a Python that fits")
        call_tool([sys.executable, "-m", "venv", str(home)], folder, make, (lock,))
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    lines = list(environment["dependencies"])
    files = [str(wheel) for wheel in wheels]
    # A lock holds all there is to install, digests included, so nothing is left to resolve; wheels come by themselves.
    is_locked = environment.get("locked", False)
    for group in [lines, files] if is_locked else [lines + files]:
        if group:
            requirements = folder / f"{home.name}.txt"
            requirements.write_text("".join(f"{line}\n" for line in group), encoding="utf-8")
            options = ["--no-deps"] if is_locked else []
            call_tool([*install, *options, "-r", str(requirements)], folder, "install what the step needs", (lock,))


def _main(order: FilePath) -> int:
    """Make what a file asks for; return the exit code."""
    wanted = json.loads(order.read_text(encoding="utf-8"))
    try:
        make(wanted["environment"], [FilePath(wheel) for wheel in wanted["wheels"]], order.with_suffix(""))
    except ToolError as failure:
        sys.stdout.write(json.dumps([failure.message, failure.help]) + "\n")
        return TOLD
    return 0


if __name__ == "__main__":
    sys.exit(_main(FilePath(sys.argv[1])))
