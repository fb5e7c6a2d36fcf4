"""The launcher: a step's `main` on a platform. It decides whether the step runs, runs it, and records what came of it.

    python launch.py step.json --target azureml --run RUN --from prepare=… --path prepare.train=… --output fitted=…

`step.json` is the step's note: the step as a plan has it, and what its launch needs. All values on the command line are
texts of `specflow.attempt.codec`. It ends with exit code 0 if the step succeeded or was skipped, else with 1. A `soft`
step, on a platform that runs nothing below a failure, always ends with 0 and leaves the verdict to the last one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any

from specflow.attempt.brief import Brief
from specflow.attempt.child import End, Stopped, Stops, run_child, run_inside
from specflow.attempt.collect import Collected, collect
from specflow.attempt.evaluate import EvaluationError
from specflow.attempt.mask import Mask
from specflow.attempt.notebook import Notebook
from specflow.attempt.outcomes import CANCELLED, Outcome, reason_of
from specflow.attempt.prepare import Prepared, PrepareError, prepare
from specflow.attempt.publish import Places, publish
from specflow.attempt.records import line_of, read_record, write_record
from specflow.attempt.relay import hand_over, in_store
from specflow.attempt.tell import say, tell
from specflow.attempt.track import tracking_process
from specflow.attempt.untouched import as_they_are, wrote_to
from specflow.attempt.wheels import install

__all__ = ["Launch", "main", "parser"]

MAX_DELAY_S = 24 * 3600.0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the launcher's command line."""
    found = argparse.ArgumentParser("launch.py", allow_abbrev=False)
    found.add_argument("note")
    found.add_argument("--target", required=True)
    found.add_argument("--run", default="", help="the run's id, or a job's name that begins with it")
    found.add_argument("--date", default="")
    found.add_argument("--id", default="")
    found.add_argument("--label", default="")
    for name in ("input", "value", "data", "from", "path", "output", "left"):
        found.add_argument(f"--{name}", action="append", default=[], type=_pair, metavar="NAME=TEXT")
    for name in ("keep", "secret", "variable"):
        found.add_argument(f"--{name}", action="append", default=[], metavar="NAME")
    found.add_argument("--inputs", default="", help="a JSON file of the pipeline's inputs")
    found.add_argument("--broken", default="", metavar="TEXT", help="why the step can't run here, if it should")
    found.add_argument("--record", default="", help="where the step's record goes")
    found.add_argument("--root", default="", help="where records and outputs of all steps of the run lie")
    found.add_argument("--store", default="", help="where the exchange store is that several platforms see")
    found.add_argument("--executed", default="", help="where an executed notebook goes")
    found.add_argument("--attempt", type=int, default=0, help="the platform repeats attempts itself, and this is one")
    found.add_argument("--afresh", default="", help="which run asked for this launch, in place of an earlier one")
    found.add_argument("--began", type=float, default=0.0, help="when the first attempt began, in seconds since 1970")
    found.add_argument("--halt", default="", help="a file that is there once a step has failed, and nothing new starts")
    found.add_argument("--native", action="store_true", help="the platform ran the step: take down what was --left")
    found.add_argument("--placeholders", action="store_true", help="leave something where an output is absent")
    found.add_argument("--in-process", action="store_true", help="run the step's Python file in this interpreter")
    found.add_argument("--verdict", action="store_true", help="judge the run by its records")
    found.add_argument("--manifest", default="", help="where the verdict writes what the run left")
    return found


def main(argv: Sequence[str] | None = None, folder: str | None = None) -> int:
    """Return the exit code of a step's launch, or of a run's verdict."""
    options = parser().parse_args(argv)
    path = options.note if folder is None else os.path.join(folder, options.note)
    with open(path, encoding="utf-8") as stream:
        note = json.load(stream)
    if options.verdict:
        from specflow.attempt.verdict import judge_run

        return judge_run(note, dict(getattr(options, "from")), options)
    return Launch(note, os.path.dirname(os.path.abspath(path)), options).go()


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f'"{text}" is not NAME=TEXT')
    return name, value


class Launch:
    """One launch of a step; used once."""

    def __init__(self, note: Mapping[str, Any], folder: str, options: argparse.Namespace) -> None:
        self.note, self.folder, self.options = note, folder, options
        self.temporary = tempfile.mkdtemp(prefix="specflow-")
        self.brief = Brief(note, options, self.temporary)
        self.step, self.places = self.brief.step, self.brief.places
        self.began = time.monotonic()
        self.stops = Stops()

    def go(self) -> int:
        """Return the exit code, once the record is written."""
        record = self.brief.begun(Outcome("succeeded"))
        with self.stops:
            outcome = self._outcome(record)
            self.stops.is_busy = True  # what is left to do is short, and has to be done
            return self._end(outcome, record)

    def _outcome(self, record: dict[str, Any]) -> Outcome:
        try:
            if self.options.native:
                return self._taken_down(record)
            given = self.brief.values()
            if not isinstance(given, Outcome) and self.options.broken:
                return Outcome("failed", self.options.broken)
            return given if isinstance(given, Outcome) else self._attempts(given, record)
        except (ValueError, EvaluationError, PrepareError) as failure:
            return Outcome("failed", str(failure))
        except OSError as failure:
            return Outcome("failed", reason_of(failure))
        except Stopped:
            return Outcome("cancelled", CANCELLED)

    def _taken_down(self, record: dict[str, Any]) -> Outcome:
        """Return how a step ended that the platform ran by itself, and to a good end: are its outputs there?"""
        record["attempts"] = 1
        made = {port: os.path.abspath(path) for port, path in self.options.left}
        found = collect(self.step, made)
        if found.problems:
            return Outcome("failed", "; ".join(found.problems))
        record["values"], record["metrics"] = found.values, found.metrics
        places = Places(self.brief.id, "", made, self.options.record)
        record["outputs"] = publish(self.step["outputs"], made, set(found.absent), places, 1)
        return Outcome("succeeded")

    def _end(self, outcome: Outcome, record: dict[str, Any]) -> int:
        record["state"], record["reason"] = outcome.state, outcome.reason
        if not self.options.native:  # how long the platform took is for others to see
            passed = time.time() - self.options.began if self.options.began else time.monotonic() - self.began
            record["seconds"] = round(max(passed, 0.0), 3)
        if not outcome.is_good:
            record["values"], record["metrics"], record["outputs"] = {}, {}, {}
        shutil.rmtree(self.temporary, ignore_errors=True)
        if not outcome.is_good and self.options.placeholders:
            self.places.fill(self.step["outputs"], set())
        write_record(record, self.places.record)
        say(line_of(record), is_sure=not self.options.in_process)
        if outcome.state == "cancelled":
            return 143
        if outcome.state == "failed":
            self._halt_the_rest()
            say(f'specflow: step "{self.brief.label}" failed: {outcome.reason}')
            return 0 if self.note["soft"] else 1
        if outcome.state == "skipped":
            say(f'specflow: step "{self.brief.label}" did not run: {outcome.reason}')
        if outcome.is_good and self.note.get("bridge", {}).get("fail_fast") and self._has_failed_elsewhere(record):
            self._halt_the_rest()
            return 1
        return 0

    def _has_failed_elsewhere(self, record: Mapping[str, Any]) -> bool:
        """Return whether a step has failed that this bridge stands for."""
        home = self.places.output_of(self.places.record, record["outputs"]["records"]["path"])
        found = (read_record(os.path.join(home, step)) for step in self.note["bridge"]["steps"])
        return any(each is not None and each["state"] == "failed" for each in found)

    def _halt_the_rest(self) -> None:
        """Say that a step has failed for good, where a failure starts nothing new."""
        if self.options.halt and self.options.attempt in (0, self.note["retry"]["attempts"]):
            with open(self.options.halt, "w", encoding="utf-8") as stream:
                stream.write(self.brief.id)

    def _attempts(self, values: dict[str, Any], record: dict[str, Any]) -> Outcome:
        retry = self.note["retry"]
        only = self.options.attempt
        for number in [only] if only else range(1, retry["attempts"] + 1):
            record["attempts"] = number
            if number > 1:
                time.sleep(min(retry["delay_s"] * retry["backoff"] ** (number - 2), MAX_DELAY_S))
            try:
                reason = self._attempt(values, number, record)
            except OSError as failure:  # a disk that is full now may not be the next time
                reason = reason_of(failure)
            if not reason:
                return Outcome("succeeded")
            if number < retry["attempts"]:
                say(f"specflow: attempt {number} of {retry['attempts']} failed: {reason}")
        return Outcome("failed", reason)

    def _attempt(self, values: dict[str, Any], number: int, record: dict[str, Any]) -> str:
        """Return why an attempt failed; empty if it succeeded, and then its outputs are published."""
        folder = os.path.join(self.temporary, f"attempt-{number}")
        direct = self.places.direct(self.step["outputs"], number) if self.options.in_process else {}
        prepared = prepare(
            self.step,
            values,
            {**self.brief.run, "attempt": number},
            folder,
            self._python(),
            os.environ,
            {**self._variables(), **self._secrets()},
            self._notebook(),
            direct,
        )
        self._keep(prepared.env)
        self._fill(prepared.cwd)
        if "bridge" in self.note:
            hand_over(prepared.cwd, self.brief.run, values, self.brief.records.records)
        held = as_they_are(self.step, values)
        try:
            end = self._run(prepared, record)
        except FileNotFoundError:
            raise PrepareError(f'there is no program "{prepared.argv[0]}" here') from None
        if end.reason:
            return end.reason
        changed = wrote_to(held)
        if changed is not None:
            return changed
        found: Collected = collect(self.step, prepared.outputs)
        if found.problems:
            return "; ".join(found.problems)
        record["values"], record["metrics"] = found.values, found.metrics
        left = publish(self.step["outputs"], prepared.outputs, set(found.absent), self.places, number)
        record["outputs"] = in_store(left, self.places, self.note.get("stored", {}), self.options.store)
        if self.options.placeholders:
            self.places.fill(self.step["outputs"], set(left))
        self._track(prepared, found)
        return ""

    def _run(self, prepared: Prepared, record: dict[str, Any]) -> End:
        if self.options.in_process:
            names = [*self.step["env"], *self.options.secret]
            own = {name: prepared.env[name] for name in names if name in prepared.env}
            own.update({name: text for name, text in prepared.env.items() if name.startswith("SPECFLOW_")})
            # Where the platform repeats attempts it bounds them, too.
            limit = None if self.options.attempt else self.note["timeout_s"]
            return run_inside(prepared, own, limit, lambda end: self._end(Outcome("failed", end.reason), record))
        mask = Mask(self._secrets().values(), tell)
        end = run_child(prepared, self.note["timeout_s"], mask.write, self.stops)
        mask.end()
        return end

    def _python(self) -> str:
        """Return the interpreter of the step: this one, or one on top of it that has the step's wheels."""
        wheels = self.note.get("wheels")
        if wheels is None:
            return sys.executable
        home = os.path.join(self.temporary, "environment")
        if not os.path.isdir(home):
            return install(wheels, self.folder, home)
        return os.path.join(home, "bin", "python")

    def _variables(self) -> dict[str, str]:
        """Return the step's constant variables that the platform has set for this process."""
        return {name: os.environ[name] for name in self.options.variable if name in os.environ}

    def _secrets(self) -> dict[str, str]:
        missing = [name for name in self.options.secret if name not in os.environ]
        if missing:
            raise PrepareError(f'the secret "{missing[0]}" did not arrive: is it bound where this step runs?')
        return {name: os.environ[name] for name in self.options.secret}

    def _notebook(self) -> Notebook | None:
        if "notebook" not in self.step:
            return None
        source = os.path.join(self.folder, self.step["notebook"]["path"])
        executed = self.options.executed or os.path.join(self.temporary, "executed.ipynb")
        os.makedirs(os.path.dirname(executed) or ".", exist_ok=True)
        return Notebook(source, os.path.abspath(executed))

    def _keep(self, env: dict[str, str]) -> None:
        """Add the variables by which the platform's own login and tracking work, by what they begin with."""
        kept = (*self.options.keep, *self.note.get("keep", ()))
        for name, text in os.environ.items():
            if name not in env and name not in self.step["env"] and name.startswith(kept):
                env[name] = text

    def _fill(self, work: str) -> None:
        """Copy the step's code into an attempt's own folder, writable, and programs as programs."""
        os.mkdir(work)
        if self.note["code"] is None:
            return
        shutil.copytree(
            os.path.join(self.folder, self.note["code"]), work, copy_function=shutil.copyfile, dirs_exist_ok=True
        )
        for stored, name in self.note.get("renamed", {}).items():
            os.rename(os.path.join(work, stored), os.path.join(work, name))
        for here, _, _ in os.walk(work):
            os.chmod(here, 0o755)  # noqa: S103 - a folder that only this step works in
        for name in self.note["executables"]:
            path = os.path.join(work, name)
            os.chmod(path, stat.S_IMODE(os.stat(path).st_mode) | stat.S_IXUSR)

    def _track(self, prepared: Prepared, found: Collected) -> None:
        """Log metrics to the platform's MLflow, where the step's environment has it; what goes wrong there is told."""
        process = tracking_process(sys.executable, prepared.env, found.metrics, self.brief.run, self.brief.label)
        if process is not None:
            argv, env = process
            end = run_child(Prepared(argv, env, self.temporary, {}), 60, tell, self.stops)
            if end.reason:
                say("specflow: the metrics could not be logged to MLflow; the metrics file has them")


if __name__ == "__main__":
    sys.exit(main())
