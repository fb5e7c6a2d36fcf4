"""One slip in a project, and everything that is told of it: one finding, at the slip."""

from itertools import accumulate
from pathlib import Path

import pytest

from specflow.diagnostics import Span
from tests.spec.project import FILES, found_in, write_project


def told(folder: Path) -> list[tuple[str, str, str]]:
    """Return the file, the code and the text that each finding points at."""
    return [(d.span.file, d.code, text_at(folder, d.span)) for d in found_in(folder)]


def text_at(folder: Path, span: Span) -> str:
    lines = (folder / span.file).read_text(encoding="utf-8").split("\n")
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    text = "\n".join(lines)
    return text[starts[span.line - 1] + span.column - 1 : starts[span.end_line - 1] + span.end_column - 1]


def test_the_project_itself_is_fine(tmp_path: Path) -> None:
    write_project(tmp_path)

    assert [] == told(tmp_path)


SLIPS = [
    # a key that is misspelt is read as what it is taken for
    ("pipeline.yaml", "inputs:\n  rows", "input:\n  rows", "unknown-key", "input"),
    ("pipeline.yaml", "specflow: 1", "Specflow: 1", "unknown-key", "Specflow"),
    ("pipeline.yaml", "    uses: train.yaml", "    use: train.yaml", "unknown-key", "use"),
    ("pipeline.yaml", "    shell: bash", "    shel: bash", "unknown-key", "shel"),
    ("choose.yaml", "{type: integer,", "{typ: integer,", "unknown-key", "typ"),
    ("choose.yaml", "outputs:", "Outputs:", "unknown-key", "Outputs"),
    ("choose.yaml", "  candidates:", "  Candidates:", "bad-name", "Candidates"),
    ("pipeline.yaml", "  train:", "  tra!in:", "bad-name", "tra!in"),
    # a key that resembles nothing may be any that is missing
    ("pipeline.yaml", "inputs: {table", "zebra: {table", "unknown-key", "zebra"),
    ("pipeline.yaml", "    uses: train.yaml", "    zebra: train.yaml", "unknown-key", "zebra"),
    ("pipeline.yaml", "    matrix:", "    zebra:", "unknown-key", "zebra"),
    (
        "pipeline.yaml",
        "{type: file, location: data/b.csv}",
        "{zebra: file, location: data/b.csv}",
        "unknown-key",
        "zebra",
    ),
    ("choose.yaml", "many: true", "zebra: true", "unknown-key", "zebra"),
    # a value that is wrong says nothing of what hangs on it
    ("pipeline.yaml", "    uses: train.yaml", "    uses: 5", "wrong-type", "5"),
    ("pipeline.yaml", "    uses: train.yaml", "    uses: trains.yaml", "uses-missing", "trains.yaml"),
    ("pipeline.yaml", "      model: [ridge, lasso]", "      model: 5", "wrong-type", "5"),
    ("pipeline.yaml", "{type: string, optional: true}", "{type: string, optional: 5}", "wrong-type", "5"),
    ("pipeline.yaml", "    engine: spark", "    engine: sparkle", "bad-value", "sparkle"),
    ("pipeline.yaml", "    shell: bash", "    shell: fish", "bad-value", "fish"),
    ("choose.yaml", "maximum: 9", "maximum: 1.5", "type-mismatch", "1.5"),
    ("choose.yaml", "maximum: 9", "maximum: 0", "empty-range", "1"),
    ("choose.yaml", '"^[a-z]+$"', '"^[a-z+$"', "bad-pattern", "["),
    ("choose.yaml", "many: true", "many: yes", "wrong-type", "yes"),
    ("pipeline.yaml", "limit: 4", "limit: [4]", "one-fed-by-many", "[4]"),
    ("pipeline.yaml", "rows: ${{ steps.prepare.outputs.rows }}", "rows: [a]", "one-fed-by-many", "[a]"),
    ("pipeline.yaml", "limit: 4", "limit: !!int 4", "unknown-tag", "!!int 4"),
    ("pipeline.yaml", "limit: 4", "limit: *four", "unknown-alias", "*four"),
    ("pipeline.yaml", "limit: 4", "limit: 99999999999999999999", "bad-number", "99999999999999999999"),
    ("pipeline.yaml", "limit: 4", "limit: {{ inputs.share }}", "bad-key", "{ inputs.share }"),
    # what is missing is told once, wherever it is asked for
    ("choose.yaml", "  limit: {type", "  other: {type", "unknown-input", "limit"),
    ("choose.yaml", "  best: {type", "  other: {type", "unknown-output", "best"),
    ("pipeline.yaml", "  word: {type: string, optional: true}\n", "", "unknown-input", "word"),
    ("pipeline.yaml", "    outputs: {o: {type: number}}\n", "", "unknown-output", "o"),
    ("pipeline.yaml", "  prepare:\n    uses: prepare\n", "  other:\n    uses: prepare\n", "unknown-step", "prepare"),
    ("pipeline.yaml", "      model: [ridge, lasso]\n", "", "unknown-axis", "model"),
    (
        "pipeline.yaml",
        "    matrix:\n      model: [ridge, lasso]\n      seed: [1, 2]\n",
        "",
        "unknown-context",
        "matrix",
    ),
    ("pipeline.yaml", "      rows: ${{ steps.prepare.outputs.rows }}\n", "", "missing-input", "inputs"),
    ("pipeline.yaml", "      test:", "      zebra:", "unknown-input", "zebra"),
    ("train.yaml", "inputs:\n", "inputs: {}\nx-local:\n", "unknown-input", "rows"),
    ("pipeline.yaml", "    shell: bash\n", "", "shell-syntax", "$A"),
    ("choose.yaml", "{type: file, format: parquet}", "{format: parquet}", "missing-key", "best"),
    ("pipeline.yaml", "{type: file, location: data/b.csv}", "{}", "missing-key", "mixes"),
    # keys that don't go together
    ("choose.yaml", "{type: integer, default: 3,", "{type: boolean, default: true,", "key-not-allowed", "minimum"),
    (
        "pipeline.yaml",
        "    uses: train.yaml\n",
        "    uses: train.yaml\n    run: a\n    code: src\n",
        "two-bodies",
        "run",
    ),
    # lines between two mappings that are gone
    ("pipeline.yaml", "  choose:\n", "", "duplicate-key", "uses"),
    ("pipeline.yaml", "environments:\n", "", "unknown-key", "python"),
    # no YAML
    ("pipeline.yaml", "tags: {team: x}", "tags: {team: x", "yaml-syntax", "{"),
    ("pipeline.yaml", "description: Uses every key.", "description: Uses: every key.", "yaml-syntax", ":"),
    ("pipeline.yaml", "  train:\n", " train:\n", "yaml-syntax", "train:"),
]


@pytest.mark.parametrize(("file", "old", "new", "code", "text"), SLIPS)
def test_one_slip_is_one_finding(file: str, old: str, new: str, code: str, text: str, tmp_path: Path) -> None:
    write_project(tmp_path)
    assert old in FILES[file]

    (tmp_path / file).write_text(FILES[file].replace(old, new, 1), encoding="utf-8")

    assert [(file, code, text)] == told(tmp_path)


def test_an_output_that_a_nested_pipeline_lost_is_told_where_it_is_read(tmp_path: Path) -> None:
    write_project(tmp_path)

    (tmp_path / "inner.yaml").write_text(FILES["inner.yaml"].partition("outputs:\n")[0], encoding="utf-8")

    assert [("pipeline.yaml", "unknown-output", "text")] == told(tmp_path)


def test_the_places_that_ask_for_what_is_missing_stand_beside_the_first(tmp_path: Path) -> None:
    write_project(tmp_path)
    (tmp_path / "pipeline.yaml").write_text(FILES["pipeline.yaml"].replace("  prepare:\n", "  other:\n", 1))

    (found,) = found_in(tmp_path)

    assert ["and here"] == [related.message for related in found.related]
    assert 'there is no step "prepare"' == found.message
