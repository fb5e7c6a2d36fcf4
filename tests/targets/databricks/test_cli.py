"""The vendor's own command line against the emulator: bundles as they are written, for whoever has it installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from specflow.conformance.cases import discover
from specflow.targets.databricks.emulated import Emulated
from tests.targets.databricks.project import compiled, write_bundle
from tests.targets.databricks.test_bundles import of_case

CLI = shutil.which("databricks")
SPECS = Path(__file__).parents[3] / "specs"

needs_cli = pytest.mark.skipif(
    CLI is None, reason="the databricks CLI is not on PATH: bundle validate … destroy left out"
)


CASES = [case for case in discover(SPECS.parent / "tests/conformance") if case.expect.run is not None]


class Bundle:
    """A compiled bundle, and the CLI in its folder."""

    def __init__(self, folder: Path, emulated: Emulated, home: Path) -> None:
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "DATABRICKS_HOST": str(emulated.settings["host"]),
            "DATABRICKS_TOKEN": str(emulated.settings["token"]),
            "DATABRICKS_BUNDLE_ENGINE": "direct",
        }

    def __call__(self, *words: str) -> str:
        done = self._run(*words)
        assert 0 == done.returncode, done.stderr
        return done.stdout

    def say(self, *words: str) -> tuple[int, str]:
        """Return the exit code of a command, and all that it said."""
        done = self._run(*words)
        return done.returncode, done.stdout + done.stderr

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        call = [str(CLI), "bundle", *words]
        return subprocess.run(
            call, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=600, check=False
        )


@pytest.fixture
def bundle(emulated: Emulated, tmp_path: Path) -> Bundle:
    made = compiled(SPECS / "concrete_strength.yaml")
    return Bundle(write_bundle(made, tmp_path / "bundle"), emulated, tmp_path)


def jobs_of(emulated: Emulated) -> list[dict[str, Any]]:
    return list(emulated.emulator.workspace.jobs.all.values())


@needs_cli
def test_the_cli_validates_a_bundle_without_a_warning(bundle: Bundle) -> None:
    shown = json.loads(bundle("validate", "--strict", "-o", "json"))

    assert ["concrete_strength"] == list(shown["resources"]["jobs"])


@needs_cli
@pytest.mark.slow
def test_the_cli_validates_the_bundle_of_every_case(emulated: Emulated, tmp_path: Path) -> None:
    """All at one emulator; a profile's own host is left out, since there is nobody."""
    told = {}
    for case in CASES:
        made = of_case(case)
        if made is None:
            continue  # refused; the suite itself holds that it is as declared
        folder = write_bundle(made, tmp_path / case.id)
        settings = yaml.safe_load((folder / "databricks.yml").read_text())
        for target in settings["targets"].values():
            target.get("workspace", {}).pop("host", None)
        (folder / "databricks.yml").write_text(yaml.safe_dump(settings))
        code, said = Bundle(folder, emulated, tmp_path).say("validate", "--strict")
        if code or "Warn" in said:
            told[case.id] = said

    assert {} == told


@needs_cli
def test_the_cli_plans_and_deploys_a_bundle_and_destroys_it(bundle: Bundle, emulated: Emulated) -> None:
    bundle("plan")
    bundle("deploy")
    (job,) = jobs_of(emulated)
    assert "UI_LOCKED" == job["settings"]["edit_mode"]

    bundle("destroy", "--auto-approve")
    assert [] == jobs_of(emulated)


@needs_cli
@pytest.mark.long
def test_what_the_cli_deployed_runs_to_its_end(bundle: Bundle, emulated: Emulated) -> None:
    bundle("deploy")
    bundle("run", "concrete_strength")
    end = time.monotonic() + 300
    (run,) = emulated.emulator.workspace.runs.values()
    while not run.is_over:
        assert time.monotonic() < end
        time.sleep(0.2)

    assert "SUCCESS" == run.result
