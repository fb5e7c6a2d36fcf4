"""The noise of the vendors' SDKs, which the cases on their platforms make, is no error of ours."""

from pathlib import Path

import pytest

from tests.emulators.azureml.conftest import NOISE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            for line in (*NOISE, "ignore::marshmallow.warnings.RemovedInMarshmallow4Warning"):
                item.add_marker(pytest.mark.filterwarnings(line))
