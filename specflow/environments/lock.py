"""`specflow.lock`: what every environment of a project resolves to, pinned once for every target.

One JSON file at the project's root. An environment is found in it by the digest of what it asks for, so it is out of
date as soon as a requirement line changes, and specs that ask for the same share an entry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from specflow.diagnostics import Diagnostic, warning
from specflow.digests import digest_of_file
from specflow.errors import SpecflowError
from specflow.graph.features import uses
from specflow.graph.model import Environment, Graph
from specflow.plan import digest_of
from specflow.spec.requirements import requirement_lines

__all__ = [
    "LOCK_FILE",
    "Lock",
    "LockError",
    "Needs",
    "Pinned",
    "lock_text",
    "needs_of",
    "needs_of_graph",
    "read_lock",
    "unlocked_environments",
]

LOCK_FILE = "specflow.lock"
VERSION = 1


class LockError(SpecflowError):
    """A lock that can't be read, or can't be made."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What an environment asks for: a Python version, requirement lines, and wheel files."""

    python: str | None
    lines: tuple[str, ...]
    wheels: tuple[FilePath, ...] = ()
    read: tuple[FilePath, ...] = ()
    """The files that it was read from, wheels included."""

    @property
    def key(self) -> str:
        """Return the digest by which a lock knows it; neither order nor repetition of lines counts."""
        wheels = sorted(digest_of_file(wheel) for wheel in self.wheels)
        return digest_of({"python": self.python, "lines": sorted(set(self.lines)), "wheels": wheels})[:32]

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to resolve."""
        return not self.lines and not self.wheels


@dataclass(frozen=True, slots=True)
class Pinned:
    """One entry: what was asked for, and a line for each package: `name==version ; marker --hash=…`.

    `universal` says that the lines hold on every platform, by their markers; else they were resolved for `python` and
    the platform that made them.
    """

    python: str | None
    requirements: tuple[str, ...]
    packages: tuple[str, ...]
    universal: bool


@dataclass(frozen=True, slots=True)
class Lock:
    """The entries of a lock file by the keys of `Needs`; none where there is no file."""

    entries: Mapping[str, Pinned] = field(default_factory=dict)

    def packages(self, needs: Needs) -> tuple[str, ...] | None:
        """Return the pinned lines of an environment; None if the lock does not hold it."""
        found = self.entries.get(needs.key)
        return found.packages if found is not None else None


def read_lock(root: FilePath) -> Lock:
    """Return the lock of a project, empty without a file; raise LockError where the file is damaged or newer."""
    file = root / LOCK_FILE
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if document["lock"] != VERSION:
            raise LockError(f'"{file}" was written by another version of specflow', "use that one, or lock again")
        return Lock({key: _entry(found) for key, found in document["environments"].items()})
    except FileNotFoundError:
        return Lock()
    except OSError as failure:
        raise LockError(f'can\'t read "{file}": {failure.strerror}') from failure
    except (ValueError, KeyError, TypeError, AttributeError) as failure:
        raise LockError(f'"{file}" is not a lock file', "remove it, and run `specflow lock`") from failure


def _entry(found: Mapping[str, Any]) -> Pinned:
    return Pinned(found["python"], tuple(found["requirements"]), tuple(found["packages"]), found["universal"])


def lock_text(lock: Lock) -> str:
    """Return a lock as the text of its file: the same for the same entries, and a line for each package."""
    entries = {
        key: {
            "python": entry.python,
            "requirements": list(entry.requirements),
            "packages": list(entry.packages),
            "universal": entry.universal,
        }
        for key, entry in lock.entries.items()
    }
    document = {"lock": VERSION, "environments": entries}
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def needs_of(environment: Environment | None) -> Needs | None:
    """Return what an environment asks for; None for one that only its target can explain: by name, image or conda."""
    if environment is None or environment.needs is None or environment.folder is None:
        return None
    needs, folder = environment.needs, environment.folder
    if needs.image is not None or needs.conda is not None:
        return None
    read: dict[FilePath, str] = {}
    lines = list(needs.dependencies)
    if needs.requirements is not None:
        lines += requirement_lines(folder / needs.requirements, read)
    wheels = tuple(folder / wheel for wheel in needs.wheels)
    return Needs(needs.python, tuple(lines), wheels, (*read, *wheels))


def needs_of_graph(graph: Graph) -> tuple[Needs, ...]:
    """Return what the steps of a graph ask for, each once, in their order; not what holds nothing to resolve."""
    found = (needs_of(node.environment) for node in graph.nodes.values())
    return tuple({needs.key: needs for needs in found if needs is not None and not needs.is_empty}.values())


def unlocked_environments(graph: Graph, lock: Lock) -> tuple[Diagnostic, ...]:
    """Return a warning for each environment whose versions nothing pins, at the place where it is asked for."""
    features = ("environment.dependencies", "environment.requirements", "environment.wheels")
    places = {use.node: use.span for use in uses(graph, graph.nodes, "local") if use.feature in features}
    found: dict[str, Diagnostic] = {}
    for name, span in places.items():
        needs = needs_of(graph.nodes[name].environment) if name is not None else None
        if needs is None or needs.is_empty or needs.key in found or lock.packages(needs) is not None:
            continue
        label = graph.nodes[str(name)].label
        message = f'nothing pins the versions in the environment of "{label}", so they may differ from day to day'
        found[needs.key] = warning("unlocked-environment", message, span, "run `specflow lock` on this spec")
    return tuple(found.values())
