import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specflow.attempt.collect import MAX_VALUE_BYTES, collect

FILE, FOLDER, METRICS = {"type": "file"}, {"type": "folder"}, {"type": "metrics"}
OPTIONAL = {"optional": True}

Make = Callable[[Path], object]


def collected(folder: Path, facts: dict[str, Any], make: Make) -> Any:
    """Return what is found of an output `o` after `make` has done something at its path."""
    outputs = folder / "attempts" / "s.1" / "outputs"
    outputs.mkdir(parents=True)
    (folder / "outside").mkdir()
    (folder / "outside" / "secret").write_text("secret")
    path = outputs / "o"
    if facts["type"] in ("folder", "model"):
        path.mkdir()
    make(path)
    return collect({"outputs": {"o": facts}}, {"o": str(path)})


def write(text: str | bytes) -> Make:
    return lambda path: path.write_bytes(text.encode() if isinstance(text, str) else text)


VALUES: list[tuple[str, str | bytes, Any]] = [
    ("string", "", ""),
    ("string", "\n", ""),
    ("string", "a\n", "a"),
    ("string", "a\r\n", "a"),
    ("string", "a\n\n", "a\n"),
    ("string", " a b ", " a b "),
    ("string", "a\r\nb\r\n", "a\r\nb"),
    ("string", "ünï 日本\n", "ünï 日本"),
    ("integer", "12\n", 12),
    ("integer", " 12 \r\n", 12),
    ("number", "0.25", 0.25),
    ("number", "3", 3),
    ("boolean", "true\n", True),
    ("string", "x" * MAX_VALUE_BYTES, "x" * MAX_VALUE_BYTES),
]


@pytest.mark.parametrize(("kind", "text", "value"), VALUES, ids=lambda case: repr(case)[:20])
def test_a_value_is_read_from_its_file(kind: str, text: str | bytes, value: Any, tmp_path: Path) -> None:
    found = collected(tmp_path, {"type": kind}, write(text))

    assert ([], [], {}) == (found.problems, found.absent, found.metrics)
    assert [(type(value), value)] == [(type(item), item) for item in found.values.values()]


def test_metrics_are_read_and_stay_a_file(tmp_path: Path) -> None:
    text = '{"rmse": 5.25, "rows": 3, "ünï": -1e3, "many": 1234567890123456789012}'
    found = collected(tmp_path, METRICS, write(f"{text}\r\n"))
    metrics = {"rmse": 5.25, "rows": 3, "ünï": -1000.0, "many": 1.2345678901234568e21}

    assert ({"o": metrics}, {}, [], []) == (found.metrics, found.values, found.absent, found.problems)
    assert {"rmse": float, "rows": int, "ünï": float, "many": float} == {
        name: type(value) for name, value in found.metrics["o"].items()
    }


def nothing(path: Path) -> None:
    pass


def link_to(target: str) -> Make:
    def make(path: Path) -> None:
        if path.is_dir():
            path.rmdir()
        path.symlink_to(target)

    return make


def fifo(path: Path) -> None:
    os.mkfifo(path)


def bound_socket(path: Path) -> None:
    # A socket's address is short; the folder of a test is not.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as unix:
            unix.bind(path.name)
    finally:
        os.chdir(here)


def inside(make: Make, name: str = "x") -> Make:
    """Do it inside the folder, beside a file."""

    def both(path: Path) -> None:
        (path / "a.txt").write_text("a")
        make(path / name)

    return both


def loop(path: Path) -> None:
    path.symlink_to(path.name)


NOT_WRITTEN, EMPTY = "the step did not write it", "the step succeeded and left its folder empty"
NOWHERE, NO_FILE = "it is a link that leads nowhere", "it is not a regular file"
SPECIAL = "it is a link to something that is neither a file nor a folder"
BAD: dict[str, tuple[dict[str, Any], Make, str]] = {
    # What stands there.
    "no file": (FILE, nothing, NOT_WRITTEN),
    "no value": ({"type": "number"}, nothing, NOT_WRITTEN),
    "no metrics": (METRICS, nothing, NOT_WRITTEN),
    "an empty folder": (FOLDER, nothing, EMPTY),
    "an empty model": ({"type": "model"}, nothing, EMPTY),
    "a folder removed": (FOLDER, Path.rmdir, NOT_WRITTEN),
    "a folder for a file": (FILE, Path.mkdir, "it is a folder, and should be a file"),
    "a folder for a value": ({"type": "string"}, Path.mkdir, "it is a folder, and should be a file"),
    "a folder for metrics": (METRICS, Path.mkdir, "it is a folder, and should be a file"),
    "a file for a folder": (
        FOLDER,
        lambda path: (path.rmdir(), path.write_text("x")),
        "it is a file, and should be a folder",
    ),
    "a fifo": (FILE, fifo, NO_FILE),
    "a fifo for a value": ({"type": "number"}, fifo, NO_FILE),
    "a fifo for metrics": (METRICS, fifo, NO_FILE),
    "a fifo for a folder": (
        FOLDER,
        lambda path: (path.rmdir(), fifo(path)),
        "it is neither a file nor a folder",
    ),
    "a socket": (FILE, bound_socket, NO_FILE),
    # Links.
    "a dangling link": (FILE, link_to("nowhere"), NOWHERE),
    "a dangling link for a folder": (FOLDER, link_to("nowhere"), NOWHERE),
    "a link to itself": (FILE, loop, NOWHERE),
    "a link to a device": (FILE, link_to("/dev/zero"), SPECIAL),
    "a link to a device for a value": ({"type": "string"}, link_to("/dev/zero"), SPECIAL),
    "a link to the folder around it": (FOLDER, link_to("../../.."), "it is a link to a folder that it stands in"),
    "a link to a folder for a file": (FILE, link_to("../../../outside"), "it is a folder, and should be a file"),
    "a link to a folder with a fifo": (
        FOLDER,
        lambda path: (fifo(path.parents[3] / "outside" / "x"), link_to("../../../outside")(path)),
        'it holds something that is neither a file nor a folder: "x"',
    ),
    "a link to a folder with a link outwards": (
        FOLDER,
        lambda path: ((path.parents[3] / "outside" / "x").symlink_to("/etc"), link_to("../../../outside")(path)),
        'it holds a link that leads out of it: "x"',
    ),
    # What a folder holds.
    "a dangling link inside": (FOLDER, inside(link_to("nowhere")), 'it holds a link that leads nowhere: "x"'),
    "a link inside to itself": (FOLDER, inside(loop), 'it holds a link that leads nowhere: "x"'),
    "a link outwards": (
        FOLDER,
        inside(link_to("../../../../outside/secret")),
        'it holds a link that leads out of it: "x"',
    ),
    "a link outwards, absolute": (FOLDER, inside(link_to("/etc/passwd")), 'it holds a link that leads out of it: "x"'),
    "a link to a folder outside": (FOLDER, inside(link_to("/")), 'it holds a link that leads out of it: "x"'),
    "a link to the folder itself": (FOLDER, inside(link_to(".")), 'it holds a link to a folder that it stands in: "x"'),
    "a link outwards further down": (
        FOLDER,
        lambda path: ((path / "deep").mkdir(), (path / "deep" / "x").symlink_to("/etc")),
        'it holds a link that leads out of it: "deep/x"',
    ),
    "a link with a name that is not UTF-8": (
        FOLDER,
        inside(link_to("/etc"), "\udcff\udcfe"),
        'it holds a link that leads out of it: "��"',
    ),
    "a fifo inside": (FOLDER, inside(fifo), 'it holds something that is neither a file nor a folder: "x"'),
    "a socket inside": (FOLDER, inside(bound_socket), 'it holds something that is neither a file nor a folder: "x"'),
    # Values.
    "an empty number": ({"type": "number"}, write(""), '"" is not a number'),
    "NaN": ({"type": "number"}, write("nan"), '"nan" is not a number'),
    "text for an integer": ({"type": "integer"}, write("12 apples\n"), '"12 apples" is not an integer'),
    "a value that is not UTF-8": ({"type": "string"}, write(b"ab\xff"), "it is not UTF-8 at byte 2"),
    "a value with a mark": (
        {"type": "integer"},
        write(b"\xef\xbb\xbf12"),
        "it begins with a byte order mark, and should be plain UTF-8",
    ),
    "a value with NUL": ({"type": "string"}, write(b"a\0"), "the text holds a NUL character"),
    "a value too large": (
        {"type": "string"},
        write("x" * (MAX_VALUE_BYTES + 1)),
        "it is larger than 1000000 bytes",
    ),
    # Metrics.
    "empty metrics": (METRICS, write(""), "it is not JSON: expecting value in line 1"),
    "metrics cut off": (
        METRICS,
        write('{\n"a": 1,\n'),
        "it is not JSON: expecting property name enclosed in double quotes in line 3",
    ),
    "a list of metrics": (METRICS, write("[1]"), "metrics are one JSON object of names and numbers"),
    "metrics in metrics": (METRICS, write('{"a": {"b": 1}}'), 'metrics are numbers, and "a" is not one'),
    "a text among metrics": (METRICS, write('{"a": "1"}'), 'metrics are numbers, and "a" is not one'),
    "true among metrics": (METRICS, write('{"a": true}'), 'metrics are numbers, and "a" is not one'),
    "null among metrics": (METRICS, write('{"a": null}'), 'metrics are numbers, and "a" is not one'),
    "NaN among metrics": (METRICS, write('{"a": NaN}'), "metrics are finite numbers, and one is NaN"),
    "infinity among metrics": (METRICS, write('{"a": -Infinity}'), "metrics are finite numbers, and one is -Infinity"),
    "a metric too large": (METRICS, write('{"a": 1e400}'), 'metrics are finite numbers, and "a" is too large'),
    "a whole metric too large": (
        METRICS,
        write('{"a": 1' + "0" * 400 + "}"),
        'metrics are finite numbers, and "a" is too large',
    ),
    "a metric of many digits": (
        METRICS,
        write('{"a": 1' + "0" * 5000 + "}"),
        'metrics are finite numbers, and "a" is too large',
    ),
    "a metric given twice": (METRICS, write('{"a": 1, "b": 2, "a": 3}'), 'the name "a" is given twice'),
    "half a character given twice": (METRICS, write('{"\\ud800": 1, "\\ud800": 2}'), 'the name "?" is given twice'),
    "a name that is half a character": (
        METRICS,
        write('{"\\ud800": 1}'),
        "a name among the metrics: the text is not UTF-8",
    ),
    "metrics that are not UTF-8": (METRICS, write(b'{"a": 1, "\xe9": 2}'), "it is not UTF-8 at byte 10"),
    "metrics with a mark": (
        METRICS,
        write(b'\xef\xbb\xbf{"a": 1}'),
        "it begins with a byte order mark, and should be plain UTF-8",
    ),
    "metrics nested without end": (METRICS, write("[" * 500_000), "it is nested too deep"),
    "metrics too large": (METRICS, write(" " * (MAX_VALUE_BYTES + 1)), "it is larger than 1000000 bytes"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_output_is_told_in_a_sentence_of_its_own(name: str, tmp_path: Path) -> None:
    facts, make, sentence = BAD[name]
    found = collected(tmp_path, facts, make)

    assert [f'output "o": {sentence}'] == found.problems
    assert ({}, {}) == (found.values, found.metrics)
    assert json.dumps(found.problems, ensure_ascii=False).encode()


@pytest.mark.parametrize("facts", [FILE, FOLDER, METRICS, {"type": "number"}, {"type": "model"}], ids=str)
def test_an_optional_output_may_stay_unwritten(facts: dict[str, Any], tmp_path: Path) -> None:
    found = collected(tmp_path, facts | OPTIONAL, nothing)

    assert (["o"], []) == (found.absent, found.problems)


def test_an_optional_output_that_is_there_must_be_right(tmp_path: Path) -> None:
    found = collected(tmp_path, {"type": "integer", "optional": True}, write("x"))

    assert (['output "o": "x" is not an integer'], []) == (found.problems, found.absent)


def test_each_bad_output_is_told(tmp_path: Path) -> None:
    step = {"outputs": {"a": FILE, "b": {"type": "integer"}, "c": {"type": "string"}}}
    (tmp_path / "b").write_text("x")
    (tmp_path / "c").write_text("y")
    found = collect(step, {port: str(tmp_path / port) for port in "abc"})

    assert ['output "a": the step did not write it', 'output "b": "x" is not an integer'] == found.problems
    assert {"c": "y"} == found.values


def test_a_link_is_replaced_by_what_it_leads_to(tmp_path: Path) -> None:
    found = collected(tmp_path, FILE, link_to("../../../outside/secret"))
    path = tmp_path / "attempts" / "s.1" / "outputs" / "o"

    assert [] == found.problems
    assert (False, "secret") == (path.is_symlink(), path.read_text())


def test_a_link_to_a_folder_is_replaced_by_a_copy(tmp_path: Path) -> None:
    found = collected(tmp_path, FOLDER, link_to("../../../outside"))
    path = tmp_path / "attempts" / "s.1" / "outputs" / "o"
    (tmp_path / "outside" / "secret").write_text("changed")

    assert [] == found.problems
    assert (False, "secret") == (path.is_symlink(), (path / "secret").read_text())


def test_a_link_inside_what_a_link_leads_to_stays_a_link(tmp_path: Path) -> None:
    def make(path: Path) -> None:
        (path.parents[3] / "outside" / "latest").symlink_to("secret")
        link_to("../../../outside")(path)

    found = collected(tmp_path, FOLDER, make)
    latest = tmp_path / "attempts" / "s.1" / "outputs" / "o" / "latest"

    assert [] == found.problems
    assert ("secret", "secret") == (str(latest.readlink()), latest.read_text())


# Links inside a folder: how they are written, and whether they still lead there once the folder has moved.
LINKS = {
    "beside": "deep/a.txt",
    "to a folder": "deep",
    "out and in again": "../o/deep/a.txt",
    "further out and in again": "../../outputs/o/deep/a.txt",
    "absolute": "ABSOLUTE/o/deep/a.txt",
    "absolute, to a folder": "ABSOLUTE/o/deep",
    "over another link": "other",
}


@pytest.mark.parametrize("name", LINKS)
def test_links_inside_a_folder_still_lead_there_once_it_is_published(name: str, tmp_path: Path) -> None:
    def make(path: Path) -> None:
        (path / "deep").mkdir()
        (path / "deep" / "a.txt").write_text("a")
        (path / "other").symlink_to(path / "deep")
        (path / "x").symlink_to(LINKS[name].replace("ABSOLUTE", str(path.parent)))

    found = collected(tmp_path, FOLDER, make)
    home = tmp_path / "home" / "s"
    home.parent.mkdir()
    (tmp_path / "attempts" / "s.1" / "outputs").rename(home)
    leads_to = (
        home / "o" / "x" if name.endswith("a.txt") or (home / "o" / "x").is_file() else home / "o" / "x" / "a.txt"
    )

    assert [] == found.problems
    assert ("a", True) == (leads_to.read_text(), (home / "o" / "x").is_symlink())
    assert "a" == (home / "o" / "other" / "a.txt").read_text()
