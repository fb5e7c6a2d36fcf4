"""One attempt of a step on this machine: its folder filled, its process started, what it left checked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from specflow.attempt.collect import Collected, collect
from specflow.attempt.notebook import Notebook
from specflow.attempt.prepare import Prepared, PrepareError, prepare
from specflow.attempt.untouched import as_they_are, wrote_to
from specflow.plan import Plan
from specflow.targets.local.hints import missing_code_hint, tool_hint
from specflow.targets.local.processes import Child, Processes
from specflow.targets.local.workspace import Workspace

__all__ = ["Attempt", "CodeStore", "hint_for", "left_behind", "start"]


class Attempt(NamedTuple):
    """An attempt under way."""

    folder: str
    prepared: Prepared
    child: Child
    held: dict[str, tuple[int, int]]


class CodeStore:
    """The code folders of a plan by digest: which files, and where they lie."""

    def __init__(self, plan: Plan, workspace: Workspace) -> None:
        """List the files of each code folder, once."""
        self.plan, self.workspace = plan, workspace
        self.files = {
            digest: [(name, workspace.code(digest) / name) for name in files]
            for digest, files in plan.document["code"].items()
        }

    def fill(self, code: str | None, work: str) -> None:
        """Copy a code folder into an attempt's own working folder, writable."""
        made = {""}
        for path, source in self.files.get(code, ()) if code is not None else ():
            parent = path.rpartition("/")[0]
            if parent not in made:
                os.makedirs(f"{work}/{parent}", exist_ok=True)  # noqa: PTH103 - per attempt
                made.add(parent)
            shutil.copyfile(source, f"{work}/{path}")
            if os.access(source, os.X_OK):
                FilePath(f"{work}/{path}").chmod(0o755)

    def notebook(self, spec: Mapping[str, Any], log: str) -> Notebook | None:
        """Return a step's notebook, and the place beside the log where the executed one goes; None if it has none."""
        if "notebook" not in spec:
            return None
        source = self.workspace.code(spec["notebook"]["code"]) / spec["notebook"]["name"]
        return Notebook(str(source.absolute()), str(FilePath(log).with_suffix(".ipynb").absolute()))


def start(
    step: Mapping[str, Any],
    values: Mapping[str, Any],
    facts: Mapping[str, Any],
    folder: str,
    log: str,
    python: str,
    environ: Mapping[str, str],
    secrets: Mapping[str, str],
    code: CodeStore,
    processes: Processes,
    tag: Any,
) -> Attempt:
    """Return an attempt whose process runs; raise PrepareError or OSError if it can't."""
    spec = step["attempt"]
    prepared = prepare(spec, values, facts, folder, python, environ, secrets, code.notebook(spec, log))
    os.mkdir(prepared.cwd)  # noqa: PTH102 - per attempt
    code.fill(step["code"], prepared.cwd)
    held = as_they_are(spec, values)
    try:
        child = processes.start(prepared.argv, prepared.env, prepared.cwd, log, tag)
    except FileNotFoundError as failure:
        raise PrepareError(f'there is no program "{prepared.argv[0]}" here') from failure
    return Attempt(folder, prepared, child, held)


def left_behind(step: Mapping[str, Any], attempt: Attempt) -> Collected:
    """Return what a process left that ended well, or as `problems` why that won't do."""
    problem = wrote_to(attempt.held)
    if problem is not None:
        return Collected({}, {}, [], [problem])
    return collect(step["attempt"], attempt.prepared.outputs)


def hint_for(step: Mapping[str, Any], log: FilePath, plan: Plan) -> str:
    """Return a guess at why a step failed, from its log and the project around it."""
    said = tool_hint(step["attempt"], log)
    if said or plan.root is None:
        return said
    prefix = f"code/{step['code']}/"
    home = next((plan.path(name).parent for name in plan.sources if name.startswith(prefix)), plan.root)
    places = (home, plan.root, plan.root / "specs")
    return missing_code_hint(log, plan.root, places, has_code=step["code"] is not None)
