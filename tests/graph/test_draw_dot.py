import re
from pathlib import Path

from hypothesis import given, settings

from specflow.graph.draw import draw
from tests.graph.drawings import Made, at, example, out, pipelines, step, written
from tests.graph.test_draw_mermaid import HOSTILE

TEXT = r'"(?:[^"\\&]|\\["\\n]|&amp;)*"'
ATTRIBUTES = rf"\w+=(?:{TEXT}|[\w.]+)(?:[,;] \w+=(?:{TEXT}|[\w.]+))*"
LINES = re.compile(
    "|".join(
        (
            rf"digraph {TEXT} \{{| *\}}",
            rf" +(?:graph|node|edge) \[{ATTRIBUTES}\]",
            rf" +subgraph cluster_\w+ \{{| +{ATTRIBUTES}",
            rf" +\w+ \[{ATTRIBUTES}\]",
            rf" +\w+ -> \w+(?: \[{ATTRIBUTES}\])?",
        )
    )
)


def test_labels_hold_any_text_and_graphviz_reads_it_back(tmp_path: Path) -> None:
    values = [*HOSTILE, "\\N \\G \\l", "\\", '\\"']
    graph = written(tmp_path, {"a": step(matrix={"v": values}), "end": step(out("a"))})
    drawing = draw(graph, at(graph, "local"), "dot")
    labels = [
        re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), label).replace("&amp;", "&")
        for label in re.findall(r'\[label="((?:[^"\\]|\\.)*)"', drawing)
    ]

    assert [] == [line for line in drawing.splitlines() if not LINES.fullmatch(line)]
    assert [f"a\nv={value}" for value in values] == [label for label in labels if label.startswith("a\n")]


@settings(max_examples=25, deadline=None)
@given(pipelines())
def test_every_line_is_of_the_language_and_every_edge_has_its_ends(made: Made) -> None:
    drawing = draw(made.graph, made.placed, "dot")
    declared = re.findall(r"^ +(\w+) \[label=", drawing, re.MULTILINE)
    ends = [end for pair in re.findall(r"^ +(\w+) -> (\w+)", drawing, re.MULTILINE) for end in pair]

    assert [] == [line for line in drawing.splitlines() if not LINES.fullmatch(line)]
    assert len(declared) == len(set(declared))
    assert set(ends) <= set(declared)


def test_a_state_is_a_sign_and_a_colour() -> None:
    graph = example("concrete_strength")
    drawing = draw(graph, at(graph, "local"), "dot", states={"train__1": "failed"})

    assert 'step_train__1 [label="✗ train\\nmodel=random_forest", color="#cf222e", fillcolor="#ffebe9"' in drawing
