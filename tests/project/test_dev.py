"""The script ./dev, in a project of its own with a stand-in for uv: which environment it makes, and when."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHELLS = [name for name in ("sh", "dash", "bash", "ksh") if shutil.which(name)]

# Notes each call that changes something. Its environments hold this Python and two programs that print their arguments.
UV = f"""#!/bin/sh
case $1 in
    --version | python) exit 0 ;;
esac
for last in "$@"; do :; done
echo "$1 ${{last##*/}}" >>"$UV_LOG"
if [ "$1" = venv ]; then
    mkdir -p "$last/bin"
    ln -s {sys.executable} "$last/bin/python"
    ln -s python "$last/bin/python3"
    printf '#!/bin/sh\\nprintf "%%s\\\\n" "$@"\\n' >"$last/bin/specflow"
    chmod +x "$last/bin/specflow"
    cp "$last/bin/specflow" "$last/bin/pytest"
elif [ -n "${{UV_WAITS:-}}" ]; then
    echo "uv waits" >&2
    read -r go
fi
exit "${{UV_STATUS:-0}}"
"""

# A Python that says what it is told to say, and is a real one for the rest.
PYTHON = """#!/bin/sh
case $* in
    *sys.executable*) {executable} ;;
    *%d.%d*) echo {version} ;;
    *ensurepip*) exit 1 ;;
    *) exec {real} "$@" ;;
esac
"""


@dataclass(frozen=True)
class Project:
    """A project folder with the real script, and beside it a folder of programs that comes first on PATH."""

    root: Path
    programs: Path
    environment: Mapping[str, str]

    def start(self, *arguments: str, shell: str = "sh", cwd: Path | None = None, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [shell, str(self.root / "dev"), *arguments],
            cwd=cwd or self.root,
            env={**self.environment, **more},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def call(self, *arguments: str, shell: str = "sh", cwd: Path | None = None, **more: str) -> tuple[int, str, str]:
        """Return exit code, stdout and stderr."""
        process = self.start(*arguments, shell=shell, cwd=cwd, **more)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def set_ups(self) -> list[str]:
        """Return what uv was asked to do since the last time, one line a call."""
        log = Path(self.environment["UV_LOG"])
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def program(self, name: str, text: str) -> Path:
        path = self.programs / name
        path.write_text(text)
        path.chmod(0o755)
        return path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "a project"
    programs = tmp_path / "programs"
    root.mkdir()
    programs.mkdir()
    shutil.copy(ROOT / "dev", root)
    for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        (root / name).write_text(f"# {name}\n")
    inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHON", "SPECFLOW_VENV", "PYTHONDONTWRITEBYTECODE")}
    environment = {**inherited, "PATH": f"{programs}:{os.environ['PATH']}", "UV_LOG": str(tmp_path / "uv.log")}
    project = Project(root, programs, environment)
    project.program("uv", UV)
    project.program("python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    return project


def making(project: Project, python: str) -> str:
    """Return what is said when the environment for runs is made."""
    place = f"{project.root}/.venv"
    return f"dev: making an environment in {place} with Python {python} and requirements.lock (once; up to a minute)\n"


CORE = ["venv .venv", "pip requirements.lock", "pip a project"]
UPDATE_CORE = CORE[1:]
DEV = ["venv .venv", "pip requirements-dev.lock", "pip a project"]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_valid_in_each_shell(shell: str) -> None:
    result = subprocess.run([shell, "-n", str(ROOT / "dev")], capture_output=True, text=True)

    assert (0, "") == (result.returncode, result.stderr)


def test_the_help_and_the_refusal_name_every_command(project: Project) -> None:
    labels = re.findall(r"^    ([a-z]+)(?: \|.*)?\)", (ROOT / "dev").read_text().partition("case $command in")[2], re.M)

    status, out, _ = project.call()
    refusal = project.call("biuld")

    assert (0, labels) == (status, re.findall(r"^  ([a-z]+) ", out, re.M))
    assert (2, "", f'dev: no command "biuld"; there are: {", ".join(labels)}\n') == refusal
    assert [] == project.set_ups()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_first_call_makes_the_environment_and_the_second_only_starts(project: Project, shell: str) -> None:
    first = project.call("run", "spec.yaml", shell=shell)
    made = project.set_ups()
    second = project.call("run", "spec.yaml", shell=shell)

    assert (0, "run\nspec.yaml\n") == first[:2]
    assert CORE == made
    assert (0, "run\nspec.yaml\n", "") == second
    assert [] == project.set_ups()


def test_arguments_arrive_as_they_are(project: Project) -> None:
    assert "run\n\na  b\n*\n$x'\"\n" == project.call("run", "", "a  b", "*", "$x'\"")[1]
    assert "graph\n--help\n" == project.call("specflow", "graph", "--help")[1]


def test_a_call_through_a_link_stays_in_the_folder_it_came_from(project: Project, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "one").symlink_to("two")
    (elsewhere / "two").symlink_to(project.root / "dev")
    project.call("run")
    (project.root / ".venv" / "bin" / "specflow").write_text("#!/bin/sh\npwd\n")

    result = subprocess.run(["./one", "run"], cwd=elsewhere, env=project.environment, capture_output=True, text=True)

    assert f"{elsewhere}\n" == result.stdout
    assert CORE == project.set_ups()


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.lock", "requirements-dev.lock"])
def test_a_changed_source_brings_the_environment_up_to_date(project: Project, name: str) -> None:
    project.call("run")
    project.set_ups()
    (project.root / name).write_text("# other\n")

    project.call("run")

    assert UPDATE_CORE == project.set_ups()


def test_touching_a_source_changes_nothing(project: Project) -> None:
    project.call("run")
    project.set_ups()
    os.utime(project.root / "pyproject.toml", (0, 0))

    project.call("run")

    assert [] == project.set_ups()


def test_tests_need_more_than_runs_and_runs_are_served_by_it(project: Project) -> None:
    project.call("run")
    project.call("pytest")

    assert [*CORE, "pip requirements-dev.lock", "pip a project"] == project.set_ups()
    assert (0, "run\n", "") == project.call("run")
    assert [] == project.set_ups()


@pytest.mark.parametrize("words", [("run", "p.yaml", "--host", "azureml"), ("specflow", "emulate", "databricks")])
def test_what_may_ask_a_platform_gets_the_sdks(project: Project, words: tuple[str, ...]) -> None:
    project.call(*words)

    assert DEV == project.set_ups()


def test_an_environment_whose_set_up_failed_is_made_anew(project: Project) -> None:
    status, out, err = project.call("run", UV_STATUS="1")
    project.set_ups()
    (project.root / ".venv" / "half").touch()

    assert (1, "") == (status, out)
    assert err.endswith(f"could not make an environment in {project.root}/.venv\n")
    assert 0 == project.call("run")[0]
    assert CORE == project.set_ups()
    assert not (project.root / ".venv" / "half").exists()


def test_an_environment_whose_set_up_was_killed_is_made_anew(project: Project) -> None:
    process = project.start("run", UV_WAITS="1")
    assert "uv waits\n" in iter(process.stderr.readline, "")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    project.set_ups()

    status, _, err = project.call("run")

    assert (0, making(project, "{}.{}".format(*sys.version_info))) == (status, err)
    assert CORE == project.set_ups()


def test_two_calls_at_once_make_one_environment(project: Project) -> None:
    first = project.start("run", "first", UV_WAITS="1")
    assert "uv waits\n" in iter(first.stderr.readline, "")
    second = project.start("run", "second")
    assert "dev: waiting for another call to end its set-up\n" == second.stderr.readline()
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(0.5)

    assert "run\nfirst\n" == first.communicate("go\ngo\n", timeout=60)[0]
    assert "run\nsecond\n" == second.communicate(timeout=60)[0]
    assert CORE == project.set_ups()


FUZZER = """\
import sys
print(sys.argv[1:])
"""


def test_the_fuzzer_is_added_where_it_is_not_there(project: Project) -> None:
    (project.root / "tests" / "fuzz").mkdir(parents=True)
    (project.root / "tests" / "fuzz" / "__main__.py").write_text(FUZZER)
    (project.root / "requirements-fuzz.lock").write_text("# requirements-fuzz.lock\n")
    project.call("pytest")
    project.set_ups()
    python = project.root / ".venv" / "bin" / "python"
    python.unlink()
    # One that has no atheris, whatever the one below it has, until there is a file of that name.
    has = f'[ -e "{project.root}/atheris" ]'
    python.write_text(f'#!/bin/sh\ncase $* in *"import atheris"*) {has}; exit ;; esac\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)

    refused = project.call("fuzz", UV_STATUS="1")
    assert (69, "") == refused[:2]
    assert "the fuzzer is not there for Python" in refused[2].splitlines()[-1]
    assert ["pip requirements-fuzz.lock"] == project.set_ups()
    added = project.call("fuzz", "--seconds", "5")
    assert (0, "['--corpus', '.fuzz/corpus', '--seconds', '5']\n") == added[:2]
    assert ["pip requirements-fuzz.lock"] == project.set_ups()
    (project.root / "atheris").touch()
    assert (0, "['--corpus', '.fuzz/corpus']\n", "") == project.call("fuzz")
    assert [] == project.set_ups()


def test_somebody_elses_environment_is_added_to(project: Project) -> None:
    project.call("run")
    (project.root / ".venv" / ".specflow-dev").unlink()
    (project.root / ".venv" / "theirs").touch()
    project.set_ups()

    assert 0 == project.call("run")[0]
    assert UPDATE_CORE == project.set_ups()
    assert (project.root / ".venv" / "theirs").exists()


def test_a_folder_that_is_no_environment_is_refused_and_kept(project: Project) -> None:
    theirs = project.root / "notes" / "theirs"
    theirs.parent.mkdir()
    theirs.touch()

    result = project.call("run", SPECFLOW_VENV="notes")

    message = (
        f"dev: {project.root}/notes is not an environment with Python >= 3.10: remove it,"
        " or name another folder: SPECFLOW_VENV=FOLDER ./dev ...\n"
    )
    assert (1, "", message) == result
    assert theirs.exists()
    assert [] == project.set_ups()


def test_a_moved_project_makes_its_environment_anew(project: Project, tmp_path: Path) -> None:
    project.call("pytest")
    project.set_ups()
    project.root.rename(tmp_path / "moved")
    moved = Project(tmp_path / "moved", project.programs, project.environment)

    assert 0 == moved.call("pytest")[0]
    assert [*DEV[:2], "pip moved"] == moved.set_ups()


def test_an_environment_whose_python_is_gone_is_made_anew(project: Project) -> None:
    project.call("run")
    project.set_ups()
    python = project.root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("gone")
    (python.parent / "old").touch()

    assert 0 == project.call("run")[0]
    assert CORE == project.set_ups()
    assert not (python.parent / "old").exists()


def test_another_python_by_name_makes_the_environment_anew(project: Project) -> None:
    project.call("run")
    project.set_ups()
    project.program("other", PYTHON.format(executable='echo "$0"', version="3.99", real=sys.executable))

    result = project.call("run", PYTHON="other")

    assert (0, "run\n", making(project, "3.99")) == result
    assert CORE == project.set_ups()
    assert (0, "run\n", "") == project.call("run", PYTHON="other")
    assert (0, "run\n", "") == project.call("run")


@pytest.mark.parametrize("executable", ["exit 1", "exit 127"], ids=["too old", "a shim with nothing behind it"])
def test_a_python_that_is_unfit_is_refused_by_name(project: Project, executable: str) -> None:
    project.program("python2000", PYTHON.format(executable=executable, version="2.0", real="false"))

    result = project.call("run", PYTHON="python2000")

    assert (1, "", "dev: PYTHON=python2000 is not a Python >= 3.10: name one by its path, or unset PYTHON\n") == result
    assert [] == project.set_ups()


def bare_machine(project: Project) -> dict[str, str]:
    """Return an environment whose PATH holds what POSIX has, the stand-ins, and neither uv nor Python."""
    for name in ("cat", "cksum", "dirname", "ls", "mkdir", "readlink", "rm", "sh"):
        (project.programs / name).symlink_to(shutil.which(name))
    (project.programs / "uv").unlink()
    return {"PATH": str(project.programs)}


def test_a_machine_without_a_fit_python_is_told_where_to_get_one(project: Project) -> None:
    path = bare_machine(project)
    project.program("python3", PYTHON.format(executable="exit 1", version="3.9", real="false"))

    result = project.call("run", **path)

    message = (
        "dev: no Python >= 3.10 among python3 python3.13 python3.12 python3.11 python3.10:"
        " install one (python.org, your package manager), or name it: PYTHON=/path/to/python ./dev ...\n"
    )
    assert (1, "", message) == result


def test_a_python_without_ensurepip_is_told_how_to_get_it(project: Project) -> None:
    path = bare_machine(project)
    python = project.program("python3", PYTHON.format(executable='echo "$0"', version="3.12", real=sys.executable))

    result = project.call("run", **path)

    message = (
        f"dev: {python} can't make environments, for want of ensurepip: install it (Debian, Ubuntu:"
        " apt install python3.12-venv), or uv, or name another Python: PYTHON=/path/to/python ./dev ...\n"
    )
    assert (1, "", message) == result
    assert not (project.root / ".venv").exists()
