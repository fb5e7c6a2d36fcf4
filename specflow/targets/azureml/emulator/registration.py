"""Outputs that get a name: registered as data assets or models once the node that made them has succeeded."""

from __future__ import annotations

from specflow.targets.azureml.emulator.assets import Assets
from specflow.targets.azureml.emulator.names import Reference
from specflow.targets.azureml.emulator.nodes import Data, Output
from specflow.targets.azureml.emulator.refusals import Refused

__all__ = ["register"]

_MODELS = {"mlflow_model": "mlflow_model", "custom_model": "custom_model", "triton_model": "triton_model"}


def register(assets: Assets, out: Output, data: Data, run: str) -> None:
    """Register an output under its name and version, or the next version; refuse a version that is taken."""
    kind = "models" if data.type in _MODELS else "data"
    version = out.version or _next_version(assets, kind, out.asset)
    reference, uri = Reference(kind, out.asset, version), assets.storage.long_uri(data.uri)
    if kind == "models":
        properties = {"modelUri": uri, "modelType": _MODELS[data.type], "jobName": run}
    else:
        properties = {"dataUri": uri, "dataType": data.type}
    assets.put(reference, {"properties": properties})


def _next_version(assets: Assets, kind: str, name: str) -> str:
    try:
        return str(assets.container(kind, name)["properties"]["nextVersion"])
    except Refused:
        return "1"
