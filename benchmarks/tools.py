"""Each tool: its files for a workload, its command, where its outputs lie. All run the same shell line per step."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.workloads import MODULUS, Task, Workload

__all__ = ["TOOLS", "Tool", "installed"]

JOBS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Tool:
    """How to use a tool. `slow` ones get fewer rounds, and none of the workloads larger than `largest`."""

    name: str
    program: str
    version_from: str
    slow: bool = False
    largest: int = 10_000
    sees_changes: bool = True
    """Whether it runs again what hangs on a changed file; luigi looks no further than whether an output is there."""

    def write(self, workload: Workload, folder: Path) -> None:
        """Write the tool's own files."""
        raise NotImplementedError

    def command(self, program: str) -> list[str]:
        raise NotImplementedError

    def outputs(self, workload: Workload, folder: Path) -> Mapping[str, Path]:
        """Return where each step's output lies after a run."""
        return {task.name: folder / "out" / f"{task.name}.txt" for task in workload.tasks}


def _files(task: Task) -> list[str]:
    own = [f"src/{task.source}"] if task.source is not None else []
    return [*(f"out/{parent}.txt" for parent in task.parents), *own]


def _line(files: list[str], out: str, dollar: str = "$") -> str:
    """Return the work of a step as one line of shell: builtins only, so that each step is one process."""
    names = "abc"[: len(files)]
    reads = "".join(f"read {name} < {file}; " for name, file in zip(names, files, strict=True))
    return f"{reads}echo {dollar}(( ({' + '.join(names)} + 1) % {MODULUS} )) > {out}"


class Specflow(Tool):
    def write(self, workload: Workload, folder: Path) -> None:
        (folder / "specflow.yaml").write_text("specflow: 1\n")
        for count in {len(_files(task)) for task in workload.tasks}:
            ports = "abc"[:count]
            step = folder / f"work{count}"
            step.mkdir()
            line = _line([f'"${position}"' for position in range(1, count + 1)], '"$0"')
            reads = "".join(f', "${{{{ inputs.{port} }}}}"' for port in ports)
            inputs = ", ".join(f"{port}: {{type: file}}" for port in ports)
            (step / "step.yaml").write_text(
                f"specflow: 1\nname: work{count}\ninputs: {{{inputs}}}\noutputs: {{o: {{type: file}}}}\n"
                f'run: [/bin/sh, -c, {json.dumps(line)}, "${{{{ outputs.o }}}}"{reads}]\n'
            )
        lines = ["specflow: 1", f"name: {workload.name.replace(' ', '_').replace('-', '_')}", "steps:"]
        for task in workload.tasks:
            given = [f"${{{{ steps.{parent}.outputs.o }}}}" for parent in task.parents]
            given += [f"src/{task.source}"] if task.source is not None else []
            inputs = ", ".join(f'{port}: "{value}"' for port, value in zip("abc", given, strict=False))
            lines += [f"  {task.name}:", f"    uses: work{len(given)}", f"    inputs: {{{inputs}}}"]
        (folder / "pipeline.yaml").write_text("\n".join(lines) + "\n")

    def command(self, program: str) -> list[str]:
        return [program, "run", "pipeline.yaml", "-q", "--jobs", str(JOBS)]

    def outputs(self, workload: Workload, folder: Path) -> Mapping[str, Path]:
        db = sqlite3.connect(folder / ".specflow" / "state.db")
        latest = "SELECT id FROM runs ORDER BY started DESC LIMIT 1"
        homes = dict(db.execute(f"SELECT id, result FROM steps WHERE run = ({latest})"))
        db.close()
        results = folder / ".specflow" / "results"
        return {name: results / home[:2] / home / "outputs" / "o" for name, home in homes.items()}


class Make(Tool):
    def write(self, workload: Workload, folder: Path) -> None:
        (folder / "out").mkdir()
        lines = [".PHONY: all", "all: " + " ".join(f"out/{task.name}.txt" for task in workload.tasks)]
        for task in workload.tasks:
            files, out = _files(task), f"out/{task.name}.txt"
            lines += [f"{out}: {' '.join(files)}", f"\t@{_line(files, out, '$$')}"]
        (folder / "Makefile").write_text("\n".join(lines) + "\n")

    def command(self, program: str) -> list[str]:
        return [program, "-s", "-j", str(JOBS)]


class Ninja(Tool):
    def write(self, workload: Workload, folder: Path) -> None:
        (folder / "out").mkdir()
        lines = ["rule work", "  command = $line"]
        for task in workload.tasks:
            files, out = _files(task), f"out/{task.name}.txt"
            lines += [f"build {out}: work {' '.join(files)}", f"  line = {_line(files, out, '$$')}"]
        (folder / "build.ninja").write_text("\n".join(lines) + "\n")

    def command(self, program: str) -> list[str]:
        return [program, "--quiet", "-j", str(JOBS)]


class Doit(Tool):
    def write(self, workload: Workload, folder: Path) -> None:
        (folder / "out").mkdir()
        rows = [
            (task.name, _files(task), _line(_files(task), f"out/{task.name}.txt").replace("%", "%%"))
            for task in workload.tasks
        ]
        text = f"DOIT_CONFIG = {{'verbosity': 0}}\nROWS = {rows!r}\n\n\n"
        text += "def task_work():\n    for name, files, line in ROWS:\n"
        text += "        yield {'name': name, 'file_dep': files, 'targets': [f'out/{name}.txt'], 'actions': [line]}\n"
        (folder / "dodo.py").write_text(text)

    def command(self, program: str) -> list[str]:
        return [program, "run", "-n", str(JOBS), "-P", "thread"]


class Luigi(Tool):
    def write(self, workload: Workload, folder: Path) -> None:
        (folder / "out").mkdir()
        rows = {
            task.name: (list(task.parents), task.source, _line(_files(task), f"out/{task.name}.txt"))
            for task in workload.tasks
        }
        (folder / "work.py").write_text(
            f"import subprocess\nimport luigi\n\nROWS = {rows!r}\n\n\n"
            "class Source(luigi.ExternalTask):\n    name = luigi.Parameter()\n\n"
            "    def output(self):\n        return luigi.LocalTarget(f'src/{self.name}')\n\n\n"
            "class Work(luigi.Task):\n    name = luigi.Parameter()\n\n"
            "    def requires(self):\n        parents, source, _ = ROWS[self.name]\n"
            "        return [Work(name) for name in parents] + ([Source(source)] if source else [])\n\n"
            "    def output(self):\n        return luigi.LocalTarget(f'out/{self.name}.txt')\n\n"
            "    def run(self):\n        subprocess.run(ROWS[self.name][2], shell=True, check=True)\n\n\n"
            "class All(luigi.WrapperTask):\n"
            "    def requires(self):\n        return [Work(name) for name in ROWS]\n"
        )

    def command(self, program: str) -> list[str]:
        python = str(Path(program).with_name("python"))
        options = ["--module", "work", "All", "--local-scheduler", "--workers", str(JOBS), "--log-level", "ERROR"]
        return [python, "-m", "luigi", *options]


class Snakemake(Tool):
    def write(self, workload: Workload, folder: Path) -> None:
        (folder / "out").mkdir()
        lines = ["rule all:", "    input: " + repr([f"out/{task.name}.txt" for task in workload.tasks]), ""]
        for task in workload.tasks:
            files, out = _files(task), f"out/{task.name}.txt"
            lines += [f"rule {task.name}:", f"    input: {files!r}", f"    output: {out!r}"]
            lines += [f"    shell: {_line(files, out).replace('{', '{{').replace('}', '}}')!r}", ""]
        (folder / "Snakefile").write_text("\n".join(lines))

    def command(self, program: str) -> list[str]:
        return [program, "--cores", str(JOBS), "--quiet", "all"]


class Dvc(Tool):
    def write(self, workload: Workload, folder: Path) -> None:
        (folder / "out").mkdir()
        stages = {
            task.name: {
                "cmd": _line(_files(task), f"out/{task.name}.txt"),
                "deps": _files(task),
                "outs": [f"out/{task.name}.txt"],
            }
            for task in workload.tasks
        }
        (folder / "dvc.yaml").write_text(json.dumps({"stages": stages}))
        program = installed(self)
        assert program is not None
        subprocess.run([program, "init", "--no-scm", "-q"], cwd=folder, check=True)

    def command(self, program: str) -> list[str]:
        return [program, "repro", "-q"]


TOOLS = (
    Specflow("specflow", "specflow", "specflow"),
    Ninja("ninja", "ninja", ""),
    Make("make", "make", ""),
    Doit("doit", "doit", "doit"),
    Luigi("luigi", "luigi", "luigi", slow=True, largest=1000, sees_changes=False),
    Snakemake("snakemake", "snakemake", "snakemake", slow=True, largest=1000),
    Dvc("dvc", "dvc", "dvc", slow=True, largest=100),
)
"""Beyond its `largest` a tool takes many minutes for one cell, and is left out there by name."""


def installed(tool: Tool) -> str | None:
    """Return the path of a tool's program: beside this interpreter, among the peers, or on PATH."""
    import sys

    from benchmarks.peers import PEERS

    places = os.pathsep.join((str(Path(sys.executable).parent), str(PEERS / "bin"), os.environ.get("PATH", "")))
    return shutil.which(tool.program, path=places)
