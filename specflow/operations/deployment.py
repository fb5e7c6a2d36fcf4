"""What stays on a platform: a plan's job installed with its schedule, told apart from what was there, and removed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Literal

from specflow.errors import SpecflowError, UsageError
from specflow.plan import Plan, write_files
from specflow.targets.base import Client, Deployment

__all__ = ["Change", "artifact", "compare", "deploy", "installable"]


@dataclass(frozen=True, slots=True)
class Change:
    """What deploying a plan does, or would do, to what is on the platform under its name."""

    kind: Literal["new", "changed", "same"]
    name: str
    target: str
    digest: str
    before: Deployment | None = None


def installable(plan: Plan, target: str | None) -> Mapping[str, Any]:
    """Return the island that is the whole of a plan, on the target if one is named; raise UsageError without one."""
    islands = plan.document["islands"]
    whole = next((island for island in islands if island["is_whole"]), None)
    if whole is not None and target in (None, whole["target"]):
        found: Mapping[str, Any] = whole
        return found
    if whole is not None:
        raise UsageError(f'the plan is for "{whole["target"]}", not "{target}"', "compile the spec for that target")
    if not islands:
        raise UsageError(
            f'"{plan.name}" runs on this machine alone, where nothing is installed', "name a platform: --target"
        )
    names = " and ".join(sorted({island["target"] for island in islands}))
    raise UsageError(
        f'"{plan.name}" lies on {names} in parts, and no platform can run it by itself',
        "put all of it on one: --target; or have one coordinate: --host",
    )


@contextmanager
def artifact(plan: Plan, island: Mapping[str, Any]) -> Iterator[FilePath]:
    """Yield the folder with an island's artifact; of a plan that was not saved, one that goes away again."""
    if plan.folder is not None:
        yield plan.folder / island["folder"]
        return
    with tempfile.TemporaryDirectory(prefix="specflow-artifact-") as folder:
        write_files(plan, FilePath(folder), island["folder"])
        yield FilePath(folder)


def compare(plan: Plan, island: Mapping[str, Any], there: tuple[Deployment, ...]) -> Change:
    """Return what deploying an island would do, given what is there. A deployment may keep but part of a digest."""
    before = next((one for one in there if one.name == plan.name), None)
    digest = str(island["digest"])
    if before is None:
        return Change("new", plan.name, island["target"], digest)
    is_same = bool(before.digest) and digest.startswith(before.digest)
    return Change("same" if is_same else "changed", plan.name, island["target"], digest, before)


def deploy(plan: Plan, island: Mapping[str, Any], client: Client) -> tuple[Change, Deployment]:
    """Install a plan's job with its schedule, and return what that changed. What is there already is written again:
    somebody may have changed it on the platform."""
    change = compare(plan, island, client.deployments())
    with artifact(plan, island) as folder:
        made = client.deploy(plan.name, folder, island["native"], change.digest)
    if made.digest and not change.digest.startswith(made.digest):
        raise SpecflowError(f'"{plan.name}" was changed on {made.target} while it was deployed', "deploy it again")
    return change, made
