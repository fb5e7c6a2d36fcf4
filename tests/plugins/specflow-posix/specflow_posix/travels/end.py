"""end.py pipeline.json OUT: tells the pipeline's outputs, and writes them to OUT/outputs.json; null for absent ones."""

import json
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "launcher"))

from specflow.attempt.evaluate import evaluate, text_of  # noqa: E402 - its own copy, beside this file


def main(pipeline: dict, out: str) -> None:
    """Write OUT/outputs.json, and tell what is in it."""
    with open(os.path.join(out, "manifest.json"), encoding="utf-8") as stream:
        records = json.load(stream)["records"]
    with open(os.path.join(out, "inputs.json"), encoding="utf-8") as stream:
        inputs = json.load(stream)

    def look_up(leaf: list) -> object:
        if leaf[0] == "input":
            return inputs[leaf[1]]
        if leaf[0] == "data":
            return os.path.join(here, pipeline["data"][leaf[1]]["path"])
        record = records[leaf[1]]
        if record is None or record["state"] != "succeeded":
            return None
        left = record["outputs"].get(leaf[2])
        return record["values"].get(leaf[2]) if left is None else os.path.join(out, leaf[1], left["path"])

    found = {name: evaluate(output["tree"], look_up) for name, output in pipeline["outputs"].items()}
    with open(os.path.join(out, "outputs.json"), "w", encoding="utf-8") as stream:
        json.dump(found, stream, indent=1, sort_keys=True)
    for name, value in found.items():
        told = json.dumps(value) if value is None or isinstance(value, list) else text_of(value)
        sys.stdout.write(f"{name} = {told}\n")


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as stream:
        main(json.load(stream), sys.argv[2])
