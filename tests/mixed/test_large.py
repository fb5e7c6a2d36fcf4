"""Many files and large ones go to a platform and come back as they were, and are never held in memory."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from specflow.attempt.digests import digest_and_size
from specflow.emulation import Fault
from tests.mixed.conftest import Clouds

MAKE = """\
import pathlib, sys
files, large_mb, place = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
for number in range(files):
    file = place / f"part{number % 7}" / f"{number}.txt"
    file.parent.mkdir(exist_ok=True)
    file.write_text(str(number))
with (place / "large").open("wb") as stream:
    for number in range(large_mb):
        stream.write(bytes([number % 251]) * 1_000_000)
"""
COPY = "import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2], dirs_exist_ok=True)\n"
MEASURED = """\
import resource, subprocess, sys
code = subprocess.call([sys.executable, "-m", "specflow", *sys.argv[1:]])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize("cloud", ["azureml", "databricks"])
@pytest.mark.parametrize(
    ("files", "large_mb"),
    [(200, 20), pytest.param(10_000, 2_500, marks=pytest.mark.long)],
    ids=["small", "ten_thousand_files_and_2500_mb"],
)
def test_a_folder_goes_to_a_platform_and_comes_back(clouds: Clouds, cloud: str, files: int, large_mb: int) -> None:
    project = clouds.project
    project.write("code/make.py", MAKE)
    project.write("code/copy.py", COPY)
    project.write(
        "specflow.yaml", (project.folder / "specflow.yaml").read_text().replace("local: .specflow/exchange", "")
    )
    project.write(
        "p.yaml",
        f"""\
        specflow: 1
        name: p
        steps:
          make:
            code: code
            run: python make.py {files} {large_mb} ${{{{ outputs.o }}}}
            outputs: {{o: {{type: folder}}}}
          there:
            target: {cloud}
            code: code
            run: python copy.py ${{{{ steps.make.outputs.o }}}} ${{{{ outputs.o }}}}
            outputs: {{o: {{type: folder}}}}
          back:
            code: code
            run: python copy.py ${{{{ steps.there.outputs.o }}}} ${{{{ outputs.o }}}}
            outputs: {{o: {{type: folder}}}}
        outputs:
          sent: {{from: "${{{{ steps.make.outputs.o }}}}"}}
          back: {{from: "${{{{ steps.back.outputs.o }}}}"}}
        """,
    )
    # Azure's SDK waits fifteen seconds before it asks its storage again.
    clouds.strike([Fault("reset", every=files if cloud == "azureml" else 50, exclude="*/_emulator/*")])
    command = [sys.executable, "-c", MEASURED, "run", "p.yaml", "--format", "json", "-q"]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)
    end = json.loads(done.stdout.splitlines()[-1])

    assert 0 == done.returncode, done.stderr
    sent, back = (str(project.folder / end["outputs"][name]) for name in ("sent", "back"))
    assert digest_and_size(sent) == digest_and_size(back)
    assert int(done.stderr.split()[-1]) * (1 if sys.platform == "darwin" else 1024) < 450_000_000
