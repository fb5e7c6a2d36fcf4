"""begin.py pipeline.json OUT RUN NAME=VALUE...: checks what the script was given, and prints the run's id.

Inputs go to OUT/inputs.json, typed, defaults filled in. In the folder of a run that stopped, what was done well stays.
"""

import json
import os
import secrets
import shutil
import sys
import time

if sys.version_info < (3, 10):
    sys.exit("this pipeline needs Python 3.10 or later: name one with PYTHON=...")

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "launcher"))

from specflow.attempt.codec import encode  # noqa: E402 - its own copy, beside this file
from specflow.attempt.evaluate import evaluate  # noqa: E402
from specflow.attempt.records import read_record  # noqa: E402
from specflow.attempt.values import PATH_TYPES, parse_text, value_problem  # noqa: E402


def main(pipeline: dict, out: str, run: str, words: list) -> None:
    """Write OUT/inputs.json, and print the run's id."""
    given = given_of(pipeline, words)
    known = os.path.join(out, "run.json")
    if os.path.exists(known):
        with open(known, encoding="utf-8") as stream:
            earlier = json.load(stream)
        if earlier["given"] != given:
            sys.exit(f"{out} holds a run with other inputs: name another folder with OUT=...")
        run = earlier["run"]
        tidy(pipeline, out)
    run = run or f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
    write(known, {"run": run, "given": given})
    write(os.path.join(out, "inputs.json"), with_defaults(pipeline, given, run))
    sys.stdout.write(encode(run) + "\n")


def given_of(pipeline: dict, words: list) -> dict:
    """Return the values of the inputs given; end with a sentence where one can't be."""
    texts: dict = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or name not in pipeline["inputs"]:
            known = ", ".join(pipeline["inputs"]) or "none"
            sys.exit(f'"{name}" is no input of {pipeline["name"]}; there are: {known}')
        texts.setdefault(name, []).append(text)
    given = {}
    for name, facts in pipeline["inputs"].items():
        if name in texts:
            given[name] = value_of(name, facts, texts[name])
        elif facts["default"] is None and not facts["optional"]:
            sys.exit(f'the input "{name}" is required: give {name}=...')
    return given


def value_of(name: str, facts: dict, texts: list) -> object:
    """Return the value that texts spell for an input; paths become absolute."""
    try:
        if facts["type"] in PATH_TYPES:
            values = [os.path.abspath(text) for text in texts]
            missing = [path for path in values if not os.path.exists(path)]
            if missing:
                raise ValueError(f"there is nothing at {missing[0]}")
        else:
            values = [parse_text(text, facts["type"]) for text in texts]
        value = values if facts.get("many") else values[-1]
        problem = value_problem(value, facts)
        if problem is not None:
            raise ValueError(problem[1])
    except ValueError as failure:
        sys.exit(f'the input "{name}": {failure}')
    return value


def with_defaults(pipeline: dict, given: dict, run: str) -> dict:
    """Return the value of every input, None for an absent one."""
    found: dict = {}

    def look_up(leaf: list) -> object:
        if leaf[0] == "data":
            return os.path.join(here, pipeline["data"][leaf[1]]["path"])
        return found.get(leaf[1]) if leaf[0] == "input" else {"id": run}.get(leaf[1])

    for name, facts in pipeline["inputs"].items():
        found[name] = given.get(name)
        if found[name] is None and facts["default"] is not None:
            found[name] = evaluate(facts["default"], look_up)
    return found


def tidy(pipeline: dict, out: str) -> None:
    """Take away what an earlier start left of steps that it did not end well."""
    for step in pipeline["steps"]:
        record = read_record(os.path.join(out, step))
        if record is None or record["state"] != "succeeded":
            shutil.rmtree(os.path.join(out, step), ignore_errors=True)
    for name in (".halted", ".late", "manifest.json", "outputs.json"):
        if os.path.exists(os.path.join(out, name)):
            os.remove(os.path.join(out, name))


def write(path: str, document: object) -> None:
    """Write a document as JSON, as a whole."""
    with open(path + ".new", "w", encoding="utf-8") as stream:
        json.dump(document, stream, indent=1, sort_keys=True)
    os.replace(path + ".new", path)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as stream:
        main(json.load(stream), *sys.argv[2:4], sys.argv[4:])
