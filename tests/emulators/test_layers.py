"""Emulators are the platform's side: they know the server they share, and nothing of our compilers or launcher."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "specflow"
FOLDERS = [PACKAGE / "emulation", *sorted(PACKAGE.glob("targets/*/emulator"))]
CHILD = PACKAGE / "targets/databricks/emulator/child"


def imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {name for name in found if name.split(".")[0] == "specflow"}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(PACKAGE)))
def test_an_emulator_imports_itself_and_what_emulators_share(folder: Path) -> None:
    own = ".".join(("specflow", *folder.relative_to(PACKAGE).parts))
    strange = {
        f"{file.name}: {name}"
        for file in folder.rglob("*.py")
        for name in imported(file)
        if not name.startswith((own, "specflow.emulation", "specflow.claims", "specflow.errors"))
    }

    assert set() == strange


def test_what_runs_inside_a_task_imports_nothing_of_specflow() -> None:
    assert set() == {name for file in CHILD.glob("*.py") for name in imported(file)}
