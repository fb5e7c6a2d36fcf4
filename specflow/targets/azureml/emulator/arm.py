"""What all route modules share: where the server is, its token, and the rules of Azure Resource Manager's paths."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from specflow.emulation import Handler, Refusal, Request, Response, Routes, as_json
from specflow.targets.azureml.emulator.refusals import Refused
from specflow.targets.azureml.emulator.service import Service

__all__ = ["Arm", "page"]


class Arm:
    """The routes of one workspace. `base` and `token` are the server's, and known once it has bound its port."""

    def __init__(self, service: Service) -> None:
        """Begin without routes."""
        self.service, self.routes = service, Routes(ignore_case=True)
        self.base, self.token = "", ""

    def add(self, method: str, path: str, handler: Handler) -> None:
        """Answer a path below the workspace; a request without api-version is refused, as by Azure Resource Manager."""

        def guarded(request: Request) -> Response:
            if not any(name.lower() == "api-version" for name in request.query):
                text = "the api-version query parameter (?api-version=) is required for all requests"
                raise Refused(400, "MissingApiVersionParameter", text)
            return handler(request)

        whole = f"{self.service.workspace.id}/{path}" if path else self.service.workspace.id
        self.routes.add(method, whole, guarded)
        if method == "GET":
            self.routes.add(method, f"{whole}/", guarded)

    def check_signed(self, request: Request) -> None:
        """Refuse a request whose bearer token is neither the emulator's nor a JWT signed with it (HS256)."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not (hmac.compare_digest(token.encode(), self.token.encode()) or _is_signed(token, self.token)):
            raise Refusal(401, "the token is not valid", "unauthenticated")


def page(items: list[dict[str, Any]]) -> Response:
    """Return the only page of a list."""
    return as_json({"value": items, "nextLink": None})


def _is_signed(token: str, secret: str) -> bool:
    head, _, rest = token.partition(".")
    body, _, signature = rest.partition(".")
    wanted = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    try:
        given = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        algorithm = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))).get("alg")
    except (ValueError, AttributeError, binascii.Error):
        return False
    return algorithm == "HS256" and hmac.compare_digest(wanted, given)
