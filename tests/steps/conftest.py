"""The concrete data, split and fitted once for all tests of the example steps."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.steps.attempts import DATA, MODELS, Attempt, run_step


@pytest.fixture
def attempt(tmp_path: Path) -> Callable[..., Attempt]:
    """Runs a step in a folder of its own and returns how it ended."""
    folders = (tmp_path / f"attempt{number}" for number in range(100))

    def in_new_folder(name: str, **inputs) -> Attempt:
        folder = next(folders)
        folder.mkdir()
        return run_step(folder, name, **inputs)

    return in_new_folder


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Attempt:
    """The concrete data, split as the defaults say."""
    return run_step(tmp_path_factory.mktemp("prepared"), "prepare_table", table=DATA / "concrete.csv")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, prepared: Attempt) -> Mapping[str, Attempt]:
    """Each model, fitted on the concrete data with the default seed."""
    parts = {"train": prepared.outputs["train"], "test": prepared.outputs["test"]}
    return {
        model: run_step(tmp_path_factory.mktemp(model), "train_regressor", model=model, **parts) for model in MODELS
    }
