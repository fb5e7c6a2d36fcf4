import html
import re
from pathlib import Path

from hypothesis import given, settings

from specflow.graph.draw import draw
from specflow.graph.draw.mermaid import MAX_EDGES, MAX_LENGTH
from tests.graph.drawings import Made, at, example, out, pipelines, step, written

HOSTILE = [
    "end",
    '"quoted"',
    "a]b)c}d",
    "<b>bold</b><script>alert(1)</script>",
    "%%{init: {}}%%",
    "x --> y",
    "a|b;c",
    "`code` **bold**",
    "&amp; #35; #quot;",
    'click a "javascript:x"',
    ":::cls @{ shape: x }",
    "$$x$$ \\n",
    "日本語 🎉",
]

# A line of the language as far as we write it; a label holds nothing but harmless characters and codes.
LABEL = r'"(?:[^"#<>\[\]{}|`;&\\$]|<br>|#\d+;)*"'
NAME = r"(?:step|data|location|input|output|lane|group)_\w+"
LINES = re.compile(
    "|".join(
        (
            r"flowchart LR| +%% [\w. ]+| +end",
            rf" +note\[{LABEL}\]",
            rf" +subgraph {NAME}\[{LABEL}\]",
            rf" +{NAME}(?:\[{LABEL}\]|\(\[{LABEL}\]\)|\[\({LABEL}\)\])",
            rf" +{NAME} (?:-->|-\.->)(?:\|{LABEL}\|)? {NAME}",
            rf" +classDef \w+ [\w:#,]+| +class {NAME}(?:,{NAME})* \w+| +style note [\w:,]+",
        )
    )
)


def texts(drawing: str) -> list[str]:
    """Return the labels as Mermaid shows them: codes decoded, lines apart."""
    found = re.findall(r'"(.*?)"', drawing)
    return [html.unescape(re.sub(r"#(\d+);", r"&#\1;", label)).replace("\u200b", "") for label in found]


def test_no_label_means_anything_to_mermaid_and_all_say_what_they_are(tmp_path: Path) -> None:
    graph = written(
        tmp_path, {"a": step(matrix={"v": HOSTILE}), "end": step(out("a"), when="${{ '\"]<x>' == 'end' }}")}
    )
    drawing = draw(graph, at(graph, "local"), "mermaid")

    assert [] == [line for line in drawing.splitlines() if not LINES.fullmatch(line)]
    assert [f"a<br>v={value}" for value in HOSTILE] == [text for text in texts(drawing) if text.startswith("a<br>")]
    assert "end<br>when '\"]<x>' == 'end'" in texts(drawing)


@settings(max_examples=25, deadline=None)
@given(pipelines())
def test_every_line_is_of_the_language_and_every_edge_has_its_ends(made: Made) -> None:
    drawing = draw(made.graph, made.placed, "mermaid")
    declared = re.findall(r"^ +(\w+)[\[(]", drawing, re.MULTILINE)
    ends = [end for pair in re.findall(r"(\w+) -.*> ?(?:\|.*\| )?(\w+)$", drawing, re.MULTILINE) for end in pair]

    assert [] == [line for line in drawing.splitlines() if not LINES.fullmatch(line)]
    assert len(declared) == len(set(declared))
    assert set(ends) <= set(declared)
    assert drawing.count("subgraph") == len(re.findall(r"^ +end$", drawing, re.MULTILINE))


def test_a_graph_with_more_than_mermaid_draws_by_default_gets_larger_boxes(tmp_path: Path) -> None:
    many = {"a": step(matrix={"k": list(range(30))}), "b": step(out("a"), matrix={"k": list(range(30))})}
    graph = written(tmp_path, many)
    drawing = draw(graph, at(graph, "local"), "mermaid")

    assert "each matrix is drawn as one box" in drawing
    assert drawing.count("-->") <= MAX_EDGES
    assert len(drawing) <= MAX_LENGTH
    assert ["a ×30<br>k", "b ×30<br>k"] == [text for text in texts(drawing) if "×" in text]


def test_a_state_is_a_sign_and_a_class() -> None:
    graph = example("concrete_strength")
    drawing = draw(graph, at(graph, "local"), "mermaid", states={"prepare": "succeeded", "train__1": "failed"})

    assert '    step_prepare["✓ prepare"]\n' in drawing
    assert "  class step_prepare succeeded\n" in drawing
    assert "  class step_train__1 failed\n" in drawing
