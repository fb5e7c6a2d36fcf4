"""`specflow lock`, with wheels made on the spot and no network."""

from __future__ import annotations

import json
import shutil
import sys
import venv
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from specflow.environments.lock import Lock, Needs, Pinned, lock_text
from specflow.environments.resolve import resolve
from tests.local.conftest import Project
from tests.local.wheels import make_wheel, offline

uv = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")

STEP = """
    say:
      environment: {dependencies: [tiny_a]}
      run: [python, -c, "import tiny_a, tiny_b; print(tiny_a.VERSION, tiny_b.VERSION)"]
    """


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """tiny_a 1.0 needs tiny_b, which is there in 1.0 and 1.1."""
    folder = tmp_path / "packages"
    make_wheel(folder, "tiny_a", "1.0", "tiny_b")
    make_wheel(folder, "tiny_b", "1.0")
    make_wheel(folder, "tiny_b", "1.1")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def entries(project: Project) -> list[dict[str, Any]]:
    lock = json.loads((project.folder / "specflow.lock").read_text())
    return list(lock["environments"].values())


def versions(project: Project) -> list[str]:
    return [line.partition(" ")[0] for entry in entries(project) for line in entry["packages"]]


@uv
def test_the_whole_resolution_is_pinned_with_digests_and_no_place(project: Project, packages: Path) -> None:
    project.pipeline(STEP)

    done = project.call("lock", "p.yaml", env=offline(packages))

    assert (0, "specflow.lock: 1 environment, 2 packages, 1 resolved now\n") == (done.returncode, done.stdout)
    assert ["tiny-a==1.0", "tiny-b==1.1"] == versions(project)
    assert all(" --hash=sha256:" in line for line in entries(project)[0]["packages"])
    assert str(packages.parent) not in (project.folder / "specflow.lock").read_text()


@uv
def test_locking_twice_gives_the_same_bytes(project: Project, packages: Path) -> None:
    project.pipeline(STEP)
    project.call("lock", "p.yaml", env=offline(packages))
    first = (project.folder / "specflow.lock").read_bytes()
    (project.folder / "specflow.lock").unlink()
    project.call("lock", "p.yaml", env=offline(packages))

    assert first == (project.folder / "specflow.lock").read_bytes()


@uv
def test_what_is_pinned_stays_until_it_is_upgraded(project: Project, packages: Path) -> None:
    project.pipeline(STEP)
    project.call("lock", "p.yaml", env=offline(packages))
    make_wheel(packages, "tiny_b", "1.2")
    make_wheel(packages, "tiny_c", "1.0")
    project.pipeline(STEP.replace("[tiny_a]", "[tiny_a, tiny_c]"))
    project.call("lock", env=offline(packages))
    added = versions(project)
    project.call("lock", "--upgrade", env=offline(packages))

    assert (["tiny-a==1.0", "tiny-b==1.1", "tiny-c==1.0"], "tiny-b==1.2") == (added, versions(project)[1])


@uv
def test_check_tells_what_is_not_pinned_and_what_nobody_asks_for(project: Project, packages: Path) -> None:
    project.pipeline(STEP)
    before = project.call("lock", "--check", "p.yaml")
    project.call("lock", env=offline(packages))
    fine = project.call("lock", "--check")
    project.pipeline(STEP.replace("[tiny_a]", "[tiny_b]"))
    after = project.call("lock", "--check")

    assert [1, 0, 1] == [before.returncode, fine.returncode, after.returncode]
    assert "specflow.lock does not pin the environment with tiny_a\n  = help: run `specflow lock`\n" == before.stderr
    assert "does not pin the environment with tiny_b\nspecflow.lock pins 1 that no spec asks for" in after.stderr


@uv
def test_a_run_gets_what_is_pinned_although_something_newer_is_there(project: Project, packages: Path) -> None:
    project.pipeline(STEP)
    project.call("lock", "p.yaml", env=offline(packages))
    make_wheel(packages, "tiny_b", "2.0")

    result = project.run(env=offline(packages))

    assert ("succeeded", "1.0 1.1\n") == (result["state"], project.log(result, "say"))


@uv
def test_a_changed_package_behind_a_pin_is_refused(project: Project, packages: Path) -> None:
    project.pipeline(STEP)
    project.call("lock", "p.yaml", env=offline(packages))
    make_wheel(packages, "tiny_b", "1.1", "tiny_a")

    result = project.run(env=offline(packages) | {"UV_NO_CACHE": "1"})

    assert "failed" == result["state"]
    assert "hash" in result["steps"]["say"]["reason"].lower(), result["steps"]


@uv
def test_compiling_what_nothing_pins_warns_at_its_place_and_a_lock_ends_that(project: Project, packages: Path) -> None:
    project.pipeline(STEP)
    warned = project.call("compile", "p.yaml")
    project.call("lock", "p.yaml", env=offline(packages))
    silent = project.call("compile", "p.yaml")
    plan = json.loads((project.folder / "build/p/plan.json").read_text())

    message = (
        'p.yaml:5:5: warning: nothing pins the versions in the environment of "say", so they may differ from day to'
    )
    assert warned.stderr.startswith(message), warned.stderr
    assert ("", 0) == (silent.stderr, silent.returncode)
    assert ["tiny-a==1.0", "tiny-b==1.1"] == [
        line.partition(" ")[0] for line in plan["steps"][0]["environment"]["dependencies"]
    ]


def test_a_run_does_not_speak_of_locks(project: Project, packages: Path) -> None:
    project.pipeline("say: {environment: {dependencies: [click]}, run: echo}")

    assert "unlocked" not in project.call("run", "p.yaml").stderr


@uv
def test_what_can_not_be_resolved_is_said_in_one_line(project: Project, packages: Path) -> None:
    project.pipeline(STEP.replace("[tiny_a]", '["tiny_a>=9"]'))

    done = project.call("lock", "p.yaml", env=offline(packages))

    first, help_ = done.stderr.splitlines()
    assert (1, False) == (done.returncode, (project.folder / "specflow.lock").exists())
    assert first.startswith("error: can't resolve an environment: Because only tiny-a"), done.stderr
    assert help_ == "  = help: mend the step's `environment:`, or check the network"


@uv
def test_requirements_files_and_wheels_count(project: Project, packages: Path) -> None:
    shutil.copy(make_wheel(packages, "tiny_w", "1.0", "tiny_a"), project.folder)
    project.write("needs/more.txt", "tiny_a  # a comment\n")
    project.write("needs/all.txt", "-r more.txt\n")
    project.pipeline("""
        say:
          environment: {requirements: needs/all.txt, wheels: [tiny_w-1.0-py3-none-any.whl]}
          run: [python, -c, "import tiny_a, tiny_b, tiny_w; print(tiny_b.VERSION)"]
        """)
    project.call("lock", "p.yaml", env=offline(packages))

    result = project.run(env=offline(packages))

    assert ["tiny-a==1.0", "tiny-b==1.1"] == versions(project)
    assert ("succeeded", "1.1\n") == (result["state"], project.log(result, "say"))


@pytest.mark.parametrize("text", ["[]", "{", '{"lock": 1, "environments": {"x": {}}}'])
def test_a_damaged_lock_is_no_lock_and_no_bug(project: Project, packages: Path, text: str) -> None:
    project.pipeline(STEP)
    project.write("specflow.lock", text)

    done = project.call("compile", "p.yaml")

    assert (1, True) == (done.returncode, "is not a lock file" in done.stderr), done.stderr


def test_without_uv_pip_resolves_for_this_python(
    packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv/bin/python"))
    for name, value in offline(packages).items():
        monkeypatch.setenv(name, value)

    pinned = resolve(Needs(">=3.8", ("Tiny_A",)), Lock(), None)

    assert Pinned(">=3.8", ("Tiny_A",), ("tiny-a==1.0", "tiny-b==1.1"), False) == pinned


def test_order_and_repetition_of_lines_make_no_other_environment() -> None:
    keys = {Needs(None, lines).key for lines in (("a", "b"), ("b", "a", "b"))}

    assert (1, True) == (len(keys), Needs(">=3.10", ("a", "b")).key not in keys)


@pytest.mark.parametrize(("pinned", "is_here"), [(metadata.version("click"), True), ("0.1", False)])
def test_this_interpreter_is_used_if_it_has_every_pinned_version_exactly(
    project: Project, packages: Path, pinned: str, is_here: bool
) -> None:
    project.pipeline("say: {environment: {dependencies: [click]}, run: [python, -c, 'import click']}")
    entry = Pinned(None, ("click",), (f"click=={pinned}",), True)
    project.write("specflow.lock", lock_text(Lock({Needs(None, ("click",)).key: entry})))

    result = project.run(env=offline(packages))

    assert ("succeeded" if is_here else "failed") == result["state"]
    assert is_here != (project.folder / ".specflow/environments").exists()
