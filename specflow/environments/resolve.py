"""What an environment asks for → the lines that pin it: by uv for every platform, or by pip for this one alone."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path as FilePath

from specflow.environments.installers import ToolError, call_tool
from specflow.environments.lock import Lock, Needs, Pinned

__all__ = ["resolve"]

MINORS = range(10, 15)
"""The Python versions 3.x that a lock without a specifier begins with, and that one is looked for in."""

_PINNED = re.compile(r"[A-Za-z0-9][\w.-]*==\S+")


def resolve(needs: Needs, before: Lock, uv: str | None) -> Pinned:
    """Return the whole resolution of an environment; raise ToolError where there is none.

    What `before` pins for the most similar environment is kept as far as it fits, so that adding one package does not
    upgrade the others. Without `uv`, pip resolves for this interpreter and platform.
    """
    requirements = (*needs.lines, *(wheel.name for wheel in needs.wheels))
    with tempfile.TemporaryDirectory(prefix="specflow-lock-") as name:
        folder = FilePath(name)
        asked = folder / "requirements.in"
        asked.write_text("".join(f"{line}\n" for line in (*needs.lines, *needs.wheels)), encoding="utf-8")
        lines = _by_uv(uv, asked, needs, _similar(needs, before)) if uv is not None else _by_pip(asked, needs)
    packages = tuple(sorted(line for line in lines if _PINNED.match(line)))
    return Pinned(needs.python, tuple(sorted(set(requirements))), packages, uv is not None)


def _by_uv(uv: str, asked: FilePath, needs: Needs, preferred: Iterable[str]) -> list[str]:
    output = asked.with_suffix(".txt")
    output.write_text("".join(f"{line}\n" for line in preferred), encoding="utf-8")
    options = ["--universal", "--generate-hashes", "--no-header", "--no-annotate", "--strip-extras"]
    options += ["--python-version", _least_python(needs.python)]
    call_tool(
        [uv, "pip", "compile", "--quiet", *options, "--output-file", str(output), str(asked)],
        asked.parent,
        "resolve an environment",
    )
    text = output.read_text(encoding="utf-8").replace("\\\n", " ")
    return [" ".join(line.split()) for line in text.splitlines()]


def _by_pip(asked: FilePath, needs: Needs) -> list[str]:
    from packaging.specifiers import SpecifierSet

    here = ".".join(map(str, sys.version_info[:3]))
    if needs.python is not None and not SpecifierSet(needs.python).contains(here, prereleases=True):
        message = f"the environment needs Python {needs.python}, and pip can only resolve for this one, {here}"
        raise ToolError(message, "install uv, or run specflow by a Python that fits")
    report = asked.with_suffix(".json")
    options = ["--dry-run", "--ignore-installed", "--disable-pip-version-check", "--report", str(report)]
    argv = [sys.executable, "-m", "pip", "install", "--quiet", *options, "-r", str(asked)]
    call_tool(argv, asked.parent, "resolve an environment without uv")
    found = json.loads(report.read_text(encoding="utf-8"))["install"]
    own = {wheel.name for wheel in needs.wheels}
    return [
        f"{package['metadata']['name'].lower().replace('_', '-')}=={package['metadata']['version']}"
        for package in found
        if package["download_info"]["url"].rpartition("/")[2] not in own
    ]


def _similar(needs: Needs, before: Lock) -> tuple[str, ...]:
    """Return the pins of the entry that shares the most requirement lines; none where none shares any."""
    shared = [(len(set(needs.lines) & set(entry.requirements)), key) for key, entry in sorted(before.entries.items())]
    most, key = max(shared, default=(0, ""))
    return before.entries[key].packages if most else ()


def _least_python(wanted: str | None) -> str:
    """Return the oldest Python 3.x that a specifier takes."""
    from packaging.specifiers import SpecifierSet

    for minor in MINORS:
        patches = (f"3.{minor}.{patch}" for patch in range(100))
        found = next((p for p in patches if SpecifierSet(wanted or "").contains(p)), None)
        if found is not None:
            return found if not found.endswith(".0") else f"3.{minor}"
    raise ToolError(f'no Python from 3.{MINORS[0]} to 3.{MINORS[-1]} satisfies "{wanted}"', "mend `python:`")
