"""What this machine needs to run a plan's notebooks and Spark scripts: told before anything runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from specflow.diagnostics import Diagnostic, Span, error
from specflow.plan import Plan
from specflow.targets.local.environments import named_packages, versions_here

__all__ = ["check_tools"]


class _Kind(NamedTuple):
    """A kind of step that a package runs, and the extra of specflow that brings it."""

    extra: str
    shown: str
    packages: tuple[str, ...]


_KINDS = {
    "notebook": _Kind("notebook", "is a notebook", ("papermill", "ipykernel")),
    "spark": _Kind("spark", "runs on Spark", ("pyspark",)),
}


def check_tools(plan: Plan, environ: Mapping[str, str], *, emulates: bool = False) -> tuple[Diagnostic, ...]:
    """Return which packages and programs are missing for a plan's notebooks and Spark scripts, each once.

    `emulates` says that emulators on this machine stand in for all platforms: what Spark runs there runs here.
    """
    found: dict[str, Diagnostic] = {}
    for step in (*plan.document["steps"], *_emulated(plan, emulates=emulates)):
        for key, kind in _KINDS.items():
            if key in step["attempt"]:
                told = f"{key} {json.dumps(step['environment'], sort_keys=True)}"
                for one in _missing(step, kind, environ):
                    found.setdefault(f"{told} {one.code}", one)
    return tuple(dict.fromkeys(found.values()))


def _emulated(plan: Plan, *, emulates: bool) -> Iterator[dict[str, Any]]:
    """Yield the steps that an emulator hands to the Spark of this very interpreter, by their artifacts' word."""
    for island in plan.document["islands"]:
        if emulates or island["settings"].get("emulate"):
            for label in island["native"].get("spark", ()):
                yield {"label": label, "environment": None, "attempt": {"spark": {}, "env": {}}}


def _missing(step: Mapping[str, Any], kind: _Kind, environ: Mapping[str, str]) -> Iterator[Diagnostic]:
    place = Span(step["label"])
    environment = step["environment"]
    is_here = versions_here(environment) is not None
    there = _installed_here(kind) if is_here else named_packages(environment)
    lacking = [name for name in kind.packages if name not in there]
    if lacking and f"specflow[{kind.extra}]" not in there:
        names = " and ".join(lacking)
        message = f'the step "{step["label"]}" {kind.shown}, and its environment has no {names}'
        help_ = f'pip install "specflow[{kind.extra}]"' if is_here else f"add {names} to the step's `dependencies`"
        yield error("missing-extra", message, place, help_)
    problem = _java_problem(step["attempt"]["env"], environ) if kind.extra == "spark" else None
    if problem is not None:
        message = f'the step "{step["label"]}" runs on Spark, which needs Java, and {problem}'
        yield error("missing-java", message, place, "install a JDK, version 17 or later, or set JAVA_HOME to one")


def _installed_here(kind: _Kind) -> frozenset[str]:
    from importlib import metadata

    found = set()
    for name in kind.packages:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
    return frozenset(found)


def _java_problem(variables: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    """Return why Spark would find no Java: in JAVA_HOME, the step's own if it is known by now, else on PATH."""
    home = environ.get("JAVA_HOME")
    if "JAVA_HOME" in variables:
        tree = variables["JAVA_HOME"]
        if tree[0] != "value":
            return None
        home = tree[1]
    if home:
        return None if (FilePath(home) / "bin" / "java").exists() else f'there is none in "{home}", its JAVA_HOME'
    return None if shutil.which("java", path=environ.get("PATH")) else "there is none on PATH"
