"""docs/diagnostics.md, made from specflow/diagnostics/explanations and from what is told of the examples there.

python -m tests.diagnostics.page      # writes it anew
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from specflow.diagnostics.codes import Code, codes, markdown
from tests.diagnostics.examples import told, write

PAGE = Path(__file__).parents[2] / "docs" / "diagnostics.md"

HEAD = """\
# Diagnostics

Everything that specflow finds wrong with a spec has a code, which stands in brackets at the end of the message. An
*error* stops the spec from being used; a *warning* stops nothing. `specflow explain CODE` tells this page's part on one
code. In the examples, "wrong" gives exactly the message that is shown, and "right" gives none.

This page is made from `specflow/diagnostics/explanations/` by `python -m tests.diagnostics.page`; change it there.
"""


def page() -> str:
    """Return the whole page."""
    rows = [f"| [`{name}`](#{name}) | {code.severity} | {code.summary} |" for name, code in codes().items()]
    table = "\n".join(["| code | | what is wrong |", "|---|---|---|", *rows])
    return "\n".join([HEAD, table, "", *(section for code in codes().values() for section in _sections(code))])


def _sections(code: Code) -> Iterator[str]:
    yield f"## {code.name}\n"
    yield f"{code.severity.capitalize()}: {code.summary}.\n"
    yield markdown(code, _told(code) if code.files else "")


def _told(code: Code) -> str:
    """Return what is told of the wrong example, without the count at its end."""
    with tempfile.TemporaryDirectory() as folder:
        text, _ = told(write(code, "wrong", Path(folder)), Path(folder))
    return text.rpartition("\n\n")[0]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
