"""Runs a step as a target would: by its `run` line, in a copy of its folder, with outputs that start empty."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
DATA = ROOT / "specs" / "data"
MODELS = ("ridge", "random_forest", "gradient_boosting")


@dataclass(frozen=True)
class Attempt:
    code: int
    stdout: str
    stderr: str
    outputs: Mapping[str, Path]
    left_behind: frozenset[str]  # what the step created in its own folder

    @property
    def bytes(self) -> dict[str, bytes]:
        """Every file in the outputs, by its port and its name inside it."""
        return {
            str(file.relative_to(path.parent)): file.read_bytes()
            for path in self.outputs.values()
            for file in [path, *path.rglob("*")]
            if file.is_file()
        }


def texts(value) -> list[str]:
    """One argument per element of a list, one for anything else."""
    return [str(element) for element in value] if isinstance(value, (list, tuple)) else [str(value)]


def run_step(folder: Path, name: str, **inputs) -> Attempt:
    step = yaml.safe_load((ROOT / "steps" / name / "step.yaml").read_text())
    code = shutil.copytree(ROOT / "steps" / name, folder / "code")
    before = {path.name for path in code.iterdir()}

    values = {port: declared["default"] for port, declared in step["inputs"].items() if "default" in declared} | inputs
    assert set(step["inputs"]) == set(values)

    outputs = {}
    (folder / "outputs").mkdir()
    for port, declared in step["outputs"].items():
        extension = f".{declared['format']}" if "format" in declared else ""
        outputs[port] = folder / "outputs" / f"{port}{extension}"
        if declared["type"] in ("folder", "model"):
            outputs[port].mkdir()

    references = {f"inputs.{port}": texts(value) for port, value in values.items()}
    references |= {f"outputs.{port}": [str(path)] for port, path in outputs.items()}
    words = shlex.split(re.sub(r"\$\{\{ ([\w.]+) \}\}", r"@\1", step["run"]))
    assert set(references) == {word[1:] for word in words if word.startswith("@")}

    argv = [text for word in words for text in (references[word[1:]] if word.startswith("@") else [word])]
    assert argv[0] == "python"

    process = subprocess.run(
        [sys.executable, *argv[1:]],
        cwd=code,
        env={key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    left_behind = frozenset({path.name for path in code.iterdir()} - before)
    return Attempt(process.returncode, process.stdout, process.stderr, outputs, left_behind)
