"""The environment of what specflow is compared with: made once, apart from the project's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["HOME", "PEERS", "make_peers", "versions"]

HOME = Path(os.environ.get("SPECFLOW_BENCH", Path(__file__).parents[1] / ".benchmarks"))
PEERS = HOME / "peers"
WANTED = Path(__file__).with_name("peers.txt")


def make_peers() -> None:
    """Install the peers, if what is asked for is not there yet; what can't be installed is left out, and said."""
    done = PEERS / "installed.txt"
    if done.is_file() and done.read_text() == WANTED.read_text():
        return
    print(f"making {PEERS} (once; a minute or two)", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
    python = str(PEERS / "bin" / "python")
    for line in WANTED.read_text().splitlines():
        wanted = line.partition("#")[0].strip()
        if not wanted:
            continue
        call = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wanted]
        if subprocess.run(call, check=False).returncode:
            print(f"left out, for it can't be installed: {wanted}", file=sys.stderr)
    subprocess.run([python, "-m", "compileall", "-q", str(PEERS / "lib")], check=False)
    done.write_text(WANTED.read_text())


def versions(program: str, name: str) -> str:
    """Return the version of a tool by its own word, or by its package's metadata where it has none."""
    python = Path(program).with_name("python")
    if name and python.exists():
        call = [str(python), "-c", f"from importlib.metadata import version; print(version({name!r}))"]
    else:
        call = [program, "--version"]
    told = subprocess.run(call, capture_output=True, text=True, check=True).stdout.split("\n")[0]
    return told.removeprefix("GNU Make ").strip()
