"""A run from its first record to its last: begun in the history, executed, published, ended."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path as FilePath
from typing import Any

from specflow.claims import claim
from specflow.digests import digest_of_file
from specflow.errors import PlanError, SpecflowError, WorkspaceError
from specflow.history import CLAIM, History
from specflow.plan import Plan
from specflow.recall.standing import write_standing
from specflow.targets.local.engine import Engine
from specflow.targets.local.processes import Processes
from specflow.targets.local.publish import check_places, publish
from specflow.targets.local.selection import Selection
from specflow.targets.local.steps import Options, Result
from specflow.targets.local.workspace import Workspace, new_run_id

__all__ = ["Finished", "part_of_run", "plan_of_run", "run_plan"]


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that has ended, and what was done with its outputs beyond keeping them."""

    result: Result
    published: Mapping[str, str]


def run_plan(
    plan: Plan,
    inputs: Mapping[str, Any],
    workspace: Workspace,
    options: Options,
    tell: Callable[[dict[str, Any]], None],
    processes: Processes,
    is_interrupted: Callable[[], int],
) -> Finished:
    """Return how a plan's run in a project ended; raise WorkspaceError where the project's folder fails us."""
    workspace.open()
    now = datetime.now(timezone.utc)
    run_id = new_run_id(now)
    check_places(plan, inputs, workspace, {"id": run_id, "date": f"{now:%Y-%m-%d}"})
    with _claims(workspace, run_id):
        return _run(plan, inputs, workspace, options, tell, processes, is_interrupted, now, run_id)


@contextlib.contextmanager
def _claims(workspace: Workspace, run_id: str) -> Iterator[None]:
    """Hold what tells others that this run is under way, and that nothing is to be deleted under it."""
    folder = workspace.run(run_id).path
    folder.mkdir(parents=True)
    held = [claim(folder / CLAIM), claim(workspace.claim, is_shared=True)]
    try:
        yield
    finally:
        for descriptor in held:
            if descriptor is not None:
                os.close(descriptor)


def _run(
    plan: Plan,
    inputs: Mapping[str, Any],
    workspace: Workspace,
    options: Options,
    tell: Callable[[dict[str, Any]], None],
    processes: Processes,
    is_interrupted: Callable[[], int],
    now: datetime,
    run_id: str,
) -> Finished:
    _keep_code(plan, workspace)
    history = History(workspace.history)
    try:
        origin = _origin(plan, workspace)
        if options.selection is not None:
            origin["part"] = {"steps": sorted(options.selection.steps), "taken": dict(options.selection.taken)}
        history.begin_run(run_id, plan.document, inputs, now.timestamp(), os.getpid(), origin, plan.packed)
        history.commit()
        engine = Engine(plan, inputs, workspace, history, run_id, now, options, tell, processes, is_interrupted)
        result = engine.go()
        published: dict[str, str] = {}
        state, reason = result.state, result.reason
        try:
            if state == "succeeded":
                published = publish(plan, result, inputs, workspace, f"{now:%Y-%m-%d}")
        except BaseException as failure:
            state, reason = "failed", failure.message if isinstance(failure, SpecflowError) else str(failure)
            raise
        finally:
            history.end_run(run_id, state, reason, datetime.now(timezone.utc).timestamp(), result.outputs)
    except sqlite3.Error as failure:
        raise WorkspaceError(
            f'can\'t write the history in "{workspace.history}": {failure}', "is the disk full?"
        ) from failure
    finally:
        _close(history)
    if state == "succeeded" and result.standing is not None and plan.memory is not None:
        with contextlib.suppress(OSError):  # what can't be kept is worked out again
            write_standing(plan.memory, result.standing)
    return Finished(result, published)


def _close(history: History) -> None:
    try:
        history.close()
    except sqlite3.Error as failure:
        raise WorkspaceError(
            f'can\'t write the history in "{history.path}": {failure}', "is the disk full?"
        ) from failure


def _keep_code(plan: Plan, workspace: Workspace) -> None:
    """Copy each code folder of a plan into the workspace, once per content: a run keeps the code it began with."""
    for digest, files in plan.document["code"].items():
        home = workspace.code(digest)
        if all(_is(home / name, sha256) for name, sha256 in files.items()) and home.is_dir():
            continue
        home.parent.mkdir(parents=True, exist_ok=True)
        staging = FilePath(tempfile.mkdtemp(prefix=".new-", dir=home.parent))
        try:
            for name, sha256 in files.items():
                _copy_code(plan.path(f"code/{digest}/{name}"), staging / name, sha256)
            if home.is_dir() and not all(_is(home / name, sha256) for name, sha256 in files.items()):
                home.rename(home.with_name(f"{home.name}.damaged-{time.time_ns()}"))
            with contextlib.suppress(OSError):  # another run was first
                staging.rename(home)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _copy_code(source: FilePath, target: FilePath, sha256: str) -> None:
    """Copy a file whose digest is known; raise PlanError for one that is not as it was when the plan was made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_file():
        shutil.copy(source, target)
    if not _is(target, sha256):
        raise PlanError(f'"{source}" has changed since the plan was made', "run it again")


def _is(file: FilePath, sha256: str) -> bool:
    try:
        return digest_of_file(file) == sha256
    except OSError:
        return False


def _origin(plan: Plan, workspace: Workspace) -> dict[str, Any]:
    """Return where a plan's data lies, so that its run can be gone on with: paths from the project's root."""
    if plan.folder is not None:
        return {"folder": str(plan.folder.resolve())}
    names = [name for name in plan.sources if not name.startswith("code/")]
    root = f"{workspace.root}/"
    return {"sources": {name: _below(plan.place(name), root) for name in names}}


def _below(path: str, root: str) -> str:
    return path[len(root) :] if path.startswith(root) else os.path.relpath(path, root)


def part_of_run(history: History, run: str) -> Selection | None:
    """Return the part of its pipeline that an earlier run ran; None for all of it."""
    part = json.loads(history.origin_of(run)).get("part")
    return None if part is None else Selection(frozenset(part["steps"]), part["taken"])


def plan_of_run(history: History, workspace: Workspace, run: str) -> Plan:
    """Return the plan of an earlier run, its code taken from the workspace, what was sent elsewhere from its folder."""
    document = history.plan_of(run)
    origin = json.loads(history.origin_of(run))
    sources = {
        f"code/{digest}/{name}": workspace.code(digest) / name
        for digest, files in document["code"].items()
        for name in files
    }
    if "folder" in origin:
        folder = FilePath(origin["folder"])
        sources |= {name: folder / name for name in document["files"] if not name.startswith("code/")}
        sources |= {entry["path"]: folder / entry["path"] for entry in document["data"].values() if "path" in entry}
        return Plan(document, folder, sources)
    sources |= {name: workspace.root / path for name, path in origin["sources"].items()}
    kept = workspace.run(run).artifacts
    sources |= {path.relative_to(kept).as_posix(): path for path in kept.rglob("*") if path.is_file()}
    return Plan(document, None, sources, workspace.root)
