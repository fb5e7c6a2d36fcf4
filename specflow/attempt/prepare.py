"""From a step and the values of its inputs to a process: its folder, argument vector, environment and output paths.

A step is the JSON object that a plan holds under `attempt`:

    {"step": label, "command": [trees] | "script": text | "notebook": {…}, "inputs": {port: facts},
     "outputs": {port: facts}, "env": {name: tree}, "secrets": [names]}

`spark` beside `command` makes it a Python file for Spark: `{"cpus": number | null}`. What `notebook` holds is the
caller's: it finds the file by it.

`here` leaves in its trees are the step's own ports. Everything below is the same on every target.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import Any, NamedTuple

from specflow.attempt.addresses import fetch, is_address
from specflow.attempt.evaluate import evaluate, text_of
from specflow.attempt.notebook import Notebook, notebook_process
from specflow.attempt.spark import spark_variables
from specflow.attempt.values import PATH_TYPES, value_problem

__all__ = ["BASE_VARIABLES", "PrepareError", "Prepared", "output_name", "prepare"]

BASE_VARIABLES = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "JAVA_HOME",
    "SPARK_HOME",
    "MLFLOW_TRACKING_URI",
)
"""What a step sees of the environment around it; everything else stays outside."""


class PrepareError(Exception):
    """A step that can't start with these values: the sentence says why."""


class Prepared(NamedTuple):
    """A process that is ready to start, and where it will leave its outputs."""

    argv: list[str]
    env: dict[str, str]
    cwd: str
    outputs: dict[str, str]


def output_name(port: str, facts: Mapping[str, Any]) -> str:
    """Return the name of an output's file or folder: `<port>.<format>` for a file with a format, else `<port>`."""
    if facts["type"] == "metrics":
        return f"{port}.{facts.get('format', 'json')}"
    if facts["type"] == "file" and "format" in facts:
        return f"{port}.{facts['format']}"
    return port


def prepare(
    step: Mapping[str, Any],
    values: Mapping[str, Any],
    run: Mapping[str, Any],
    folder: str,
    python: str,
    around: Mapping[str, str],
    secrets: Mapping[str, str],
    notebook: Notebook | None = None,
    places: Mapping[str, str] | None = None,
) -> Prepared:
    """Return the process of one attempt, its fresh folder made; raise PrepareError for values that a port refuses.

    `values` hold a value or a path for every input port, None for an absent one. `run` has `id`, `date`, `pipeline`,
    `attempt` and `target`. `folder` doesn't exist yet; `<folder>/work` gets the code by the caller. `around` is the
    environment that the step's own is picked from, `python` the interpreter of the step's environment. `notebook` is
    there for a notebook. `places` are output paths that the caller has made: others lie below `<folder>/outputs`.
    `<folder>/temp` is for the tools that run the step, and of no worth afterwards.
    """
    inputs = _checked(step, values)
    for port, facts in step["inputs"].items():
        if facts.get("access") == "download" and inputs[port] is not None:
            inputs[port] = _downloaded(inputs[port], os.path.join(folder, "inputs", port))
    outputs = _make_outputs(step, os.path.join(folder, "outputs"), places or {})

    def lookup(leaf: list[Any]) -> Any:
        if leaf[0] == "run":
            return run[leaf[1]]
        return inputs.get(leaf[2]) if leaf[1] == "inputs" else outputs[leaf[2]]

    temp = os.path.join(folder, "temp")
    if notebook is not None:
        argv = notebook_process(step, inputs, outputs, notebook, temp, python)
    else:
        argv = _arguments(step, lookup)
    if argv[0] in ("python", "python3"):
        argv[0] = python
    tools: dict[str, str] = {}
    if "spark" in step:
        argv.insert(0, python)
        tools = spark_variables(step["spark"], temp, python)
    env = _environment(step, lookup, run, python, around, secrets, tools)
    return Prepared(argv, env, os.path.join(folder, "work"), outputs)


def _checked(step: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    for port, facts in step["inputs"].items():
        value = values.get(port)
        if value is not None:
            if facts["type"] == "number" and not facts.get("many") and isinstance(value, str):
                raise PrepareError(f'input "{port}": "{value}" is not a number')
            problem = value_problem(value, facts)
            if problem is not None:
                raise PrepareError(f'input "{port}": {problem[1]}')
            if facts["type"] in PATH_TYPES:
                _check_there(port, value)
        checked[port] = value
    return checked


def _check_there(port: str, value: Any) -> None:
    for path in value if isinstance(value, list) else [value]:
        if "://" not in path and not os.path.exists(path):
            raise PrepareError(f'input "{port}": there is nothing at "{path}"')


def _downloaded(value: Any, folder: str) -> Any:
    """Return the paths of private copies."""
    if isinstance(value, list):
        return [_downloaded(path, os.path.join(folder, str(index))) for index, path in enumerate(value)]
    os.makedirs(folder, exist_ok=True)
    copy = os.path.join(folder, os.path.basename(value.rstrip("/")))
    if is_address(value):
        fetch(value, copy)
    elif os.path.isdir(value):
        shutil.copytree(value, copy, copy_function=shutil.copyfile)
    else:
        shutil.copyfile(value, copy)
    return copy


def _make_outputs(step: Mapping[str, Any], folder: str, places: Mapping[str, str]) -> dict[str, str]:
    """Return the path of each output: folders exist and are empty, a file's parent exists."""
    try:
        os.mkdir(os.path.dirname(folder))
    except OSError:  # what it stands in is not there yet, or it is there itself
        os.makedirs(os.path.dirname(folder), exist_ok=True)
    os.mkdir(folder)
    paths = dict(places)
    for port, facts in step["outputs"].items():
        if port in places:
            continue
        paths[port] = os.path.join(folder, output_name(port, facts))
        if facts["type"] in ("folder", "model"):
            os.mkdir(paths[port])
    return paths


def _arguments(step: Mapping[str, Any], lookup: Any) -> list[str]:
    if "script" in step:
        return ["bash", "-euo", "pipefail", "-c", step["script"]]
    found: list[str] = []
    for tree in step["command"]:
        if tree[0] != "group":
            found.extend(_texts(evaluate(tree, lookup)))
            continue
        values = [evaluate(argument, lookup) for argument in tree[1:]]
        if all(value is not None and value != [] for value in values):
            found.extend(text for value in values for text in _texts(value))
    if not found:
        raise PrepareError("nothing is left of the command once absent values are gone")
    return found


def _texts(value: Any) -> list[str]:
    if value is None:
        raise PrepareError("a value in the command is absent, and it does not stand inside $[[ ]]")
    if isinstance(value, list):
        return [text_of(item) for item in value]
    return [text_of(value)]


def _environment(
    step: Mapping[str, Any],
    lookup: Any,
    run: Mapping[str, Any],
    python: str,
    around: Mapping[str, str],
    secrets: Mapping[str, str],
    tools: Mapping[str, str],
) -> dict[str, str]:
    env = {name: around[name] for name in BASE_VARIABLES if name in around}
    env["PATH"] = os.path.dirname(python) + os.pathsep + env.get("PATH", os.defpath)
    env["PYTHONUNBUFFERED"] = "1"
    env.update(tools)
    for name, tree in step["env"].items():
        value = evaluate(tree, lookup)
        if value is None:
            env.pop(name, None)
        else:
            env[name] = text_of(value)
    env.update(secrets)
    env["SPECFLOW_RUN_ID"] = run["id"]
    env["SPECFLOW_PIPELINE"] = run["pipeline"]
    env["SPECFLOW_STEP"] = step["step"]
    env["SPECFLOW_ATTEMPT"] = str(run["attempt"])
    env["SPECFLOW_TARGET"] = run["target"]
    return env
