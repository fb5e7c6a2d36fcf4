"""Wheels that travel with a step, installed for it alone: an environment on top of the one that the platform made."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from specflow.attempt.prepare import PrepareError

__all__ = ["install"]


def install(wheels: Mapping[str, Any], home: str, folder: str) -> str:
    """Return the interpreter of a fresh environment in `folder` that has the wheels, and all that this one has.

    `wheels` holds `files`, from `home`, and `with_dependencies`: a lock names everything that they need already. Raise
    PrepareError where they can't be installed, with the last line of what pip said.
    """
    python = os.path.join(folder, "bin", "python")
    files = [os.path.join(home, name) for name in wheels["files"]]
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir"]
    if not wheels["with_dependencies"]:
        options.append("--no-deps")
    _call([sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", folder])
    _see_what_is_here(folder)
    _call([sys.executable, "-m", "pip", "--python", python, "install", *options, *files])
    return python


def _see_what_is_here(folder: str) -> None:
    """Let the new environment see the packages of this one: of a virtual one `venv` shows only what is below."""
    here = [path for path in sys.path if path.endswith("site-packages") and os.path.isdir(path)]
    for name in os.listdir(os.path.join(folder, "lib")):
        place = os.path.join(folder, "lib", name, "site-packages", "specflow-here.pth")
        with open(place, "w", encoding="utf-8") as stream:
            stream.write("".join(f"{path}\n" for path in here))


def _call(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise PrepareError(f"can't install what the step needs: {said[-1] if said else 'pip failed'}")
