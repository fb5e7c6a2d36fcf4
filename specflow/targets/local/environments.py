"""The interpreter of a step's environment: this one if it satisfies what is declared, else a virtual environment.

Without a lock, satisfied means that what the requirement lines name is here in versions that fit. With one it means
every pinned version exactly: who locks asks for the same everywhere, so a newer pandas in this interpreter does not do,
and a virtual environment with what is pinned, and nothing else, takes its place.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from specflow.errors import SpecflowError
from specflow.plan import Plan

__all__ = ["TOLD", "BuildError", "Environments", "named_packages", "running", "versions_here"]

TOLD = 5
"""The exit code of a builder whose last line says why there is no environment: message and help, as JSON."""

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
        return {"python": environment["python"] or running(), "lines": "\n".join(lines)}

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

    def is_made(self, environment: Mapping[str, Any] | None) -> bool:
        """Return whether steps can have an environment now, or be told why not: if not, it has to be built first."""
        if environment is None or self._satisfied_here(environment) is not None:
            return True
        key = self._key(environment)
        if key not in self._pythons:
            home = self._home(environment)
            if not (home / "complete").exists():
                return False
            self._pythons[key] = str(home / "bin" / "python")
        return True

    def python(self, environment: Mapping[str, Any] | None) -> str:
        """Return the interpreter of an environment that is made; raise BuildError where none could be."""
        if environment is None or self._satisfied_here(environment) is not None:
            return sys.executable
        found = self._pythons[self._key(environment)]
        if isinstance(found, BuildError):
            raise found
        return found

    def builder(self, environment: Mapping[str, Any]) -> tuple[str, list[str]]:
        """Return the content of an environment, and the process that makes it: see building.py.

        However many steps and runs want it at once, one of them makes it, and the others wait for that.
        """
        home = self._home(environment)
        self.folder.mkdir(parents=True, exist_ok=True)
        wheels = [str(self.plan.path(wheel["path"])) for wheel in environment["wheels"]]
        order = self.folder / f"{home.name}.json"
        fresh = order.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps({"environment": environment, "wheels": wheels}), encoding="utf-8")
        fresh.replace(order)
        return self._key(environment), [sys.executable, "-m", "specflow.targets.local.building", str(order)]

    def built(self, environment: Mapping[str, Any], log: FilePath, code: int | None) -> None:
        """Remember how building ended; what could not be built is not tried again in the same run."""
        if code == 0:
            self._pythons[self._key(environment)] = str(self._home(environment) / "bin" / "python")
            return
        message, help_ = "its environment was not made: the process that made it was ended", ""
        if code == TOLD:
            message, help_ = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
        self._pythons[self._key(environment)] = BuildError(message, help_)

    def _home(self, environment: Mapping[str, Any]) -> FilePath:
        content = json.dumps([environment, sys.version_info[:2]], sort_keys=True)
        return self.folder / hashlib.sha256(content.encode()).hexdigest()[:16]


def running() -> str:
    """Return the version of this interpreter."""
    return ".".join(map(str, sys.version_info[:3]))


def versions_here(environment: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Return the versions in this interpreter of what an environment asks for; None if something does not fit."""
    found = {"python": running()}
    if environment is None:
        return found
    wanted = environment["python"]
    if environment["wheels"]:
        return None
    if wanted is None and not environment["dependencies"]:
        return found
    from packaging.specifiers import SpecifierSet

    if wanted is not None and not SpecifierSet(wanted).contains(running(), prereleases=True):
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
