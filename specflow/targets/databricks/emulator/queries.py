"""What requests say, read strictly: bodies, numbers, flags, pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from specflow.emulation import Request
from specflow.targets.databricks.emulator.refusals import invalid

__all__ = ["body_of", "flag_of", "number_of", "object_of", "page_of"]


_TYPES: dict[str, type] = {
    **dict.fromkeys(("job_id", "run_id"), int),
    **dict.fromkeys(("scope", "key", "path", "format", "language", "cluster_id", "string_value", "bytes_value"), str),
    **dict.fromkeys(("fields_to_remove", "access_control_list"), list),
}


def object_of(request: Request) -> dict[str, Any]:
    """Return a request's JSON object; refuse another value, and fields of a wrong type."""
    body = request.json()
    if not isinstance(body, dict):
        raise invalid("the body must be a JSON object")
    for name, value in body.items():
        wanted = _TYPES.get(name, object)
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise invalid(f"{name} must be of type {wanted.__name__}")
    return body


def body_of(request: Request, *required: str, optional: Iterable[str] = ()) -> dict[str, Any]:
    """Return a request's JSON object; refuse one that lacks a field, or has one that is not known."""
    body = object_of(request)
    for name in required:
        if name not in body:
            raise invalid(f'missing required field "{name}"')
    unknown = sorted(set(body) - {*required, *optional})
    if unknown:
        raise invalid(f'unknown field "{unknown[0]}"')
    return body


def number_of(request: Request, name: str, default: int | None = None) -> int:
    """Return a number of the query."""
    text = request.query.get(name, "" if default is None else str(default))
    if not text.lstrip("-").isdecimal():
        raise invalid(f"{name} must be a number, not {text!r}")
    return int(text)


def flag_of(request: Request, name: str) -> bool:
    """Return a flag of the query, false if it is not there."""
    return request.query.get(name, "false").lower() == "true"


def page_of(request: Request, items: list[Any], name: str, default: int, most: int) -> dict[str, Any]:
    """Return one page of a list as `{name: …, has_more, next_page_token, prev_page_token}`."""
    limit = number_of(request, "limit", default)
    if not 1 <= limit <= most:
        raise invalid(f"limit must be between 1 and {most}")
    token = request.query.get("page_token") or request.query.get("offset") or "0"
    if not token.isdecimal():
        raise invalid(f"page_token {token!r} is none of ours")
    start = int(token)
    page: dict[str, Any] = {"has_more": start + limit < len(items)}
    if items[start : start + limit]:
        page[name] = items[start : start + limit]
    if page["has_more"]:
        page["next_page_token"] = str(start + limit)
    if start:
        page["prev_page_token"] = str(max(0, start - limit))
    return page
