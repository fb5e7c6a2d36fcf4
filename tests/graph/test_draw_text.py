import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specflow.graph.draw import draw
from specflow.graph.draw.columns import clipped, columns, wrapped
from tests.graph.drawings import Made, at, example, out, pipelines, step, written

WIDTHS = [20, 50, 80, 200]


@settings(max_examples=25, deadline=None)
@given(pipelines(), st.sampled_from(WIDTHS))
def test_no_line_is_wider_than_the_terminal_or_fifty_columns(made: Made, width: int) -> None:
    lines = draw(made.graph, made.placed, "text", width=width).splitlines()

    assert max(map(columns, lines)) <= max(width, 50)
    assert [line.rstrip() for line in lines] == lines


@settings(max_examples=25, deadline=None)
@given(pipelines())
def test_every_step_has_its_line(made: Made) -> None:
    listing = draw(made.graph, made.placed, "text", width=200).partition("\nstage")[2]
    stages = re.findall(r"^ +\d+ ", listing, re.MULTILINE)

    assert len(made.graph.nodes) == len(stages)


def test_a_group_is_a_tree_and_names_in_it_are_those_beside_it(tmp_path: Path) -> None:
    inner = {
        "first": step("${{ inputs.x }}"),
        "t": step(out("first"), when="${{ inputs.x > 0 }}", matrix={"k": [1, 2]}),
        "last": step(out("t")),
    }
    call = {"uses": "inner.yaml", "after": ["a"], "inputs": {"x": "${{ inputs.x }}"}}
    inputs = {"x": {"type": "number"}}
    graph = written(tmp_path, {"a": step(), "c": call, "b": step(out("c"))}, inner, inputs=inputs)
    expected = """\
stage  step       target  needs
    1  a          local
       c
    2  ├─ first   local   x, after a
    3  ├─ t[k=1]  local   first (o)
       │                  when inputs.x > 0
    3  ├─ t[k=2]  local   first (o)
       │                  when inputs.x > 0
    4  └─ last    local   t ×2 (o)
    5  b          local   c.last (o)
"""

    assert expected == draw(graph, at(graph, "local"), "text").rpartition("\n\n")[2]


def test_long_needs_are_wrapped_and_the_rest_of_them_counted(tmp_path: Path) -> None:
    many = {f"step_number_{index}": step() for index in range(40)}
    graph = written(tmp_path, {**many, "all": step(*map(out, many))})
    listing = draw(graph, at(graph, "local"), "text", width=80).splitlines()
    expected = [
        "    2  all             local   step_number_0 (o), step_number_1 (o),",
        "                               step_number_2 (o), step_number_3 (o),",
        "                               step_number_4 (o), step_number_5 (o),",
        "                               … 34 more",
    ]

    assert expected == listing[-4:]


def test_states_are_signs_and_colours_only_on_request() -> None:
    graph = example("batch_score")
    states = {"score": "failed"}
    plain, coloured = (draw(graph, at(graph, "local"), "text", states=states, colour=on) for on in (False, True))

    assert "✗     1  score     local   model, mixes\n" in plain
    assert "\x1b" not in plain
    assert "\x1b[31m✗ \x1b[0m" in coloured
    assert plain == re.sub(r"\x1b\[\d+m", "", coloured)


def test_nothing_in_a_label_is_obeyed_by_the_terminal(tmp_path: Path) -> None:
    graph = written(tmp_path, {"a": step(matrix={"v": ["\u202eevil", "\x1b]0;title\x07"]})})
    drawing = draw(graph, at(graph, "local"), "text")

    assert "a[v=\\u202eevil]" in drawing
    assert drawing.replace("\n", "").isprintable()


CLIPPED = [
    ("abc", 3, "abc"),
    ("abcd", 3, "ab…"),
    ("日本語", 5, "日本…"),
    ("日本語", 4, "日…"),
    ("abc", 1, "…"),
    ("abc", 0, ""),
]


@pytest.mark.parametrize(("text", "width", "expected"), CLIPPED)
def test_a_text_is_cut_by_the_columns_it_takes(text: str, width: int, expected: str) -> None:
    assert expected == clipped(text, width)


WRAPPED = [
    (["a", "b"], 10, 9, ["a, b"]),
    (["aaaa", "bbbb"], 6, 9, ["aaaa,", "bbbb"]),
    (["aaaa", "bbbb", "cccc", "dddd"], 6, 2, ["aaaa,", "… 3 more"]),
    (["aaaaaaaaaa", "b"], 6, 9, ["aaaaa…", "b"]),
    (["a", "b", "cc", "d"], 5, 1, ["… 4 more"]),
    ([], 6, 9, []),
]


@pytest.mark.parametrize(("words", "width", "most", "expected"), WRAPPED)
def test_words_are_wrapped(words: list[str], width: int, most: int, expected: list[str]) -> None:
    assert expected == wrapped(words, width, ",", most)
