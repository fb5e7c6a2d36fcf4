"""Starts a step's launcher in a Databricks task: what a task knows of itself and of secrets, in the launcher's words.

It travels in every bundle, and needs the standard library and what the platform's runtime brings. Of its parameters it
looks at some, all as `--name=value`: `--repair` is how often the run was repaired, `--bind=NAME=SCOPE/KEY` names a
secret. What the launcher knows is passed on to it.
"""

import importlib
import json
import os
import re
import sys
import time

RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")
OWN = ("repair", "bind", "attempt", "date")


class StepFailed(Exception):  # noqa: N818 - what a task's error reads like
    """The step failed; its log and its record say why. Raised, for what becomes of an exit code is not documented."""


def start(arguments: list[str]) -> None:
    """Run the launcher with a task's parameters; the first is the path of a note of the bundle."""
    note, *options = arguments
    launcher_of(note)
    launch = importlib.import_module("specflow.attempt.launch")
    given = [option for option in options if name_of(option) not in OWN]
    if value_of(options, "ended"):
        code = importlib.import_module("beside").take_down(note, options)
    else:
        code = launch.main([note, *given, *([] if "--verdict" in options else of_step(note, options))])
    if code:
        raise StepFailed(f"exit code {code}")


def launcher_of(note: str) -> None:
    """Make the launcher importable: it lies beside the folder that holds the steps' folders."""
    bundle = os.path.dirname(os.path.dirname(os.path.dirname(note)))
    sys.path.insert(0, os.path.join(bundle, "launcher"))


def name_of(option: str) -> str:
    """Return the name of an option."""
    return option.removeprefix("--").partition("=")[0]


def value_of(options: list[str], name: str, default: str = "") -> str:
    """Return the value of an option that is given once or not at all."""
    return next((option.partition("=")[2] for option in options if name_of(option) == name), default)


def of_step(note: str, options: list[str]) -> list[str]:
    """Return what the launcher is told of this attempt, once what an earlier one left behind is gone."""
    home = home_of(note, options)
    os.makedirs(home, exist_ok=True)
    count, repair = value_of(options, "attempt", "1"), value_of(options, "repair", "0")
    first = first_attempt(home, int(count), repair)
    more = [f"--attempt={int(count) - first['count'] + 1}", f"--began={first['began']}"]
    if not RUN_ID.match(value_of(options, "run")):  # else the run's own id says when it began
        more.append(f"--date={value_of(options, 'date')}")
    os.environ["SPECFLOW_REPAIR"] = repair
    record = os.path.join(home, "record.json")
    if os.path.exists(record):
        os.remove(record)
    for option in options:
        if name_of(option) == "bind":
            name, _, place = option.partition("=")[2].partition("=")
            scope, _, key = place.partition("/")
            os.environ[name] = secret(scope, key)
            more.append(f"--secret={name}")
    return more


def home_of(note: str, options: list[str]) -> str:
    """Return the folder of a step in its run."""
    step = value_of(options, "id")
    if not step:
        with open(note, encoding="utf-8") as stream:
            step = str(json.load(stream)["id"])
    return os.path.join(value_of(options, "root"), step)


def first_attempt(home: str, count: int, repair: str) -> dict[str, float]:
    """Return when the first attempt since the run began, or since its last repair, was made, and the count it had.

    The platform counts on through repairs, and every attempt is a process of its own. So the first leaves a note.
    """
    path = os.path.join(home, f"first-attempt-{repair}.json")
    if not os.path.exists(path):
        first = {"count": count if repair != "0" else 1, "began": round(time.time(), 3)}
        with open(path, "w", encoding="utf-8") as stream:
            json.dump(first, stream)
    with open(path, encoding="utf-8") as stream:
        return dict(json.load(stream))


def secret(scope: str, key: str) -> str:
    """Return a secret of the workspace."""
    runtime = importlib.import_module("databricks.sdk.runtime")
    return str(runtime.dbutils.secrets.get(scope, key))


if __name__ == "__main__":
    start(sys.argv[1:])
