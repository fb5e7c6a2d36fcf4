"""Routes of batch endpoints: their management, and the calls of them, which carry the SDK's own token."""

from __future__ import annotations

from specflow.emulation import Request, Response, as_json
from specflow.targets.azureml.emulator.arm import Arm, page
from specflow.targets.azureml.emulator.endpoints import Endpoints

__all__ = ["EndpointRoutes"]


class EndpointRoutes:
    """Endpoints, deployments, invocations."""

    def __init__(self, arm: Arm) -> None:
        """Add the routes."""
        self.arm, self.endpoints = arm, Endpoints(arm.service)
        name, deployment = "batchEndpoints/{endpoint}", "batchEndpoints/{endpoint}/deployments/{name}"
        self.arm.add("PUT", name, self._put_endpoint)
        self.arm.add("GET", name, lambda request: as_json(self.endpoints.get(request.params["endpoint"])))
        self.arm.add("GET", "batchEndpoints", lambda _: page(self.endpoints.all()))
        self.arm.add("DELETE", name, self._remove_endpoint)
        self.arm.add("PUT", deployment, self._put_deployment)
        self.arm.add("GET", deployment, self._get_deployment)
        self.arm.add("GET", f"{name}/deployments", self._list_deployments)
        self.arm.add("DELETE", deployment, self._remove_endpoint)
        arm.routes.add("POST", "/batch/{endpoint}/jobs", self._invoke, is_open=True)
        for prefix in ("", "/mferp/managementfrontend"):
            path = f"{prefix}{self.arm.service.workspace.id}/{name}/jobs"
            self.arm.routes.add("GET", path, self._endpoint_jobs, is_open=True)

    def _put_endpoint(self, request: Request) -> Response:
        return as_json(self.endpoints.put(request.params["endpoint"], request.json(), self.arm.base), 201)

    def _put_deployment(self, request: Request) -> Response:
        params = request.params
        return as_json(self.endpoints.put_deployment(params["endpoint"], params["name"], request.json()), 201)

    def _get_deployment(self, request: Request) -> Response:
        return as_json(self.endpoints.deployment(request.params["endpoint"], request.params["name"]))

    def _list_deployments(self, request: Request) -> Response:
        return page(self.endpoints.deployments(request.params["endpoint"]))

    def _remove_endpoint(self, request: Request) -> Response:
        self.endpoints.remove(request.params["endpoint"], request.params.get("name", ""))
        return Response(200)

    def _endpoint_jobs(self, request: Request) -> Response:
        self.arm.check_signed(request)
        return page(self.endpoints.jobs(request.params["endpoint"]))

    def _invoke(self, request: Request) -> Response:
        self.arm.check_signed(request)
        deployment = request.headers.get("azureml-model-deployment", "")
        return as_json(self.endpoints.invoke(request.params["endpoint"], deployment, request.json()), 201)
