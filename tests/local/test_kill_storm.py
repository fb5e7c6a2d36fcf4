"""The runner is killed again and again; in the end everything is as if it had never been."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.local.conftest import Project

# Each step appends its label to `ran` when it does its work: that tells what was executed, and how often.
WORK = """
import os, sys, pathlib
out, log, *inputs = sys.argv[1:]
with open(log, "a") as stream:
    stream.write(os.environ["SPECFLOW_STEP"] + "\\n")
if "flaky" in os.environ["SPECFLOW_STEP"] and os.environ["SPECFLOW_ATTEMPT"] == "1":
    sys.exit(1)
pathlib.Path(out).write_text("".join(sorted(open(name).read()[-40:] for name in inputs)) + os.environ["SPECFLOW_STEP"])
"""


def storm_pipeline(project: Project, layers: int, log: Path) -> None:
    """Layers of ten: eight instances of a matrix, one step that fails at its first try, one that gathers the layer.

    wide[n=0..7] ─┐
    flaky ────────┴→ gather → the next layer
    """
    project.write("code/work.py", WORK)
    steps = []
    for layer in range(layers):
        before = f" ${{{{ steps.gather{layer - 1}.outputs.o }}}}" if layer else ""
        head = f"python work.py ${{{{ outputs.o }}}} {log}"
        out = "code: code, outputs: {o: {type: file}}"
        wide = f"${{{{ steps.wide{layer}.outputs.o }}}} ${{{{ steps.flaky{layer}.outputs.o }}}}"
        matrix = 'matrix: {n: [0, 1, 2, 3, 4, 5, 6, 7]}, env: {N: "${{ matrix.n }}"}'
        steps += [
            f'wide{layer}: {{run: "{head}{before}", {out}, {matrix}}}',
            f'flaky{layer}: {{run: "{head}{before}", {out}, retry: {{attempts: 2, delay: 1s}}}}',
            f'gather{layer}: {{run: "{head} {wide}", {out}}}',
        ]
    last = f'outputs: {{o: {{from: "${{{{ steps.gather{layers - 1}.outputs.o }}}}"}}}}\n'
    project.pipeline("\n".join(steps), last)


def recorded(project: Project) -> set[str]:
    """Return the labels of steps that the history holds as finished well."""
    file = project.folder / ".specflow/state.db"
    if not file.exists():
        return set()
    db = sqlite3.connect(file)
    try:
        return {row[0] for row in db.execute("SELECT label FROM steps WHERE state IN ('succeeded', 'cached')")}
    except sqlite3.OperationalError:  # killed before the tables were made
        return set()
    finally:
        db.close()


@pytest.mark.parametrize(
    ("layers", "kills"), [(3, 8), pytest.param(20, 100, marks=pytest.mark.slow)], ids=["small", "two_hundred_steps"]
)
def test_killed_at_random_moments_the_outputs_are_those_of_an_undisturbed_run(
    tmp_path: Path, layers: int, kills: int
) -> None:
    calm, stormy = Project(tmp_path / "calm"), Project(tmp_path / "stormy")
    storm_pipeline(calm, layers, tmp_path / "calm/ran")
    storm_pipeline(stormy, layers, tmp_path / "stormy/ran")
    expected = calm.run()
    assert expected["state"] == "succeeded"
    dice = random.Random(7)
    ran = tmp_path / "stormy/ran"

    for _ in range(kills):
        done = recorded(stormy)
        seen = len(ran.read_text().splitlines()) if ran.exists() else 0
        process = subprocess.Popen(
            [sys.executable, "-m", "specflow", "run", "p.yaml", "-q"],
            cwd=stormy.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(os.environ),
        )
        time.sleep(dice.uniform(0.05, 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
        again = set(ran.read_text().splitlines()[seen:]) & done if ran.exists() else set()
        assert again == set(), "a step that had been recorded as finished was executed again"

    result = stormy.run()

    assert result["state"] == "succeeded"
    assert Path(result["outputs"]["o"]).read_bytes() == Path(expected["outputs"]["o"]).read_bytes()
    assert json.dumps(sorted(result["steps"])) == json.dumps(sorted(expected["steps"]))
