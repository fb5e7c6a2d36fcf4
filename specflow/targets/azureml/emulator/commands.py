"""One node as processes here: its command line, its environment, its log, its limit.

No image is pulled and no environment built: commands run with the interpreter that the emulator itself runs in, first
on PATH under the names `python` and `python3`. Nothing else of the emulator's environment reaches them but PATH and
the locale.
"""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath

from specflow.emulation import Child, Children, Clock, Ended
from specflow.targets.azureml.emulator.assumptions import Assumptions
from specflow.targets.azureml.emulator.halt import Halt
from specflow.targets.azureml.emulator.mounts import Mounted
from specflow.targets.azureml.emulator.names import Workspace
from specflow.targets.azureml.emulator.node_settings import processes, timeout_s
from specflow.targets.azureml.emulator.nodes import Node
from specflow.targets.azureml.emulator.runs import Run
from specflow.targets.azureml.emulator.template import render

__all__ = ["Commands", "Finish", "find_spark_submit"]

_SPARK = {"spark.ui.enabled": "false", "spark.log.level": "WARN"}
"""What keeps Spark here to itself: no pages, whose ports steps would fight for, and few words."""
_IDENTITY = ("MSI_ENDPOINT", "MSI_SECRET")


@dataclass(frozen=True, slots=True)
class Finish:
    """How a node's processes ended: a run's state, why, and the names of their logs."""

    status: str
    error: str = ""
    logs: tuple[str, ...] = ()


def find_spark_submit() -> tuple[str, ...]:
    """Return how Spark files are started here: pyspark's own script, or nothing if it isn't installed."""
    import importlib.util

    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        return ()
    script = FilePath(found.origin).parent / "bin" / "spark-submit"
    return (str(script), "--master", "local[*]") if script.exists() else ()


class Commands:
    """Starts nodes' processes and waits for them."""

    def __init__(
        self,
        root: FilePath,
        workspace: Workspace,
        children: Children,
        clock: Clock,
        assumed: Assumptions,
        spark_submit: Sequence[str],
        spark_settings: Callable[[], Mapping[str, str]],
        variables: Mapping[str, str],
    ) -> None:
        """Make what all commands share: a home and the names of the interpreter; `variables` come on top."""
        self.spark_settings = spark_settings
        self.variables = variables
        self.root, self.workspace, self.children, self.clock = root, workspace, children, clock
        self.assumed, self.spark_submit = assumed, tuple(spark_submit)
        self.bash = shutil.which("bash") or "/bin/bash"
        for name in ("python", "python3"):
            script = root / "bin" / name
            script.parent.mkdir(parents=True, exist_ok=True)
            script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8")
            script.chmod(0o755)
        (root / "home").mkdir(exist_ok=True)

    def run(self, node: Node, run: Run, mounted: Mounted, logs: FilePath, halt: Halt, mishap: str = "") -> Finish:
        """Return how the node ended, once all its processes have; a `mishap` (fail, hang) replaces its command."""
        argv = self._argv(node, mounted)
        if mishap == "hang":
            argv = [self.bash, "-c", "while :; do sleep 3600; done"]
        elif mishap == "fail":
            argv = [self.bash, "-c", "echo 'made to fail by the emulator'; exit 1"]
        ranks = processes(node.setting("distribution"), node.setting("resources"))
        port = _free_port() if len(ranks) > 1 else 0
        group = _Group(self.children, self.clock, halt, timeout_s(node.setting("limits")))
        names = _log_names(len(ranks))
        for rank, name in zip(ranks, names, strict=True):
            log = logs / name
            log.parent.mkdir(parents=True, exist_ok=True)
            extra = {"MASTER_PORT": str(port), **rank} if rank else {}
            group.start(argv, {**self._environment(node, run, mounted), **extra}, mounted.work, log)
        return self._finish(group.wait(), group, names)

    def _finish(self, ended: Sequence[Ended], group: _Group, names: tuple[str, ...]) -> Finish:
        if group.is_over_time:
            status = "Failed" if self.assumed.timeout_fails_the_node else "Canceled"
            return Finish(status, f"the command ran longer than its limit of {group.limit_s:g} s", names)
        if group.halt.is_set:
            return Finish("Canceled", "", names)
        for each in ended:
            if each.fault:
                return Finish("Failed", each.fault, names)
        bad = next((each.code for each in ended if each.code and not each.was_ended), None)
        bad = bad if bad is not None else next((each.code for each in ended if each.code), 0)
        if bad:
            return Finish("Failed", f"the command ended with exit code {bad}; see {names[0]}", names)
        return Finish("Completed", "", names)

    def _argv(self, node: Node, mounted: Mounted) -> list[str]:
        if node.kind == "spark":
            return self._spark_argv(node, mounted)
        line = render(str(node.component["command"]), mounted.inputs, mounted.outputs)
        return [self.bash, "-ec" if self.assumed.bash_stops_at_the_first_error else "-c", line]

    def _spark_argv(self, node: Node, mounted: Mounted) -> list[str]:
        argv = list(self.spark_submit)
        for name, value in sorted({**_SPARK, **(node.setting("conf") or {}), **self.spark_settings()}.items()):
            argv += ["--conf", f"{name}={value}"]
        for key, option in (("py_files", "--py-files"), ("jars", "--jars"), ("files", "--files")):
            if listed := node.setting(key):
                argv += [option, ",".join(str(each) for each in listed)]
        argv.append(str((node.setting("entry") or {})["file"]))
        return argv + shlex.split(render(str(node.setting("args") or ""), mounted.inputs, mounted.outputs))

    def _environment(self, node: Node, run: Run, mounted: Mounted) -> dict[str, str]:
        found = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ") if name in os.environ}
        found["PATH"] = f"{self.root / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        found["HOME"], found["TMPDIR"] = str(self.root / "home"), str(mounted.temporary)
        found["MLFLOW_TRACKING_URI"] = (self.root / "mlflow").as_uri()
        found["MLFLOW_ALLOW_FILE_STORE"] = "true"  # mlflow 3 refuses folders otherwise
        found["MLFLOW_EXPERIMENT_NAME"] = run.experiment
        if self.assumed.sets_azureml_variables:
            found |= self._azureml_variables(run)
            if self.assumed.sets_root_run_id:
                found["AZUREML_ROOT_RUN_ID"] = run.root
        if self.assumed.sets_port_variables:
            found |= {f"AZURE_ML_INPUT_{name}": text for name, text in mounted.inputs.items()}
            found |= {f"AZURE_ML_OUTPUT_{name}": text for name, text in mounted.outputs.items()}
        if node.kind == "spark":
            found |= {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": str(mounted.temporary)}
            found |= {name: os.environ[name] for name in ("JAVA_HOME",) if name in os.environ}
        has_identity = self.assumed.sets_identity_variables
        found |= {name: text for name, text in self.variables.items() if has_identity or name not in _IDENTITY}
        own = {**(node.component.get("environment_variables") or {}), **(node.body.get("environment_variables") or {})}
        return {**found, **{name: str(value) for name, value in own.items()}}

    def _azureml_variables(self, run: Run) -> dict[str, str]:
        space = self.workspace
        return {
            "AZUREML_RUN_ID": run.id,
            "AZUREML_ARM_SUBSCRIPTION": space.subscription,
            "AZUREML_ARM_RESOURCEGROUP": space.group,
            "AZUREML_ARM_WORKSPACE_NAME": space.name,
            "AZUREML_ARM_PROJECT_NAME": run.experiment,
            "AZUREML_EXPERIMENT_ID": run.experiment,
        }


class _Group:
    """The processes of one node: ended together when one fails, when their time is over, when the job is halted."""

    def __init__(self, children: Children, clock: Clock, halt: Halt, limit_s: float | None) -> None:
        self.children, self.clock, self.halt, self.limit_s = children, clock, halt, limit_s
        self.is_over_time = False
        self._changed = threading.Condition()
        self._ended: list[Ended] = []
        self._processes: list[Child] = []
        self._timer = clock.after(limit_s, self._over) if limit_s else None
        self._detach = halt.attach(self._end)

    def start(self, argv: Sequence[str], env: Mapping[str, str], work: FilePath, log: FilePath) -> None:
        child = self.children.start(argv, env=env, cwd=work, log=log, on_end=self._note)
        with self._changed:
            self._processes.append(child)
        if self.halt.is_set or self.is_over_time:
            child.end()

    def _over(self) -> None:
        self.is_over_time = True
        self._end()

    def _end(self) -> None:
        with self._changed:
            processes = list(self._processes)
        for each in processes:
            each.end()

    def _note(self, ended: Ended) -> None:
        with self._changed:
            self._ended.append(ended)
            self._changed.notify_all()
        if ended.code != 0:
            self._end()

    def wait(self) -> list[Ended]:
        with self._changed:
            self._changed.wait_for(lambda: len(self._ended) == len(self._processes))
        if self._timer is not None:
            self._timer.cancel()
        self._detach()
        return self._ended


def _log_names(count: int) -> tuple[str, ...]:
    if count == 1:
        return ("user_logs/std_log.txt",)
    return tuple(f"user_logs/std_log_process_{number:02d}.txt" for number in range(count))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
