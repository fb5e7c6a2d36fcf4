"""The interpreter of a step's environment: this one if it satisfies what is declared, else a virtual environment."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path as FilePath
from typing import Any

from specflow.errors import SpecflowError

__all__ = ["BuildError", "interpreter"]

_OPTIONS = re.compile(r"\s+--hash=\S+|\s*\\$")


class BuildError(SpecflowError):
    """An environment that can't be made."""


def interpreter(environment: Mapping[str, Any] | None, wheels: list[FilePath], folder: FilePath) -> str:
    """Return the Python of an environment; raise BuildError where none can be made.

    A virtual environment is built once per content under `folder`, however many steps and runs want it at once.
    """
    if environment is None or (not wheels and _unmet(environment) is None):
        return sys.executable
    content = json.dumps([environment, [wheel.name for wheel in wheels], sys.version_info[:2]], sort_keys=True)
    home = folder / hashlib.sha256(content.encode()).hexdigest()[:16]
    python = home / "bin" / "python"
    done = home / "complete"
    if done.exists():
        return str(python)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{home.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            _build(environment, wheels, home, folder)
            done.touch()
    return str(python)


def _unmet(environment: Mapping[str, Any]) -> str | None:
    """Return the first requirement that this interpreter does not satisfy."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import SpecifierSet

    wanted = environment["python"]
    running = ".".join(map(str, sys.version_info[:3]))
    if wanted is not None and not SpecifierSet(wanted).contains(running, prereleases=True):
        return f"python{wanted}"
    for line in environment["dependencies"]:
        try:
            requirement = Requirement(_OPTIONS.sub("", line))
        except InvalidRequirement:
            return str(line)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        if (
            requirement.url is not None
            or requirement.extras
            or not _is_installed(requirement.name, str(requirement.specifier))
        ):
            return str(line)
    return None


def _is_installed(name: str, specifier: str) -> bool:
    from packaging.specifiers import SpecifierSet

    try:
        return SpecifierSet(specifier).contains(metadata.version(name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


def _build(environment: Mapping[str, Any], wheels: list[FilePath], home: FilePath, folder: FilePath) -> None:
    shutil.rmtree(home, ignore_errors=True)
    uv = shutil.which("uv")
    wanted = environment["python"]
    if uv is not None:
        _call(
            [uv, "venv", "--quiet", "--python", wanted or sys.executable, str(home)],
            folder,
            "make a virtual environment",
        )
        install = [uv, "pip", "install", "--quiet", "--python", str(home / "bin" / "python")]
    else:
        from packaging.specifiers import SpecifierSet

        running = ".".join(map(str, sys.version_info[:3]))
        if wanted is not None and not SpecifierSet(wanted).contains(running, prereleases=True):
            message = f"the step needs Python {wanted}, and this is {running}"
            raise BuildError(message, "install uv, which brings other versions, or run specflow by a Python that fits")
        _call([sys.executable, "-m", "venv", str(home)], folder, "make a virtual environment")
        install = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    lines = [*environment["dependencies"], *(str(wheel) for wheel in wheels)]
    if lines:
        requirements = folder / f"{home.name}.txt"
        requirements.write_text("\n".join(lines) + "\n", encoding="utf-8")
        _call([*install, "-r", str(requirements)], folder, "install what the step needs")


def _call(argv: list[str], folder: FilePath, what: str) -> None:
    environment = {
        key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH")
    }
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        reason = next((line for line in reversed(said) if line.strip()), f"exit code {done.returncode}")
        raise BuildError(f"can't {what}: {reason.strip()}", "mend the step's `environment:`, or check the network")
