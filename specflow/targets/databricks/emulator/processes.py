"""A task as a process of this machine: what it is told, the environment it gets, and what comes back."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from specflow.emulation import Children, Ended
from specflow.targets.databricks.emulator.assumptions import Assumptions
from specflow.targets.databricks.emulator.files import Tree
from specflow.targets.databricks.emulator.lookups import Lookup
from specflow.targets.databricks.emulator.runs import Attempt, Run, Unit

__all__ = ["EXECUTED", "Processes", "Unable"]

EXECUTED = frozenset({"spark_python_task", "python_wheel_task", "notebook_task"})
MAX_LOG_BYTES = 5 * 1024 * 1024
"""Of a task's log the last, of a notebook's result the first; docs.databricks.com/api/workspace/jobs/getrunoutput."""

_RUNNER = FilePath(__file__).parent / "child" / "runner.py"
_FLAGS = (
    "child_output_is_logged",
    "scripts_know_their_file",
    "script_folder_is_on_path",
    "system_exit_follows_its_code",
    "volumes_can_append",
)


class Unable(Exception):  # noqa: N818 - why a task fails before it starts
    """A task that can't be started, in the platform's words."""


@dataclass(frozen=True, slots=True)
class Processes:
    """Starts tasks. `login` is the address and token by which a task reaches its workspace; `secret` finds a secret."""

    root: FilePath
    workspace: Tree
    volumes: Tree
    children: Children
    assumptions: Assumptions
    login: Callable[[], tuple[str, str]]
    secret: Callable[[str, str], bytes | None]
    variables: dict[str, str] = field(default_factory=dict)
    """What every task finds in its environment beside the platform's own."""

    def folder(self, attempt: Attempt) -> FilePath:
        """Return where an attempt's log and results are."""
        return self.root / "attempts" / str(attempt.run_id)

    def start(
        self,
        run: Run,
        unit: Unit,
        kind: str,
        lookup: Lookup,
        on_start: Callable[[], None],
        on_end: Callable[[Ended], None],
    ) -> None:
        """Start the last attempt at a task; raise Unable or BadReference if its settings don't allow it."""
        attempt, folder = unit.last, self.folder(unit.last)
        spec = self._spec(run, unit, kind, lookup)
        environment = self._environment(run, unit)
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "scratch").mkdir(mode=0o700, parents=True)
        (folder / "spec.json").write_text(json.dumps(spec), "utf-8")
        attempt.process = self.children.start(
            [sys.executable, str(_RUNNER), str(folder / "spec.json")],
            env={**environment, "HOME": str(folder / "scratch"), "TMPDIR": str(folder / "scratch")},
            cwd=folder / "scratch",
            log=folder / "driver.log",
            on_start=on_start,
            on_end=on_end,
        )

    def result(self, attempt: Attempt, ended: Ended) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Return an ended attempt's result state, its output for get-output, and the task values that it set."""
        folder, values = self.folder(attempt), dict[str, Any]()
        with contextlib.suppress(OSError):
            values = dict(json.loads(line) for line in (folder / "values").read_text("utf-8").splitlines())
        try:
            found = json.loads((folder / "result.json").read_text("utf-8"))
        except (OSError, ValueError):
            why = ended.fault or f"The Python process exited with code {ended.code}"
            return "FAILED", {"error": why, "error_trace": ""}, values
        if "error" in found:
            return "FAILED", found, values
        if "exit_value" in found:
            text = found["exit_value"].encode()
            shown = {"result": text[:MAX_LOG_BYTES].decode("utf-8", "ignore"), "truncated": len(text) > MAX_LOG_BYTES}
            return "SUCCESS", {"notebook_output": shown}, values
        return "SUCCESS", {}, values

    def log(self, attempt: Attempt) -> tuple[str, bool]:
        """Return the end of an attempt's log, and whether its beginning is missing."""
        try:
            with (self.folder(attempt) / "logs").open("rb") as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(0, size - MAX_LOG_BYTES))
                return stream.read().decode("utf-8", "replace"), size > MAX_LOG_BYTES
        except OSError:
            return "", False

    def _spec(self, run: Run, unit: Unit, kind: str, lookup: Lookup) -> dict[str, Any]:
        folder, body = self.folder(unit.last), unit.settings[kind]
        # Lists may be pushed over by run-now's python_params and the like, of old jobs without job parameters.
        plain = lookup.all(run.overrides.get("python_params") or body.get("parameters") or [])
        named = lookup.all({**body.get("named_parameters", {}), **body.get("base_parameters", {})})
        if kind == "notebook_task":
            named.update(run.overrides.get("notebook_params", {}))
        # Job parameters are pushed down into key-value tasks, and into those alone.
        if kind == "notebook_task" or "named_parameters" in body:
            named.update(lookup.parameters())
        unit.last.resolved = {kind: {"parameters": plain} if plain else {"base_parameters": named} if named else {}}
        if "named_parameters" in body:
            plain = [f"--{name}={value}" for name, value in named.items()]
        is_notebook = kind == "notebook_task"
        return {
            "kind": kind,
            "logs": str(folder / "logs"),
            "result": str(folder / "result.json"),
            "values": str(folder / "values"),
            "scratch": str(folder / "scratch"),
            "mounts": {tree.mount: str(tree.folder.resolve()) for tree in (self.workspace, self.volumes)},
            "arguments": [self.here(argument) for argument in plain],
            "named": {name: self.here(value) for name, value in named.items()},
            "task_values": {key: one.last.values for key, one in run.units.items() if one.last.values},
            "install": []
            if kind == "python_wheel_task"
            else [str(self._file(path, "wheel")) for path in self._wheels(run, unit)],
            "may_set_values": is_notebook or self.assumptions.scripts_can_set_task_values,
            **{flag: getattr(self.assumptions, flag) for flag in _FLAGS},
            **self._code(run, unit, kind),
        }

    def here(self, text: str) -> str:
        """Return a text that begins with a path of the workspace or a volume as a path of this machine."""
        return self.volumes.here(self.workspace.here(text))

    def _code(self, run: Run, unit: Unit, kind: str) -> dict[str, Any]:
        body = unit.settings[kind]
        if body.get("source") == "GIT" or (run.settings.get("git_source") and body.get("source") != "WORKSPACE"):
            raise Unable("the emulator fetches no code from Git")
        if kind == "python_wheel_task":
            wheels = [str(self._file(path, "wheel")) for path in self._wheels(run, unit)]
            return {"package": body["package_name"], "entry_point": body["entry_point"], "wheels": wheels}
        what = "notebook" if kind == "notebook_task" else "python file"
        return {"path": str(self._file(body["notebook_path" if kind == "notebook_task" else "python_file"], what))}

    def _file(self, path: str, what: str) -> FilePath:
        plain = path.removeprefix("file:")
        tree = self.volumes if plain.startswith("/Volumes/") else self.workspace
        if not plain.startswith("/") or not tree.place(plain).is_file():
            raise Unable(f"Cannot read the {what} {path}: it does not exist in the workspace")
        return tree.place(plain)

    def _wheels(self, run: Run, unit: Unit) -> list[str]:
        found = [library["whl"] for library in unit.settings.get("libraries", ()) if "whl" in library]
        for environment in run.settings.get("environments", ()):
            if environment["environment_key"] == unit.settings.get("environment_key"):
                # Other requirement lines are kept and not installed: no index can be asked here.
                lines = environment.get("spec", {}).get("dependencies", ())
                found += [line for line in lines if line.endswith(".whl") and line.startswith("/")]
        return found

    def _environment(self, run: Run, unit: Unit) -> dict[str, str]:
        host, token = self.login()
        cluster = self._cluster(run, unit)
        environment = {
            "PATH": os.pathsep.join([str(FilePath(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "DATABRICKS_RUNTIME_VERSION": cluster.get("spark_version", "client.4").split("-")[0].replace(".x", ""),
            # A stand-in for the login that a real task has by being where it is.
            "DATABRICKS_HOST": host,
            "DATABRICKS_TOKEN": token,
            **self.variables,
        }
        for one in run.settings.get("environment_variables", ()):
            if one["environment_variables_key"] == unit.settings.get("environment_variables_key"):
                environment.update(one.get("spec", {}).get("variables", {}))
        for name, value in cluster.get("spark_env_vars", {}).items():
            environment[name] = self.here(self._with_secret(value))
        return environment

    def _cluster(self, run: Run, unit: Unit) -> Mapping[str, Any]:
        settings = unit.settings
        for cluster in run.settings.get("job_clusters", ()):
            if cluster["job_cluster_key"] == settings.get("job_cluster_key"):
                found: Mapping[str, Any] = cluster.get("new_cluster", {})
                return found
        inline: Mapping[str, Any] = settings.get("new_cluster", {})
        return inline

    def _with_secret(self, value: str) -> str:
        """Return a cluster's environment variable, `{{secrets/scope/key}}` put in.

        Source: docs.databricks.com/security/secrets/secrets-spark-conf-env-var; it stands alone or not at all.
        """
        if not (value.startswith("{{secrets/") and value.endswith("}}")):
            return value
        scope, _, key = value.removeprefix("{{secrets/").removesuffix("}}").partition("/")
        found = self.secret(scope, key)
        if found is None:
            raise Unable(f"Secret does not exist with scope: {scope} and key: {key}")
        return found.decode("utf-8", "replace")
