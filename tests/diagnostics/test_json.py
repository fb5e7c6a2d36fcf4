import json

from specflow.diagnostics import Related, Span, error, warning
from specflow.diagnostics.model import LIMIT
from specflow.diagnostics.render import render


def as_json(*diagnostics: object) -> str:
    return render(diagnostics, "json", {}.get)  # type: ignore[arg-type]


def test_every_key_is_there_in_order() -> None:
    related = Related(Span("b.yaml", 9, 3, 9, 8), "declared here")
    found = error("unknown-output", 'no "x"', Span("a.yaml", 1, 4, 2, 5), 'did you mean "y"?', related)

    expected = """\
{
  "diagnostics": [
    {
      "severity": "error",
      "code": "unknown-output",
      "message": "no \\"x\\"",
      "file": "a.yaml",
      "line": 1,
      "column": 4,
      "end_line": 2,
      "end_column": 5,
      "help": "did you mean \\"y\\"?",
      "related": [
        {
          "file": "b.yaml",
          "line": 9,
          "column": 3,
          "end_line": 9,
          "end_column": 8,
          "message": "declared here"
        }
      ]
    }
  ]
}
"""
    assert expected == as_json(found)


def test_nothing_found_is_an_empty_list() -> None:
    assert {"diagnostics": []} == json.loads(as_json())


def test_what_is_left_out_is_counted() -> None:
    many = [warning("unread-input", "w", Span("a.yaml", line, 1, line, 2)) for line in range(1, LIMIT + 8)]

    document = json.loads(as_json(*many))

    assert LIMIT == len(document["diagnostics"])
    assert 7 == document["omitted"]


def test_any_text_comes_back_from_plain_ascii() -> None:
    text = "\x1b[31m\u202e\x9b 名 \udcff \n\U0001f600"

    written = as_json(error("bad-value", text, Span("a\udcff.yaml")))

    assert written.isascii()
    assert [char for char in written if not char.isprintable() and char != "\n"] == []
    assert text == json.loads(written)["diagnostics"][0]["message"]
