"""Batch endpoints and the pipelines deployed to them: a pipeline component that can be called over REST."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from specflow.targets.azureml.emulator.fields import ill_formed
from specflow.targets.azureml.emulator.history import job_document
from specflow.targets.azureml.emulator.jobs import settings_problems
from specflow.targets.azureml.emulator.refusals import Problem, Refused, invalid, missing
from specflow.targets.azureml.emulator.service import Service

__all__ = ["Endpoints"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]")
"""3 to 32 characters, a letter first ("Manage resources and quotas", Microsoft's documentation, 2023)."""


class Endpoints:
    """The batch endpoints of a workspace, their deployments, and calls of them."""

    def __init__(self, service: Service) -> None:
        """Serve what the service's state holds."""
        self.service, self.state = service, service.state

    def put(self, name: str, body: Mapping[str, Any], base: str) -> dict[str, Any]:
        """Return the endpoint as kept; its scoring URI is where it is called."""
        self._check_name(name, "batchEndpoints")
        properties = {
            "authMode": "AADToken",
            # The SDK sets the default on this object, so it has to be there.
            "defaults": {"deploymentName": None},
            **{key: value for key, value in (body.get("properties") or {}).items() if value is not None},
            "scoringUri": f"{base}/batch/{name}/jobs",
            "provisioningState": "Succeeded",
        }
        default = (properties.get("defaults") or {}).get("deploymentName")
        if default and self.state.get("deployments", f"{name}/{default}") is None:
            raise invalid([Problem(f'there is no deployment "{default}"', "properties.defaults.deploymentName")])
        made = self._document(f"batchEndpoints/{name}", name, body, properties)
        self.state.put("endpoints", name, made)
        return made

    def put_deployment(self, endpoint: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the deployment as kept: of a pipeline component that exists, others are not emulated."""
        self.get(endpoint)
        self._check_name(name, "deployments")
        if odd := list(ill_formed(body)):
            raise invalid(odd)
        properties = body.get("properties") or {}
        found = properties.get("deploymentConfiguration") or {}
        where = "properties.deploymentConfiguration"
        if found.get("deploymentConfigurationType") != "PipelineComponent":
            raise invalid([Problem("only PipelineComponent deployments are emulated", where, "NotEmulated")])
        component = str((found.get("componentId") or {}).get("assetId") or "")
        spec = self.service.assets.component(component)
        problems = list(settings_problems(_settings(found), self.service.assets, self.service.assumed))
        if spec is None or spec.get("type") != "pipeline":
            problems.append(
                Problem(f'"{component}" is no pipeline component', f"{where}.componentId", "ResourceNotFound")
            )
        if problems:
            raise invalid(problems)
        kept = {**properties, "provisioningState": "Succeeded"}
        made = self._document(f"batchEndpoints/{endpoint}/deployments/{name}", name, body, kept)
        self.state.put("deployments", f"{endpoint}/{name}", made)
        return made

    def _document(self, path: str, name: str, body: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
        kind = "/".join(["Microsoft.MachineLearningServices/workspaces", *path.split("/")[::2]])
        found = {"id": f"{self.service.workspace.id}/{path}", "name": name, "type": kind, "location": "emulated"}
        return {**found, "tags": body.get("tags") or {}, "properties": dict(properties)}

    @staticmethod
    def _check_name(name: str, what: str) -> None:
        if not _NAME.fullmatch(name):
            raise invalid([Problem(f'"{name}" has not 3 to 32 letters, digits and dashes', what, "InvalidName")])

    def get(self, name: str) -> dict[str, Any]:
        """Return an endpoint; refuse a name that there isn't."""
        found: dict[str, Any] | None = self.state.get("endpoints", name)
        if found is None:
            raise missing("batchEndpoints", name)
        return found

    def all(self) -> list[dict[str, Any]]:
        """Return all endpoints."""
        return list(self.state.all("endpoints").values())

    def deployment(self, endpoint: str, name: str) -> dict[str, Any]:
        """Return a deployment; refuse a name that there isn't."""
        found: dict[str, Any] | None = self.state.get("deployments", f"{endpoint}/{name}")
        if found is None:
            raise missing("deployments", name)
        return found

    def deployments(self, endpoint: str) -> list[dict[str, Any]]:
        """Return an endpoint's deployments."""
        self.get(endpoint)
        return [each for key, each in self.state.all("deployments").items() if key.startswith(f"{endpoint}/")]

    def remove(self, endpoint: str, deployment: str = "") -> None:
        """Forget an endpoint with all its deployments, or one deployment."""
        for each in self.deployments(endpoint):
            if deployment in {"", each["name"]}:
                self.state.drop("deployments", f"{endpoint}/{each['name']}")
        if not deployment:
            self.state.drop("endpoints", endpoint)

    def invoke(self, endpoint: str, deployment: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the job that a call has started; without a deployment's name the endpoint's default is called."""
        if odd := list(ill_formed(body)):
            raise invalid(odd)
        default = (self.get(endpoint)["properties"].get("defaults") or {}).get("deploymentName")
        name = deployment or default
        if not name:
            raise Refused(400, "UserError", f'endpoint "{endpoint}" has no default deployment', "deployment")
        found = self.deployment(endpoint, str(name))["properties"]["deploymentConfiguration"]
        said = body.get("properties") or {}
        given = said.get("inputData") or said.get("InputData") or {}
        inputs = {key: _lowered(each) for key, each in given.items()}
        job = self.service.run_component(str(found["componentId"]["assetId"]), inputs, _settings(found))
        run, properties = self.service.runs.get(job), self.state.get("jobs", job)
        self.service.patch_run(job, {"properties": {"azureml.batchEndpoint": endpoint, "azureml.deploymentname": name}})
        return job_document(run, properties, self.service.workspace)

    def jobs(self, endpoint: str) -> list[dict[str, Any]]:
        """Return the jobs that calls of an endpoint have started, the newest first."""
        runs = [each for each in self.service.runs.roots() if each.properties.get("azureml.batchEndpoint") == endpoint]
        return [job_document(each, self.state.get("jobs", each.id), self.service.workspace) for each in runs]


def _settings(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return a deployment's settings; the wire carries their values as text (azure-ai-ml 1.35.2)."""
    texts = {"true": True, "false": False}
    settings = {key: value for key, value in (found.get("settings") or {}).items() if value is not None}
    return {key: texts.get(str(value).lower(), value) for key, value in settings.items()}


def _lowered(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an input of a call as a job spells it: `UriFolder` becomes `uri_folder`, `Literal` `literal`."""
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(given.get("jobInputType", "Literal"))).lower()
    kind = {"mlflow_model": "mlflow_model", "mlflow_model_": "mlflow_model", "mlflowmodel": "mlflow_model"}.get(
        kind, kind
    )
    value = given.get("value")
    return {**given, "jobInputType": kind, **({"value": str(value)} if value is not None else {})}
