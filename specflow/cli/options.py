"""What several commands ask of their options."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any

from specflow.errors import UsageError

__all__ = ["checked_host", "checked_target", "plan_for", "read_assignments"]


def checked_target(target: str | None) -> str | None:
    """Return the target that was named, or raise UsageError if there is none of that name."""
    from specflow.spec.types import nearest
    from specflow.targets.base import target_names

    if target is not None and target not in target_names():
        raise UsageError(f'there is no target "{target}" here', nearest(target, target_names()))
    return target


def checked_host(host: str | None) -> str:
    """Return the target that coordinates, this machine if none is named; raise UsageError for one that can't."""
    from specflow.targets.base import is_coordinating, target, target_names

    if host is None or checked_target(host) == "local":
        return "local"
    if not is_coordinating(target(host)):
        able = [name for name in target_names() if name == "local" or is_coordinating(target(name))]
        raise UsageError(f'"{host}" can\'t coordinate a pipeline', f"there are {', '.join(able)}")
    return host


def read_assignments(texts: tuple[str, ...]) -> dict[str, list[str]]:
    """Return `name=value` texts by name, in order; raise UsageError for one without `=`."""
    found: dict[str, list[str]] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise UsageError(f'"{text}" is not an input', "write -i name=value")
        found.setdefault(name, []).append(value)
    return found


def plan_for(
    spec: FilePath, target: str | None, profile: str | None, expect: str | None = None, host: str | None = None
) -> Any:
    """Return the plan of a spec, or the one in a folder; None where the spec is wrong, which is shown.

    `expect` pins it: raises PlanError for a plan with another digest.
    """
    from specflow.cli.findings import show
    from specflow.errors import PlanError
    from specflow.plan import is_plan_folder, load_plan
    from specflow.spec.load import Loader
    from specflow.stages import make_plan, validate

    if is_plan_folder(spec):
        if profile is not None or host is not None:
            raise UsageError("a plan has its profile and its host already", "compile the spec again with others")
        return load_plan(spec, expect)
    if spec.is_dir():
        raise UsageError(f'"{spec}" is a folder without a plan.json', "name a spec, or a folder that compile wrote")
    loader = Loader(FilePath.cwd(), profile)
    plan, found = make_plan(validate(spec, loader), checked_target(target), checked_host(host))
    show(found, loader)
    if plan is not None and expect is not None and not plan.document["digest"].startswith(expect):
        message = f"the plan's digest is {plan.document['digest']}, not {expect}"
        raise PlanError(message, "review the spec, or pin its digest")
    return plan
