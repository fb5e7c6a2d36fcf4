"""Runs one task inside its own process: `python runner.py SPEC.json`, which says what, with what, and where results go.

What the task's Python prints goes to its log. The process's own stdout and stderr, and so those of its children, go
elsewhere unless the spec says otherwise: of a driver only Python's own streams are documented to be shown.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import signal
import sys
import threading
import time
import types
from pathlib import Path as FilePath
from typing import Any

# By path, not by package: the interpreter of a task need not have specflow.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
notebooks = importlib.import_module("notebooks")
utilities = importlib.import_module("utilities")
packages = importlib.import_module("packages")
# Nothing of it is the task's: not this folder, put there by Python and by the lines above, and not these names.
del sys.path[:2], sys.modules["notebooks"], sys.modules["utilities"], sys.modules["packages"]


_GRACE_S = 12
"""Seconds between SIGTERM and SIGKILL, as long as the emulator itself gives."""
_INSTALLED = "SPECFLOW_EMULATOR_INSTALLED"


class Failure(Exception):  # noqa: N818 - how the platform tells it
    """A fault of the task's settings, told without a trace."""


def _end_with_the_emulator() -> None:
    """End this process and its children when the emulator has gone, even by SIGKILL: nobody would wait for them.

    A launcher ends its step first, which is in another session.
    """
    emulator = os.getppid()

    def watch() -> None:
        while os.getppid() == emulator:
            time.sleep(1)
        os.killpg(os.getpgrp(), signal.SIGTERM)
        time.sleep(_GRACE_S)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def main(file: str) -> int:
    """Return the process's exit code: 0 if a result was written, whatever it says."""
    spec = json.loads(FilePath(file).read_text("utf-8"))
    if spec["install"] and not os.environ.pop(_INSTALLED, ""):
        return _start_again(spec, file)
    _end_with_the_emulator()
    with FilePath(spec["logs"]).open("ab", buffering=0) as log:
        if spec["child_output_is_logged"]:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        stream = io.TextIOWrapper(
            io.FileIO(os.dup(log.fileno()), "wb"), "utf-8", "backslashreplace", line_buffering=True
        )
        sys.stdout = sys.stderr = stream
        if not spec["volumes_can_append"]:
            _forbid_updates(spec["mounts"]["/Volumes"])
        result = _result(spec)
        stream.flush()
    return _leave(spec, result)


def _leave(spec: dict[str, Any], result: dict[str, Any]) -> int:
    partial = FilePath(spec["result"] + ".partial")
    partial.write_text(json.dumps(result), "utf-8")
    partial.replace(spec["result"])
    return 0


def _start_again(spec: dict[str, Any], file: str) -> int:
    """Go on in an environment that has the task's wheels; leave the fault as its result if that can't be made."""
    try:
        python = packages.install(spec["install"], FilePath(spec["scratch"]) / "environment")
    except packages.InstallError as fault:
        return _leave(spec, {"error": str(fault), "error_trace": ""})
    return os.execve(python, [python, os.path.abspath(__file__), file], {**os.environ, _INSTALLED: "1"})  # noqa: PTH100, S606


def _result(spec: dict[str, Any]) -> dict[str, Any]:
    work = {"spark_python_task": _script, "python_wheel_task": _wheel, "notebook_task": _notebook}[spec["kind"]]
    try:
        work(spec, _dbutils(spec))
    except Failure as fault:
        return {"error": str(fault), "error_trace": ""}
    except SystemExit as ended:
        if spec["system_exit_follows_its_code"] and ended.code in (None, 0):
            return {}
        return {"error": f"SystemExit: {ended.code}", "error_trace": _trace(ended)}
    except utilities.NotebookExit as ended:
        return {"exit_value": ended.value} if spec["kind"] == "notebook_task" else {"error": "NotebookExit"}
    except BaseException as fault:  # KeyboardInterrupt and its like end a task no better
        name = type(fault).__name__
        return {"error": f"{name}: {fault}" if str(fault) else name, "error_trace": _trace(fault)}
    return {}


def _trace(fault: BaseException) -> str:
    """Return the trace as the platform shows it: from the task's own first line on."""
    import traceback

    mine, trace = FilePath(__file__).resolve(), fault.__traceback__
    while trace is not None and FilePath(trace.tb_frame.f_code.co_filename).resolve() == mine:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(fault), fault, trace))


def _dbutils(spec: dict[str, Any]) -> Any:
    """Return a dbutils, made known to `from databricks.sdk.runtime import dbutils` too, which asks for `dbruntime`."""

    def keep(key: str, value: Any) -> None:
        with FilePath(spec["values"]).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps([key, value]) + "\n")

    def here(path: str) -> str:
        for mount, folder in spec["mounts"].items():
            if path.startswith(mount + "/"):
                return str(folder) + path[len(mount) :]
        return path

    found = utilities.Dbutils(spec["named"], spec["task_values"], keep if spec["may_set_values"] else None, here)

    class UserNamespaceInitializer:
        @staticmethod
        def getOrCreate() -> type[UserNamespaceInitializer]:  # noqa: N802 - the vendor's name
            return UserNamespaceInitializer

        @staticmethod
        def get_namespace_globals() -> dict[str, Any]:
            return {"dbutils": found}

    runtime = types.ModuleType("dbruntime")
    runtime.UserNamespaceInitializer = UserNamespaceInitializer  # type: ignore[attr-defined]
    sys.modules["dbruntime"] = runtime
    return found


def _forbid_updates(folder: str) -> None:
    """Make opening a file of the volumes for appending or updating fail, as their FUSE mount does."""

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not isinstance(arguments[0], str) or not isinstance(arguments[2], int):
            return
        if arguments[2] & (os.O_APPEND | os.O_RDWR) and os.path.abspath(arguments[0]).startswith(folder + os.sep):  # noqa: PTH100
            raise OSError(95, "Operation not supported", arguments[0])

    sys.addaudithook(watch)


def _module(names: dict[str, Any]) -> types.ModuleType:
    module = types.ModuleType("__main__")
    module.__dict__.update(names)
    sys.modules["__main__"] = module
    return module


def _script(spec: dict[str, Any], _: Any) -> None:
    path = FilePath(spec["path"])
    sys.argv = [str(path), *spec["arguments"]]
    if spec["script_folder_is_on_path"]:
        sys.path.insert(0, str(path.parent))
    known = {"__file__": str(path)} if spec["scripts_know_their_file"] else {}
    code = compile(path.read_bytes(), str(path), "exec")
    exec(code, _module(known).__dict__)  # noqa: S102 - running it is the task


def _notebook(spec: dict[str, Any], dbutils: Any) -> None:
    path = FilePath(spec["path"])
    sys.argv = [str(path)]
    sys.path.insert(0, str(path.parent))
    known = {"dbutils": dbutils, "display": print, "displayHTML": print}
    module = _module(known)
    for number, cell in enumerate(notebooks.cells(path.read_text("utf-8")), 1):
        code = compile(cell, f"{path} cell {number}", "exec")
        exec(code, module.__dict__)  # noqa: S102 - running it is the task


def _wheel(spec: dict[str, Any], _: Any) -> None:
    """Call a wheel's entry point, unpacked rather than installed: by its metadata, else a function of the package."""
    import importlib.metadata
    import zipfile

    package, entry = spec["package"], spec["entry_point"]
    for number, wheel in enumerate(spec["wheels"]):
        folder = FilePath(spec["scratch"]) / f"wheel{number}"
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        sys.path.insert(0, str(folder))
    sys.argv = [package, *spec["arguments"]]
    try:
        points = importlib.metadata.distribution(package).entry_points
    except importlib.metadata.PackageNotFoundError:
        raise Failure(f"Python wheel with name {package} could not be found") from None
    for point in points:
        if point.name == entry:
            point.load()()
            return
    found = getattr(importlib.import_module(package.replace("-", "_")), entry, None)
    if found is None:
        raise Failure(f"Python wheel {package} has no entry point {entry}")
    found()


if __name__ == "__main__":
    # What the task left behind in threads does not keep it from ending.
    os._exit(main(sys.argv[1]))
