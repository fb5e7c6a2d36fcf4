"""keeper.py RUN: starts the script of a run that a client has laid out, once, and takes down how it ended.

It leaves its parent behind, and holds RUN/lock as long as anything of the run lives: the script inherits it. A second
keeper for the same run finds the lock taken, or the end written, and goes.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

__all__ = ["keep"]


def keep(home: Path) -> None:
    """Run a run's script to its end, unless somebody else does or has."""
    with (home / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if (home / "ended.json").exists():
            return
        os.set_inheritable(lock.fileno(), True)
        signal.signal(signal.SIGTERM, lambda *_: None)  # meant for the script, which is in our group
        job = json.loads((home / "job.json").read_text(encoding="utf-8"))
        with (home / "script.log").open("ab") as log:
            (home / "group").write_text(str(os.getpgid(0)), encoding="utf-8")
            script = subprocess.Popen(
                ["sh", str(home / "artifact" / "run.sh"), *job["arguments"]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=home,
                close_fds=False,
            )
            code = script.wait()
        ended = home / "ended.json.new"
        ended.write_text(json.dumps({"code": code}), encoding="utf-8")
        ended.replace(home / "ended.json")


if __name__ == "__main__":
    if os.fork() == 0:
        os.setsid()
        keep(Path(sys.argv[1]))
