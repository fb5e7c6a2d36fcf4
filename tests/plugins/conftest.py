"""The plug-in as if it were installed: its folder, and metadata that names its entry point, on the path."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from specflow.installed import installed_targets
from specflow.targets import base

HOME = Path(__file__).parent / "specflow-posix"
METADATA = "Metadata-Version: 2.1\nName: specflow-posix\nVersion: 0.1.0\n"
ENTRY_POINTS = "[specflow.targets]\nposix = specflow_posix.target:TARGET\n"


@pytest.fixture(scope="package", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let specflow find the plug-in, by the tests here alone."""
    folder = tmp_path_factory.mktemp("installed")
    info = folder / "specflow_posix-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA)
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    added = [str(folder), str(HOME)]
    sys.path[:0] = added
    _forget()
    yield
    for entry in added:
        sys.path.remove(entry)
    _forget()


def _forget() -> None:
    installed_targets.cache_clear()
    base.target.cache_clear()
