"""A target from outside is held to the language like specflow's own, and no file of specflow is changed for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from specflow.conformance.cases import Case, discover
from specflow.conformance.suite import run_case
from specflow.targets.base import target, target_names
from tests.conformance.test_nothing_dropped import VALID, sights_of
from tests.docs.pages import ROOT

SUITE = ROOT / "tests" / "conformance"


def share(cases: Iterable[Case]) -> list[Case]:
    """Return the first case of each group that is run, and what the shell could get wrong."""
    found = {}
    for case in cases:
        if case.expect.run is not None and "wheel" not in " ".join(case.expect.tags):
            found.setdefault(case.id.partition("/")[0], case)
    told = ("parameters/given", "order/fail-fast", "order/cancelled", "conditions/handled-failure", "values/extremes")
    return [*found.values(), *(case for case in cases if case.id in told and case not in found.values())]


def test_it_is_found_by_its_entry_point() -> None:
    assert "posix" in target_names()
    assert "posix" == target("posix").name


@pytest.mark.parametrize("case", share(discover(SUITE)), ids=lambda case: case.id)
def test_a_case_passes_or_is_refused_as_declared(case: Case) -> None:
    result = run_case(case, "posix", "plan")

    assert result.verdict != "failed", "\n".join(result.told)


def test_it_drops_no_key_of_the_language_in_silence(tmp_path: Path) -> None:
    told = []
    for index, case in enumerate(VALID):
        found = sights_of(case, tmp_path / str(index), "posix")
        unseen = [word for (word, _), sight in found.items() if sight == "unseen" and word not in case.expect.unseen]
        told += [f"{case.id}: {word}" for word in unseen]

    assert [] == told


@pytest.mark.long
def test_installed_into_a_fresh_environment_it_passes_the_suite(tmp_path: Path) -> None:
    python = fresh_environment(tmp_path / "fresh")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"]
    installed = subprocess.run(
        [*pip, "--no-build-isolation", str(ROOT), str(ROOT / "tests" / "plugins" / "specflow-posix")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert 0 == installed.returncode, installed.stdout
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "PIP"))}

    done = subprocess.run(
        [python, "-m", "specflow", "conformance", str(SUITE), "--target", "posix"],
        cwd=tmp_path,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    assert 0 == done.returncode, done.stdout
    assert " 0 failed" in done.stdout.splitlines()[-1]


def fresh_environment(folder: Path) -> str:
    """Return the interpreter of a new environment without specflow that sees what this one has installed."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    # Entries of a .pth are put on the path, and .pth files there are not read: so this project's own is not among them.
    here = [path for path in sys.path if path.endswith("site-packages")]
    (site / "here.pth").write_text("".join(f"{path}\n" for path in here))
    return str(folder / "bin" / "python")
