"""What the service says no with: an HTTP status and an Azure-shaped error body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from specflow.emulation import Refusal, Response, as_json

__all__ = ["Problem", "Refused", "conflict", "invalid", "missing", "shape"]

_CODES = {
    "bad-request": "BadRequest",
    "unauthenticated": "InvalidAuthenticationToken",
    "wrong-host": "MisdirectedRequest",
    "not-found": "NotFound",
    "method-not-allowed": "MethodNotAllowed",
    "too-large": "RequestEntityTooLarge",
    "throttled": "TooManyRequests",
    "unavailable": "ServiceUnavailable",
    "internal": "InternalServerError",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where in the request's body."""

    message: str
    target: str
    code: str = "ValidationError"


class Refused(Refusal):
    """A request that the service answers with an error: what is wrong where, and each finding by itself."""

    def __init__(self, status: int, code: str, message: str, target: str = "", details: Sequence[Problem] = ()) -> None:
        """Keep what the answer is made of."""
        super().__init__(status, message, code)
        self.target, self.details = target, tuple(details)


def shape(refusal: Refusal) -> Response:
    """Return a refusal as the service words it: ErrorResponse of Azure's REST specification, 2025-12-01."""
    details = refusal.details if isinstance(refusal, Refused) else ()
    error: dict[str, Any] = {
        "code": _CODES.get(refusal.code, refusal.code),
        "message": refusal.message,
        "target": refusal.target if isinstance(refusal, Refused) else "",
        "details": [{"code": each.code, "message": each.message, "target": each.target} for each in details],
        "additionalInfo": [{"type": "ComponentName", "info": {"value": "emulator"}}],
    }
    return as_json({"error": error}, refusal.status)


def invalid(problems: Sequence[Problem]) -> Refused:
    """Return a 400 that tells all problems; its message is the first, and how many follow."""
    first, more = problems[0], len(problems) - 1
    message = f"{first.target}: {first.message}" + (f" (and {more} more)" if more else "")
    return Refused(400, "UserError", message, first.target, problems)


def missing(what: str, name: str) -> Refused:
    """Return a 404 for a resource that isn't there."""
    return Refused(404, "ResourceNotFound", f'{what} "{name}" does not exist', what)


def conflict(message: str, target: str) -> Refused:
    """Return a 409."""
    return Refused(409, "Conflict", message, target)
