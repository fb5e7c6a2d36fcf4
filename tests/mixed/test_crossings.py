"""What random mixed pipelines found out, each by the smallest one that shows it."""

import textwrap
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from specflow.attempt.outcomes import Outcome
from specflow.attempt.records import line_of, new_record
from specflow.bridging.follow import JobEnded, Looked, Pace, StepEnded, follow
from specflow.spec.load import Loader
from specflow.stages import make_plan, validate
from specflow.targets.base import Status, StepStatus
from tests.mixed.simulation.platform import Job, SimulatedPlatform
from tests.mixed.simulation.runs import Stage, simulated_targets


@pytest.fixture(autouse=True)
def _simulated() -> Iterator[None]:
    with simulated_targets():
        yield


def stage(folder: Path, steps: str, head: str = "") -> Stage:
    """Return a project of one pipeline; `sh` words are no programs here: `ok:o` and its like are fates."""
    text = f"specflow: 1\nname: p\n{head}steps:\n{textwrap.indent(textwrap.dedent(steps), '  ')}"
    (folder / "p.yaml").write_text(text)
    return Stage(folder, is_written=True)


def test_a_default_that_no_step_reads_is_not_looked_for(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    head = "inputs: {unread: {type: file, default: a.txt}}\n"
    steps = "far: {target: alpha, run: [python, step.py, 'ok:']}\nnear: {run: [python, step.py, 'ok:'], after: [far]}\n"

    assert "succeeded" == stage(tmp_path, steps, head).abroad().run().state


def test_an_island_without_a_step_to_run_lets_what_is_behind_it_go(tmp_path: Path) -> None:
    # near (fails) ── far (alpha, not run) ── last (here, always)
    steps = """\
        near: {run: [python, step.py, fail]}
        far: {target: alpha, run: [python, step.py, 'ok:'], after: [near]}
        last: {run: [python, step.py, 'ok:'], after: [far], when: '${{ always() }}'}
        """
    ended = stage(tmp_path, steps).abroad().run()

    assert ("skipped", "upstream failed") == ended.steps["far"]
    assert ("succeeded", "") == ended.steps["last"]


def test_an_island_that_was_run_before_lets_what_is_behind_it_go(tmp_path: Path) -> None:
    steps = """\
        far: {target: alpha, run: [python, step.py, 'ok:']}
        near: {run: [python, step.py, 'ok:'], after: [far]}
        """
    platforms = stage(tmp_path, steps).abroad()
    platforms.run(use_cache=True)
    again = platforms.run(use_cache=True)

    assert {"far": ("cached", ""), "near": ("cached", "")} == again.steps
    assert 1 == len(platforms.platforms["alpha"].jobs)


def test_with_fail_fast_a_failure_elsewhere_starts_nothing_new_here(tmp_path: Path) -> None:
    # far (alpha, fails) · first ── second, which takes turns of up to 20 s each; `far` is over within two minutes
    names = [f"s{number}" for number in range(40)]
    chain = [f"{name}: {{run: [python, step.py, 'ok:'], after: [{before}]}}" for before, name in pairwise(names)]
    steps = ["far: {target: alpha, run: [python, step.py, fail]}", "s0: {run: [python, step.py, 'ok:']}", *chain]
    ended = stage(tmp_path, "\n".join(steps) + "\n", "fail_fast: true\n").abroad().run()

    assert ("failed", "exit code 1") == ended.steps["far"]
    assert ("succeeded", "") == ended.steps["s0"]
    assert ("skipped", "fail fast") == ended.steps["s39"]


def test_a_job_in_which_a_failure_was_handled_is_run_again(tmp_path: Path) -> None:
    # Where nothing runs below a failed node, `bad` is soft: the platform calls the job a success.
    steps = """\
        bad: {target: alpha, run: [python, step.py, fail]}
        handler: {target: alpha, run: [python, step.py, 'ok:'], after: [bad], when: '${{ failure() }}'}
        """
    platforms = stage(tmp_path, steps).abroad()
    platforms.run(use_cache=True)
    again = platforms.run(use_cache=True)

    assert {"bad": ("failed", "exit code 1"), "handler": ("succeeded", "")} == again.steps
    assert 2 == len(platforms.platforms["alpha"].jobs)


RECORD = line_of(new_record("a", "a", Outcome("succeeded"), {})) + "\n"


class LateLogs:
    """A platform whose logs come two looks after the states."""

    def __init__(self, log: str) -> None:
        self.text, self.asked = log, 0

    def status(self, job: str) -> Status:
        return Status("succeeded", steps={"a": StepStatus("succeeded")})

    def log(self, job: str, step: str) -> str:
        self.asked += 1
        return self.text if self.asked > 2 else ""


def test_a_record_that_comes_later_than_its_steps_end_is_waited_for() -> None:
    events = list(follow(LateLogs(f"hello\n{RECORD}"), "job", ["a"], Pace()))  # type: ignore[arg-type]
    ended = [event for event in events if isinstance(event, StepEnded)]

    assert [Looked, Looked] == [type(event) for event in events if isinstance(event, Looked)]
    assert ["a"] == [event.record["step"] for event in ended if event.record is not None]
    assert isinstance(events[-1], JobEnded)


def test_what_a_step_wrote_is_told_without_the_records_in_it() -> None:
    odd = "specflow-record: of my own\n"
    events = list(follow(LateLogs(f"one\n{RECORD}{odd}two\n{RECORD}no end"), "job", ["a"], Pace()))  # type: ignore[arg-type]

    assert [f"one\n{odd}two\nno end"] == [event.text for event in events if isinstance(event, StepEnded)]


def test_a_record_that_never_comes_is_not_waited_for_for_ever() -> None:
    events = list(follow(LateLogs("no record\n"), "job", ["a"], Pace()))  # type: ignore[arg-type]

    assert [None] == [event.record for event in events if isinstance(event, StepEnded)]
    assert 4 == len([event for event in events if isinstance(event, Looked)])


EDGE = """\
specflow: 1
name: demo
steps:
  prepare: {target: alpha, uses: make}
  train: {target: beta, uses: show, inputs: {rows: "${{ steps.prepare.outputs.rows }}"}}
  again: {target: beta, uses: show, inputs: {rows: "${{ steps.prepare.outputs.rows }}"}}
  count: {target: beta, uses: count, inputs: {n: "${{ steps.prepare.outputs.n }}"}}
  here: {uses: show, inputs: {rows: "${{ steps.prepare.outputs.rows }}"}}
"""
MAKE = """\
specflow: 1
name: make
outputs: {rows: {type: file}, n: {type: integer}}
run: python step.py ok:on o=${{ outputs.rows }} n=${{ outputs.n }}
"""
SHOW = 'specflow: 1\nname: show\ninputs: {rows: {type: file}}\nrun: "python step.py ok: in:rows=${{ inputs.rows }}"\n'
COUNT = 'specflow: 1\nname: count\ninputs: {n: {type: integer}}\nrun: "python step.py ok: val:n=${{ inputs.n }}"\n'
EDGE_FAULT = """\
p.yaml:5:52: error: "train" on beta reads "rows" of "prepare" on alpha, and no store is common to both [no-common-store]
add to specflow.yaml: profiles: {one: {store: {alpha: /alpha/store, beta: <the address of one folder on beta>}}}"""


@pytest.mark.parametrize(
    ("store", "faults"),
    [("{alpha: /alpha/store}", [EDGE_FAULT]), ("{alpha: /alpha/store, beta: /beta/store}", [])],
    ids=["one_side", "both_sides"],
)
def test_a_file_between_platforms_without_a_common_store_is_an_error_at_its_edge(
    tmp_path: Path, store: str, faults: list[str]
) -> None:
    files = {"p.yaml": EDGE, "make/step.yaml": MAKE, "show/step.yaml": SHOW, "count/step.yaml": COUNT}
    files["specflow.yaml"] = f"specflow: 1\nprofiles: {{one: {{store: {store}}}}}\n"
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    plan, found = make_plan(validate(tmp_path / "p.yaml", Loader(tmp_path, "one")), None)
    told = [
        f"{at.file}:{at.line}:{at.column}: error: {one.message} [{one.code}]\n{one.help}"
        for one in found
        if (at := one.span)
    ]

    assert faults == told
    assert (plan is None) == bool(faults)


CROSSING = """\
specflow: 1
name: p
steps:
  first: {target: alpha, uses: make}
  far: {target: beta, uses: show, inputs: {rows: "${{ steps.first.outputs.rows }}"}}
"""
HERE = CROSSING.replace("target: beta, ", "")
WHAT_IT_WAS = 'the output "first.rows" is not what it was: its SHA-256 is '


def tampered(folder: Path, spec: str, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Return a project whose store somebody writes to between two islands."""
    for name, text in {"p.yaml": spec, "make/step.yaml": MAKE, "show/step.yaml": SHOW}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    play = SimulatedPlatform._play

    def play_and_tamper(self: SimulatedPlatform, job: Job, exchange: Mapping[str, str] | None) -> None:
        play(self, job, exchange)
        for file in job.home.glob("first/outputs-*/rows"):
            file.chmod(0o644)
            file.write_text("something else")

    monkeypatch.setattr(SimulatedPlatform, "_play", play_and_tamper)
    return Stage(folder, is_written=True)


def test_what_somebody_changed_in_the_store_is_not_read_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = tampered(tmp_path, CROSSING, monkeypatch).abroad().run()

    assert ("succeeded", "") == ended.steps["first"]
    assert ("failed", WHAT_IT_WAS) == (ended.steps["far"][0], ended.steps["far"][1][: len(WHAT_IT_WAS)])


def test_what_somebody_changed_in_the_store_is_not_read_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = tampered(tmp_path, HERE, monkeypatch).abroad().run()

    assert ("failed", WHAT_IT_WAS) == (ended.steps["first"][0], ended.steps["first"][1][: len(WHAT_IT_WAS)])
    assert ("skipped", "upstream failed") == ended.steps["far"]


def test_a_job_whose_outputs_are_gone_from_here_is_run_again(tmp_path: Path) -> None:
    for name, text in {"p.yaml": HERE, "make/step.yaml": MAKE, "show/step.yaml": SHOW}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    platforms = Stage(tmp_path, is_written=True).abroad()
    platforms.run(use_cache=True)
    for file in tmp_path.glob(".specflow/exchange/*/first/outputs-*/rows"):
        file.unlink()
    again = platforms.run(use_cache=True)

    assert {"first": ("succeeded", ""), "far": ("cached", "")} == again.steps
    assert 2 == len(platforms.platforms["alpha"].jobs)
