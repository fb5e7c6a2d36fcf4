"""How launches end: attempts, limits, signals, processes left behind, steps that don't run, and the last word."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.attempt.launching import Bench, Launched, told_record

TRIES = """\
steps:
  flaky:
    retry: {attempts: 3, delay: 1s, backoff: 2}
    run:
      - sh
      - -c
      - 'echo "try $SPECFLOW_ATTEMPT"; ls; touch left; test "$SPECFLOW_ATTEMPT" = 2 && echo $SPECFLOW_ATTEMPT > "$1"'
      - sh
      - ${{ outputs.n }}
    outputs: {n: {type: integer}}
  hopeless:
    retry: {attempts: 2}
    run: [sh, -c, 'printf "no line end"; kill -9 $$']
  slow:
    timeout: 1s
    run: [sh, -c, 'trap "echo asked; exit 0" TERM; echo begun; sleep 60 & wait']
  deaf:
    timeout: 1s
    retry: {attempts: 2}
    run: [python, -c, "import time, os; os.environ['SPECFLOW_ATTEMPT'] == '1' and time.sleep(60)"]
"""


def told(done: Launched) -> tuple[object, ...]:
    assert done.record is not None
    assert done.record == told_record(done.text)
    return done.code, done.record["state"], done.record["reason"], done.record["attempts"]


def test_an_attempt_that_fails_is_followed_by_a_fresh_one(tmp_path: Path) -> None:
    began = time.monotonic()
    done = Bench(tmp_path, TRIES).launch("flaky")

    assert (0, "succeeded", "", 2) == told(done)
    assert {"n": 2} == (done.record or {})["values"]
    lines = done.text.split("specflow-record")[0]
    assert "try 1\nspecflow: attempt 1 of 3 failed: exit code 1\ntry 2\n" == lines
    assert time.monotonic() - began >= 1


def test_the_last_attempt_says_how_the_step_ended(tmp_path: Path) -> None:
    done = Bench(tmp_path, TRIES).launch("hopeless")

    assert (1, "failed", "killed by signal 9", 2) == told(done)
    head = "no line end\nspecflow: attempt 1 of 2 failed: killed by signal 9\nno line end\nspecflow-record: "
    assert done.text.startswith(head)
    assert done.text.endswith('\nspecflow: step "hopeless" failed: killed by signal 9\n')


def test_an_attempt_that_takes_too_long_is_asked_to_end(tmp_path: Path) -> None:
    done = Bench(tmp_path, TRIES).launch("slow")

    assert (1, "failed", "timeout after 1 s", 1) == told(done)
    assert done.text.startswith("begun\nasked\n")


def test_a_timeout_is_retried_like_any_failure(tmp_path: Path) -> None:
    assert (0, "succeeded", "", 2) == told(Bench(tmp_path, TRIES).launch("deaf"))


@pytest.mark.parametrize(("number", "code", "state"), [(1, 1, "failed"), (2, 0, "succeeded"), (3, 1, "failed")])
def test_a_platform_may_repeat_attempts_itself(tmp_path: Path, number: int, code: int, state: str) -> None:
    done = Bench(tmp_path, TRIES.replace(", delay: 1s, backoff: 2", "")).launch("flaky", f"--attempt={number}")

    assert [code, state, number] == [told(done)[at] for at in (0, 1, 3)]
    assert f"try {number}\n" in done.text


def test_an_attempt_that_the_platform_repeats_waits_its_turn(tmp_path: Path) -> None:
    began = time.monotonic()
    Bench(tmp_path, TRIES).launch("flaky", "--attempt=3")

    assert time.monotonic() - began >= 2, "1 s, and twice as much before the third"


# Signals and children

CHILDREN = """\
steps:
  waits:
    run: [sh, -c, 'trap "echo asked; exit 7" TERM; echo begun; sleep 60 & wait']
  between:
    retry: {attempts: 2, delay: 60s}
    run: [sh, -c, 'exit 1']
  forks:
    run: [sh, -c, 'sleep 60 & echo $! > "$1"', sh, "${{ outputs.pid }}"]
    outputs: {pid: {type: integer}}
  chatty:
    run:
      - python
      - -c
      - "import sys; [print('x' * 1000) for _ in range(1000)]; open(sys.argv[1], 'w').write('1')"
      - ${{ outputs.n }}
    outputs: {n: {type: integer}}
"""


def until(process: subprocess.Popen[str], text: str) -> str:
    """Return what a process writes up to a line that holds the text."""
    assert process.stdout is not None
    found = ""
    while text not in found:
        line = process.stdout.readline()
        assert line, f"it ended, having said {found}"
        found += line
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_handed_down_and_the_step_is_cancelled(tmp_path: Path, number: int) -> None:
    bench = Bench(tmp_path, CHILDREN)
    process = bench.start("waits")
    until(process, "begun")

    process.send_signal(number)

    text, _ = process.communicate(timeout=60)
    assert 143 == process.returncode
    assert text.startswith("asked\n")
    record = bench.record("waits")
    assert record is not None
    assert ("cancelled", "cancelled", 1) == (record["state"], record["reason"], record["attempts"])


def test_a_signal_between_two_attempts_cancels_the_step(tmp_path: Path) -> None:
    bench = Bench(tmp_path, CHILDREN)
    process = bench.start("between")
    until(process, "attempt 1 of 2 failed")

    process.send_signal(signal.SIGTERM)

    process.communicate(timeout=30)
    assert 143 == process.returncode
    assert "cancelled" == (bench.record("between") or {})["state"]


def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path) -> None:
    bench = Bench(tmp_path, CHILDREN)
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    bench.launch("forks", TMPDIR=str(temporary))

    assert [] == list(temporary.iterdir())


def test_what_a_step_forked_and_left_behind_is_ended(tmp_path: Path) -> None:
    bench = Bench(tmp_path, CHILDREN)

    done = bench.launch("forks")

    pid = (done.record or {})["values"]["pid"]
    assert 0 == done.code
    assert not is_alive(pid)


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that ended and that nobody has waited for does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def test_a_step_goes_on_though_nobody_listens(tmp_path: Path) -> None:
    bench = Bench(tmp_path, CHILDREN)
    process = bench.start("chatty")
    assert process.stdout is not None
    process.stdout.close()

    assert 0 == process.wait(timeout=60)
    assert "succeeded" == (bench.record("chatty") or {})["state"]


# Steps that don't run

ORDER = """\
steps:
  first: {run: [sh, -c, 'exit ${{ 1 + 1 }}']}
  second: {after: [first], run: [echo, second]}
  handler: {after: [second], when: "${{ failure() }}", run: [echo, handled]}
  never: {after: [handler], when: "${{ 1 > 2 && always() }}", run: [echo, never]}
"""


def test_the_algebra_holds_by_records_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ORDER, soft=True)
    found = {label: told(bench.launch(label)) for label in ("first", "second", "handler", "never")}

    expected = {
        "first": (0, "failed", "exit code 2", 1),
        "second": (0, "skipped", "upstream failed", 0),
        "handler": (0, "succeeded", "", 1),
        "never": (0, "skipped", "condition false", 0),
    }
    assert expected == found
    assert {"": [True, False]} == (bench.record("handler") or {})["above"]
    assert (1, {"state": "failed", "reason": "failed: first"}) == bench.verdict()
    assert ["first"] == (bench.record("never") or {})["culprits"]
    judged_by(bench, "never")
    assert (1, {"state": "failed", "reason": "failed: first"}) == bench.verdict(), "the last step's record names it"


def judged_by(bench: Bench, *steps: str) -> None:
    """Have the verdict read the records of these steps alone."""
    note = json.loads((bench.home / "verdict.json").read_text())
    note["verdict"]["steps"] = list(steps)
    (bench.home / "verdict.json").write_text(json.dumps(note))


def test_a_step_without_a_record_was_ended_by_the_platform(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ORDER, soft=True)

    assert (0, "skipped", "upstream failed", 0) == told(bench.launch("second"))
    assert (1, {"state": "failed", "reason": "failed: first"}) == bench.verdict()
    judged_by(bench, "first", "handler")
    assert (1, {"state": "failed", "reason": "without a record: first, handler"}) == bench.verdict()


@pytest.mark.parametrize("half", ["", "{", '{"record": 1, "step"'])
def test_half_a_record_is_none(tmp_path: Path, half: str) -> None:
    bench = Bench(tmp_path, ORDER, soft=True)
    (bench.root / "first").mkdir(parents=True)
    (bench.root / "first" / "record.json").write_text(half)

    assert (0, "skipped", "upstream failed", 0) == told(bench.launch("second"))


def test_a_hard_failure_ends_badly(tmp_path: Path) -> None:
    assert (1, "failed", "exit code 2", 1) == told(Bench(tmp_path, ORDER).launch("first"))


def test_after_a_failure_nothing_new_starts_where_that_is_asked_for(tmp_path: Path) -> None:
    bench, halt = Bench(tmp_path, ORDER), tmp_path / "halted"
    bench.launch("first", "--halt", str(halt))

    assert (0, "skipped", "fail fast", 0) == told(bench.launch("handler", "--halt", str(halt)))


def test_a_step_that_the_platform_can_t_provide_for_fails_if_it_would_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ORDER, soft=True)

    assert (0, "failed", "there is no disk", 0) == told(bench.launch("first", "--broken", "there is no disk"))
    assert (0, "skipped", "upstream failed", 0) == told(bench.launch("second", "--broken", "there is no disk"))


# The last word

PROMISES = """\
inputs: {go: {type: boolean, default: true}}
steps:
  make:
    when: ${{ inputs.go }}
    run: [sh, -c, 'echo 5 > "$1"; echo x > "$2"', sh, "${{ outputs.n }}", "${{ outputs.f }}"]
    outputs: {n: {type: integer}, f: {type: file}}
outputs:
  n: {from: "${{ steps.make.outputs.n }}"}
  f: {from: "${{ steps.make.outputs.f }}"}
"""


def test_a_run_that_gave_what_it_promised_succeeded(tmp_path: Path) -> None:
    bench = Bench(tmp_path, PROMISES)
    bench.launch("make")

    assert (0, {"state": "succeeded", "reason": ""}) == bench.verdict("--manifest", str(tmp_path / "manifest.json"))
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert ("succeeded", {"make": bench.record("make")}) == (manifest["state"], manifest["records"])


def test_a_promised_output_that_is_absent_fails_the_run(tmp_path: Path) -> None:
    bench = Bench(tmp_path, PROMISES)
    bench.launch("make", "--input=go=false")

    assert (1, {"state": "failed", "reason": 'the required output "n" is absent'}) == bench.verdict()


def test_a_run_in_which_a_step_was_cancelled_is_cancelled(tmp_path: Path) -> None:
    bench = Bench(tmp_path, CHILDREN)
    process = bench.start("waits")
    until(process, "begun")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    judged_by(bench, "waits")

    assert (1, {"state": "cancelled", "reason": "cancelled: waits"}) == bench.verdict()


# In the launcher's own interpreter

INSIDE = """\
inputs: {way: {type: string, default: well}}
steps:
  inside:
    code: tool
    env: {OWN: mine}
    run: [python, main.py, "${{ inputs.way }}", "${{ outputs.folder }}"]
    outputs: {folder: {type: folder}}
"""
MAIN = """\
import os, sys
import beside
way, folder = sys.argv[1:]
open(os.path.join(folder, "said"), "w").write(f"{beside.WORD} {os.environ['OWN']} {os.environ['SPECFLOW_STEP']}")
print("no line end", end="")
if way == "code": sys.exit(4)
if way == "text": sys.exit("no good")
if way == "true": sys.exit(True)
if way == "raises": raise KeyError("x")
if way == "term": os.kill(os.getpid(), 15)
"""
WAYS = [
    ("well", 0, "succeeded", ""),
    ("code", 1, "failed", "exit code 4"),
    ("true", 1, "failed", "exit code 1"),
    ("text", 1, "failed", "exit code 1"),
    ("raises", 1, "failed", "exit code 1"),
    ("term", 143, "cancelled", "cancelled"),
]


@pytest.mark.parametrize(("way", "code", "state", "reason"), WAYS)
def test_a_python_file_may_run_inside_the_launcher(
    tmp_path: Path, way: str, code: int, state: str, reason: str
) -> None:
    folder = tmp_path / "project" / "tool"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(MAIN)
    (folder / "beside.py").write_text("WORD = 'beside'\n")
    bench = Bench(tmp_path, INSIDE)
    mounted = tmp_path / "mounted"  # as a platform mounts a folder: it is there, and can't be removed
    (mounted / "old").mkdir(parents=True)

    done = bench.launch("inside", "--in-process", f"--input=way={way}", f"--output=folder={mounted}")

    assert (code, state, reason, 1) == told(done)
    if way == "well":
        assert "beside mine inside" == (mounted / "said").read_text()
        assert [mounted / "said"] == list(mounted.iterdir())
    words = {"text": "no good\n", "raises": "KeyError: 'x'\n"}
    assert words.get(way, "") in done.text.split("specflow-record")[0]


LATE = """\
steps:
  inside:
    engine: spark
    code: tool
    run: [main.py]
    retry: {attempts: 2}
    timeout: 1s
"""
HEEDLESS = """\
import time
while True:
    try:
        time.sleep(60)
    except BaseException as failure:
        print("caught", type(failure).__name__)
"""


def test_the_time_of_a_python_file_inside_the_launcher_is_bounded(tmp_path: Path) -> None:
    folder = tmp_path / "project" / "tool"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text("import time, beside\nbeside.SEEN.append(1)\nprint(beside.SEEN)\ntime.sleep(60)\n")
    (folder / "beside.py").write_text("SEEN = []\n")  # each attempt imports its own copy

    done = Bench(tmp_path, LATE).launch("inside", "--in-process")

    assert (1, "failed", "timeout after 1 s", 2) == told(done)
    assert (2, 0) == (done.text.count("[1]"), done.text.count("[1, 1]"))


@pytest.mark.slow
def test_a_python_file_that_does_not_heed_the_end_of_its_time_takes_the_launcher_with_it_but_not_its_record(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "project" / "tool"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(HEEDLESS)

    done = Bench(tmp_path, LATE).launch("inside", "--in-process")

    assert (1, "failed", "timeout after 1 s", 1) == told(done)
    assert "caught Late" in done.text
    assert "the step goes on though its time is over" in done.text
