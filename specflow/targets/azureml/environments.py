"""A step's environment as Azure ML's: an image, and a conda file made from what the step asks for.

Wheels are not in it: they travel with the step, whose launcher installs them. Registered environments go by the name
that the profile gives them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from specflow.diagnostics import Diagnostic, Span, error
from specflow.graph.model import Environment, Node
from specflow.lowering import Lowering
from specflow.spec import model
from specflow.targets.azureml.yaml_text import yaml_text

__all__ = ["IMAGE", "Environments", "environment_faults", "python_version"]

IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
"""The base of environments that name no image; it has conda. The tag is left to Azure's `latest`: unverified."""

_PLAIN = (0, False)
_MINORS = (11, 10, 12, 13, 14)
"""Python versions 3.x in the order in which they are chosen, where the step leaves the choice."""


_MINORS_OF_SPARK = tuple(sorted(_MINORS))
"""The same for Spark, whose runtimes 3.3 and 3.4 come with Python 3.10 (Synapse's documentation)."""


def python_version(wanted: str | None, minors: Sequence[int] = _MINORS) -> str | None:
    """Return the Python 3.x that an environment gets: 3.11 where that fits, else the oldest that does; None if none."""
    from packaging.specifiers import SpecifierSet

    allowed = SpecifierSet(wanted or "")
    for minor in minors:
        if any(allowed.contains(f"3.{minor}.{patch}") for patch in range(30)):
            exact = next((p for p in range(30) if allowed.contains(f"3.{minor}.{p}")), 0)
            is_open = all(allowed.contains(f"3.{minor}.{patch}") for patch in range(30))
            return f"3.{minor}" if is_open else f"3.{minor}.{exact}"
    return None


@dataclass(slots=True)
class Environments:
    """Gathers the conda files of one artifact; steps that need the same share one."""

    lowering: Lowering
    profile: model.Profile
    files: dict[str, bytes | FilePath] = field(default_factory=dict)
    _names: dict[bytes | FilePath, str] = field(default_factory=dict)
    _known: dict[tuple[int, bool], Any] = field(default_factory=dict)

    def reference(self, node: Node) -> Any:
        """Return what a node says of its environment; None for what Spark brings itself."""
        environment, is_spark = node.environment, node.engine == "spark"
        if environment is None:
            return None if is_spark else self.plain()
        if environment.needs is None:
            return self._registered(environment)
        key = (id(environment.needs), is_spark)  # many steps share one; it lives as long as the graph
        if key not in self._known:
            self._known[key] = self._made(node, environment, environment.needs)
        return self._known[key]

    def plain(self) -> Any:
        """Return the environment of nodes that need nothing but Python."""
        if _PLAIN not in self._known:
            self._known[_PLAIN] = {"image": IMAGE, "conda_file": self._file(_conda_text(None).encode(), "python")}
        return self._known[_PLAIN]

    def _registered(self, environment: Environment) -> Any:
        bound = self.profile.environments.get(environment.name or "", {}).get("azureml")
        return dict(bound) if isinstance(bound, Mapping) else bound

    def _made(self, node: Node, environment: Environment, needs: model.Environment) -> dict[str, Any]:
        if needs.image is not None:
            return {"image": needs.image}
        content: bytes | FilePath
        if needs.conda is not None and environment.folder is not None:
            content = environment.folder / needs.conda
        else:
            minors = _MINORS_OF_SPARK if node.engine == "spark" else _MINORS
            content = _conda_text(self.lowering.environment(node), minors).encode()
        name = environment.name or (node.definition.model.name if node.definition else "__".join(node.path))
        return {"image": IMAGE, "conda_file": self._file(content, name)}

    def _file(self, content: bytes | FilePath, wanted: str) -> str:
        if content not in self._names:
            path, count = f"environments/{wanted}.yml", 1
            while path in self.files:
                count += 1
                path = f"environments/{wanted}_{count}.yml"
            self.files[path] = content
            self._names[content] = path
        return self._names[content]


def _conda_text(needs: Mapping[str, Any] | None, minors: Sequence[int] = _MINORS) -> str:
    """Return a conda file: one Python, and the requirement lines for its pip."""
    version = python_version(needs["python"] if needs is not None else None, minors)
    lines = list(needs["dependencies"]) if needs is not None else []
    packages: list[Any] = [f"python={version}", "pip"]
    if lines:
        packages.append({"pip": lines})
    return yaml_text({"channels": ["conda-forge"], "dependencies": packages})


def environment_faults(node: Node, profile: model.Profile, span: Span) -> tuple[Diagnostic, ...]:
    """Return why there is no environment for a step: its name is bound nowhere here, or no Python fits."""
    environment = node.environment
    if environment is None:
        return ()
    if environment.needs is not None:
        return _python_faults(environment.needs, span)
    if "azureml" in profile.environments.get(environment.name or "", {}):
        return ()
    message = f'the profile does not say what the environment "{environment.name}" is on azureml'
    help_ = f'add to the profile: environments: {{{environment.name}: {{azureml: "azureml:<name>:<version>"}}}}'
    return (error("unknown-environment", message, span, help_),)


def _python_faults(needs: model.Environment, span: Span) -> tuple[Diagnostic, ...]:
    if needs.python is None or python_version(needs.python) is not None:
        return ()
    message = f'azureml: no Python from 3.{min(_MINORS)} to 3.{max(_MINORS)} is "{needs.python}"'
    return (error("unsupported", message, span, "ask for another version, or bring it in an image"),)
