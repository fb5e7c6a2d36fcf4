"""The picture: nothing lies over anything else, texts stay in their boxes, labels are only text, states have signs."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings

from specflow.graph.draw import draw
from specflow.graph.draw.states import SIGNS
from specflow.graph.draw.svg.crossings import Lines
from specflow.graph.draw.svg.grid import grid
from specflow.graph.draw.svg.metrics import shortened, text_width
from specflow.graph.draw.svg.order import ordered
from specflow.graph.draw.svg.sizes import SUB_SIZE, TITLE_SIZE
from specflow.graph.draw.views import views
from tests.graph.drawings import (
    NAMESPACE,
    SPECS,
    TARGETS,
    Drawn,
    Made,
    at,
    drawn,
    example,
    out,
    pipelines,
    step,
    written,
)
from tests.graph.test_draw_mermaid import HOSTILE


def assert_nothing_overlaps(picture: Drawn) -> None:
    boxes = picture.boxes()
    shapes = list(boxes.values())
    for index, one in enumerate(shapes):
        assert [] == [other for other in shapes[:index] if one.overlaps(other)]
    lanes = picture.frames("lane")
    for index, one in enumerate(lanes):
        assert [] == [other for other in lanes[:index] if one.overlaps(other)]
    frames = [*lanes, *picture.frames("group")]
    for shape in shapes:
        corners = ((shape.x, shape.y), (shape.x + shape.width, shape.y + shape.height))
        inside = [[frame.holds(*corner) for corner in corners] for frame in frames if frame.overlaps(shape)]
        assert all(all(corner) for corner in inside), "a box is inside a frame or outside it, never across its border"


def assert_edges_avoid_boxes(picture: Drawn) -> None:
    shapes = list(picture.boxes().values())
    for way in picture.ways():
        assert [] == [(point, shape) for point in way for shape in shapes if shape.holds(*point, slack=1)]


def assert_texts_fit(picture: Drawn) -> None:
    for id_, shape in picture.boxes().items():
        for role, x, y, text in picture.texts(id_):
            is_title = role == "sf-title"
            width = text_width(text, TITLE_SIZE if is_title else SUB_SIZE, bold=is_title)
            left = x - width / 2 if role == "sf-end-name" else x
            assert shape.x < left
            assert left + width < shape.x + shape.width
            assert shape.y + 8 < y < shape.y + shape.height - 3


def assert_well_drawn(picture: Drawn) -> None:
    assert_nothing_overlaps(picture)
    assert_edges_avoid_boxes(picture)
    assert_texts_fit(picture)


@pytest.mark.parametrize("expand", [True, False])
@pytest.mark.parametrize("name", SPECS)
def test_the_examples_are_well_drawn(name: str, expand: bool) -> None:
    graph = example(name)
    picture = drawn(graph, at(graph, "local"), expand=expand)

    assert_well_drawn(picture)
    assert {f"input:{name}" for name in graph.inputs} <= set(picture.boxes())
    if expand:
        assert {f"step:{node}" for node in graph.nodes} <= set(picture.boxes())


@settings(max_examples=40, deadline=None)
@given(pipelines())
def test_random_graphs_are_well_drawn(made: Made) -> None:
    assert_well_drawn(drawn(made.graph, made.placed))
    assert_well_drawn(drawn(made.graph, made.placed, expand=False, states=dict.fromkeys(made.graph.nodes, "failed")))


def test_edges_of_the_examples_do_not_cross() -> None:
    for name in SPECS:
        graph = example(name)
        picture = next(views(graph, at(graph, "local"), expand=True))
        lattice = grid(picture, dict.fromkeys(picture.boxes, 40.0), dict.fromkeys(picture.groups, 28.0))
        lines = Lines(lattice)

        assert 0 == lines.crossings(lines.ranks(ordered(lattice)))


def test_any_label_is_text_and_nothing_else(tmp_path: Path) -> None:
    values = [*HOSTILE, "]]>", "</text></svg>", "&#0;", "\x1b[31m", "\u202e"]
    graph = written(
        tmp_path,
        {"a": step(matrix={"v": values[:20]}), "end": step(out("a"), when="${{ '</svg>&\"' == 'x' }}")},
        description="<script>alert(1)</script>",
    )
    text = draw(graph, {"end": '"<&', **at(graph, "</style>")} | {"end": '"<&'}, "svg")
    root = ET.fromstring(text)
    texts = {element.text for element in root.iter() if element.text}

    assert {"svg", "style", "rect", "text", "g", "title", "path"} == {
        element.tag.removeprefix(NAMESPACE) for element in root.iter()
    }
    assert {f"v={value}" for value in HOSTILE if len(value) < 20} <= texts
    assert "<script>alert(1)</script>" in texts
    assert '"<&' in texts
    assert_well_drawn(Drawn(root))


def test_what_is_cut_is_whole_in_the_tooltip(tmp_path: Path) -> None:
    value = "word " * 40 + "end"
    graph = written(tmp_path, {"a": step(matrix={"v": [value]})})
    picture = drawn(graph, at(graph, "local"))
    box = next(g for g in picture.drawing if g.get("data-box"))

    assert box.find(f"{NAMESPACE}title").text.startswith(f"a[v={value}]\n")
    assert_texts_fit(picture)


def test_edges_name_types_in_their_tooltips() -> None:
    graph = example("concrete_strength")
    titles = [title.text for title in drawn(graph, at(graph, "local")).root.iter(f"{NAMESPACE}title")]

    assert (
        "prepare.train → train[model=ridge].train: file/parquet\nprepare.test → train[model=ridge].test: file/parquet"
        in titles
    )
    assert "choose.rmse → plot.when: number" in titles


def test_states_have_a_sign_and_a_word_besides_their_colour() -> None:
    graph = example("concrete_strength")
    states = dict(zip(graph.nodes, SIGNS, strict=False))
    text = draw(graph, at(graph, "local"), "svg", states=states)
    signs = re.findall(r'<g class="sf-is-(\w+)" data-box="step:(\w+)">.*?class="sf-sign".*?d="(.*?)"', text, re.DOTALL)

    assert states == {node: state for state, node, _ in signs}
    assert len(signs) == len({path for *_, path in signs})
    assert all(f"{state}</text>" in text for state in states.values())


TOGETHER = [
    ({}, ""),
    ({"train__0": "succeeded", "train__1": "succeeded", "train__2": "succeeded"}, "succeeded"),
    ({"train__0": "succeeded"}, "running"),
    ({"train__0": "running", "train__1": "failed"}, "failed"),
    ({"train__0": "cached", "train__1": "skipped", "train__2": "succeeded"}, "skipped"),
]


@pytest.mark.parametrize(("states", "expected"), TOGETHER)
def test_several_states_in_one_box_are_the_one_that_matters_most(states: dict[str, str], expected: str) -> None:
    graph = example("concrete_strength")
    text = draw(graph, at(graph, "local"), "svg", states=states, expand=False)

    assert ([expected] if expected else []) == re.findall(r'<g class="sf-is-(\w+)" data-box="step:train"', text)


def test_the_steps_of_a_target_are_in_its_lane() -> None:
    graph = example("retrain")
    placed = at(graph, *TARGETS)
    picture = drawn(graph, placed)
    boxes = picture.boxes()
    lanes = picture.frames("lane")
    lane_of = {
        node: [lane.holds(boxes[f"step:{node}"].x, boxes[f"step:{node}"].y) for lane in lanes].index(True)
        for node in graph.nodes
    }

    assert 3 == len(lanes)
    assert {node: TARGETS.index(target) for node, target in placed.items()} == lane_of


def test_thousands_of_steps_are_drawn_as_stages(tmp_path: Path) -> None:
    graph = written(tmp_path, {"s0": step(), **{f"s{i}": step(out(f"s{i * 7 // 8}")) for i in range(1, 2_000)}})
    picture = drawn(graph, at(graph, "local", "azureml"))

    assert len(picture.boxes()) < 30
    assert 2_000 == sum(
        int(text.split()[0].replace(",", ""))
        for id_ in picture.boxes()
        for role, _, _, text in picture.texts(id_)
        if role == "sf-detail"
    )


SHORTENED = [("abcdef", 100.0, "abcdef"), ("abcdefghij", 40.0, "a…hij"), ("", 0.0, "")]


@pytest.mark.parametrize(("text", "room", "expected"), SHORTENED)
def test_a_text_is_cut_in_the_middle_and_fits(text: str, room: float, expected: str) -> None:
    shown = shortened(text, room, 11)

    assert expected == shown
    assert text_width(shown, 11) <= room
