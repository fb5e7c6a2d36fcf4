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
from pathlib import Path as FilePath
from typing import Any

from specflow.errors import SpecflowError
from specflow.plan import Plan

__all__ = ["BuildError", "Environments"]

_OPTIONS = re.compile(r"\s+--hash=\S+|\s*\\$")


class BuildError(SpecflowError):
    """An environment that can't be made."""


class Environments:
    """The environments of one plan: which interpreter each is, and what is in it."""

    def __init__(self, plan: Plan, folder: FilePath) -> None:
        """Keep virtual environments under a folder."""
        self.plan, self.folder = plan, folder
        self._here: dict[str, dict[str, str] | None] = {}
        self._pythons: dict[str, str] = {}

    def identity(self, environment: Mapping[str, Any] | None) -> dict[str, str]:
        """Return what a step's key says of its environment: versions that are there, or the lines to be installed."""
        here = self._satisfied_here(environment)
        if here is not None:
            return here
        assert environment is not None
        lines = [*environment["dependencies"], *(wheel["sha256"] for wheel in environment["wheels"])]
        return {"python": environment["python"] or _running(), "lines": "\n".join(lines)}

    def _satisfied_here(self, environment: Mapping[str, Any] | None) -> dict[str, str] | None:
        """Return the versions in this interpreter that an environment asks for; None where it does not satisfy them."""
        key = json.dumps(environment, sort_keys=True)
        if key not in self._here:
            found: dict[str, str] | None = {"python": _running()}
            if environment is not None:
                found = None if environment["wheels"] else _versions(environment)
            self._here[key] = found
        return self._here[key]

    def python(self, environment: Mapping[str, Any] | None) -> str:
        """Return the interpreter of an environment; raise BuildError where none can be made.

        A virtual environment is built once per content, however many steps and runs want it at once.
        """
        if environment is None or self._satisfied_here(environment) is not None:
            return sys.executable
        key = json.dumps(environment, sort_keys=True)
        if key not in self._pythons:
            wheels = [self.plan.path(wheel["path"]) for wheel in environment["wheels"]]
            self._pythons[key] = _virtual(environment, wheels, self.folder)
        return self._pythons[key]


def _running() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _virtual(environment: Mapping[str, Any], wheels: list[FilePath], folder: FilePath) -> str:
    content = json.dumps([environment, sys.version_info[:2]], sort_keys=True)
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


def _versions(environment: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the versions in this interpreter of what an environment asks for; None if something does not fit."""
    wanted = environment["python"]
    found = {"python": _running()}
    if wanted is None and not environment["dependencies"]:
        return found
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import SpecifierSet

    if wanted is not None and not SpecifierSet(wanted).contains(_running(), prereleases=True):
        return None
    for line in environment["dependencies"]:
        try:
            requirement = Requirement(_OPTIONS.sub("", line))
        except InvalidRequirement:
            return None
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        version = _installed(requirement.name)
        if requirement.url or requirement.extras or version is None:
            return None
        if not requirement.specifier.contains(version, prereleases=True):
            return None
        found[requirement.name] = version
    return found


def _installed(name: str) -> str | None:

    from importlib import metadata

    try:
        return str(metadata.version(name))
    except metadata.PackageNotFoundError:
        return None


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

        if wanted is not None and not SpecifierSet(wanted).contains(_running(), prereleases=True):
            message = f"the step needs Python {wanted}, and this is {_running()}"
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
