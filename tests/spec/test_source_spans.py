"""Where a word of a value stands in the file, whatever style the value is written in."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specflow.diagnostics import Span
from specflow.spec.source import Document, read_document


def read(folder: Path, text: str) -> Document:
    file = folder / "spec.yaml"
    file.write_bytes(text.encode())
    document, found = read_document(file, "spec.yaml")
    assert document is not None, (text, found)
    assert () == found
    return document


def index_of(text: str, line: int, column: int) -> int:
    return sum(len(each) + 1 for each in text.split("\n")[: line - 1]) + column - 1


def marked(text: str, span: Span) -> str:
    return text[index_of(text, span.line, span.column) : index_of(text, span.end_line, span.end_column)]


@dataclass
class Written:
    """A value, the text that spells it, and where a word of it stands in both."""

    value: str
    text: str
    in_value: tuple[int, int]
    in_text: tuple[int, int]


class Scribe:
    """Writes a value piece by piece, and notes where the marked word comes to stand."""

    def __init__(self) -> None:
        self.value, self.text = "", ""
        self.in_value = self.in_text = (0, 0)

    def write(self, value: str, text: str, is_marked: bool = False) -> None:
        if is_marked:
            self.in_value = len(self.value), len(self.value) + len(value)
            self.in_text = len(self.text), len(self.text) + len(text)
        self.value += value
        self.text += text

    def done(self, before: str = "", after: str = "") -> Written:
        start, end = self.in_text
        return Written(self.value, before + self.text + after, self.in_value, (start + len(before), end + len(before)))


INDENT = "    "
PLAIN_WORDS = st.text("abcé日😀-'\"$(){}[]", min_size=1, max_size=5).map(lambda word: f"x{word}")
ESCAPED = {
    "\n": "\\n",
    "\t": "\\t",
    '"': '\\"',
    "\\": "\\\\",
    "\x07": "\\a",
    "\u00a0": "\\_",
    "\u2028": "\\L",
    "/": "\\/",
}


@st.composite
def plain(draw: st.DrawFn) -> Written:
    """Return words in a plain scalar, over one line or several."""
    scribe = Scribe()
    words = draw(st.lists(PLAIN_WORDS, min_size=1, max_size=6))
    chosen = draw(st.integers(0, len(words) - 1))
    for index, word in enumerate(words):
        if index:
            scribe.write(*draw(st.sampled_from([(" ", " "), ("  ", "  "), *FOLDS])))
        scribe.write(word, word, index == chosen)
    return scribe.done()


# What stands between two words: in the value, and in the text.
FOLDS = [(" ", f"\n{INDENT}"), (" ", f"  \n{INDENT}  "), ("\n", f"\n\n{INDENT}"), ("\n\n", f"\n \n\n{INDENT}")]


@st.composite
def single_quoted(draw: st.DrawFn) -> Written:
    scribe = Scribe()
    words = draw(st.lists(st.text("ab'é\"\\#:,😀", min_size=1, max_size=5), min_size=1, max_size=6))
    chosen = draw(st.integers(0, len(words) - 1))
    for index, word in enumerate(words):
        if index:
            scribe.write(*draw(st.sampled_from([(" ", " "), ("   ", "   "), ("\t", "\t"), *FOLDS])))
        scribe.write(word, word.replace("'", "''"), index == chosen)
    return scribe.done("'", "'")


@st.composite
def double_quoted(draw: st.DrawFn) -> Written:
    """Return words with and without escapes, over lines that are folded, and lines that end in a backslash."""
    scribe = Scribe()
    words = draw(st.lists(st.text("ab\n\t\"\\é😀\x07\u00a0\u2028/'#:", min_size=1, max_size=5), min_size=1, max_size=6))
    chosen = draw(st.integers(0, len(words) - 1))
    joints = [
        (" ", " "),
        (" ", "\\x20"),
        (" ", "\\ "),
        ("\n", "\\n"),
        ("", f"\\\n{INDENT}"),
        ("\n", f"\\\n\n{INDENT}"),
        ("\n\n", f"\\\n \n\n{INDENT}"),
        (" ", f" \\\n{INDENT}"),
        ("  ", f" \\\n{INDENT}\\ "),
        *FOLDS,
    ]
    for index, word in enumerate(words):
        if index:
            scribe.write(*draw(st.sampled_from(joints)))
        scribe.write(word, "".join(draw(spelled(char)) for char in word), index == chosen)
    return scribe.done('"', '"')


def spelled(char: str) -> st.SearchStrategy[str]:
    code = ord(char)
    ways = [f"\\U{code:08x}"]
    if code < 0x10000:
        ways.append(f"\\u{code:04X}")
    if code < 0x100:
        ways.append(f"\\x{code:02x}")
    if char in ESCAPED:
        ways.append(ESCAPED[char])
    else:
        ways += [char, char]
    return st.sampled_from(ways)


LINES = st.lists(PLAIN_WORDS | st.sampled_from(["# no comment", "a: b", "\\n", "''"]), min_size=1, max_size=3)


@st.composite
def block(draw: st.DrawFn) -> Written:
    """Return lines of words in a literal or folded scalar, blank and further indented lines among them."""
    style = draw(st.sampled_from("|>"))
    header = style + draw(st.sampled_from(["", "-", "+", "2", "2-", "  # a comment", "- # one"]))
    lines = draw(st.lists(LINES, min_size=1, max_size=5))
    chosen = draw(st.integers(0, len(lines) - 1))
    text, places = header, []
    for index, words in enumerate(lines):
        further = draw(st.sampled_from(["", "", "  ", "\t"])) if index else ""
        blank = draw(st.sampled_from(["", "", "\n", f"\n{INDENT}"])) if index else ""
        text += blank + "\n" + INDENT + further
        places.append((len(text), len(text) + len(words[0])))
        text += "  ".join(words)
    # What the value is, only a YAML reader knows: the marked word is unique, and is looked for in it.
    start, end = places[chosen]
    word = f"MARK{'é' * draw(st.integers(0, 2))}"
    return Written("", text[:start] + word + text[end:], (0, len(word)), (start, start + len(word)))


SCALARS = {"plain": plain(), "single": single_quoted(), "double": double_quoted(), "block": block()}


@pytest.mark.parametrize("style", SCALARS)
@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_a_marked_word_is_found_in_the_file(
    style: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    written = data.draw(SCALARS[style])
    before = data.draw(st.sampled_from(["a:\n  b: ", "# é😀\nünï: 😀\na:\n  b: ", "a:\n  ? b\n  : ", "a:\n  b:   "]))
    after = data.draw(st.sampled_from(["\n", "\nz: 1\n", "\n# end\n", "\n\nz: {b: x}\n"]))
    text = before + written.text + after
    document = read(tmp_path_factory.mktemp("d"), text)
    value = document.data["a"]["b"]
    start, end = written.in_value
    if style == "block":
        start, end = (value.index("MARK") + offset for offset in written.in_value)
    else:
        assert written.value == value
    span = document.text_span(("a", "b"), start, end)
    wanted = tuple(len(before) + offset for offset in written.in_text)

    assert wanted == (index_of(text, span.line, span.column), index_of(text, span.end_line, span.end_column))


# A value in a file, the word of it that is asked for, and the text that is marked.
EXAMPLES = {
    "plain": ("a: one two", "two", "two"),
    "plain over lines": ("a: one\n  two\n  three", "three", "three"),
    "plain in a flow": ("{a: one two, b: 1}", "two", "two"),
    "over a fold": ("a: one\n  two", "e t", "e\n  t"),
    "single": ("a: 'it''s two'", "two", "two"),
    "a quote": ("a: 'it''s'", "'", "''"),
    "double": ('a: "one two"', "two", "two"),
    "an escape": ('a: "a\\tb"', "\t", "\\t"),
    "behind an escape": ('a: "\\u00e9\\x41 two"', "two", "two"),
    "an escape behind a fold": ('a: "one\n  \\x41two"', "Atwo", "\\x41two"),
    "behind an escape behind a fold": ('a: "one\n\n  \\x41 two"', "two", "two"),
    "an escape behind a line that goes on": ('a: "one \\\n  \\x41 two"', "A", "\\x41"),
    "inside of a word that goes on": ('a: "on\\\n  e two"', "one", "on\\\n  e"),
    "literal": ("a: |\n  one\n  two\n", "two", "two"),
    "literal with a comment": ("a: | # two\n  one\n  two\n", "two", "two"),
    "literal in a list": ("- - |-\n   one\n    two", "two", "two"),
    "folded": ("a: >-\n  one\n  two\n\n  three\n", "three", "three"),
    "beyond the basic plane": ("a: 😀😀 two", "two", "two"),
    "with windows line ends": ("a: one\r\n  two\r\nb: 1\r\n", "two", "two"),
    "with a byte order mark": ("\ufeffa: one two", "two", "two"),
    "an anchor and a word like it": ("a: &two one two", "two", "two"),
    "an anchor before quotes": ("a: &x\n  'one two'", "two", "two"),
    "an anchor before a block": ("a: &x |\n  one\n  two", "two", "two"),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_word_is_marked_as_it_is_written(name: str, tmp_path: Path) -> None:
    text, word, expected = EXAMPLES[name]
    document = read(tmp_path, text)
    path = ("a",) if isinstance(document.data, dict) else (0, 0)
    value = document.data["a"] if path == ("a",) else document.data[0][0]
    start = value.index(word)

    assert expected == marked(document.text, document.text_span(path, start, start + len(word)))


def test_an_alias_is_marked_where_its_value_stands(tmp_path: Path) -> None:
    document = read(tmp_path, "a: &x one two\nb: *x\n")

    assert document.text_span(("a",), 4, 7) == document.text_span(("b",), 4, 7)


def test_beyond_the_end_is_the_end(tmp_path: Path) -> None:
    document = read(tmp_path, "a: one\nb: ''\nc: &x\nd: &y ''")

    assert Span("spec.yaml", 1, 7, 1, 7) == document.text_span(("a",), 3, 9)
    assert Span("spec.yaml", 2, 4, 2, 6) == document.text_span(("b",), 0, 1)
    assert Span("spec.yaml", 4, 4, 4, 9) == document.text_span(("d",), 0, 1)


def test_what_is_no_text_is_marked_as_a_whole(tmp_path: Path) -> None:
    document = read(tmp_path, "a: [1, 2]\nb: {c: 1}\n")

    assert Span("spec.yaml", 1, 4, 1, 10) == document.text_span(("a",), 0, 1)
    assert Span("spec.yaml", 1, 5, 1, 6) == document.text_span(("a", 0), 0, 1)
    assert Span("spec.yaml", 2, 8, 2, 9) == document.text_span(("b", "c", "d"), 0, 1)
