"""A pipeline behind a batch endpoint: the component, endpoint and deployment that make it callable over REST."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

import yaml

from specflow.diagnostics import has_errors
from specflow.diagnostics.render import render
from specflow.errors import SpecflowError
from specflow.targets.azureml import client
from specflow.targets.azureml.client import patiently
from specflow.targets.azureml.components import component_document, left_out, open_inputs
from specflow.targets.azureml.deploys import endpoint_called, owned, put_component
from specflow.targets.azureml.yaml_text import Folded, yaml_text

__all__ = ["call_of", "endpoint_name", "publish", "published_files", "tell_left_out"]

_ENDPOINT = "https://azuremlschemas.azureedge.net/latest/batchEndpoint.schema.json"
_DEPLOYMENT = "https://azuremlschemas.azureedge.net/latest/pipelineComponentBatchDeployment.schema.json"
MAX_NAME = 32
"""Characters of an endpoint's or a deployment's name ("Manage resources and quotas", Microsoft's docs, 2023)."""
VERSION_LENGTH = 12


def endpoint_name(name: str) -> str:
    """Return the endpoint's name for a pipeline: dashes for underscores, a digest where it would be too long."""
    wanted = name.replace("_", "-")
    if len(wanted) < 3:
        wanted = f"pipeline-{wanted}"
    if len(wanted) <= MAX_NAME:
        return wanted
    return f"{wanted[: MAX_NAME - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def published_files(document: Mapping[str, Any], native: Mapping[str, Any], digest: str) -> dict[str, bytes]:
    """Return component.yml, endpoint.yml and deployment.yml, which stand beside what was compiled."""
    version = digest[:VERSION_LENGTH]
    name, endpoint = native["name"], endpoint_name(native["name"])
    settings = document["settings"]
    tags = owned(name, digest)
    deployment = {
        "$schema": _DEPLOYMENT,
        "type": "pipeline",
        "name": f"v-{version}",
        "endpoint_name": endpoint,
        "component": f"azureml:{name}:{version}",
        "tags": tags,
        "settings": {key: settings[key] for key in ("default_compute", "continue_on_step_failure") if key in settings},
    }
    documents = {
        "component.yml": _readable(component_document(document, native, version)),
        "endpoint.yml": {
            "$schema": _ENDPOINT,
            "name": endpoint,
            "description": document.get("description", name),
            "tags": tags,
        },
        "deployment.yml": deployment,
    }
    return {file: yaml_text(content).encode() for file, content in documents.items()}


def tell_left_out(native: Mapping[str, Any]) -> None:
    """Write to stderr what callers will not have; raise SpecflowError where that lets each call fail."""
    found = tuple(left_out(native))
    sys.stderr.write(render(found, "text", lambda _: None))
    if has_errors(found):
        raise SpecflowError(f'nobody could call "{native["name"]}": it needs what callers can\'t give')


def _readable(component: Mapping[str, Any]) -> dict[str, Any]:
    """Return a component with the commands of its nodes in lines."""
    return {**component, "jobs": {name: _in_lines(node) for name, node in component["jobs"].items()}}


def _in_lines(node: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(node)
    if "component" in found and isinstance(found["component"], Mapping):
        found["component"] = _in_lines(found["component"])
    if "command" in found:
        found["command"] = Folded(str(found["command"]).replace(" --", "\n--").split("\n"))
    return found


def publish(ml: Any, provide: Any, folder: FilePath, native: Mapping[str, Any], digest: str) -> str:
    """Make the component, the endpoint and the deployment, and return the endpoint's address; again changes nothing.

    Raises SpecflowError for an endpoint of that name that is not ours.
    """
    endpoint = endpoint_called(ml, endpoint_name(native["name"]), native["name"])
    texts = {kind: (folder / f"{kind}.yml").read_text(encoding="utf-8") for kind in ("endpoint", "deployment")}
    document = yaml.safe_load((folder / "pipeline.yml").read_text(encoding="utf-8"))
    provide(document)
    put_component(ml, document, native, folder, native["name"], digest)
    wanted = client.loaded("endpoint", texts["endpoint"], folder)
    if endpoint is None:
        endpoint = patiently(lambda: ml.batch_endpoints.begin_create_or_update(wanted).result())
    deployment = patiently(
        lambda: ml.batch_deployments.begin_create_or_update(
            client.loaded("deployment", texts["deployment"], folder)
        ).result()
    )
    # Of one that was there, callers notice nothing until the new deployment is made.
    endpoint.defaults.deployment_name = deployment.name
    endpoint.tags, endpoint.description = wanted.tags, wanted.description
    patiently(lambda: ml.batch_endpoints.begin_create_or_update(endpoint).result())
    return str(endpoint.scoring_uri)


def call_of(address: str, native: Mapping[str, Any]) -> str:
    """Return the call by which the pipeline runs, as one types it."""
    data: dict[str, Any] = {}
    for name, port in open_inputs(native).items():
        if port["type"] in ("string", "integer", "number", "boolean"):
            data[name] = {"jobInputType": "Literal", "value": port.get("default", "…")}
        else:
            kind = "".join(part.capitalize() for part in port["type"].split("_"))
            data[name] = {"jobInputType": kind, "uri": "azureml://datastores/<name>/paths/<path>"}
    body = json.dumps({"properties": {"inputData": data}})
    lines = [
        "TOKEN=$(az account get-access-token --resource https://ml.azure.com --query accessToken -o tsv)",
        f'curl -X POST {address} -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\',
        f"  -d '{body}'",
    ]
    return "\n".join(lines)
