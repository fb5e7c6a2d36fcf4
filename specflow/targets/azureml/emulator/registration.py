"""Outputs that get a name: registered as data assets or models once the node that made them has succeeded."""

from __future__ import annotations

from typing import Any

from specflow.targets.azureml.emulator.assets import Assets
from specflow.targets.azureml.emulator.names import Reference
from specflow.targets.azureml.emulator.nodes import Data, Output
from specflow.targets.azureml.emulator.refusals import Refused

__all__ = ["register"]

_MODELS = frozenset({"mlflow_model", "custom_model", "triton_model"})


def register(assets: Assets, out: Output, data: Data, run: str) -> None:
    """Register an output under its name and version, or the next version; refuse a version that is taken."""
    kind = "models" if data.type in _MODELS else "data"
    version = out.version or _next_version(assets, kind, out.asset)
    reference, uri = Reference(kind, out.asset, version), assets.storage.long_uri(data.uri)
    properties: dict[str, Any]
    if kind == "models":
        # The SDK reads `flavors` without asking whether they are there.
        properties = {"modelUri": uri, "modelType": data.type, "jobName": run, "flavors": {}}
    else:
        properties = {"dataUri": uri, "dataType": data.type}
    assets.put(reference, {"properties": properties})


def _next_version(assets: Assets, kind: str, name: str) -> str:
    try:
        return str(assets.container(kind, name)["properties"]["nextVersion"])
    except Refused:
        return "1"
