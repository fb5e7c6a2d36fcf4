"""What goes over the wire, as data: a request, a response, and a refusal that has no vendor's shape yet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Refusal", "Request", "Response", "as_json"]


class Refusal(Exception):  # noqa: N818 - an answer, not a fault of the program
    """An answer that is not a success. `code` is the vendor's word, or one of the server's own (see the package)."""

    def __init__(self, status: int, message: str, code: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Request:
    """One request, body read and path matched. Header names are in lower case; of a repeated query key the last."""

    method: str
    path: str
    """As it came, still percent-encoded, without the query."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    params: Mapping[str, str] = field(default_factory=dict)
    """What the route's pattern captured, percent-decoded. It may hold "..": who makes a file name of it must check."""

    def json(self) -> Any:
        """Return the body as JSON, `{}` if it is empty; refuse what is not JSON."""
        if not self.body.strip():
            return {}
        try:
            return json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError) as fault:
            raise Refusal(400, f"the body is not JSON: {fault}", "bad-request") from fault


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not a JSON value")


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. Length and date are added by the server."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response that holds a value as JSON."""
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Response(status, body, {"Content-Type": "application/json", **(headers or {})})
