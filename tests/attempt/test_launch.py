"""The launcher as platforms start it: what a step is given, what it leaves, how it ends. Real processes."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specflow.attempt.codec import NULL, decode, encode
from tests.attempt.launching import RUN, Bench, told_record

ECHO = "import json, sys; json.dump(sys.argv[2:], open(sys.argv[1], 'w'))"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
NASTY = (
    "",
    " ",
    "a b'\"$(touch x);{{y}}${z}\n",
    "\n",
    "\r\n",
    "~",
    "~~",
    "~abc",
    "--flag",
    "-",
    "=",
    "a=b",
    "é☃\U0001f600",
)

GIVEN = f"""\
inputs:
  text: {{type: string, optional: true}}
  count: {{type: integer, default: 3, minimum: 0}}
  many: {{type: string, many: true, default: [a, b]}}
steps:
  echo:
    run:
      - python
      - -c
      - "{ECHO}"
      - ${{{{ outputs.got }}}}
      - $[[${{{{ inputs.text }}}}]]
      - ${{{{ inputs.count }}}}
      - ${{{{ inputs.many }}}}
    outputs: {{got: {{type: file}}}}
"""


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("echo"), GIVEN)


def got(bench: Bench, *options: str) -> list[str]:
    done = bench.launch("echo", *options)
    assert done.code == 0, done.text
    return json.loads(bench.output("echo", "got").read_text(encoding="utf-8"))


def test_a_step_fails_that_reads_an_input_which_nobody_has_given(tmp_path: Path) -> None:
    bench = Bench(tmp_path, 'inputs: {day: {type: string}}\nsteps:\n  a: {run: [echo, "${{ inputs.day }}"]}\n')

    for options in ((), ("--input", f"day={NULL}")):
        done = bench.launch("a", *options)

        assert 1 == done.code
        assert done.record is not None
        assert ("failed", 'the pipeline\'s input "day" needs a value, and has been given none') == (
            done.record["state"],
            done.record["reason"],
        )
    assert 0 == bench.launch("a", "--input", "day=today").code


@pytest.mark.parametrize("text", NASTY)
def test_an_input_arrives_byte_for_byte(echo: Bench, text: str) -> None:
    assert [text, "3", "a", "b"] == got(echo, "--input", f"text={encode(text)}")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
def test_a_list_arrives_byte_for_byte(echo: Bench, texts: list[str]) -> None:
    assert ["3", *texts] == got(echo, "--input", f"many={encode(json.dumps(texts))}")


@given(TEXTS)
def test_every_text_is_encoded_in_characters_that_nobody_takes_for_his_own(text: str) -> None:
    told = encode(text)

    assert text == decode(told)
    assert set(told) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@+,=%-~")
    assert told != NULL


@pytest.mark.parametrize("text", ["~%", "~abcde", "~ÿ", "~_w"])
def test_what_was_not_encoded_here_fails_the_step_by_name(echo: Bench, text: str) -> None:
    done = echo.launch("echo", "--input", f"text={text}")

    assert done.record is not None
    assert (1, "failed", f'"{text}" begins with "~" and is not an encoded text') == (
        done.code,
        done.record["state"],
        done.record["reason"],
    )


def test_null_is_an_input_that_was_not_given(echo: Bench) -> None:
    assert ["3", "a", "b"] == got(echo, "--input", f"text={NULL}", "--input", f"count={NULL}")


def test_inputs_may_come_as_a_json_file(echo: Bench, tmp_path: Path) -> None:
    file = tmp_path / "inputs.json"
    file.write_text(json.dumps({"text": "~ x", "count": None, "many": ["c"], "other": 1}))

    assert ["~ x", "3", "c"] == got(echo, "--inputs", str(file))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("count=-1", 'the pipeline\'s input "count": -1 is less than the minimum 0'),
        ("count=many", '"many" is not an integer'),
        ('many=["a",1]', 'the pipeline\'s input "many": 1 is not text'),
    ],
)
def test_a_value_that_an_input_refuses_fails_the_step(echo: Bench, given: str, reason: str) -> None:
    name, _, text = given.partition("=")
    done = echo.launch("echo", "--input", f"{name}={encode(text)}")

    assert done.record is not None
    assert (1, "failed", reason, 0) == (
        done.code,
        done.record["state"],
        done.record["reason"],
        done.record["attempts"],
    )
    assert done.record == told_record(done.text)


def test_a_port_may_be_given_directly(echo: Bench) -> None:
    # An in-place step's ports are named by what they are read from.
    step = json.loads((echo.home / "echo" / "step.json").read_text())
    ports = list(step["attempt"]["inputs"])

    assert ["x y", "8", "a", "b"] == got(echo, "--value", f"{ports[0]}={encode('x y')}", "--value", f"{ports[1]}=8")


def test_a_word_without_a_value_is_refused(echo: Bench) -> None:
    done = echo.launch("echo", "--input", "text")

    assert done.code == 2
    assert '"text" is not NAME=TEXT' in done.text


# What a step leaves

LEAVES = """\
steps:
  make:
    shell: bash
    env:
      F: ${{ outputs.table }}
      D: ${{ outputs.folder }}
      V: ${{ outputs.n }}
      M: ${{ outputs.scores }}
      O: ${{ outputs.more }}
    run: |
      echo 1,2 > "$F"; mkdir "$D/sub"; echo in > "$D/sub/file"; echo 5 > "$V"; echo '{"a": 1.5}' > "$M"
      printf 'no line end'
    outputs:
      table: {type: file, format: csv}
      folder: {type: folder}
      n: {type: integer}
      scores: {type: metrics}
      more: {type: file, optional: true}
  read:
    run:
      - python
      - -c
      - "import os, sys; print(*(os.path.basename(a) for a in sys.argv[1:]), open(sys.argv[1]).read().strip())"
      - ${{ steps.make.outputs.table }}
      - ${{ steps.make.outputs.folder }}
      - ${{ steps.make.outputs.n }}
      - "$[[${{ steps.make.outputs.more }}]]"
outputs:
  n: {from: "${{ steps.make.outputs.n }}"}
"""


def test_a_step_leaves_a_record_and_its_outputs(tmp_path: Path) -> None:
    bench = Bench(tmp_path, LEAVES)

    done = bench.launch("make")

    assert done.record is not None
    names = {"table": "table.csv", "folder": "folder", "scores": "scores.json"}
    assert {port: (name, f"outputs-1/{name}") for port, name in names.items()} == {
        port: (left["name"], left["path"]) for port, left in done.record["outputs"].items()
    }
    table = done.record["outputs"]["table"]
    assert (hashlib.sha256(b"1,2\n").hexdigest(), 4) == (table["sha256"], table["bytes"])
    seconds = done.record["seconds"]
    expected = {"record": 1, "step": "make", "label": "make", "state": "succeeded", "reason": "", "attempts": 1}
    expected |= {"seconds": seconds, "values": {"n": 5}, "metrics": {"scores": {"a": 1.5}}}
    expected["outputs"] = done.record["outputs"]
    assert (0, {**expected, "above": {"": [False, False]}, "culprits": []}) == (done.code, done.record)
    assert done.record == told_record(done.text), "the record begins a line, though the step left one open"
    assert "in\n" == (bench.output("make", "folder") / "sub" / "file").read_text()


def test_the_next_step_reads_what_the_record_names(tmp_path: Path) -> None:
    bench = Bench(tmp_path, LEAVES)
    bench.launch("make")

    done = bench.launch("read")

    assert "table.csv folder 5 1,2\n" == done.text.split("specflow-record")[0]


def test_a_mount_of_another_name_is_seen_under_the_output_s_own(tmp_path: Path) -> None:
    bench = Bench(tmp_path, LEAVES)
    mount, record = tmp_path / "INPUT_table", tmp_path / "records" / "a"
    mount.write_text("3,4\n")
    bench.launch("make", "--record", str(record), "--output", f"table={tmp_path / 'there'}")

    done = bench.launch("read", "--from", f"make={record}", "--path", f"make.table={mount}", "--record", "here.json")

    assert "table.csv folder 5 3,4\n" == done.text.split("specflow-record")[0]


def test_outputs_go_where_the_platform_says(tmp_path: Path) -> None:
    bench = Bench(tmp_path, LEAVES)
    (tmp_path / "mounted").mkdir()
    places = {"table": "out/table", "folder": "mounted", "n": "value", "more": "more", "scores": "scores"}
    options = [f"--output={port}={place}" for port, place in places.items()]

    done = bench.launch("make", *options, "--record", "record.json", "--placeholders")

    assert done.code == 0
    record = json.loads((tmp_path / "record.json").read_text())
    assert str(tmp_path / "out" / "table") == record["outputs"]["table"]["path"]
    assert "1,2\n" == (tmp_path / "out" / "table").read_text()
    assert "in\n" == (tmp_path / "mounted" / "sub" / "file").read_text()
    assert (b"", b"") == ((tmp_path / "more").read_bytes(), (tmp_path / "value").read_bytes())


def test_a_failed_step_leaves_placeholders_and_nothing_else(tmp_path: Path) -> None:
    bench = Bench(tmp_path, LEAVES.replace("printf 'no line end'", "exit 3"), soft=True)
    options = [f"--output={port}={tmp_path / port}" for port in ("table", "folder")]

    done = bench.launch("make", *options, "--placeholders")

    assert done.record is not None
    assert (0, "failed", "exit code 3", {}, {}) == (
        done.code,
        done.record["state"],
        done.record["reason"],
        done.record["values"],
        done.record["outputs"],
    )
    assert b"" == (tmp_path / "table").read_bytes()
    assert [tmp_path / "folder" / ".specflow-absent"] == list((tmp_path / "folder").iterdir())


def test_what_a_launch_that_was_ended_had_left_is_gone_after_the_next(tmp_path: Path) -> None:
    bench = Bench(tmp_path, LEAVES)
    stale = bench.root / "make" / "outputs-1" / "folder"
    elsewhere = tmp_path / "elsewhere"
    (stale / "deep").mkdir(parents=True)
    (stale / "deep" / "old").write_text("half an output")
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("of somebody else")
    (stale / "link").symlink_to(elsewhere)
    (bench.root / "make" / "outputs-1" / "table.csv").write_text("a longer text than the new one")
    (bench.root / "make" / "outputs-1" / "table.csv").chmod(0o444)

    bench.launch("make")

    assert ["sub"] == [path.name for path in bench.output("make", "folder").iterdir()]
    assert "1,2\n" == bench.output("make", "table").read_text()
    assert "of somebody else" == (elsewhere / "kept").read_text()


def test_outputs_are_read_only(tmp_path: Path) -> None:
    bench = Bench(tmp_path, LEAVES)
    bench.launch("make")

    assert 0 == bench.output("make", "table").stat().st_mode & 0o222
    assert 0 == (bench.output("make", "folder") / "sub" / "file").stat().st_mode & 0o222


# What a step sees

SEES = """\
inputs: {given: {type: file}}
steps:
  look:
    env: {OWN: "${{ run.id }} ${{ run.date }}"}
    secrets: [TOKEN]
    run:
      - python
      - -c
      - "import json, os, sys; json.dump([dict(os.environ), os.getcwd(), sys.executable], open(sys.argv[1], 'w'))"
      - ${{ outputs.seen }}
    outputs: {seen: {type: file}}
  spoil:
    run: [sh, -c, 'echo more >> "$1"', sh, "${{ inputs.given }}"]
  spoil_the_copy:
    run: [sh, -c, 'echo more >> "$1"', sh, "${{ steps.look.outputs.seen }}"]
"""


def test_a_step_sees_its_own_environment_and_no_more(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SEES)

    done = bench.launch("look", "--secret", "TOKEN", "--keep", "AZUREML_", TOKEN="s3cr3t", OTHER="x", AZUREML_RUN="r")

    env, cwd, python = json.loads(bench.output("look", "seen").read_text())
    told = {name: text for name, text in env.items() if name.startswith("SPECFLOW_")}
    expected = {"RUN_ID": RUN, "PIPELINE": "demo", "STEP": "look", "ATTEMPT": "1", "TARGET": "bench"}
    assert {f"SPECFLOW_{name}": text for name, text in expected.items()} == told
    assert (f"{RUN} 2026-01-31", "s3cr3t", "r") == (env["OWN"], env["TOKEN"], env["AZUREML_RUN"])
    assert "OTHER" not in env
    assert sys.executable == python
    assert not Path(cwd).exists(), "its folder goes with it"
    assert "s3cr3t" not in done.text


def test_a_secret_that_did_not_arrive_fails_the_step(tmp_path: Path) -> None:
    done = Bench(tmp_path, SEES).launch("look", "--secret", "TOKEN")

    assert done.record is not None
    assert 'the secret "TOKEN" did not arrive: is it bound where this step runs?' == done.record["reason"]


def test_writing_to_an_input_fails_the_step(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SEES)
    file = tmp_path / "given"
    file.write_text("mine\n")

    done = bench.launch("spoil", "--input", f"given={file}")

    assert done.record is not None
    assert ("failed", f'the step wrote to its input "{file}"; inputs are read-only') == (
        done.record["state"],
        done.record["reason"],
    )


def test_an_input_that_is_not_there_fails_the_step(tmp_path: Path) -> None:
    done = Bench(tmp_path, SEES).launch("spoil", "--input", "given=/no/such/file")

    assert done.record is not None
    assert done.record["reason"].endswith('there is nothing at "/no/such/file"')


CODE = """\
steps:
  own:
    code: tool
    run: [./tool.sh, "${{ outputs.said }}"]
    outputs: {said: {type: string}}
"""


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "tool"
    (folder / "data").mkdir(parents=True)
    (folder / "tool.sh").write_text('#!/bin/sh\necho x >> data/words; echo y > new; cat data/words > "$1"\n')
    (folder / "tool.sh").chmod(0o755)
    (folder / "data" / "words").write_text("words ")
    return folder


def test_a_step_has_its_code_writable_and_its_programs_as_programs(tmp_path: Path, tool: Path) -> None:
    bench = Bench(tmp_path, CODE)
    code = bench.home / "own" / "code"
    for path in [*code.rglob("*"), code]:  # what travels is often read-only, and nobody keeps the mode of a file
        path.chmod(0o555 if path.is_dir() else 0o444)

    done = bench.launch("own")

    assert done.record is not None
    assert {"said": "words x"} == done.record["values"]
    assert "words " == (code / "data" / "words").read_text()


def test_a_program_that_is_not_there_is_named(tmp_path: Path, tool: Path) -> None:
    done = Bench(tmp_path, CODE.replace("./tool.sh", "./tools.sh")).launch("own")

    assert done.record is not None
    assert 'there is no program "./tools.sh" here' == done.record["reason"]


def test_a_file_that_is_no_program_is_an_attempt_that_failed(tmp_path: Path, tool: Path) -> None:
    (tool / "tool.sh").chmod(0o644)
    retry = CODE.replace("    code", "    retry: {attempts: 2}\n    code")

    done = Bench(tmp_path, retry).launch("own")

    assert done.record is not None
    assert ("permission denied: ./tool.sh", 2) == (done.record["reason"], done.record["attempts"])
