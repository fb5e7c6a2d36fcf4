"""Specs compiled for Databricks, and run by the target's own client on its emulator."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from specflow.targets.databricks.emulated import Emulated
from specflow.targets.databricks.runs import DatabricksClient, open_client
from tests.targets.databricks.project import Project


@pytest.fixture(autouse=True)
def _no_login_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in list(os.environ):
        if name.startswith("DATABRICKS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path_factory.getbasetemp() / "no.databrickscfg"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def emulated(tmp_path: Path) -> Iterator[Emulated]:
    running = Emulated(tmp_path / "emulator", {}, limit=4)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def client(emulated: Emulated) -> DatabricksClient:
    return open_client(emulated.settings)
