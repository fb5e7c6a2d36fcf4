"""Plays a page as a user would: files written, commands typed into one shell, what they print compared."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.docs.pages import ROOT, Block, Command, commands

HOME = "/home/you"
"""What pages call the folder that holds the project."""
PARTS = ("schemas", "specs", "steps", "pyproject.toml", "tests/plugins/specflow-posix")
TIMEOUT_S = 300

# What ./dev does, in the environment that the tests run in already; ./dev itself is tested in tests/project.
STAND_IN = """\
#!/bin/sh
case $1 in
    run) exec python -m specflow "$@" ;;
    specflow) shift && exec python -m specflow "$@" ;;
    test) echo "dev: these tests are part of it" ;;
    *) exit 2 ;;
esac
"""

# What differs from run to run, or by a machine's arithmetic: runs' ids, plans' digests as `compile` prints them,
# seconds, and what follows the first decimal of a number.
_VARYING = {
    "run": re.compile(r"\b[0-9]{8}-[0-9]{6}-[0-9a-f]{6}\b"),
    "digest": re.compile(r"(?<=  )[0-9a-f]{12}$", re.MULTILINE),
    "seconds": re.compile(r"\b[0-9]+\.[0-9](?= s\b)"),
    "decimals": re.compile(r"(?<=[0-9]\.[0-9])[0-9]+"),
}


class Session:
    """One reader of one page, in an empty home that holds the parts of the project which examples use."""

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.cwd = self.home / "specflow"
        self.state = self.home / ".variables"
        self.seen: dict[str, str] = {}
        for part in PARTS:
            source = ROOT / part
            copy: Callable[[Path, Path], object] = shutil.copytree if source.is_dir() else shutil.copy
            (self.cwd / part).parent.mkdir(parents=True, exist_ok=True)
            copy(source, self.cwd / part)
        (self.cwd / "dev").write_text(STAND_IN)
        (self.cwd / "dev").chmod(0o755)
        self.state.touch()
        kept = {"LANG": "C.UTF-8"} | {name: value for name, value in os.environ.items() if name in ("HOME", "TMPDIR")}
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        self.environment = kept | {"PATH": path, "XDG_CONFIG_HOME": str(self.home / ".config")}

    def play(self, block: Block) -> None:
        """Do what a block says; raise AssertionError where something else comes of it than the page says."""
        if "file" in block.words:
            file = self.cwd / block.words["file"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
        elif block.language == "console":
            *before, last = commands(block)
            for command in before:
                self.run(command, 0)
            self.run(last, int(block.words.get("exit", "0")))
        elif block.language == "mermaid":
            command = f"specflow graph {block.words['spec']} --format mermaid --collapse"
            self.run(Command(command, block.text, block.line), 0)
        elif block.language == "python":
            (self.home / ".block.py").write_text(block.text)
            self.run(Command(f'PYTHONPATH=. python "{self.home}/.block.py"', "…\n", block.line), 0)

    def run(self, command: Command, code: int) -> None:
        """Run one command in the shell, and compare its exit code and its output with the page."""
        text = command.text
        for shown, actual in self.seen.items():
            text = text.replace(shown, actual)
        actual_code, output = self._shell(text.replace(HOME, str(self.home)))
        output = output.replace(str(self.home), HOME)

        told = f"line {command.line}: $ {command.text}\n"
        assert code == actual_code, f"{told}ended with {actual_code}, not {code}, and printed:\n{output}"
        assert _matches(command.expected, output), f"{told}printed:\n{output}\nand the page says:\n{command.expected}"
        self._remember(command.expected, output)

    def _shell(self, command: str) -> tuple[int, str]:
        """Return exit code and output of a command; folder and variables stay as it leaves them."""
        keep = f'export -p >"{self.state}"\npwd >"{self.state}.cwd"'
        script = f'. "{self.state}"\n{{ {command}\n}}\ncode=$?\n{keep}\nexit $code'
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=self.cwd,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
        )
        self.cwd = Path(Path(f"{self.state}.cwd").read_text().rstrip("\n"))
        return done.returncode, done.stdout

    def _remember(self, expected: str, output: str) -> None:
        """Keep which run or digest the page's stands for, so that later commands may name it."""
        for name in ("run", "digest"):
            pattern = _VARYING[name]
            shown, actual = set(pattern.findall(expected)), set(pattern.findall(output))
            if len(shown) == len(actual) == 1:
                self.seen[shown.pop()] = actual.pop()


def _matches(expected: str, output: str) -> bool:
    """Return whether the page's text means the output: `…` stands for any text, alone in its line for any lines."""
    lines = _steadied(expected).splitlines(keepends=True)
    pattern = "".join(r"(?:.*\n)*?" if line.strip() == "…" else re.escape(line).replace("…", ".*") for line in lines)
    steady = _steadied(output)
    return re.fullmatch(pattern, steady if steady.endswith("\n") or not steady else f"{steady}\n") is not None


def _steadied(text: str) -> str:
    for name, pattern in _VARYING.items():
        text = pattern.sub(f"<{name}>", text)
    return text
