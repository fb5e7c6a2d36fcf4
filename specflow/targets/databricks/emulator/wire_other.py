"""HTTP for what jobs need around them: the user, secrets, permissions, clusters."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from specflow.emulation import Refusal, Request, Response, Routes, as_json
from specflow.targets.databricks.emulator.queries import body_of, object_of
from specflow.targets.databricks.emulator.refusals import invalid, missing
from specflow.targets.databricks.emulator.saved import USER
from specflow.targets.databricks.emulator.service import Workspace

__all__ = ["OtherWire"]

_EMPTY = as_json({})


def _about(request: Request) -> Response:
    """Answer what a workspace says of itself to who has no token yet; the CLI warns where it is without this key."""
    return as_json({"oidc_endpoint": f"http://{request.headers.get('host', '')}/oidc"})


class OtherWire:
    """The calls that are not about jobs or files."""

    def __init__(self, workspace: Workspace, routes: Routes) -> None:
        """Add them."""
        self.workspace = workspace
        me = {
            "id": "1",
            "userName": USER,
            "displayName": "Emulator",
            "active": True,
            "emails": [{"value": USER, "primary": True}],
            "groups": [{"display": "users", "value": "2"}],
        }
        routes.add("GET", "/.well-known/databricks-config", _about, is_open=True)
        routes.add("GET", "/api/2.0/preview/scim/v2/Me", lambda _: as_json(me, headers={"X-Databricks-Org-Id": "1"}))
        routes.add("POST", "/telemetry-ext", lambda _: as_json({"errors": [], "numProtoSuccess": 0}))
        for name in ("create", "delete"):
            routes.add("POST", f"/api/2.0/secrets/scopes/{name}", getattr(self, f"_{name}_scope"))
        routes.add("GET", "/api/2.0/secrets/scopes/list", self._list_scopes)
        routes.add("POST", "/api/2.0/secrets/put", self._put_secret)
        routes.add("POST", "/api/2.0/secrets/delete", self._delete_secret)
        routes.add("GET", "/api/2.0/secrets/get", self._get_secret)
        routes.add("GET", "/api/2.0/secrets/list", self._list_secrets)
        routes.add("GET", "/api/2.0/permissions/{kind}/{id}", self._get_permissions)
        routes.add("PUT", "/api/2.0/permissions/{kind}/{id}", self._set_permissions)
        routes.add("PATCH", "/api/2.0/permissions/{kind}/{id}", self._set_permissions)
        for version in ("2.0", "2.1"):
            routes.add("POST", f"/api/{version}/clusters/create", self._create_cluster)
            routes.add("GET", f"/api/{version}/clusters/get", self._get_cluster)
            routes.add("GET", f"/api/{version}/clusters/list", self._list_clusters)
            routes.add("POST", f"/api/{version}/clusters/permanent-delete", self._delete_cluster)

    def _create_scope(self, request: Request) -> Response:
        body = body_of(request, "scope", optional=["initial_manage_principal", "scope_backend_type"])
        self.workspace.secrets.make_scope(body["scope"])
        return _EMPTY

    def _delete_scope(self, request: Request) -> Response:
        self.workspace.secrets.drop_scope(body_of(request, "scope")["scope"])
        return _EMPTY

    def _list_scopes(self, _: Request) -> Response:
        names = self.workspace.secrets.scopes()
        return as_json({"scopes": [{"name": name, "backend_type": "DATABRICKS"} for name in names]})

    def _put_secret(self, request: Request) -> Response:
        body = body_of(request, "scope", "key", optional=["string_value", "bytes_value"])
        try:
            if "bytes_value" in body:
                value = base64.b64decode(body["bytes_value"], validate=True)
            else:
                value = body["string_value"].encode()
        except (KeyError, AttributeError, TypeError, binascii.Error) as fault:
            raise invalid("string_value or bytes_value (base64) is needed") from fault
        self.workspace.secrets.put(body["scope"], body["key"], value)
        return _EMPTY

    def _delete_secret(self, request: Request) -> Response:
        body = body_of(request, "scope", "key")
        self.workspace.secrets.drop(body["scope"], body["key"])
        return _EMPTY

    def _get_secret(self, request: Request) -> Response:
        scope, key = request.query.get("scope", ""), request.query.get("key", "")
        secrets = self.workspace.secrets.scope(scope)
        if key not in secrets:
            raise missing(f"Secret {key} does not exist!")
        return as_json({"key": key, "value": secrets[key]})

    def _list_secrets(self, request: Request) -> Response:
        secrets = self.workspace.secrets.scope(request.query.get("scope", ""))
        return as_json({"secrets": [{"key": key, "last_updated_timestamp": 0} for key in sorted(secrets)]})

    def _get_permissions(self, request: Request) -> Response:
        kind, number = request.params["kind"], request.params["id"]
        owner = {"user_name": USER, "permission_level": "IS_OWNER" if kind == "jobs" else "CAN_MANAGE"}
        listed = [owner, *self.workspace.state.get("permissions", f"{kind}/{number}", [])]
        return as_json(
            {
                "object_id": f"/{kind}/{number}",
                "object_type": kind,
                "access_control_list": [_shown(one) for one in listed],
            }
        )

    def _set_permissions(self, request: Request) -> Response:
        body, key = (
            body_of(request, optional=["access_control_list"]),
            f"{request.params['kind']}/{request.params['id']}",
        )
        for one in body.get("access_control_list", []):
            if not isinstance(one, dict) or not isinstance(one.get("permission_level"), str):
                raise invalid("each entry of access_control_list needs a permission_level")
        before = self.workspace.state.get("permissions", key, []) if request.method == "PATCH" else []
        listed = [*before, *body.get("access_control_list", [])]
        owned = [one for one in listed if one.get("permission_level") != "IS_OWNER"]
        self.workspace.state.put("permissions", key, owned)
        return self._get_permissions(request)

    def _create_cluster(self, request: Request) -> Response:
        body = object_of(request)
        cluster_id = f"cluster-{self.workspace.next_id()}"
        self.workspace.state.put("clusters", cluster_id, {**body, "cluster_id": cluster_id, "state": "RUNNING"})
        return as_json({"cluster_id": cluster_id})

    def _get_cluster(self, request: Request) -> Response:
        cluster_id = request.query.get("cluster_id", "")
        found = self.workspace.state.get("clusters", cluster_id)
        if found is None:
            raise Refusal(400, f"Cluster {cluster_id} does not exist", "INVALID_PARAMETER_VALUE")
        return as_json(found)

    def _list_clusters(self, _: Request) -> Response:
        return as_json({"clusters": list(self.workspace.state.all("clusters").values())})

    def _delete_cluster(self, request: Request) -> Response:
        self.workspace.state.drop("clusters", body_of(request, "cluster_id")["cluster_id"])
        return _EMPTY


def _shown(entry: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: value for key, value in entry.items() if key != "permission_level"}
    return {**shown, "all_permissions": [{"permission_level": entry.get("permission_level"), "inherited": False}]}
