"""Environments that this interpreter doesn't satisfy: built once, from wheels made on the spot, with and without uv."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local.conftest import Project, send, wait_for
from tests.local.wheels import make_wheel, offline

UV = shutil.which("uv")
TOOLS = [
    pytest.param("uv", marks=pytest.mark.skipif(UV is None, reason="uv is not installed")),
    "pip",
]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    folder = tmp_path / "packages"
    make_wheel(folder, "tiny_a", "1.0", "tiny_b")
    make_wheel(folder, "tiny_b", "1.1")
    return folder


def counted(tmp_path: Path, packages: Path, tool: str, before: str = "") -> tuple[dict[str, str], Path]:
    """Return an environment in which a tool is what makes environments, and the file that counts its calls.

    uv is a program on PATH that counts and goes on to the real one; without it, PATH holds no uv at all.
    """
    programs, count = tmp_path / "programs", tmp_path / "count"
    programs.mkdir()
    for name in ("bash", "sh", "env", "cat", "sleep", "touch"):
        (programs / name).symlink_to(shutil.which(name) or name)
    if tool == "uv":
        path = os.environ["PATH"]  # uv itself may be a script that needs more
        (programs / "uv").write_text(
            f'#!/bin/sh\necho "$1" >> "{count}"\n{before}\nexec env PATH="{path}" "{UV}" "$@"\n'
        )
        (programs / "uv").chmod(0o755)
    return {**offline(packages), "PATH": str(programs)}, count


@pytest.mark.parametrize("tool", TOOLS)
def test_ten_steps_and_two_runs_that_want_it_at_once_build_it_once(
    project: Project, packages: Path, tmp_path: Path, tool: str
) -> None:
    project.pipeline("""
        say:
          matrix: {n: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}
          cache: false
          environment: {dependencies: [tiny_a]}
          run: [python, -c, "import tiny_b; print(tiny_b.VERSION)", "${{ matrix.n }}"]
        """)
    env, count = counted(tmp_path, packages, tool)

    runs = [project.start("run", "p.yaml", "-j", "10", "--format", "json", env=env) for _ in range(2)]
    told = [run.communicate(timeout=300) for run in runs]
    assert all(out for out, _ in told), [error for _, error in told]
    ends = [json.loads(out.splitlines()[-1]) for out, _ in told]

    assert ["succeeded", "succeeded"] == [end["state"] for end in ends], ends
    homes = [path for path in (project.folder / ".specflow/environments").iterdir() if path.is_dir()]
    assert 1 == len(homes)
    if tool == "uv":
        assert ["venv", "pip"] == count.read_text().split()


@pytest.mark.skipif(UV is None, reason="uv is not installed")
def test_a_build_ends_with_its_runner_and_is_made_anew_by_the_next(
    project: Project, packages: Path, tmp_path: Path
) -> None:
    """The first uv pip waits at a gate when its runner is killed; it never gets past."""
    project.pipeline("say: {environment: {dependencies: [tiny_b]}, run: [python, -c, 'import tiny_b']}")
    gate, reached = tmp_path / "gate", tmp_path / "reached"
    held = f'if [ "$1" = pip ] && [ ! -e "{reached}" ]; then touch "{reached}"; '
    held += f'while [ ! -e "{gate}" ]; do sleep 0.05; done; echo left >> "{tmp_path}/count"; fi'
    env, count = counted(tmp_path, packages, "uv", held)
    first = project.start("run", "p.yaml", env=env)
    wait_for(reached)
    send(first, signal.SIGKILL)
    first.wait()
    first.communicate()
    result = project.run(env=env)
    gate.touch()

    assert "succeeded" == result["state"]
    assert ["venv", "pip", "venv", "pip"] == count.read_text().split()


@pytest.mark.skipif(UV is None, reason="uv is not installed")
def test_other_steps_go_on_while_an_environment_is_made(project: Project, packages: Path, tmp_path: Path) -> None:
    """uv pip waits until `quick` has run: if making an environment kept everybody waiting, that would be never."""
    gate = tmp_path / "gate"
    project.pipeline(f"""
        slow: {{environment: {{dependencies: [tiny_b]}}, run: [python, -c, "import tiny_b"]}}
        quick: {{run: touch {gate}}}
        """)
    held = f'if [ "$1" = pip ]; then for i in 0 1 2 3 4 5 6 7 8 9; do [ -e "{gate}" ] || sleep 2; done; '
    held += f'[ -e "{gate}" ] || exit 1; fi'
    env, _ = counted(tmp_path, packages, "uv", held)

    result = project.run("-j", "1", env=env)

    assert ["succeeded", "succeeded"] == [step["state"] for step in result["steps"].values()], result["stderr"]


@pytest.mark.parametrize("tool", TOOLS)
def test_what_can_not_be_installed_fails_the_step_with_one_line_and_is_not_tried_again(
    project: Project, packages: Path, tmp_path: Path, tool: str
) -> None:
    project.pipeline("""
        a: {environment: {dependencies: [tiny_none]}, run: echo, retry: {attempts: 5}}
        b: {environment: {dependencies: [tiny_none]}, run: echo}
        """)
    env, count = counted(tmp_path, packages, tool)

    result = project.run(env=env)

    reasons = {step["reason"] for step in result["steps"].values()}
    assert (1, 1) == (result["steps"]["a"]["attempts"], len(reasons)), result["steps"]
    reason = reasons.pop()
    assert reason.startswith("can't install what the step needs: "), reason
    assert "tiny" in reason
    assert "\n" not in reason
    if tool == "uv":
        assert ["venv", "pip"] == count.read_text().split()


@pytest.mark.parametrize("tool", TOOLS)
def test_wheels_are_installed_with_what_they_need(project: Project, packages: Path, tmp_path: Path, tool: str) -> None:
    """Two wheels of one name in two folders are two."""
    for version in ("1.0", "2.0"):
        folder = project.folder / version
        shutil.copy(
            make_wheel(tmp_path / version, "tiny_w", "1.0", f"tiny_b; python_version > '{version}'"), folder.parent
        )
        folder.mkdir()
        shutil.move(str(project.folder / "tiny_w-1.0-py3-none-any.whl"), folder)
    project.pipeline("""
        one:
          environment: {wheels: [1.0/tiny_w-1.0-py3-none-any.whl]}
          run: [python, -c, "import tiny_w, tiny_b; print(tiny_b.VERSION)"]
        two:
          environment: {wheels: [2.0/tiny_w-1.0-py3-none-any.whl]}
          run: [python, -c, "import tiny_w, tiny_b; print(tiny_b.VERSION)"]
        """)
    env, _ = counted(tmp_path, packages, tool)

    result = project.run(env=env)

    assert ("1.1\n", "1.1\n") == (project.log(result, "one"), project.log(result, "two"))
    assert 2 == len([p for p in (project.folder / ".specflow/environments").iterdir() if p.is_dir()])


def other_python() -> str | None:
    """Return the version, such as 3.12, of a Python that uv finds and that this one is not."""
    if UV is None:
        return None
    for minor in range(10, 15):
        found = subprocess.run(
            [UV, "python", "find", "--no-python-downloads", "--offline", f"3.{minor}"], capture_output=True, check=False
        )
        if minor != sys.version_info[1] and found.returncode == 0:
            return f"3.{minor}"
    return None


def test_a_python_that_only_another_interpreter_satisfies_is_found(project: Project, packages: Path) -> None:
    other = other_python()
    if other is None:
        pytest.skip("uv finds no other Python here")
    project.pipeline(f"""
        say:
          environment: {{python: "=={other}.*", dependencies: [tiny_b]}}
          run: [python, -c, "import sys, tiny_b; print('%d.%d' % sys.version_info[:2])"]
        """)

    result = project.run(env=offline(packages))

    assert ("succeeded", f"{other}\n") == (result["state"], project.log(result, "say"))


def test_without_uv_another_python_is_asked_for_in_vain(project: Project, packages: Path, tmp_path: Path) -> None:
    project.pipeline('say: {environment: {python: "<3.5"}, run: echo}')
    env, _ = counted(tmp_path, packages, "pip")

    result = project.run(env=env)

    here = ".".join(map(str, sys.version_info[:3]))
    assert f"the step needs Python <3.5, and this is {here}" == result["steps"]["say"]["reason"]


@pytest.mark.skipif(UV is None, reason="uv is not installed")
def test_pip_installs_what_uv_has_locked(project: Project, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    make_wheel(packages, "tiny_a", "1.0", "tiny_b; python_version >= '3.8'", "tiny_c; python_version < '3.11'")
    make_wheel(packages, "tiny_b", "1.1")
    make_wheel(packages, "tiny_c", "1.0")
    project.pipeline("""
        say:
          environment: {dependencies: [tiny_a]}
          run: [python, -c, "import tiny_a, tiny_b; print(tiny_b.VERSION)"]
        """)
    locked = project.call("lock", "p.yaml", env=offline(packages))
    make_wheel(packages, "tiny_b", "2.0")
    env, _ = counted(tmp_path, packages, "pip")

    result = project.run(env=env)

    assert ("", "succeeded", "1.1\n") == (locked.stderr, result["state"], project.log(result, "say"))
