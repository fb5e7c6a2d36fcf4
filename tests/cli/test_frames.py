"""Which files are read to show the lines that findings point to."""

from pathlib import Path

from specflow.diagnostics import Span, error, warning
from specflow.spec.load import Loader
from specflow.stages import texts_of, validate


def test_a_spec_is_read_even_if_this_call_did_not_load_it(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text("specflow: 1\n")

    found = texts_of(Loader(tmp_path), [warning("unread-input", "", Span("pipeline.yaml"))])

    assert {"pipeline.yaml": "specflow: 1\n"} == found


def test_a_spec_that_could_not_be_used_is_read_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "spec.txt").write_text("- 1\n")
    loader = Loader(tmp_path)
    checked = validate(tmp_path / "spec.txt", loader)

    assert {"spec.txt": "- 1\n"} == texts_of(loader, checked.diagnostics)


def test_data_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a,b\n")

    assert {} == texts_of(Loader(tmp_path), [error("data-changed", "", Span("table.csv"))])
