"""A run on Azure ML that failed, gone on with: only what failed, did not run, or always runs anew is done again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

#   first -> second (fails while the gate is shut) -> third
#   beside (never reused)
PIPELINE = """\
specflow: 1
name: again
inputs:
  gate: {type: string}
steps:
  first: {uses: code, inputs: {name: first}}
  second: {uses: code, inputs: {name: second, gate: "${{ inputs.gate }}", before: "${{ steps.first.outputs.scores }}"}}
  third: {uses: code, inputs: {name: third, before: "${{ steps.second.outputs.scores }}"}}
  beside: {uses: code, cache: false, inputs: {name: beside}}
outputs:
  scores: {from: "${{ steps.third.outputs.scores }}"}
"""
STEP = """\
specflow: 1
name: code
inputs:
  name: {type: string}
  gate: {type: string, default: ""}
  before: {type: metrics, optional: true}
outputs:
  scores: {type: metrics}
run: [python, main.py, "${{ inputs.name }}", "${{ inputs.gate }}", "${{ outputs.scores }}", "$[[${{ inputs.before }}]]"]
"""
# What a step drew by chance shows whether it was run again.
MAIN = """\
import json, os, random, sys
name, gate, scores, *before = sys.argv[1:]
print("running", name)
if gate and not os.path.exists(gate):
    sys.exit("the gate is shut")
found = json.load(open(before[0])) if before else {}
json.dump({**found, name: random.random()}, open(scores, "w"))
"""


def specflow(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "specflow", *arguments]
    return subprocess.run(argv, cwd=root, capture_output=True, text=True, timeout=180)


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_resumed_run_does_again_only_what_was_not_done(tmp_path: Path) -> None:
    root, gate = tmp_path / "it's a project", tmp_path / "gate"
    (root / ".git").mkdir(parents=True)
    (root / "code").mkdir()
    files = {"pipeline.yaml": PIPELINE, "code/step.yaml": STEP, "code/main.py": MAIN}
    for name, text in files.items():
        (root / name).write_text(text)

    run = ("run", "pipeline.yaml", "--target", "azureml", "--emulate", "--format", "json", "-i", f"gate={gate}")
    failed = specflow(root, *run)
    assert 1 == failed.returncode, failed.stderr
    before = {event["step"]: event for event in events(failed) if event["event"] == "step_finished"}
    states = {"first": "succeeded", "second": "failed", "third": "skipped", "beside": "succeeded"}
    assert states == {step: event["state"] for step, event in before.items()}
    first = before["first"]["metrics"]["scores"]["first"]

    gate.touch()
    (root / "code/main.py").write_text("raise SystemExit('a run keeps the code that it began with')\n")
    resumed = specflow(root, "runs", "resume", "--emulate", "--format", "json")
    assert 0 == resumed.returncode, resumed.stderr
    job = events(failed)[0]["run"]
    note = f'note: the job "{job}" on azureml can\'t go on, so a new one is sent'
    assert f"{note}; what had succeeded is reused, but for beside\n" in resumed.stderr
    result = events(resumed)[-1]
    scores = json.loads(Path(root, result["outputs"]["scores"]).read_text())
    assert ("succeeded", first, ["first", "second", "third"]) == (result["state"], scores["first"], sorted(scores))

    logs = (root / ".specflow/emulators/azureml/datastores").rglob("std_log.txt")
    ran = [line for log in logs for line in log.read_text().splitlines() if line.startswith("running")]
    counts = {step: ran.count(f"running {step}") for step in ("first", "second", "third", "beside")}
    assert {"first": 1, "second": 2, "third": 1, "beside": 2} == counts
    again = specflow(root, "runs", "resume", "--emulate")
    assert (1, "has succeeded; there is nothing to resume\n") == (again.returncode, again.stderr[-42:])
