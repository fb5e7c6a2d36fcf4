"""The database of a project when several processes meet in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

OPENS = """
import sys
from specflow.history import History
sys.stdout.write("ready\\n"); sys.stdout.flush()
for file in sys.stdin:
    history = History(file.strip())
    sys.stdout.write(f"{history.is_new}\\n"); sys.stdout.flush()
    history.db.close()
"""


def test_processes_that_make_it_at_once_all_get_it(tmp_path: Path) -> None:
    """Switching a new database to WAL is refused at once while another does it: a third of such meetings, once."""
    processes = [
        subprocess.Popen([sys.executable, "-c", OPENS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    pipes = [(process.stdin, process.stdout) for process in processes]
    for _, answers in pipes:
        assert answers is not None
        assert "ready\n" == answers.readline()
    for meeting in range(30):
        for questions, _ in pipes:
            assert questions is not None
            questions.write(f"{tmp_path}/{meeting}.db\n")
            questions.flush()
        assert ["True\n"] * 4 == [answers.readline() for _, answers in pipes if answers is not None], meeting
    for process in processes:
        process.communicate()
        assert 0 == process.returncode
