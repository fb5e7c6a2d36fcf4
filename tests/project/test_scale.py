"""What the benchmark of scale relies on: a pipeline with the edges that it says, and figures of the commands alone."""

import sys
from pathlib import Path

import pytest

from benchmarks.measure import Cost, clean_environment, run
from benchmarks.scale import COMMANDS, SIZES, growths, scale_table, write_spec
from specflow.spec.load import Loader
from specflow.stages import validate


def test_each_step_reads_the_ten_of_the_layer_before(tmp_path: Path) -> None:
    spec = write_spec(tmp_path / "p", 100)

    checked = validate(spec, Loader(spec.parent))

    assert () == checked.diagnostics
    assert checked.graph is not None
    assert 90 * 10 == sum(len(node.inputs) for node in checked.graph.nodes.values())


@pytest.mark.parametrize(("power", "expected"), [(1, {1.0}), (2, {10.0})])
def test_growth_is_the_cost_of_a_late_step_by_that_of_an_early_one(power: int, expected: set[float]) -> None:
    costs = {(one.name, size): Cost(1.0, 0.2 + size**power, 30.0 + size) for one in COMMANDS for size in SIZES}

    found = growths(costs)

    assert expected == {round(growth.cpu, 1) for growth in found}
    assert {1.0} == {round(growth.memory, 1) for growth in found}
    assert (power > 1) == ("**missed**" in scale_table(costs))
    assert "compile, databricks" not in {growth.command for growth in found}


def test_a_peak_is_the_command_s_own(tmp_path: Path) -> None:
    block = bytearray(300 * 2**20)
    block[:: 2**12] = b"x" * len(block[:: 2**12])

    cost = run([sys.executable, "-c", "pass"], tmp_path, clean_environment())

    assert cost.peak_mib < 150


def test_a_command_that_ends_otherwise_than_it_should_is_told_with_its_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print('why'); sys.exit(3)"]

    assert run(command, tmp_path, clean_environment(), 3).seconds > 0
    with pytest.raises(RuntimeError, match="ended with 3:\nwhy"):
        run(command, tmp_path, clean_environment())
