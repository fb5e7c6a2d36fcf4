"""Routes of what is registered: codes, components, environments, data, models."""

from __future__ import annotations

from typing import Any

from specflow.emulation import Handler, Request, Response, as_json
from specflow.targets.azureml.emulator.arm import Arm, page
from specflow.targets.azureml.emulator.names import Reference

__all__ = ["AssetRoutes"]

_KINDS = ("codes", "components", "environments", "data", "models")


class AssetRoutes:
    """Versions of assets, and the upload of code."""

    def __init__(self, arm: Arm) -> None:
        """Add the routes."""
        self.arm = arm
        self.arm.add("GET", "codes/{name}/versions", self._codes)
        self.arm.add("POST", "codes/{name}/versions/{version}/startPendingUpload", self._start_upload)
        for kind in _KINDS:
            self.arm.add("PUT", f"{kind}/{{name}}/versions/{{version}}", self._putter(kind))
            self.arm.add("GET", f"{kind}/{{name}}/versions/{{version}}", self._getter(kind))
            self.arm.add("GET", f"{kind}/{{name}}/versions", self._lister(kind))
            self.arm.add("GET", f"{kind}/{{name}}", self._container_getter(kind))
            self.arm.add("GET", kind, self._container_lister(kind))

    def _putter(self, kind: str) -> Handler:
        def put(request: Request) -> Response:
            reference = Reference(kind, request.params["name"], request.params["version"])
            document, is_new = self.arm.service.assets.put(reference, request.json())
            return as_json(document, 201 if is_new else 200)

        return put

    def _getter(self, kind: str) -> Handler:
        return lambda request: as_json(
            self.arm.service.assets.get(Reference(kind, request.params["name"], request.params["version"]))
        )

    def _lister(self, kind: str) -> Handler:
        def versions(request: Request) -> Response:
            found = _viewed(self.arm.service.assets.versions(kind, request.params["name"]), request)
            top = request.query.get("$top", "")
            return page(found[: int(top)] if top.isdecimal() else found)

        return versions

    def _container_getter(self, kind: str) -> Handler:
        return lambda request: as_json(self.arm.service.assets.container(kind, request.params["name"]))

    def _container_lister(self, kind: str) -> Handler:
        assets = self.arm.service.assets

        def containers(request: Request) -> Response:
            names = [name for name in assets.names(kind) if _viewed(assets.versions(kind, name), request)]
            return page([assets.container(kind, name) for name in names])

        return containers

    def _codes(self, request: Request) -> Response:
        digest = request.query.get("hash")
        if digest is None:
            return page(self.arm.service.assets.versions("codes", request.params["name"]))
        return page(self.arm.service.assets.code_with_hash(digest))

    def _start_upload(self, request: Request) -> Response:
        del request
        container = self.arm.service.storage.add_upload()
        uri = f"{self.arm.base}/blobs/{container.name}"
        credential = {"credentialType": "SAS", "sasUri": f"{uri}?sig={container.writer}"}
        reference = {"blobUri": uri, "storageAccountArmId": "emulated", "credential": credential}
        return as_json({"pendingUploadType": "TemporaryBlobReference", "blobReferenceForConsumption": reference})


def _viewed(versions: list[dict[str, Any]], request: Request) -> list[dict[str, Any]]:
    """Return the versions of the view that is asked for: ArchivedOnly, All, else those that are not archived."""
    view = request.query.get("listViewType", "ActiveOnly")
    wanted = {"ArchivedOnly": (True,), "All": (True, False)}.get(view, (False,))
    return [version for version in versions if bool(version["properties"].get("isArchived")) in wanted]
