"""Folders and large files go to a volume and come back as they were, in bounded memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from specflow.attempt.digests import digest_and_size
from specflow.errors import SpecflowError
from specflow.targets.databricks.emulated import Emulated

SCRIPT = """
import resource, sys
from pathlib import Path
from specflow.targets.databricks.client import Api
from specflow.targets.databricks.login import Login
from specflow.targets.databricks.transfer import get_tree, put_tree

api, source, back = Api(Login(sys.argv[1], sys.argv[2])), Path(sys.argv[3]), Path(sys.argv[4])
api.user()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
put_tree(api, source, "/Volumes/main/ml/exchange/sent")
get_tree(api, "/Volumes/main/ml/exchange/sent", back)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""

BETWEEN = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', *sys.argv[1:]]))"
"""A process starts with the peak of the one that it comes from: so it comes from a small one."""


def crossed(emulated: Emulated, source: Path, back: Path) -> int:
    """Return by how many kilobytes a process grew that sent a folder and brought it back."""
    words = [emulated.settings["host"], emulated.settings["token"], str(source), str(back)]
    done = subprocess.run([sys.executable, "-c", BETWEEN, SCRIPT, *words], capture_output=True, text=True, check=False)
    assert "" == done.stderr
    return int(done.stdout)


@pytest.mark.parametrize(
    ("files", "large_mb"),
    [(200, 1), pytest.param(10_000, 300, marks=pytest.mark.long)],
    ids=["small", "ten_thousand_files_and_300_mb"],
)
def test_a_folder_comes_back_as_it_was_sent(emulated: Emulated, tmp_path: Path, files: int, large_mb: int) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    for number in range(files):
        place = source / f"part{number % 7}" / f"{number}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(str(number))
    with (source / "large").open("wb") as stream:
        for number in range(large_mb):
            stream.write(bytes([number % 251]) * 1_000_000)
    grown_kb = crossed(emulated, source, back)

    assert digest_and_size(str(source)) == digest_and_size(str(back))
    assert grown_kb < 100_000


def test_a_file_that_can_not_be_sent_is_told(emulated: Emulated, tmp_path: Path) -> None:
    from specflow.targets.databricks.client import Api
    from specflow.targets.databricks.login import Login
    from specflow.targets.databricks.transfer import get_tree

    api = Api(Login(emulated.settings["host"], emulated.settings["token"]))
    with pytest.raises(SpecflowError):
        get_tree(api, "/Volumes/main/ml/exchange/nowhere", tmp_path / "back")
