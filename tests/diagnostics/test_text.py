import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specflow.diagnostics import Diagnostic, Related, Span, error, warning
from specflow.diagnostics.model import LIMIT
from specflow.diagnostics.render import render
from specflow.diagnostics.render.characters import cells
from specflow.diagnostics.render.text import _cut

SOURCES = {
    "specs/concrete_strength.yaml": "\n" * 26 + "      train: ${{ steps.prepare.outputs.trian }}\n",
    "steps/prepare_table/step.yaml": "\n" * 8 + "  train: {type: file}\n",
}


def shown(*diagnostics: Diagnostic, sources: dict[str, str] = SOURCES, width: int | None = None) -> str:
    return render(diagnostics, "text", sources.get, width=width)


def frame(source: str, span: Span, width: int | None = None) -> list[str]:
    """The source line and the line of carets, as they stand after the gutter."""
    lines = shown(error("bad-value", "no", span), sources={span.file: source}, width=width).split("\n")
    return [line.partition("|")[2][1:] for line in lines[2:4]]


def test_a_finding_is_shown_with_its_frame_what_belongs_to_it_and_the_way_out() -> None:
    place = Related(Span("steps/prepare_table/step.yaml", 9, 3, 9, 8), 'outputs of "prepare_table": train, test')
    found = error(
        "unknown-output",
        'step "train" reads "prepare.outputs.trian", but "prepare" has no such output',
        Span("specs/concrete_strength.yaml", 27, 40, 27, 45),
        'did you mean "train"?',
        place,
    )

    expected = """\
specs/concrete_strength.yaml:27:40: error: step "train" reads "prepare.outputs.trian", but "prepare" has no such \
output [unknown-output]
   |
27 |       train: ${{ steps.prepare.outputs.trian }}
   |                                        ^^^^^
   ::: steps/prepare_table/step.yaml:9:3
 9 |   train: {type: file}
   |   ----- outputs of "prepare_table": train, test
   = help: did you mean "train"?

1 error in 1 file
"""
    assert expected == shown(found)


def test_nothing_found_is_nothing_said() -> None:
    assert shown() == ""


def test_what_is_no_file_has_neither_frame_nor_position() -> None:
    found = error("unknown-profile", 'there is no profile "prod"', Span("--profile"), "there are dev, test")

    expected = """\
--profile: error: there is no profile "prod" [unknown-profile]
  = help: there are dev, test

1 error
"""
    assert expected == shown(found)


def test_a_file_that_can_not_be_shown_keeps_a_position_that_is_known() -> None:
    found = error("not-utf8", "byte 0xe9 is not UTF-8; a spec is UTF-8 text", Span("a.yaml", 3, 5, 3, 6))

    assert shown(found).startswith("a.yaml:3:5: error: byte 0xe9")


def test_an_empty_file_has_a_position_and_no_frame() -> None:
    found = error("empty-file", "the file holds nothing", Span("a.yaml"))

    expected = "a.yaml:1:1: error: the file holds nothing [empty-file]\n\n1 error in 1 file\n"
    assert expected == shown(found, sources={"a.yaml": ""})


def test_a_place_beyond_the_end_of_a_file_that_has_changed_has_no_frame() -> None:
    found = error("bad-value", "no", Span("a.yaml", 7, 1, 7, 2))

    assert shown(found, sources={"a.yaml": "a: 1\n"}) == "a.yaml:7:1: error: no [bad-value]\n\n1 error in 1 file\n"


def test_a_related_place_without_a_source_is_told_in_one_line() -> None:
    found = error("bad-value", "no", Span("a.yaml", 1, 4, 1, 5), "", Related(Span("--profile"), "chosen here"))

    assert "  ::: --profile: chosen here\n" in shown(found, sources={"a.yaml": "a: 1\n"})


def test_findings_are_sorted_counted_and_told_once() -> None:
    source = {"a.yaml": "a: 1\nb: 2\n", "b.yaml": "c: 3\n"}
    late = error("bad-value", "two", Span("a.yaml", 2, 4, 2, 5))
    early = warning("unread-input", "one", Span("a.yaml", 1, 1, 1, 2))
    other = error("bad-value", "three", Span("b.yaml", 1, 4, 1, 5))

    text = shown(other, late, early, late, sources=source)

    assert ["one", "two", "three"] == [line.split()[2] for line in text.split("\n") if " [" in line]
    assert text.endswith("\n\n2 errors, 1 warning in 2 files\n")


def test_more_than_the_limit_are_counted_and_errors_come_before_warnings() -> None:
    many = [warning("unread-input", "w", Span("a.yaml", line, 1, line, 2)) for line in range(1, LIMIT + 8)]
    last = error("bad-value", "e", Span("a.yaml", 99, 1, 99, 2))

    lines = shown(*many, last, sources={}).split("\n")

    assert f"a.yaml:{LIMIT - 1}:1: warning: w [unread-input]" in lines
    assert f"a.yaml:{LIMIT}:1: warning: w [unread-input]" not in lines
    assert "a.yaml:99:1: error: e [bad-value]" in lines
    assert lines[-3:] == ["… and 8 more", f"1 error, {LIMIT + 7} warnings in 1 file", ""]


def test_a_span_of_several_lines_shows_the_first_and_that_it_goes_on() -> None:
    assert frame("run: >\n  a\n  b\n", Span("a.yaml", 1, 6, 3, 4)) == ["run: >", "     ^…"]


def test_a_span_that_ends_with_its_line_does_not_go_on() -> None:
    assert frame("run: >\n  a\n", Span("a.yaml", 1, 6, 2, 1)) == ["run: >", "     ^"]


def test_an_empty_span_has_one_caret() -> None:
    assert frame("a: \n", Span("a.yaml", 1, 4, 1, 4)) == ["a:", "   ^"]


@pytest.mark.parametrize(
    ("source", "column", "end", "line", "carets"),
    [
        pytest.param("\ta: 1", 2, 3, "    a: 1", "    ^", id="tab"),
        pytest.param("ab\tc: 1", 4, 5, "ab  c: 1", "    ^", id="tab stop"),
        pytest.param("名前: x", 5, 6, "名前: x", "      ^", id="wide"),
        pytest.param("名前: x", 1, 3, "名前: x", "^^^^", id="under wide"),
        pytest.param("e\u0301a: x", 3, 4, "e\u0301a: x", " ^", id="combining"),
        pytest.param("\U0001f600: x", 4, 5, "\U0001f600: x", "    ^", id="emoji"),
        pytest.param("a: \x1b[31mx", 9, 10, "a: \\x1b[31mx", "           ^", id="terminal escape"),
        pytest.param("a: \x9b31mx", 8, 9, "a: \\x9b31mx", "          ^", id="C1 control"),
        pytest.param("a: \u202ex", 5, 6, "a: \\u202ex", "         ^", id="bidi override"),
        pytest.param("a:\xa0b", 3, 4, "a:\\xa0b", "  ^^^^", id="no-break space"),
        pytest.param("tra\u200bin", 5, 6, "tra\\u200bin", "         ^", id="zero width space"),
    ],
)
def test_carets_stand_below_what_they_mean(source: str, column: int, end: int, line: str, carets: str) -> None:
    assert frame(source, Span("a.yaml", 1, column, 1, end)) == [line, carets]


def test_messages_labels_helps_and_names_reach_no_terminal_raw() -> None:
    bad = "\x1b]0;x\x07\r\n\u2066"
    span = Span(f"a{bad}.yaml", 1, 1, 1, 2)

    text = shown(error("bad-value", bad, span, bad, Related(span, bad)), sources={span.file: f"a{bad}"})

    assert [char for char in text if not char.isprintable() and char != "\n"] == []
    assert "\\x1b]0;x\\x07\\r\\n\\u2066" in text.split("\n")[0]


def test_a_name_that_is_no_unicode_can_be_printed() -> None:
    text = shown(error("bad-value", "no", Span("a\udcff.yaml", 2, 1, 2, 2)))

    assert text.encode().startswith(b"a\\udcff.yaml:2:1: ")


LONG = "a: " + ", ".join(f"word{i:02}" for i in range(40))


@pytest.mark.parametrize(
    ("column", "end", "line", "carets"),
    [
        (4, 10, "a: word00, word01, word02, word03, …", "   ^^^^^^"),
        (164, 170, "…rd18, word19, word20, word21, word…", "               ^^^^^^"),
        (316, 322, "…d35, word36, word37, word38, word39", "                              ^^^^^^"),
        (4, 322, "a: word00, word01, word02, word03, …", "   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"),
    ],
)
def test_a_long_line_is_cut_around_what_is_meant(column: int, end: int, line: str, carets: str) -> None:
    assert frame(LONG, Span("a.yaml", 1, column, 1, end), width=40) == [line, carets]


@given(
    st.text(st.sampled_from("ab \t名e\u0301\u200d\U0001f600\x1b\u202e"), max_size=80),
    st.integers(0, 90),
    st.integers(0, 90),
    st.integers(20, 60),
)
def test_a_cut_line_fits_and_its_underline_stands_below_the_same_characters(
    line: str, start: int, length: int, room: int
) -> None:
    start = min(start, len(line))
    end = min(start + length, len(line))

    text, offset, width = _cut(cells(line), start, end, room)

    columns = [char for char in text for _ in range(columns_of(char))]
    assert len(columns) <= room
    assert 1 <= width <= room
    below = columns[offset : offset + width]
    whole = [char for shown_text, _ in cells(line)[start:end] for char in shown_text for _ in range(columns_of(char))]
    assert below[: len(whole)] == whole[: len(below)]


def columns_of(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) == "W" else 1


def test_colour_paints_and_changes_no_text() -> None:
    found = error("bad-value", "no", Span("a.yaml", 1, 4, 1, 5), "help", Related(Span("a.yaml", 1, 1, 1, 2), "key"))

    painted = render([found], "text", {"a.yaml": "a: 1\n"}.get, colour=True)

    assert painted.startswith("\x1b[1ma.yaml:1:4:\x1b[0m \x1b[1;31merror:\x1b[0m no \x1b[2m[bad-value]\x1b[0m\n")
    plain = painted
    for style in ("0", "1", "2", "34", "36", "1;31"):
        plain = plain.replace(f"\x1b[{style}m", "")
    assert plain == shown(found, sources={"a.yaml": "a: 1\n"})
