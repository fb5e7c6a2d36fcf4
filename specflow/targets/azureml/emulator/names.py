"""Names and addresses: the workspace's ARM id, references to assets in it, and which names the service takes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from specflow.targets.azureml.emulator.refusals import Problem

__all__ = ["NODE", "PORT", "Reference", "Workspace", "name_problem", "parse_reference"]

PROVIDER = "Microsoft.MachineLearningServices"
NODE = re.compile(r"[a-z_][a-z\d_]*")
"""Names of nodes; azure-ai-ml 1.35.2 refuses others before they are sent."""
PORT = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*(\.[a-zA-Z_][a-zA-Z0-9_]*)*")
"""Names of inputs and outputs; azure-ai-ml 1.35.2, `_utils/_asset_utils`."""
_RESOURCE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}")
_VERSION = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}")


@dataclass(frozen=True, slots=True)
class Workspace:
    """The one workspace that is emulated."""

    subscription: str = "00000000-0000-0000-0000-000000000000"
    group: str = "emulated"
    name: str = "emulated"

    @property
    def id(self) -> str:
        """Return its ARM id."""
        group = f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"
        return f"{group}/providers/{PROVIDER}/workspaces/{self.name}"

    def relative(self, path: str) -> str | None:
        """Return what follows the workspace's id in a path, without the slash; None for a path outside it."""
        if path.lower() == self.id.lower():
            return ""
        return path[len(self.id) + 1 :] if path.lower().startswith(self.id.lower() + "/") else None


@dataclass(frozen=True, slots=True)
class Reference:
    """An asset that a body names: `kind` is the collection in the URL. `registry` is empty for the workspace's own."""

    kind: str
    name: str
    version: str
    registry: str = ""

    @property
    def key(self) -> str:
        """Return its path below the workspace."""
        return f"{self.kind}/{self.name}/versions/{self.version}"


_VERSIONED = re.compile(r"(codes|components|environments|data|models)/([^/]+)/(versions|labels)/([^/]+)")
_REGISTRY = re.compile(r"azureml://registries/([^/]+)/(.+)")
_SHORT = re.compile(r"([^:/@]+)(?::([^:/]+)|@([^:/]+))")


def parse_reference(text: str, kind: str, workspace: Workspace) -> Reference | None:
    """Return what `text` names: an ARM id (after `azureml:` or not), a registry's URI, or `name:version`; else None."""
    bare = text[len("azureml:") :] if text.startswith("azureml:/subscriptions") else text
    if found := _REGISTRY.fullmatch(bare):
        inner = _VERSIONED.fullmatch(found[2])
        return Reference(inner[1], inner[2], inner[4], found[1]) if inner else None
    if (rest := workspace.relative(bare)) is not None:
        inner = _VERSIONED.fullmatch(rest)
        return Reference(inner[1], inner[2], inner[4]) if inner else None
    if short := _SHORT.fullmatch(bare.removeprefix("azureml:")):
        return Reference(kind, short[1], short[2] or short[3])
    return None


def name_problem(what: str, name: str, *, is_version: bool = False) -> Problem | None:
    """Return what is wrong with a resource's name or version; None if it is fine.

    The rule for names is the path parameters' pattern in the REST specification; for versions it is a guess: whatever
    would break an ARM id or a URL is refused.
    """
    pattern = _VERSION if is_version else _RESOURCE
    if pattern.fullmatch(name):
        return None
    return Problem(f'"{name}" is not a valid name for {what}; expected {pattern.pattern}', what, "InvalidName")
