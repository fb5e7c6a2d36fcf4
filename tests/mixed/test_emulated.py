"""Random mixed pipelines through the vendors' real clients, on emulators, end as on this machine alone."""

import os
import random
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from specflow.bridging.bridge import Bridges
from specflow.spec.load import Loader
from specflow.stages import make_plan, validate
from specflow.targets.local.processes import Processes
from specflow.targets.local.session import run_plan
from specflow.targets.local.steps import Options
from specflow.targets.local.workspace import Workspace
from tests.mixed.simulation.pipelines import Writer
from tests.mixed.simulation.runs import Seen, agree, seen

PROJECT = """\
specflow: 1
profiles:
  emulated:
    store:
      local: .specflow/exchange
      azureml: azureml://datastores/exchange/paths/specflow
      databricks: /Volumes/main/ml/exchange
    targets: {azureml: {emulate: true}, databricks: {emulate: true}}
"""
FRESH = zlib.crc32(os.environ.get("PYTEST_XDIST_TESTRUNUID", str(time.time())).encode())
"""The first of seeds that were never tried, one for all workers of a run; a failed test has its seed in its name."""
FOUND = (1795653035,)
"""Seeds that found something once."""
ALL_ELSEWHERE = 680544081
"""A seed all of whose steps lie on one platform, which the other coordinates."""
SEEDS = [*range(10), *FOUND, *range(FRESH, FRESH + 10)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One project for all: an emulator sees the exchange store of one."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "specflow.yaml").write_text(PROJECT)
    return folder


@pytest.fixture(scope="module")
def bridges(project: Path) -> Iterator[Bridges]:
    with Bridges(project / "emulators") as found:
        yield found


def ran(folder: Path, project: Path, chosen: str | None, bridges: Bridges, host: str = "local") -> Seen:
    """Return what is seen of a run on the targets that the spec names, or all on a chosen one."""
    plan, found = make_plan(validate(folder / "p.yaml", Loader(project, "emulated")), chosen, host)
    assert plan is not None, [finding.message for finding in found]
    options = Options(2, {"PATH": os.environ["PATH"]}, use_cache=False, bridges=bridges)
    workspace = Workspace(project if chosen is None else folder / "alone")
    return seen(run_plan(plan, {}, workspace, options, lambda event: None, Processes(), lambda: 0).result)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_mixed_pipeline_ends_as_on_this_machine_alone(project: Path, bridges: Bridges, seed: int) -> None:
    folder = project / f"seed{seed}"
    writer = Writer(folder, random.Random(seed), ("local", "azureml", "databricks"), most=6, has_hangs=False)
    writer.write()
    here = ran(folder, project, "local", bridges)
    abroad = ran(folder, project, None, bridges)

    assert agree(here, abroad, fails_fast=writer.fails_fast), (here, abroad)


@pytest.mark.parametrize("host", ["azureml", "databricks"])
@pytest.mark.parametrize("seed", [*range(100, 104), ALL_ELSEWHERE, *range(FRESH, FRESH + 3)])
def test_a_pipeline_that_a_platform_coordinates_ends_as_on_this_machine_alone(
    project: Path, bridges: Bridges, seed: int, host: str
) -> None:
    folder = project / f"{host}{seed}"
    writer = Writer(folder, random.Random(seed), ("azureml", "databricks"), most=6, has_hangs=False)
    writer.write()
    here = ran(folder, project, "local", bridges)
    abroad = ran(folder, project, None, bridges, host)

    assert agree(here, abroad, fails_fast=writer.fails_fast), (here, abroad)


NAMED = """\
specflow: 1
name: named
steps:
  make:
    target: {maker}
    shell: bash
    run: echo 1 > $T; mkdir -p $F; echo 2 > $F/x
    env: {{T: "${{{{ outputs.table }}}}", F: "${{{{ outputs.both }}}}"}}
    outputs: {{table: {{type: file, format: csv}}, both: {{type: folder}}}}
  read:
    target: {reader}
    shell: bash
    run: test -f $T && test -f $F/x && echo "$(basename $T) $(basename $F)" > $N
    env:
      T: "${{{{ steps.make.outputs.table }}}}"
      F: "${{{{ steps.make.outputs.both }}}}"
      N: "${{{{ outputs.names }}}}"
    outputs: {{names: {{type: file}}}}
outputs:
  names: {{from: "${{{{ steps.read.outputs.names }}}}"}}
"""


@pytest.mark.parametrize(
    ("maker", "reader"),
    [("azureml", "local"), ("databricks", "local"), ("azureml", "databricks"), ("local", "azureml")],
)
def test_a_reader_sees_the_name_that_the_maker_gave(project: Path, bridges: Bridges, maker: str, reader: str) -> None:
    folder = project / f"named-{maker}-{reader}"
    folder.mkdir()
    (folder / "p.yaml").write_text(NAMED.format(maker=maker, reader=reader))
    plan, found = make_plan(validate(folder / "p.yaml", Loader(project, "emulated")), None, "local")
    assert plan is not None, [finding.message for finding in found]
    options = Options(2, {"PATH": os.environ["PATH"]}, use_cache=False, bridges=bridges)

    result = run_plan(plan, {}, Workspace(project), options, lambda event: None, Processes(), lambda: 0).result

    assert "succeeded" == result.state
    assert "table.csv both\n" == Path(result.outputs["names"]).read_text()
