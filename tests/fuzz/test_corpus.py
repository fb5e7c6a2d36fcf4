"""What the fuzzer has found, and the specs that it begins with, go through every stage without a traceback."""

from pathlib import Path

import pytest

from tests.fuzz.trial import CORPUS, Bench, seeds


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


def test_every_seed_gives_a_plan_or_errors(bench: Bench) -> None:
    for path in seeds():
        bench.try_out(path.read_bytes())


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_what_was_found_stays_found(path: Path, bench: Bench) -> None:
    bench.try_out(path.read_bytes())


@pytest.mark.parametrize("target", ["azureml", "databricks"])
def test_every_seed_is_compiled_or_refused_for_a_platform(target: str, bench: Bench) -> None:
    for path in seeds():
        bench.try_out(path.read_bytes(), target)


def test_a_file_may_name_the_folder_that_it_lies_in(bench: Bench) -> None:
    """A fuzzer that sees two texts compared puts the one into its input: what the input says is no leak."""
    here = bench.folder
    spec = f"specflow: 1\nname: a\ndescription: {here}\nsteps: {{a: {{run: [cat, {here}/data/table.csv]}}}}"
    bench.try_out(spec.encode())
