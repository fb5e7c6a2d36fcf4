"""Reuse: what makes two runs of a node the same, so that the second need not happen.

Microsoft's documentation promises reuse for deterministic components when neither the component nor its inputs changed;
inputs count by address, so changed data behind one path is not seen (Azure/azure-sdk-for-python#25007).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path as FilePath

from specflow.targets.azureml.emulator.assumptions import Assumptions
from specflow.targets.azureml.emulator.nodes import Data, Literal, Node
from specflow.targets.azureml.emulator.storage import Storage

__all__ = ["IS_REUSED", "REUSED_FROM", "reuse_key"]

IS_REUSED = "azureml.isreused"
REUSED_FROM = "azureml.reusedrunid"
"""Properties of a child that was not run (azure-ai-ml 1.35.2, `PipelineConstants`)."""

_NO_MATTER = {"name", "version", "display_name", "description", "tags", "_source", "properties"}


def reuse_key(
    node: Node,
    inputs: Mapping[str, Literal | Data | None],
    addresses: Mapping[str, str],
    assumed: Assumptions,
    storage: Storage,
) -> str:
    """Return the digest of all that decides what a node computes; empty if it must run.

    `addresses` holds the outputs whose place was chosen by the user: another place needs another run.
    """
    if not assumed.reuses_deterministic_nodes or not node.component.get("is_deterministic", True):
        return ""
    given: dict[str, list[str | None]] = {}
    for name, value in inputs.items():
        if isinstance(value, Data):
            digest = _digest(storage.path(value.uri)) if assumed.reuse_looks_at_data else ""
            given[name] = ["data", storage.long_uri(value.uri), digest]
        else:
            given[name] = ["text", value.text if value else None, ""]
    spec = {key: each for key, each in node.component.items() if key not in _NO_MATTER}
    own = {key: node.body.get(key) for key in ("environment_variables", "distribution", "resources", "args", "conf")}
    text = json.dumps([spec, own, given, dict(addresses)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(path: FilePath) -> str:
    found = hashlib.sha256()
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for each in files:
        if each.is_file():
            found.update(each.relative_to(path.parent).as_posix().encode() + b"\0")
            found.update(hashlib.sha256(each.read_bytes()).digest())
    return found.hexdigest()
