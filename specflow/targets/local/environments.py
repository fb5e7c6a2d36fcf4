"""The interpreter of a step's environment: this one if it satisfies what is declared, else a virtual environment.

Without a lock, satisfied means that what the requirement lines name is here in versions that fit. With one it means
every pinned version exactly: who locks asks for the same everywhere, so a newer pandas in this interpreter does not do,
and a virtual environment with what is pinned, and nothing else, takes its place.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from specflow.errors import SpecflowError
from specflow.installers import ToolError, call_tool, find_uv
from specflow.plan import Plan

__all__ = ["BuildError", "Environments", "named_packages", "versions_here"]

_OPTIONS = re.compile(r"\s+--hash=\S+|\s*\\$")


class BuildError(SpecflowError):
    """An environment that can't be made."""


class Environments:
    """The environments of one plan: which interpreter each is, and what is in it."""

    def __init__(self, plan: Plan, folder: FilePath) -> None:
        """Keep virtual environments under a folder."""
        self.plan, self.folder = plan, folder
        self._here: dict[str, dict[str, str] | None] = {}
        self._keys: dict[int, str] = {}
        self._pythons: dict[str, str | BuildError] = {}

    def identity(self, environment: Mapping[str, Any] | None) -> dict[str, str]:
        """Return what a step's key says of its environment: versions that are there, or the lines to be installed."""
        here = self._satisfied_here(environment)
        if here is not None:
            return here
        assert environment is not None
        lines = [*environment["dependencies"], *(wheel["sha256"] for wheel in environment["wheels"])]
        return {"python": environment["python"] or _running(), "lines": "\n".join(lines)}

    def _satisfied_here(self, environment: Mapping[str, Any] | None) -> dict[str, str] | None:
        key = self._key(environment)
        if key not in self._here:
            self._here[key] = versions_here(environment)
        return self._here[key]

    def _key(self, environment: Mapping[str, Any] | None) -> str:
        """Return an environment's content; the plan holds it all the while, so its place in memory tells it."""
        place = id(environment)
        if place not in self._keys:
            self._keys[place] = json.dumps(environment, sort_keys=True)
        return self._keys[place]

    def python(self, environment: Mapping[str, Any] | None) -> str:
        """Return the interpreter of an environment; raise BuildError where none can be made.

        A virtual environment is built once per content, however many steps and runs want it at once; one that could
        not be built is not tried again in the same run.
        """
        if environment is None or self._satisfied_here(environment) is not None:
            return sys.executable
        key = json.dumps(environment, sort_keys=True)
        if key not in self._pythons:
            wheels = [self.plan.path(wheel["path"]) for wheel in environment["wheels"]]
            try:
                self._pythons[key] = _virtual(environment, wheels, self.folder)
            except BuildError as failure:
                self._pythons[key] = failure
        found = self._pythons[key]
        if isinstance(found, BuildError):
            raise found
        return found


def _running() -> str:
    return ".".join(map(str, sys.version_info[:3]))


def _virtual(environment: Mapping[str, Any], wheels: Sequence[FilePath], folder: FilePath) -> str:
    content = json.dumps([environment, sys.version_info[:2]], sort_keys=True)
    home = folder / hashlib.sha256(content.encode()).hexdigest()[:16]
    python = home / "bin" / "python"
    done = home / "complete"
    if done.exists():
        return str(python)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{home.name}.lock").open("w") as lock:
        # The tools hold it too: if we are killed, the next run waits until the last of them has left the folder alone.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            try:
                _build(environment, wheels, home, folder, lock.fileno())
            except ToolError as failure:
                raise BuildError(failure.message, failure.help) from failure
            done.touch()
    return str(python)


def versions_here(environment: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Return the versions in this interpreter of what an environment asks for; None if something does not fit."""
    found = {"python": _running()}
    if environment is None:
        return found
    wanted = environment["python"]
    if environment["wheels"]:
        return None
    if wanted is None and not environment["dependencies"]:
        return found
    from packaging.specifiers import SpecifierSet

    if wanted is not None and not SpecifierSet(wanted).contains(_running(), prereleases=True):
        return None
    for requirement in _requirements(environment):
        version = _installed(requirement.name) if requirement is not None else None
        if requirement is None or requirement.url or requirement.extras or version is None:
            return None
        if not requirement.specifier.contains(version, prereleases=True):
            return None
        found[requirement.name] = version
    return found


def named_packages(environment: Mapping[str, Any]) -> frozenset[str]:
    """Return the packages that the lines of an environment name, normalised, each extra as `name[extra]` beside."""
    from packaging.utils import canonicalize_name

    found: set[str] = set()
    for requirement in _requirements(environment):
        if requirement is not None:
            name = canonicalize_name(requirement.name)
            found |= {name, *(f"{name}[{extra}]" for extra in requirement.extras)}
    return frozenset(found)


def _requirements(environment: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the requirement lines that apply to this interpreter, parsed; None for one that only an installer reads."""
    from packaging.requirements import InvalidRequirement, Requirement

    for line in environment["dependencies"]:
        try:
            requirement = Requirement(_OPTIONS.sub("", line))
        except InvalidRequirement:
            yield None
            continue
        if requirement.marker is None or requirement.marker.evaluate():
            yield requirement


def _installed(name: str) -> str | None:
    from importlib import metadata

    try:
        return str(metadata.version(name))
    except metadata.PackageNotFoundError:
        return None


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

        if wanted is not None and not SpecifierSet(wanted).contains(_running(), prereleases=True):
            message = f"the step needs Python {wanted}, and this is {_running()}"
            raise BuildError(message, "install uv, which brings other versions, or run specflow by a Python that fits")
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
