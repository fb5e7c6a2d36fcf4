"""The routes: paths and methods of Azure's management, run history and storage APIs, onto what the service does.

The paths are those that azure-ai-ml 1.35.2 asks for, read off its requests; it mixes api-versions, and each is
accepted. `/discovery/…` and `/blobs/…` need no token, because the SDK sends none there: their paths or signatures
can't be guessed. Calls of batch endpoints carry the SDK's own token instead: a JWT that is signed with the
emulator's.
"""

from __future__ import annotations

import secrets
from typing import Any

from specflow.emulation import Request, Response, as_json
from specflow.targets.azureml.emulator.arm import Arm, page
from specflow.targets.azureml.emulator.asset_routes import AssetRoutes
from specflow.targets.azureml.emulator.assets import stamp
from specflow.targets.azureml.emulator.blobs import Blobs
from specflow.targets.azureml.emulator.endpoint_routes import EndpointRoutes
from specflow.targets.azureml.emulator.history_routes import HistoryRoutes
from specflow.targets.azureml.emulator.mishaps import Mishap
from specflow.targets.azureml.emulator.refusals import Refused, missing
from specflow.targets.azureml.emulator.schedules import Schedules
from specflow.targets.azureml.emulator.service import Service

__all__ = ["Wire"]


class Wire:
    """The routes of one service. `arm.base` and `arm.token` are set once the server is made, before it starts."""

    def __init__(self, service: Service) -> None:
        """Make the routes."""
        self.arm = Arm(service)
        self.blobs = Blobs(service.storage, service.state)
        self.schedules = Schedules(service)
        self._discovery = secrets.token_urlsafe(16)
        self._add_open_routes()
        self._add_workspace_routes()
        AssetRoutes(self.arm)
        self._add_job_routes()
        EndpointRoutes(self.arm)
        HistoryRoutes(self.arm)
        self._add_control_routes()

    def _add_open_routes(self) -> None:
        self.arm.routes.add("GET", f"/discovery/{self._discovery}", self._discover, is_open=True)
        for method in ("GET", "HEAD", "PUT"):
            self.arm.routes.add(method, "/blobs/{container}", self.blobs.answer, is_open=True)
            self.arm.routes.add(method, "/blobs/{container}/{name...}", self.blobs.answer, is_open=True)

    def _discover(self, request: Request) -> Response:
        del request
        return as_json(dict.fromkeys(("api", "history", "experimentation", "mlflow", "studio"), self.arm.base))

    def _add_workspace_routes(self) -> None:
        self.arm.add("GET", "", self._workspace)
        self.arm.add("GET", "computes", lambda _: page([self._compute(each) for each in sorted(self._computes())]))
        self.arm.add("GET", "computes/{name}", self._get_compute)
        self.arm.add("GET", "datastores", self._datastores)
        self.arm.add("GET", "datastores/{name}", lambda request: as_json(self._datastore(request.params["name"])))
        self.arm.add("PUT", "datastores/{name}", self._put_datastore)
        self.arm.add("POST", "datastores/{name}/listSecrets", self._secrets)

    def _workspace(self, request: Request) -> Response:
        del request
        space = self.arm.service.workspace
        properties = {
            "discoveryUrl": f"{self.arm.base}/discovery/{self._discovery}",
            "workspaceId": space.name,
            "friendlyName": space.name,
            "provisioningState": "Succeeded",
        }
        document = {"id": space.id, "name": space.name, "location": "emulated", "properties": properties, "tags": {}}
        return as_json(document)

    def _computes(self) -> frozenset[str]:
        return self.arm.service.assets.computes

    def _get_compute(self, request: Request) -> Response:
        name = request.params["name"]
        if name not in self._computes():
            raise missing("computes", name)
        return as_json(self._compute(name))

    def _compute(self, name: str) -> dict[str, Any]:
        # The SDK reads the inner properties without asking whether they are there.
        inner = {"vmSize": "STANDARD_DS3_V2", "scaleSettings": {"maxNodeCount": 4, "minNodeCount": 0}}
        properties = {"computeType": "AmlCompute", "provisioningState": "Succeeded", "properties": inner}
        place = f"{self.arm.service.workspace.id}/computes/{name}"
        return {"id": place, "name": name, "location": "emulated", "properties": properties}

    def _datastores(self, request: Request) -> Response:
        names = self.arm.service.storage.datastores()
        if request.query.get("isDefault", "").lower() == "true":
            names = tuple(name for name in names if name == "workspaceblobstore")
        return page([self._datastore(name) for name in names])

    def _datastore(self, name: str) -> dict[str, Any]:
        properties = {
            "datastoreType": "AzureBlob",
            "accountName": "emulated",
            "containerName": self.arm.service.storage.datastore(name).name,
            "endpoint": "core.windows.net",
            "protocol": "https",
            "credentials": {"credentialsType": "Sas"},
            "isDefault": name == "workspaceblobstore",
            "tags": {},
        }
        return {"id": f"{self.arm.service.workspace.id}/datastores/{name}", "name": name, "properties": properties}

    def _put_datastore(self, request: Request) -> Response:
        name, kind = request.params["name"], (request.json().get("properties") or {}).get("datastoreType")
        if kind != "AzureBlob":
            raise Refused(
                400, "NotEmulated", f'datastores of type "{kind}" are not emulated: AzureBlob is', "datastores"
            )
        self.arm.service.storage.add_datastore(name)
        return as_json(self._datastore(name), 201)

    def _secrets(self, request: Request) -> Response:
        container = self.arm.service.storage.datastore(request.params["name"])
        return as_json({"secretsType": "Sas", "sasToken": f"sig={container.writer}"})

    def _add_job_routes(self) -> None:
        self.arm.add("PUT", "jobs/{name}", self._submit)
        self.arm.add("GET", "jobs/{name}", lambda request: as_json(self.arm.service.job(request.params["name"])))
        self.arm.add("GET", "jobs", self._jobs)
        self.arm.add("POST", "jobs/{name}/cancel", self._cancel)
        self.arm.add("GET", "operations/{name}", self._operation)
        self.arm.add("PUT", "schedules/{name}", self._put_schedule)
        self.arm.add("GET", "schedules/{name}", lambda request: as_json(self.schedules.get(request.params["name"])))
        self.arm.add(
            "GET", "schedules", lambda request: page(self.schedules.all(request.query.get("listViewType", "")))
        )
        self.arm.add("DELETE", "schedules/{name}", self._delete_schedule)
        self.arm.add("POST", "schedules/{name}/trigger", self._trigger)

    def _submit(self, request: Request) -> Response:
        document, is_new = self.arm.service.submit(request.params["name"], request.json())
        return as_json(document, 201 if is_new else 200)

    def _jobs(self, request: Request) -> Response:
        view = request.query.get("listViewType", "ActiveOnly")
        wanted = {"ArchivedOnly": (True,), "All": (True, False)}.get(view, (False,))
        schedule = request.query.get("scheduleId")
        runs = [each for each in self.arm.service.runs.roots() if each.is_hidden in wanted]
        if schedule is not None:
            runs = [each for each in runs if each.properties.get("azureml.scheduleName") == schedule]
        return page([self.arm.service.job(each.id) for each in runs])

    def _cancel(self, request: Request) -> Response:
        run = self.arm.service.cancel(request.params["name"])
        if not self.arm.service.assumed.cancel_answers_202:
            return Response(200)
        place = f"{self.arm.base}{self.arm.service.workspace.id}/operations/{run.id}?api-version=2023-04-01-preview"
        return Response(202, b"", {"Location": place, "Retry-After": "0"})

    def _operation(self, request: Request) -> Response:
        run = self.arm.service.runs.get(request.params["name"])
        return Response(200) if run.ended else Response(202, b"", {"Location": self._here(request), "Retry-After": "1"})

    def _here(self, request: Request) -> str:
        return f"{self.arm.base}{request.path}?api-version=2023-04-01-preview"

    def _put_schedule(self, request: Request) -> Response:
        document, is_new = self.schedules.put(request.params["name"], request.json())
        return as_json(document, 201 if is_new else 200)

    def _list_schedules(self, request: Request) -> Response:
        return page(self.schedules.all(request.query.get("listViewType", "")))

    def _delete_schedule(self, request: Request) -> Response:
        self.schedules.remove(request.params["name"])
        return Response(200)

    def _trigger(self, request: Request) -> Response:
        return as_json({"submissionId": self.schedules.fire(request.params["name"]), "scheduleActionType": "CreateJob"})

    def _add_control_routes(self) -> None:
        self.arm.routes.add("PUT", "/_emulator/mishaps", self._set_mishaps)
        self.arm.routes.add("POST", "/_emulator/schedules/{name}/fire", self._trigger)
        self.arm.routes.add("GET", "/_emulator/time", lambda _: as_json({"now": stamp(self.arm.service.clock.now())}))

    def _set_mishaps(self, request: Request) -> Response:
        try:
            found = [Mishap(str(each["node"]), each["kind"], int(each.get("times", 0))) for each in request.json()]
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise Refused(400, "BadRequest", f"a mishap has node, kind and times: {fault}") from fault
        if odd := [each.kind for each in found if each.kind not in {"fail", "hang"}]:
            raise Refused(400, "BadRequest", f'"{odd[0]}" is no mishap; there are fail and hang')
        self.arm.service.mishaps.set(found)
        return as_json({})
