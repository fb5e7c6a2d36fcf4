"""What starts the launcher in a task: by path, as the platform does."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from specflow.targets.databricks import travels

FILE = Path(travels.__file__).parent / "start.py"


@pytest.fixture
def start() -> ModuleType:
    spec = importlib.util.spec_from_file_location("start_of_a_task", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def arguments(root: Path, count: int, repair: int) -> list[str]:
    return [f"--root={root}", "--id=s", "--run=7", f"--attempt={count}", f"--repair={repair}", "--date=2026-01-31"]


def test_attempts_are_counted_anew_after_a_repair(start: ModuleType, tmp_path: Path) -> None:
    """The platform counts 1, 2 and, after a repair, goes on with 3, 4."""
    made = [
        start.of_step("", arguments(tmp_path, count, repair))
        for count, repair in ((1, 0), (2, 0), (3, 1), (4, 1), (5, 2))
    ]

    assert ["--attempt=1", "--attempt=2", "--attempt=1", "--attempt=2", "--attempt=1"] == [one[0] for one in made]


def test_the_first_attempt_tells_the_others_when_it_began(start: ModuleType, tmp_path: Path) -> None:
    first, second = (start.of_step("", arguments(tmp_path, count, 0)) for count in (1, 2))

    assert first[1] == second[1]
    assert first[1].startswith("--began=1")


def test_a_record_of_an_attempt_before_is_gone(start: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "record.json").write_text("{}")
    start.of_step("", arguments(tmp_path, 2, 0))

    assert not (tmp_path / "s" / "record.json").exists()


def test_the_date_of_a_run_of_ours_is_in_its_id(start: ModuleType, tmp_path: Path) -> None:
    ours = [one.replace("--run=7", "--run=20260101-120000-1a2b3c") for one in arguments(tmp_path, 1, 0)]

    assert "--date=2026-01-31" in start.of_step("", arguments(tmp_path, 1, 0))
    assert "--date=2026-01-31" not in start.of_step("", ours)


def test_the_step_is_named_by_its_note(start: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "step.json").write_text(json.dumps({"id": "train"}))
    start.of_step(str(tmp_path / "step.json"), [f"--root={tmp_path}/run", "--run=7", "--attempt=1"])

    assert (tmp_path / "run" / "train").is_dir()
