"""The examples of the codes, put on disk and told about by specflow itself."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from specflow.diagnostics import Diagnostic, has_errors, tidy
from specflow.diagnostics.codes import Code
from specflow.diagnostics.render import render
from specflow.graph.build import build
from specflow.graph.placement import placement_faults
from specflow.spec.checks import check
from specflow.spec.load import Loader

TARGETS = ("azureml", "databricks", "local")
"""What the examples may name, whether it is installed where they run or not."""

HEADER = re.compile(r"^[^ ].*: (?:error|warning): .* \[([a-z0-9-]+)\]$", re.MULTILINE)


def write(code: Code, part: Literal["wrong", "right"], folder: Path) -> str:
    """Write an example's files into a folder, and return the command that is told about them."""
    files = code.example(part)
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    spec = "pipeline.yaml" if any(file.path == "pipeline.yaml" for file in files) else "step.yaml"
    return code.command or f"specflow validate {spec}"


def told(command: str, folder: Path) -> tuple[str, list[str]]:
    """Return what a command says of an example, as text, and the codes in it.

    `validate` is called here, which is quick; other commands are called as users call them.
    """
    words = shlex.split(command)
    if words[1] != "validate":
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(Path(__file__).parents[2])}
        call = [sys.executable, "-m", *words]
        done = subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
        text = done.stderr.replace(f"{folder}/", "")
        return text, HEADER.findall(text)
    profile = words[words.index("--profile") + 1] if "--profile" in words else None
    with standing_in(folder):
        found = validated(Path(words[2]), profile)
        text = render(found, "text", source_of)
    return text, [diagnostic.code for diagnostic in found]


def validated(spec: Path, profile: str | None = None) -> tuple[Diagnostic, ...]:
    """Return what `validate` finds where all of TARGETS are installed; stages.validate asks for those that are."""
    loader = Loader(Path.cwd(), profile)
    workspace, found = loader.load(spec)
    if workspace is None:
        return tidy(found)
    found = (*found, *check(workspace, TARGETS))
    if has_errors(found):
        return tidy(found)
    graph, more = build(workspace)
    if graph is not None:
        more = (*more, *placement_faults(graph, workspace))
    return tidy((*found, *more))


def source_of(name: str) -> str | None:
    """Return the text of a file below where one stands, read leniently."""
    path = Path(name)
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None


@contextmanager
def standing_in(folder: Path) -> Iterator[None]:
    """Make a folder the current one for a while."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
