"""A run from its first record to its last: begun in the history, executed, published, ended."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path as FilePath
from typing import Any

from specflow.errors import SpecflowError, WorkspaceError
from specflow.history import History
from specflow.plan import Plan
from specflow.recall.standing import write_standing
from specflow.targets.local.engine import Engine
from specflow.targets.local.processes import Processes
from specflow.targets.local.publish import publish
from specflow.targets.local.steps import Options, Result
from specflow.targets.local.workspace import Workspace, new_run_id

__all__ = ["Finished", "plan_of_run", "run_plan"]


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
    _keep_code(plan, workspace)
    now = datetime.now(timezone.utc)
    run_id = new_run_id(now)
    history = History(workspace.history)
    try:
        origin = _origin(plan, workspace)
        history.begin_run(run_id, plan.document, inputs, now.timestamp(), os.getpid(), origin, plan.packed)
        history.commit()
        engine = Engine(plan, inputs, workspace, history, run_id, now, options, tell, processes, is_interrupted)
        result = engine.go()
        published: dict[str, str] = {}
        state, reason = result.state, result.reason
        try:
            if state == "succeeded":
                published = publish(plan, result, inputs, workspace, f"{now:%Y-%m-%d}")
        except SpecflowError as failure:
            state, reason = "failed", failure.message
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
        if home.is_dir():
            continue
        home.parent.mkdir(parents=True, exist_ok=True)
        staging = FilePath(tempfile.mkdtemp(prefix=".new-", dir=home.parent))
        for name in files:
            target = staging / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(plan.path(f"code/{digest}/{name}"), target)
        try:
            staging.rename(home)
        except OSError:  # another run was first
            shutil.rmtree(staging, ignore_errors=True)


def _origin(plan: Plan, workspace: Workspace) -> dict[str, Any]:
    """Return where a plan's data lies, so that its run can be gone on with: paths from the project's root."""
    if plan.folder is not None:
        return {"folder": str(plan.folder.resolve())}
    names = [name for name in plan.sources if not name.startswith("code/")]
    root = f"{workspace.root}/"
    return {"sources": {name: _below(plan.place(name), root) for name in names}}


def _below(path: str, root: str) -> str:
    return path[len(root) :] if path.startswith(root) else os.path.relpath(path, root)


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
