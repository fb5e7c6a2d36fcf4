"""Steps of a spec, launched as platforms do: the launcher's files and the notes in a folder, one process a step."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from specflow.attempt.records import from_line
from specflow.launcher import launcher_files
from specflow.lowering import Lowering
from specflow.spec.load import Loader
from specflow.stages import Checked, validate

RUN = "20260131-120000-1a2b3c"
ENV = {"PATH": os.environ["PATH"], "HOME": "/", "LC_ALL": "C.UTF-8"}


class Launched(NamedTuple):
    """How a launch went: its exit code, what it wrote, its record by its file."""

    code: int
    text: str
    record: Mapping[str, Any] | None


class Bench:
    """One pipeline, compiled as far as its notes, in a folder of its own."""

    def __init__(self, folder: Path, spec: str, *, soft: bool = False) -> None:
        self.home, self.root = folder / "it's here", folder / "root"
        project = folder / "project"
        project.mkdir(exist_ok=True)
        (project / ".git").mkdir(exist_ok=True)
        (project / "pipeline.yaml").write_text(f"specflow: 1\nname: demo\n{spec}", encoding="utf-8")
        self.checked: Checked = validate(project / "pipeline.yaml", Loader(project))
        assert self.checked.graph is not None, self.checked.diagnostics
        for name, content in launcher_files().items():
            write(self.home / name, content)
        lowering = Lowering(self.checked.graph, project, "bench")
        self.ids = {}
        for node in self.checked.graph.nodes.values():
            self.ids[node.label] = node.id
            note = lowering.note(node, soft=soft)
            write(self.home / node.id / "step.json", json.dumps(note).encode())
            snapshot = lowering.code(node)
            for file in snapshot.files if snapshot is not None else ():
                write(self.home / node.id / "code" / file.path, file.source.read_bytes())
        outputs = {name: {"tree": one["tree"], "optional": one["optional"]} for name, one in lowering.outputs().items()}
        verdict = {"verdict": {"steps": list(self.checked.graph.nodes), "outputs": outputs}}
        write(self.home / "verdict.json", json.dumps(verdict).encode())

    def argv(self, label: str, *options: str) -> list[str]:
        """Return the command line of a step's launch, below the bench's root."""
        note = self.home / self.ids[label] / "step.json"
        where = [] if any(option.startswith(("--record", "--root")) for option in options) else ["--root", self.root]
        head = [sys.executable, str(self.home / "launch.py"), str(note), "--target", "bench", "--run", RUN]
        return [*head, *map(str, where), *options]

    def launch(self, label: str, *options: str, **more: str) -> Launched:
        """Launch a step and wait for it; `more` are variables of the launcher's own environment."""
        done = subprocess.run(
            self.argv(label, *options),
            env={**ENV, **more},
            cwd=self.home.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
        )
        return Launched(done.returncode, done.stdout.decode(), self.record(label))

    def start(self, label: str, *options: str) -> subprocess.Popen[str]:
        """Launch a step and do not wait."""
        return subprocess.Popen(
            self.argv(label, *options), env=ENV, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def verdict(self, *options: str) -> tuple[int, Mapping[str, Any]]:
        """Return the exit code of the last word on the run, and what it says."""
        note = str(self.home / "verdict.json")
        head = [sys.executable, str(self.home / "launch.py"), note, "--target", "bench", "--run", RUN]
        argv = [*head, "--root", str(self.root), "--verdict", *options]
        done = subprocess.run(argv, env=ENV, capture_output=True, text=True, timeout=60)
        line = done.stdout.removeprefix("specflow-verdict: ")
        return done.returncode, json.loads(line)

    def record(self, label: str) -> Mapping[str, Any] | None:
        """Return a step's record by its file, None if there is none."""
        file = self.root / self.ids[label] / "record.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None

    def output(self, label: str, port: str) -> Path:
        """Return where an output of a step lies by its record."""
        record = self.record(label)
        assert record is not None
        return self.root / self.ids[label] / record["outputs"][port]["path"]


def told_record(text: str) -> Mapping[str, Any] | None:
    """Return the last record that a log tells."""
    found = [record for line in text.splitlines() if (record := from_line(line)) is not None]
    return found[-1] if found else None


def write(file: Path, content: bytes) -> None:
    """Write a file, its folders made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
