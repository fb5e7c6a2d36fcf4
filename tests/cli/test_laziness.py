"""What a command imports: never more than it needs, so that the quick ones are quick."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local.conftest import Project

HEAVY = {"azure", "databricks", "pandas", "numpy", "sklearn", "matplotlib", "pyarrow", "mlflow", "papermill", "pyspark"}
HELPLESS = HEAVY | {"pydantic", "yaml", "jsonschema", "rich", "packaging", "pathspec", "fsspec", "sqlite3"}


def imported(folder: Path, *args: str) -> set[str]:
    """Return the top-level packages that a command has imported when it ends."""
    script = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('\\n@' + ' '.join({name.split('.')[0] for name in sys.modules})))\n"
        f"sys.argv = ['specflow', *{list(args)!r}]\n"
        "from specflow.cli import main\n"
        "main()\n"
    )
    environment = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("@")[2].split())


@pytest.fixture
def small(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.pipeline('a: {run: "true"}')
    return project


@pytest.mark.parametrize("args", [["--help"], ["--version"]])
def test_help_and_version_import_next_to_nothing(tmp_path: Path, args: list[str]) -> None:
    assert set() == imported(tmp_path, *args) & HELPLESS


@pytest.mark.parametrize("name", ["plan", "deploy", "undeploy", "deployments", "publish", "doctor", "probe", "run"])
def test_the_help_of_a_command_imports_no_more_than_the_command_line(tmp_path: Path, name: str) -> None:
    assert set() == imported(tmp_path, name, "--help") & HELPLESS


def test_a_valid_spec_is_judged_without_jsonschema(small: Project) -> None:
    assert set() == imported(small.folder, "validate", "p.yaml") & (HEAVY | {"jsonschema", "rich"})


@pytest.mark.parametrize(
    "args", [["compile", "p.yaml"], ["run", "p.yaml", "-q"], ["graph", "p.yaml"], ["plan", "p.yaml"]]
)
def test_compiling_and_running_here_import_no_sdk_and_no_data_library(small: Project, args: list[str]) -> None:
    assert set() == imported(small.folder, *args) & HEAVY


def test_an_unchanged_spec_is_run_without_reading_it(small: Project) -> None:
    """The plan is remembered once the spec is older than a moment; reading it would bring pydantic and yaml."""
    old = 1_700_000_000
    for path in (small.folder, *small.folder.iterdir()):
        os.utime(path, (old, old))
    small.run()

    assert set() == imported(small.folder, "run", "p.yaml", "-q") & {"pydantic", "yaml", "jsonschema", "packaging"}
