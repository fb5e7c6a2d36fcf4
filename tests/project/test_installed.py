"""Entry points are found without importlib.metadata, and are those that it finds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from specflow.installed import installed_targets


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    about = tmp_path / "other_target-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: other_target\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[console_scripts]\nlocal = no:no\n\n[specflow.targets]\n# a comment\nother = other_target.target:TARGET\n"
    )
    (tmp_path / "broken-1.0.egg-info").write_text("a file")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path), str(tmp_path / "not there")])
    installed_targets.cache_clear()
    yield
    installed_targets.cache_clear()


@pytest.mark.usefixtures("plug_in")
def test_the_targets_are_those_that_importlib_finds() -> None:
    expected = {entry.name: entry.value for entry in entry_points(group="specflow.targets")}

    assert expected == dict(installed_targets())
    assert "other_target.target:TARGET" == installed_targets()["other"]
