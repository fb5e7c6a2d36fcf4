"""Runs of scripts on this machine: each a folder, from whose files everything that is asked is answered.

<runs>/<key>/artifact/    the script as it was when it was submitted
             job.json     its arguments; the variables with secrets are handed to its process alone
             out/         the script's own OUT: a folder for each step, with its log and record
             lock         held while anything of the run lives
             ended.json   the script's exit code
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from specflow.attempt.evaluate import text_of
from specflow.attempt.prepare import BASE_VARIABLES
from specflow.attempt.records import Record, line_of, read_record
from specflow.bridging.follow import record_in
from specflow.errors import SpecflowError
from specflow.targets.base import Deployment, Status, StepStatus, Submission
from specflow.targets.local.secrets import allowed_names

__all__ = ["OwnMachine", "Scripts"]

KEEPER = Path(__file__).parent / "keeper.py"
LATE = "the pipeline's timeout ran out"


class Scripts:
    """What starts scripts and looks after them. `settings`: `runs`, a folder; `python` and `jobs` for the scripts."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Keep runs where the settings say, else where the user's programs keep their state."""
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        self.settings = settings
        self.home = Path(settings.get("runs") or Path(state) / "specflow-posix")

    # One run

    def submit(self, job: Submission) -> str:
        """Return the key, by which the run has its folder: submitted again, it is the same run."""
        home = self.home / job.key
        if not home.exists():
            self._lay_out(job, home)
        self._start(home)
        return job.key

    def _lay_out(self, job: Submission, home: Path) -> None:
        new = home.with_name(f".{home.name}-{os.getpid()}")
        shutil.rmtree(new, ignore_errors=True)
        shutil.copytree(job.folder, new / "artifact")
        _put_arrivals(job.arrivals, new / "out")
        words = [f"{name}={_text(item)}" for name, value in job.inputs.items() for item in _items(value)]
        (new / "job.json").write_text(json.dumps({"arguments": words, "run": job.run}), encoding="utf-8")
        try:
            new.rename(home)
        except OSError:  # somebody else was faster with the same key
            shutil.rmtree(new)

    def _start(self, home: Path) -> None:
        job = json.loads((home / "job.json").read_text(encoding="utf-8"))
        variables = {name: os.environ[name] for name in BASE_VARIABLES if name in os.environ}
        variables |= {"OUT": str(home / "out"), "RUN": job["run"]}
        variables["PYTHON"] = str(self.settings.get("python", sys.executable))
        if "jobs" in self.settings:
            variables["JOBS"] = str(self.settings["jobs"])
        if "XDG_CACHE_HOME" in os.environ:
            variables["XDG_CACHE_HOME"] = os.environ["XDG_CACHE_HOME"]
        variables |= self._secrets(json.loads((home / "artifact" / "pipeline.json").read_text(encoding="utf-8")))
        subprocess.run([sys.executable, str(KEEPER), str(home)], env=variables, check=True)

    def _secrets(self, pipeline: Mapping[str, Any]) -> dict[str, str]:
        """Return the variables that hold secrets: given to an emulator, or those that the user allows."""
        given = self.settings.get("secrets", {})
        allowed, found = allowed_names((), os.environ), {}
        for secret, variable in pipeline["secrets"].items():
            if secret in given:
                found[variable] = given[secret]
            elif variable not in allowed or variable not in os.environ:
                message = (
                    f'the secret "{secret}" is to come from the variable {variable}, which is not set or not allowed'
                )
                raise SpecflowError(message, "set it, and put its name into SPECFLOW_ALLOW_SECRETS")
            else:
                found[variable] = os.environ[variable]
        return found

    def find(self, key: str, name: str) -> str | None:
        """Return the key of a run whose script has been started."""
        del name
        return key if (self.home / key / "group").exists() else None

    def status(self, job: str) -> Status:
        """Return how a run stands, by its files."""
        home = self.home / job
        is_alive = _is_held(home / "lock")
        state, message = ("running", "") if is_alive else _end(home)
        pipeline = json.loads((home / "artifact" / "pipeline.json").read_text(encoding="utf-8"))
        steps = {step: _step(home / "out" / step, is_alive=is_alive) for step in pipeline["steps"]}
        return Status(state, home.as_uri(), steps, message)  # type: ignore[arg-type]

    def log(self, job: str, step: str) -> str:
        """Return what a step has written; its record is the last line, also where nobody came to write that."""
        folder = self.home / job / "out" / step
        file = folder / "log.txt"
        text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        record = read_record(str(folder))
        return text if record is None or record_in(text, step) is not None else f"{text}\n{line_of(record)}\n"

    def cancel(self, job: str) -> None:
        """Have the script end what it runs."""
        home = self.home / job
        if _is_held(home / "lock"):
            with suppress(ProcessLookupError, FileNotFoundError):
                os.killpg(int((home / "group").read_text(encoding="utf-8")), signal.SIGTERM)

    def resume(self, job: str, steps: tuple[str, ...]) -> bool:
        """Start a script that ended once more: it goes on where it stopped, without what these steps had left."""
        home = self.home / job
        for step in steps:
            shutil.rmtree(home / "out" / step, ignore_errors=True)
        (home / "ended.json").unlink(missing_ok=True)
        self._start(home)
        return True

    # What it left

    def fetch(self, job: str, step: str, port: str, record: Mapping[str, Any], folder: Path) -> Path:
        """Return a copy of a step's output."""
        source, place = Path(self.address(job, step, port, record)), folder / record["outputs"][port]["name"]
        if place.is_dir():
            shutil.rmtree(place)
        if source.is_dir():
            shutil.copytree(source, place, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(source, place)
        return place

    def address(self, job: str, step: str, port: str, record: Mapping[str, Any]) -> str:
        """Return the path of a step's output."""
        return str(self.home / job / "out" / step / record["outputs"][port]["path"])

    # What stays installed

    def deploy(self, name: str, folder: Path, native: Mapping[str, Any], digest: str) -> Deployment:
        """Put the script where a crontab may name it; the line for it is in the script's head."""
        del native
        place = self.home / "deployed" / name
        new = place.with_name(f".{name}-{os.getpid()}")
        shutil.copytree(folder, new)
        (new / "digest").write_text(digest, encoding="utf-8")
        shutil.rmtree(place, ignore_errors=True)
        new.rename(place)
        return self._deployment(place)

    def undeploy(self, name: str) -> bool:
        """Remove the script; the line in the crontab is the user's."""
        place = self.home / "deployed" / name
        is_there = place.exists()
        shutil.rmtree(place, ignore_errors=True)
        return is_there

    def deployments(self) -> tuple[Deployment, ...]:
        """Return the scripts that were put there."""
        return tuple(self._deployment(place) for place in sorted((self.home / "deployed").glob("[!.]*")))

    @staticmethod
    def _deployment(place: Path) -> Deployment:
        digest = (place / "digest").read_text(encoding="utf-8")
        return Deployment(place.name, "posix", str(place / "run.sh"), place.as_uri(), digest)

    def close(self) -> None:
        """Let go of nothing: what was started goes on."""


class OwnMachine:
    """The emulator of a platform that is this machine: a folder for its runs, and an end of those that still last."""

    def __init__(self, root: Path, settings: Mapping[str, Any]) -> None:
        """Keep runs below `root`."""
        self.settings: Mapping[str, Any] = {**settings, "runs": str(root)}

    def start(self) -> None:
        """Begin; there is nothing to be started."""

    def stop(self) -> None:
        """End every script."""
        scripts = Scripts(self.settings)
        for group in scripts.home.glob("*/group"):
            scripts.cancel(group.parent.name)


def _put_arrivals(arrivals: Mapping[str, Any], out: Path) -> None:
    """Put what steps of other islands left to where the launcher looks for it: their records, with absolute paths."""
    out.mkdir(parents=True)
    for step, record in arrivals.get("records", {}).items():
        outputs = {
            port: {**left, "path": str(arrivals["paths"][f"{step}.{port}"])}
            for port, left in record["outputs"].items()
            if f"{step}.{port}" in arrivals.get("paths", {})
        }
        (out / step).mkdir()
        (out / step / "record.json").write_text(json.dumps({**record, "outputs": outputs}), encoding="utf-8")


def _items(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _text(value: Any) -> str:
    return str(value) if isinstance(value, Path) else text_of(value)


def _is_held(lock: Path) -> bool:
    """Return whether anything of a run lives."""
    try:
        with lock.open() as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _end(home: Path) -> tuple[str, str]:
    """Return state and message of a run of which nothing lives."""
    if not (home / "group").exists():
        return "waiting", ""
    if (home / "out" / ".late").exists():
        return "failed", LATE
    manifest = home / "out" / "manifest.json"
    if manifest.exists():
        told = json.loads(manifest.read_text(encoding="utf-8"))
        return told["state"], told["reason"]
    if not (home / "ended.json").exists():
        return "failed", "the script was ended from outside"
    code = json.loads((home / "ended.json").read_text(encoding="utf-8"))["code"]
    if code in (129, 130, 143):
        return "cancelled", ""
    said = (home / "script.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return "failed", said[-1] if said else f"exit code {code}"


def _step(folder: Path, *, is_alive: bool) -> StepStatus:
    record: Record | None = read_record(str(folder))
    if record is not None:
        state = "succeeded" if record["state"] == "skipped" else record["state"]
        return StepStatus(state, max(1, record["attempts"]), folder.as_uri())
    if not (folder / "log.txt").exists():
        return StepStatus("waiting" if is_alive else "not run")
    return StepStatus("running" if is_alive else "cancelled", 1, folder.as_uri())
