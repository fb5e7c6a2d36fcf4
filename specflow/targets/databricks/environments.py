"""What a step needs installed, as a serverless environment of the job or as libraries of a task on a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from specflow.targets.databricks.runtimes import environment_version_for

__all__ = ["FILES", "Packages", "libraries", "serverless_spec"]

FILES = "${workspace.file_path}"
"""Where a bundle's files are on the workspace; the CLI's own word, and rewritten in every text."""


@dataclass(frozen=True, slots=True)
class Packages:
    """What is installed for a step: requirement lines, and wheels by their path in the bundle."""

    python: str | None = None
    lines: tuple[str, ...] = ()
    wheels: tuple[str, ...] = ()

    @property
    def needs_file(self) -> bool:
        """Return whether the lines are options of pip, or hold digests or markers: these are read from files only."""
        return any(line.startswith("-") or ";" in line or " --" in line for line in self.lines)

    @property
    def requirements(self) -> str:
        """Return the lines as a requirements file."""
        return "".join(f"{line}\n" for line in self.lines)


def serverless_spec(packages: Packages, file: str, registered: str | Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the spec of a job's environment; None if no version has the Python that is asked for.

    `file` is where the requirements file is in the bundle. `registered` is what the profile says of an environment
    that it knows by name: a base environment, or the spec itself.
    """
    if isinstance(registered, str):
        return {"base_environment": registered}
    if registered is not None:
        settled = {"environment_version", "base_environment", "client"} & set(registered)
        return dict(registered) if settled else {"environment_version": environment_version_for(None), **registered}
    version = environment_version_for(packages.python)
    if version is None:
        return None
    spec: dict[str, Any] = {"environment_version": version}
    if packages.lines or packages.wheels:
        lines = [f"-r {FILES}/{file}"] if packages.needs_file else list(packages.lines)
        spec["dependencies"] = lines + [f"{FILES}/{wheel}" for wheel in packages.wheels]
    return spec


def libraries(packages: Packages, file: str, registered: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    """Return the libraries of a task that runs on a cluster."""
    if registered is not None:
        return list(registered.get("libraries", ()))
    wheels = [{"whl": f"{FILES}/{wheel}"} for wheel in packages.wheels]
    if packages.lines and packages.needs_file:
        return [{"requirements": f"{FILES}/{file}"}, *wheels]
    return [*({"pypi": {"package": line}} for line in packages.lines), *wheels]
