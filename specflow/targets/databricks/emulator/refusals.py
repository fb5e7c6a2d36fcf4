"""Databricks-shaped errors: `{"error_code": …, "message": …}`, as `databricks.sdk.errors` parses them."""

from __future__ import annotations

from specflow.emulation import Refusal, Response, as_json

__all__ = ["denied", "exists", "invalid", "missing", "shape", "wrong_state"]

# None of the texts may hold what databricks-sdk 0.156 takes for a transient fault and retries on any status.
_CODES = {
    "bad-request": "MALFORMED_REQUEST",
    "unauthenticated": "UNAUTHENTICATED",
    "wrong-host": "PERMISSION_DENIED",
    "not-found": "ENDPOINT_NOT_FOUND",
    "method-not-allowed": "ENDPOINT_NOT_FOUND",
    "too-large": "MAX_BLOCK_SIZE_EXCEEDED",
    "throttled": "REQUEST_LIMIT_EXCEEDED",
    "unavailable": "TEMPORARILY_UNAVAILABLE",
    "internal": "INTERNAL_ERROR",
}


def shape(refusal: Refusal) -> Response:
    """Return a refusal as Databricks writes it."""
    body = {"error_code": _CODES.get(refusal.code, refusal.code), "message": refusal.message}
    return as_json(body, refusal.status)


def invalid(message: str) -> Refusal:
    """Return the refusal of a request that is wrong in itself."""
    return Refusal(400, message, "INVALID_PARAMETER_VALUE")


def wrong_state(message: str) -> Refusal:
    """Return the refusal of what can't be done now."""
    return Refusal(400, message, "INVALID_STATE")


def missing(message: str, code: str = "RESOURCE_DOES_NOT_EXIST") -> Refusal:
    """Return the refusal of what names something that is not there."""
    return Refusal(404, message, code)


def exists(message: str) -> Refusal:
    """Return the refusal of what is there already."""
    return Refusal(400, message, "RESOURCE_ALREADY_EXISTS")


def denied(message: str) -> Refusal:
    """Return the refusal of what the caller may not do."""
    return Refusal(403, message, "PERMISSION_DENIED")
