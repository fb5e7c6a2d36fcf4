from pathlib import Path

import pytest

from specflow.diagnostics.codes import Code, codes
from tests.diagnostics.examples import told, write

WITHOUT = {"code-escapes", "large-code", "missing-extra", "missing-java", "too-large"}
"""Codes whose smallest example is no text to show, or differs from machine to machine; they have tests of their own."""

SHOWN = [code for name, code in codes().items() if name not in WITHOUT]


def test_every_code_has_both_examples_or_a_test_of_its_own() -> None:
    bare = {name for name, code in codes().items() if not code.example("right")}

    assert WITHOUT == bare


@pytest.mark.parametrize("code", SHOWN, ids=lambda code: code.name)
def test_the_wrong_example_is_told_once_by_its_code(code: Code, tmp_path: Path) -> None:
    text, found = told(write(code, "wrong", tmp_path), tmp_path)

    assert [code.name] == found, text
    assert f": {code.severity}: " in text


@pytest.mark.parametrize("code", SHOWN, ids=lambda code: code.name)
def test_nothing_is_told_of_the_right_example(code: Code, tmp_path: Path) -> None:
    text, found = told(write(code, "right", tmp_path), tmp_path)

    assert [] == found, text


def test_a_link_in_a_code_folder_that_leads_out_of_the_project_is_told(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "passwords").symlink_to("/etc/passwd")
    spec = "specflow: 1\nname: demo\nsteps:\n  greet: {run: echo hello, code: src}\n"
    (tmp_path / "pipeline.yaml").write_text(spec)

    _, found = told("specflow compile pipeline.yaml", tmp_path)

    assert ["code-escapes"] == found


def test_a_file_of_more_than_32_mib_is_told(tmp_path: Path) -> None:
    (tmp_path / "step.yaml").write_text("specflow: 1\nname: demo\nrun: echo hello\n" + "#" * 32 * 1024 * 1024)

    _, found = told("specflow validate step.yaml", tmp_path)

    assert ["too-large"] == found


def test_a_pipeline_of_too_many_steps_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specflow.graph.build.MAX_NODES", 99)
    axes = "{a: [1, 2, 3, 4, 5, 6, 7, 8, 9, 0], b: [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]}"
    (tmp_path / "pipeline.yaml").write_text(
        f"specflow: 1\nname: demo\nsteps:\n  s: {{run: echo hello, matrix: {axes}}}\n"
    )

    _, found = told("specflow validate pipeline.yaml", tmp_path)

    assert ["too-large"] == found
