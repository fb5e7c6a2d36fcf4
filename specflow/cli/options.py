"""What several commands ask of their options."""

from __future__ import annotations

from specflow.errors import UsageError

__all__ = ["checked_target", "read_assignments"]


def checked_target(target: str | None) -> str | None:
    """Return the target that was named, or raise UsageError if there is none of that name."""
    from specflow.spec.types import nearest
    from specflow.targets.base import target_names

    if target is not None and target not in target_names():
        raise UsageError(f'there is no target "{target}" here', nearest(target, target_names()))
    return target


def read_assignments(texts: tuple[str, ...]) -> dict[str, list[str]]:
    """Return `name=value` texts by name, in order; raise UsageError for one without `=`."""
    found: dict[str, list[str]] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise UsageError(f'"{text}" is not an input', "write -i name=value")
        found.setdefault(name, []).append(value)
    return found
