"""One attempt of a step on this machine: its folder filled, its process started, what it left checked."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, NamedTuple

from specflow.attempt.collect import Collected, collect
from specflow.attempt.mask import mask_file
from specflow.attempt.notebook import Notebook
from specflow.attempt.prepare import Prepared, PrepareError, prepare
from specflow.attempt.track import tracking_process
from specflow.attempt.untouched import as_they_are, wrote_to
from specflow.plan import Plan
from specflow.targets.local.environments import Environments
from specflow.targets.local.hints import missing_code_hint, tool_hint
from specflow.targets.local.processes import Child, Processes
from specflow.targets.local.workspace import RunFolder, Workspace, tidy_work

if TYPE_CHECKING:
    from specflow.targets.local.steps import Options, Step

__all__ = ["Attempt", "Attempts"]


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


class Attempts:
    """The attempts of one run: each has a folder of its own, and the interpreter of its step's environment."""

    def __init__(
        self,
        plan: Plan,
        options: Options,
        facts: Mapping[str, Any],
        workspace: Workspace,
        folder: RunFolder,
        environments: Environments,
        processes: Processes,
    ) -> None:
        """Serve a run whose folder is `folder`; `facts` are its id, date, pipeline and target."""
        self.plan, self.options, self.facts = plan, options, facts
        self.folder, self.environments, self.processes = folder, environments, processes
        self.code = CodeStore(plan, workspace)

    def start(self, step: Step, log: str) -> Attempt:
        """Return an attempt whose process runs.

        Raise PrepareError, EvaluationError or SpecflowError for what no attempt can, OSError for what this one can't.
        """
        spec = step.spec["attempt"]
        prepared = prepare(
            spec,
            step.values or {},
            {**self.facts, "attempt": step.attempts},
            self.folder.attempt(step.id, step.attempts),
            self.environments.python(step.spec["environment"]),
            self.options.environ,
            {name: self.options.secrets[name] for name in spec["secrets"]},
            self.code.notebook(spec, log),
        )
        os.mkdir(prepared.cwd)  # noqa: PTH102 - per attempt
        self.code.fill(step.spec["code"], prepared.cwd)
        held = as_they_are(spec, step.values or {})
        try:
            child = self.processes.start(prepared.argv, prepared.env, prepared.cwd, log, step)
        except FileNotFoundError as failure:
            raise PrepareError(f'there is no program "{prepared.argv[0]}" here') from failure
        return Attempt(self.folder.attempt(step.id, step.attempts), prepared, child, held)

    def collect(self, step: Step, attempt: Attempt) -> Collected:
        """Return what a process left that ended well, or as `problems` why that won't do; the rest is tidied away."""
        problem = wrote_to(attempt.held)
        if problem is not None:
            return Collected({}, {}, [], [problem])
        found = collect(step.spec["attempt"], attempt.prepared.outputs)
        if not found.problems:
            tidy_work(attempt.folder)
        return found

    def mask(self, step: Step) -> None:
        """Take the step's secrets out of its log; what can't be written without them is not kept."""
        names = step.spec["attempt"]["secrets"]
        if not names:
            return
        log = self.log(step)
        secrets = [self.options.secrets[name] for name in names]
        escaped = [json.dumps(line, ensure_ascii=plain)[1:-1] for line in secrets for plain in (True, False)]
        notebook = log.with_suffix(".ipynb")
        for file, hidden in ((log, secrets), (notebook, [*secrets, *escaped])):
            try:
                if file is log or file.exists():
                    mask_file(str(file), hidden)
            except OSError:  # a disk may be full now
                with contextlib.suppress(OSError):
                    file.unlink()

    def track(self, step: Step, attempt: Attempt, metrics: Mapping[str, Mapping[str, float]]) -> None:
        """Start handing a step's metrics to the user's MLflow server, if there is one; nothing waits for it."""
        python = self.environments.python(step.spec["environment"])
        process = tracking_process(python, attempt.prepared.env, metrics, self.facts, step.label)
        if process is not None:
            argv, env = process
            self.processes.start(argv, env, str(self.folder.path), self.log(step).with_suffix(".mlflow.log"), None)

    def log(self, step: Step) -> FilePath:
        """Return where the latest attempt of a step has written."""
        return self.folder.log(step.id, step.attempts)

    def hint(self, step: Step) -> str:
        """Return a guess at why a step failed, from its log and the project around it."""
        log, plan = self.log(step), self.plan
        said = tool_hint(step.spec["attempt"], log)
        if said or plan.root is None:
            return said
        code = step.spec["code"]
        home = next((plan.path(name).parent for name in plan.sources if name.startswith(f"code/{code}/")), plan.root)
        places = (home, plan.root, plan.root / "specs")
        return missing_code_hint(log, plan.root, places, has_code=code is not None)
