"""What every format shows of a graph: golden files of the examples, and what is one box when there is a lot."""

from pathlib import Path

import pytest
from hypothesis import given, settings

from specflow.graph.draw import FORMATS, draw
from specflow.graph.draw.picture import Edge, Picture
from specflow.graph.draw.views import views
from specflow.graph.model import Graph
from tests.graph.drawings import (
    ENDINGS,
    FILE,
    ROOT,
    SPECS,
    Made,
    at,
    current,
    example,
    golden,
    loaded,
    out,
    pipelines,
    step,
    written,
)


@pytest.mark.parametrize("format_", ENDINGS)
@pytest.mark.parametrize("name", SPECS)
def test_the_examples_are_drawn_as_their_golden_files_say(name: str, format_: str) -> None:
    expected = golden(name, format_).read_text(encoding="utf-8")

    assert expected == current(name, format_), "python -m tests.graph.drawings writes the golden files anew"


def most_detailed(graph: Graph, *targets: str, expand: bool = True) -> Picture:
    return next(views(graph, at(graph, *(targets or ("local",))), expand=expand))


def edge_texts(picture: Picture) -> list[str]:
    arrows = {"data": "-->", "condition": "-?>", "order": "..>"}

    def text(edge: Edge) -> str:
        return f"{edge.source} {arrows[edge.kind]} {edge.target}{f' ({edge.label})' if edge.label else ''}"

    return [text(edge) for edge in picture.edges]


def test_edges_say_what_passes_what_a_condition_asks_and_what_is_order_alone(tmp_path: Path) -> None:
    #  a ──o──> b ──n?──> c <....... d
    steps = {
        "a": step(),
        "b": step(out("a"), out("a", "n")),
        "d": step(),
        "c": step(when=f"${{{{ {out('b', 'n')[4:-3]} > 1 }}}}", after=["d"]),
    }
    graph = written(tmp_path, steps, outputs={"o": {"from": out("c")}, "size": {"from": out("c", "n")}})
    expected = [
        "step:a --> step:b (o, n)",
        "step:b -?> step:c (n)",
        "step:d ..> step:c",
        "step:c --> output:o",
        "step:c --> output:size (n)",
    ]

    assert expected == edge_texts(most_detailed(graph))


def test_data_leads_through_inputs_and_locations_stand_for_themselves(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    (tmp_path / "u.csv").write_text("a\n1\n")
    graph = written(
        tmp_path,
        {"a": step("${{ inputs.table }}", "${{ inputs.other }}", "${{ data.t }}", "${{ inputs.size }}")},
        data={"t": {**FILE, "location": "t.csv"}},
        inputs={
            "table": {"type": "file", "default": "${{ data.t }}"},
            "other": {"type": "file", "default": "u.csv"},
            "size": {"type": "number", "default": 3},
        },
    )
    expected = [
        "data:t --> input:table",
        "location:u.csv --> input:other",
        "input:table --> step:a",
        "input:other --> step:a",
        "data:t --> step:a",
        "input:size --> step:a",
    ]

    assert expected == edge_texts(most_detailed(graph))
    assert ["t", "u.csv"] == [box.name for box in most_detailed(graph).of_kind("data")]


def test_what_waits_for_a_call_waits_once_at_its_first_steps(tmp_path: Path) -> None:
    #  a ....> [ first ──> last ] ....> b
    inner = {"first": step(), "last": step(out("first"))}
    graph = written(tmp_path, {"a": step(), "c": {"uses": "inner.yaml", "after": ["a"]}, "b": step(after=["c"])}, inner)
    expected = ["step:a ..> step:c__first", "step:c__first --> step:c__last (o)", "step:c__last ..> step:b"]

    assert expected == edge_texts(most_detailed(graph))


def test_the_condition_of_a_call_is_shown_on_its_group_and_leads_to_its_first_steps(tmp_path: Path) -> None:
    inner = {"first": step(), "last": step(out("first"))}
    when = "${{ inputs.wanted && steps.a.outputs.n * 2 <= 3 + 4 }}"
    graph = written(
        tmp_path,
        {"a": step(), "c": {"uses": "inner.yaml", "when": when}},
        inner,
        inputs={"wanted": {"type": "boolean", "default": True}},
    )
    picture = most_detailed(graph)
    expected = [
        "input:wanted -?> step:c__first",
        "step:a -?> step:c__first (n)",
        "step:c__first --> step:c__last (o)",
    ]

    assert expected == edge_texts(picture)
    assert {"c": "inputs.wanted && a.n * 2 <= 7"} == {id_: group.when for id_, group in picture.groups.items()}


WHENS = [
    ("${{ steps.a.outputs.n > 1 }}", "a.n > 1"),
    ("${{ (steps.a.outputs.n + 1) * 2 > 1 }}", "(a.n + 1) * 2 > 1"),
    ("${{ 'steps.a.outputs.n' != 'x' }}", "'steps.a.outputs.n' != 'x'"),
    ("${{\n  always()\n  && true\n}}\n", "always() && true"),
    (True, "true"),
]


@pytest.mark.parametrize(("when", "expected"), WHENS)
def test_a_condition_is_shown_in_the_users_words(tmp_path: Path, when: str | bool, expected: str) -> None:
    picture = most_detailed(written(tmp_path, {"a": step(), "b": step(when=when)}))

    assert expected == picture.boxes["step:b"].when


def test_a_matrix_is_one_box_with_its_count_unless_it_is_expanded(tmp_path: Path) -> None:
    inner = {"t": step(matrix={"k": [1, 2, 3]}), "last": step(out("t"))}
    graph = written(tmp_path, {"c": {"uses": "inner.yaml", "matrix": {"v": ["a.b]", "x"]}}}, inner)
    apart, together = most_detailed(graph), most_detailed(graph, expand=False)

    assert 8 == len(apart.boxes)
    assert ["c[v=a.b]]", "c[v=x]"] == [group.title for group in apart.groups.values()]
    assert ("t", "k=2", "c[v=a.b]].t[k=2]") == (
        (box := apart.boxes["step:c__0__t__1"]).name,
        box.detail,
        box.label,
    )
    assert ["t ×6", "last ×2"] == [box.title for box in together.boxes.values()]
    assert ["c ×2"] == [group.title for group in together.groups.values()]
    assert ["step:c__t --> step:c__last (o)"] == edge_texts(together)


def test_too_large_a_graph_is_drawn_in_ever_larger_boxes_and_says_so(tmp_path: Path) -> None:
    inner = {"t": step(matrix={"k": list(range(30))}), "last": step(out("t"))}
    graph = written(tmp_path, {"c": {"uses": "inner.yaml"}, "d": {"uses": "inner.yaml", "after": ["c"]}}, inner)
    pictures = list(views(graph, at(graph, "local"), expand=True))

    assert [62, 4, 2, 4] == [len(picture.boxes) for picture in pictures]
    assert ["", "each matrix", "each matrix and inner pipeline", "each box"] == [
        picture.note.partition(": ")[2].partition(" is drawn")[0].partition(" holds")[0] for picture in pictures
    ]
    assert ["c", "d"] == [box.title for box in pictures[2].boxes.values()]
    assert ["31 steps", "31 steps"] == [box.detail for box in pictures[2].boxes.values()]
    assert "each matrix is drawn as one box" in draw(graph, at(graph, "local"), "svg")


def test_a_call_over_two_targets_that_is_one_box_names_both(tmp_path: Path) -> None:
    graph = written(tmp_path, {"c": {"uses": "inner.yaml"}}, {"a": step(), "b": step(out("a")), "d": step(out("b"))})
    picture = list(views(graph, at(graph, "local", "azureml"), expand=False))[-2]

    assert ("local", ("on local, azureml",)) == (picture.boxes["step:c"].lane, picture.boxes["step:c"].facts)


def test_stages_of_a_huge_graph_never_form_a_cycle() -> None:
    graph = example("concrete_strength")
    picture = list(views(graph, at(graph, "local", "azureml"), expand=True))[-1]
    rank = {id_: index for index, id_ in enumerate(picture.stages())}

    assert all(rank.get(edge.source, -1) < rank.get(edge.target, len(rank)) for edge in picture.edges)
    assert 6 == sum(int(box.detail.split()[0]) for box in picture.of_kind("step"))


def test_a_step_file_by_itself_is_drawn_too() -> None:
    graph = loaded(ROOT / "steps" / "score_table" / "step.yaml", ROOT)

    assert ["input:model --> step:score_table", "input:table --> step:score_table"] == edge_texts(most_detailed(graph))[
        :2
    ]
    assert all(draw(graph, at(graph, "local"), format_) for format_ in FORMATS)


@settings(max_examples=15, deadline=None)
@given(pipelines())
def test_the_same_graph_gives_the_same_bytes(made: Made) -> None:
    other = dict(reversed(made.placed.items()))

    for format_ in FORMATS:
        assert draw(made.graph, made.placed, format_) == draw(made.graph, other, format_)
