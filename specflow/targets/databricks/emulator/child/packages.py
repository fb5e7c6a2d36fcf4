"""An environment of a task's own with the wheels that it names, on top of the interpreter that the emulator runs in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path as FilePath

__all__ = ["InstallError", "install"]


class InstallError(Exception):
    """A wheel that can't be installed."""


def install(wheels: Sequence[str], folder: FilePath) -> str:
    """Return the interpreter of a new environment in a folder; what the wheels need themselves is not fetched."""
    python = folder / "bin" / "python"
    _call([sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", str(folder)])
    # Where this interpreter is a virtual environment itself, the new one sees only what is below it.
    here = "".join(f"{path}\n" for path in sys.path if path.endswith("site-packages"))
    for packages in folder.glob("lib/*/site-packages"):
        (packages / "emulator.pth").write_text(here, "utf-8")
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-deps", "--no-index"]
    _call([sys.executable, "-m", "pip", "--python", str(python), "install", *options, *wheels])
    return str(python)


def _call(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise InstallError(f"Library installation failed: {said[-1] if said else 'pip failed'}")
