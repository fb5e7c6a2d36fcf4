from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specflow.diagnostics import Diagnostic
from specflow.spec.source import MAX_ALIASED, MAX_DEPTH, Document, read_document


def read(folder: Path, text: str | bytes) -> tuple[Document | None, tuple[Diagnostic, ...]]:
    file = folder / "spec.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_document(file, "spec.yaml")


# A plain scalar as YAML 1.2's core schema reads it; 1.1 reads half of these otherwise.
SCALARS: list[tuple[str, Any]] = [
    ("", None),
    ("~", None),
    ("null", None),
    ("Null", None),
    ("NULL", None),
    ("nULL", "nULL"),
    ("true", True),
    ("True", True),
    ("FALSE", False),
    ("tRUE", "tRUE"),
    ("yes", "yes"),
    ("no", "no"),
    ("on", "on"),
    ("off", "off"),
    ("y", "y"),
    ("0", 0),
    ("-0", 0),
    ("+12", 12),
    ("012", 12),
    ("0o14", 12),
    ("0x1F", 31),
    ("-0x1F", "-0x1F"),
    ("0b11", "0b11"),
    ("1_000", "1_000"),
    ("1:30", "1:30"),
    ("190:20:30", "190:20:30"),
    ("2001-01-01", "2001-01-01"),
    ("1.5", 1.5),
    ("-.5", -0.5),
    ("5.", 5.0),
    ("1e3", 1000.0),
    ("1E+3", 1000.0),
    ("1e-400", 0.0),
    (".", "."),
    ("--1", "--1"),
    ("1.2.3", "1.2.3"),
    ("1 2", "1 2"),
    ("٣", "٣"),
    ("=", "="),
    ("9223372036854775807", 2**63 - 1),
    ("-9223372036854775808", -(2**63)),
    ("'12'", "12"),
    ('"true"', "true"),
    ("|-\n  12", "12"),
]


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_a_scalar_is_read_as_yaml_1_2_has_it(text: str, value: Any, tmp_path: Path) -> None:
    document, found = read(tmp_path, f"a: {text}\n")
    assert document is not None

    assert () == found
    assert (type(value), value) == (type(document.data["a"]), document.data["a"])


def test_keys_are_texts_whatever_they_look_like(tmp_path: Path) -> None:
    document, found = read(tmp_path, "1: a\ntrue: b\n1.5: c\nnull: d\n'': e\n")
    assert document is not None

    assert () == found
    assert {"1": "a", "true": "b", "1.5": "c", "null": "d", "": "e"} == document.data


# A file, and the code and the place of each fault in it.
FAULTS: dict[str, tuple[str | bytes, list[tuple[str, int, int]]]] = {
    "nothing": ("", [("empty-file", 1, 1)]),
    "white space": (" \n\n", [("empty-file", 1, 1)]),
    "a comment": ("# nothing\n", [("empty-file", 1, 1)]),
    "null": ("---\n~\n", [("empty-file", 1, 1)]),
    "NUL": (b"a: \0\n", [("binary-file", 1, 1)]),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0", [("binary-file", 1, 1)]),
    "utf-16": ("a: 1\n".encode("utf-16"), [("binary-file", 1, 1)]),
    "latin-1": ("é: 1\nü: x\n".encode("latin-1"), [("not-utf8", 1, 1)]),
    "latin-1 further down": ("a: 1\r\nb: 'é\xfc'".encode() + b"\xfc", [("not-utf8", 2, 8)]),
    "half a character": (b"a: \xf0\x9f\x98", [("not-utf8", 1, 4)]),
    "a surrogate": (b"a: \xed\xa0\x80", [("not-utf8", 1, 4)]),
    "a control character": ("a: b\x07\n", [("binary-file", 1, 5)]),
    "a line separator": ("a: b\u2028c\n", [("binary-file", 1, 5)]),
    "a tab": ("a:\n\tb: 1\n", [("tab-indentation", 2, 1)]),
    "a key twice": ("a: 1\nb: 2\na: 3\n", [("duplicate-key", 3, 1)]),
    "a key twice in quotes": ("{a: 1, 'a': 2}", [("duplicate-key", 1, 8)]),
    "an empty key": ("? \n: 1\n", [("bad-key", 1, 2)]),
    "a list for a key": ("? [a]\n: 1\n", [("bad-key", 1, 3)]),
    "a merge key": ("a: &x {b: 1}\nc:\n  <<: *x\n", [("merge-key", 3, 3)]),
    "a tag": ("a: !!str 1\nb: !mine x\n", [("unknown-tag", 1, 4), ("unknown-tag", 2, 4)]),
    "a python tag": ("a: !!python/object/apply:os.system [id]\n", [("unknown-tag", 1, 4)]),
    "two documents": ("a: 1\n---\nb: 2\n", [("multiple-documents", 2, 1)]),
    "an alias of nothing": ("a: *x\n", [("unknown-alias", 1, 4)]),
    "an alias of itself": ("a: &x [*x]\n", [("unknown-alias", 1, 8)]),
    "an integer too large": ("a: 9223372036854775808\n", [("bad-number", 1, 4)]),
    "an integer of a million digits": (f"a: {'9' * 1_000_000}\n", [("bad-number", 1, 4)]),
    "a hexadecimal integer too large": ("a: 0x8000000000000000\n", [("bad-number", 1, 4)]),
    "a number too large": ("a: 1e400\n", [("bad-number", 1, 4)]),
    "infinity": ("a: .inf\nb: -.INF\n", [("bad-number", 1, 4), ("bad-number", 2, 4)]),
    "not a number": ("a: .nan\n", [("bad-number", 1, 4)]),
    "a list never closed": ("a: [1\n", [("yaml-syntax", 1, 4)]),
    "text never closed": ("a: 'b\n", [("yaml-syntax", 1, 4)]),
    "several at once": (
        "a: 1\na: .inf\nb: !t x\n",
        [("duplicate-key", 2, 1), ("bad-number", 2, 4), ("unknown-tag", 3, 4)],
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_with_its_place(name: str, tmp_path: Path) -> None:
    text, expected = FAULTS[name]
    _, found = read(tmp_path, text)

    assert expected == sorted(((d.code, d.span.line, d.span.column) for d in found), key=lambda fault: fault[1:])


NESTED = {
    "lists in a flow": ("[", "]"),
    "mappings in a flow": ("{a: ", "}"),
    "lists": ("- ", ""),
    "keys": ("? ", ""),
}


@pytest.mark.parametrize("count", [MAX_DEPTH + 1, 10_000])
@pytest.mark.parametrize("name", NESTED)
def test_what_is_nested_too_deep_is_refused(name: str, count: int, tmp_path: Path) -> None:
    opening, closing = NESTED[name]
    document, found = read(tmp_path, opening * count + "x" + closing * count)

    assert document is None
    assert ["too-deep"] == [d.code for d in found]


@pytest.mark.parametrize("name", ["lists in a flow", "mappings in a flow", "lists"])
def test_what_is_just_not_too_deep_is_read(name: str, tmp_path: Path) -> None:
    opening, closing = NESTED[name]
    document, found = read(tmp_path, opening * MAX_DEPTH + "x" + closing * MAX_DEPTH)

    assert document is not None
    assert () == found


def test_deep_indentation_is_refused(tmp_path: Path) -> None:
    document, found = read(tmp_path, "".join(f"{' ' * i}a:\n" for i in range(500)))

    assert document is None
    assert ["too-deep"] == [d.code for d in found]


BOMBS = {
    "a billion laughs": "a0: &a0 [x, x]\n"
    + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 30)),
    "mappings": "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{p: *a{i - 1}, q: *a{i - 1}}}\n" for i in range(1, 60)),
    "one large value many times": f"a: &a [{', '.join(['x'] * 2_000)}]\nb: [{', '.join(['*a'] * 60)}]\n",
    "many small aliases": "a: &a x\nb:\n" + "- *a\n" * (MAX_ALIASED + 1),
}


@pytest.mark.parametrize("name", BOMBS)
def test_an_alias_bomb_is_refused_before_it_goes_off(name: str, tmp_path: Path) -> None:
    document, found = read(tmp_path, BOMBS[name])

    assert document is None
    assert ["alias-bomb"] == [d.code for d in found]


def test_aliases_in_reason_are_read(tmp_path: Path) -> None:
    document, found = read(tmp_path, "a: &x {b: [1, 2]}\nc: *x\nd: [*x, *x]\n")
    assert document is not None

    assert () == found
    assert {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}, "d": [{"b": [1, 2]}] * 2} == document.data


def test_a_file_that_is_too_large_or_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specflow.spec.source.MAX_BYTES", 100)
    missing = read_document(tmp_path / "none.yaml", "none.yaml")[1]

    assert ["too-large"] == [d.code for d in read(tmp_path, "#" * 101)[1]]
    assert ['can\'t read "none.yaml": no such file or directory'] == [d.message for d in missing]
    assert ["unreadable-file"] == [d.code for d in read_document(tmp_path, "folder")[1]]


SIGNS = """a|1|: |:|- |? |'|"|\\|[|]|{|}|,|&x |*x|>|!!str |!|%|@|`|#| # |<<: |~|.inf|é|😀|\ufeff|\x85|\u2028|0x"""
LINES = (
    "\n",
    "\n  ",
    "\n    ",
    "|",
    "|-\n",
    "---\n",
    "...\n",
    "\t",
    "\r",
    "\x07",
    "9" * 30,
    "%YAML 1.1\n",
    "%TAG ! x\n",
)
ODDITIES = st.lists(st.sampled_from([*SIGNS.split("|"), *LINES]), max_size=25).map("".join)


@settings(max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=ODDITIES.map(str.encode) | st.binary(max_size=30))
def test_any_bytes_are_a_document_or_findings_within_the_text(raw: bytes, tmp_path: Path) -> None:
    document, found = read(tmp_path, raw)

    assert document is not None or found
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    lines = text.split("\n")
    for diagnostic in found:
        span = diagnostic.span
        assert 1 <= span.line <= len(lines)
        assert (1, 1) <= (span.line, span.column) <= (span.end_line, span.end_column)
    if document is not None:
        spans = list(every_span(document, document.data, ()))
        assert all((span.line, span.column) <= (span.end_line, span.end_column) for span in spans)


def every_span(document: Document, data: Any, path: tuple[str | int, ...]) -> Any:
    """Yield every span that a document can be asked for."""
    yield document.span(path)
    yield document.key_span(path)
    document.text_at(path)
    if isinstance(data, str):
        yield from (document.text_span(path, start, start + 1) for start in range(len(data) + 1))
    if len(path) < 8:
        for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
            yield from every_span(document, value, (*path, key))
