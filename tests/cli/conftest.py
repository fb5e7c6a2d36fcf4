"""The command line in this process, in a project of its own, beside emulators that other commands find there."""

from __future__ import annotations

import gc
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from specflow.emulation import serve
from tests.emulators.azureml.conftest import NOISE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            for line in NOISE:
                item.add_marker(pytest.mark.filterwarnings(line))


@dataclass(frozen=True)
class Said:
    """What a command ended with, and what it printed."""

    code: int
    out: str
    err: str


class Here:
    """A project in an empty folder, and the commands that are typed there."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.monkeypatch, self.capsys = folder, monkeypatch, capsys
        monkeypatch.chdir(folder)
        monkeypatch.setenv("HOME", str(folder))  # nobody's own logins
        for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CONFIG_PROFILE"):
            monkeypatch.delenv(name, raising=False)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def call(self, *args: str) -> Said:
        import specflow.cli

        self.monkeypatch.setattr(sys, "argv", ["specflow", *args])
        self.capsys.readouterr()
        code = specflow.cli._run(list(args))
        gc.enable()  # a command turns it off for its short life
        said = self.capsys.readouterr()
        return Said(code, said.out, said.err)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(tmp_path, monkeypatch, capsys)


@pytest.fixture
def emulate(here: Here) -> Iterator[Callable[..., Any]]:
    """Serve a platform's emulator to the project, as `specflow emulate` in another terminal does."""
    running = []

    def start(name: str, **options: list[str]) -> Any:
        root = here.folder / ".specflow" / "emulators" / name
        emulated = import_module(f"specflow.targets.{name}.emulated").open_emulated(root, 0, options)
        emulated.start()
        running.append(emulated)
        serve(root, emulated, emulated.emulator.server)
        return emulated

    yield start
    for emulated in running:
        emulated.stop()
