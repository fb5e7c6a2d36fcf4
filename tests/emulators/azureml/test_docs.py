"""What docs/emulators.md says of the switches is what the code says.

`python -m tests.emulators.azureml.test_docs` writes the table anew.
"""

from __future__ import annotations

from pathlib import Path

from specflow.targets.azureml.emulator import Assumptions

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/emulators.md"
BEGIN, END = "<!-- made from the code: azureml assumptions -->\n", "<!-- end -->\n"


def table() -> str:
    rows = [f"| `{name}` | {'on' if default else 'off'} | {text} |" for name, default, text in Assumptions.rows()]
    return "\n".join(["| switch | default | when it is on |", "|---|---|---|", *rows, ""])


def written(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


def test_the_table_of_assumptions_is_as_new_as_the_code() -> None:
    page = PAGE.read_text()

    assert written(page) == page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
