"""Whatever is done to a spec's text: findings with true places, never a traceback."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specflow.diagnostics import Diagnostic, has_errors
from specflow.diagnostics.render import FORMATS, render
from specflow.graph.build import build
from specflow.spec.load import Loader
from tests.spec.project import FILES, found_in, write_project

SPECS = ("pipeline.yaml", "choose.yaml", "train.yaml", "specflow.yaml")
VALUES = (
    "5",
    "-1.5",
    "true",
    "null",
    "",
    "word",
    "[a]",
    "[]",
    "{a: 1}",
    "{}",
    "'${{ inputs.x }}'",
    "'${{ 1 + }}'",
    "!t x",
)
SIGNS = "'\"{}[]:,#&*!|>%@`$ \t-?\\é\x07\u2028\U0001f600"


def mutated(text: str, rng: random.Random) -> str:
    """Return the text with one slip in it."""
    lines = text.split("\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    at = rng.randrange(len(text))
    return rng.choice(
        [
            lambda: text[:at],
            lambda: text[:at] + text[at + rng.randrange(1, 30) :],
            lambda: text[:at] + rng.choice(SIGNS) + text[at:],
            lambda: "\n".join([*lines[:i], *lines[i + 1 :]]),
            lambda: "\n".join([*lines[:i], lines[j], *lines[i:]]),
            lambda: "\n".join([*lines[:i], lines[j], *lines[i + 1 :]]),
            lambda: "\n".join([*lines[:i], _other_value(lines[i], rng), *lines[i + 1 :]]),
            lambda: "\n".join([*lines[:i], _other_key(lines[i], rng), *lines[i + 1 :]]),
        ]
    )()


def _other_value(line: str, rng: random.Random) -> str:
    return f"{line.partition(':')[0]}: {rng.choice(VALUES)}"


def _other_key(line: str, rng: random.Random) -> str:
    key, colon, value = line.partition(":")
    indent = key[: len(key) - len(key.lstrip())]
    return indent + rng.choice([key.strip().upper(), key.strip()[:-1], "zebra", "1", "'", ""]) + colon + value


@pytest.mark.parametrize("seed", range(20))
def test_a_slip_gives_findings_with_true_places(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    write_project(tmp_path)
    for _ in range(20):
        name = rng.choice(SPECS)
        text = mutated(FILES[name], rng)
        (tmp_path / name).write_text(text, encoding="utf-8")

        found = found_in(tmp_path)

        assert_true_places(found, tmp_path)
        assert has_errors(found) or has_graph(tmp_path)
        (tmp_path / name).write_text(FILES[name], encoding="utf-8")


def has_graph(folder: Path) -> bool:
    """Return whether the project can be built: what is kept quiet has to be told at its cause."""
    workspace, _ = Loader(folder).load(folder / "pipeline.yaml")
    return workspace is not None and build(workspace)[0] is not None


def assert_true_places(found: tuple[Diagnostic, ...], folder: Path) -> None:
    def source_of(name: str) -> str | None:
        return (folder / name).read_text(encoding="utf-8", errors="replace") if (folder / name).is_file() else None

    for diagnostic in found:
        for span in (diagnostic.span, *(related.span for related in diagnostic.related)):
            text = source_of(span.file)
            if text is not None:
                lines = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff").split("\n")
                assert 1 <= span.line <= span.end_line <= len(lines), span
                assert 1 <= span.column <= len(lines[span.line - 1]) + 1, span
                assert (span.line, span.column) <= (span.end_line, span.end_column), span
                assert span.end_column <= len(lines[span.end_line - 1]) + 2, span
    for form in FORMATS:
        render(found, form, source_of)


HEAD = b"specflow: 1\nname: x\n"
WORDS = "run: |steps:|  a:|    uses: |- |: |{|}|[|]|${{|}}|'|&a |*a|<<: |!!|!t |>|#|---|...|inputs.x|$[[|]]|1e999|?|,|@"
MORE = ("|", "|\n", "\n", "\n  ", "\t", "\r", '"', "\\", "~", "9" * 20, "名", "\x85")
FRAGMENTS = st.sampled_from([*(word.encode() for word in (*WORDS.split("|"), *MORE)), b"\xef\xbb\xbf", b"\xff", b"\0"])


@given(st.booleans(), st.lists(FRAGMENTS | st.binary(max_size=4), max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_findings_with_true_places(
    tmp_path_factory: pytest.TempPathFactory, has_head: bool, parts: list[bytes]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "any"
    folder.mkdir(exist_ok=True)
    (folder / "x.yaml").write_bytes((HEAD if has_head else b"") + b"".join(parts))

    _, found = Loader(folder).load(folder / "x.yaml")

    assert_true_places(found, folder)
