"""What the small jobs of `probe` say of themselves, so that they measure what they are meant to."""

from __future__ import annotations

from typing import Any

import pytest

from specflow.targets.databricks.client import Api
from specflow.targets.databricks.emulated import Emulated
from specflow.targets.databricks.laboratory import Laboratory
from specflow.targets.databricks.login import Login


def tasks_on(emulated: Emulated, compute: Any) -> list[dict[str, Any]]:
    lab = Laboratory(Api(Login(emulated.settings["host"], emulated.settings["token"])), compute, "/Volumes/main/ml/p")
    return [lab.script("a", "1/0", max_retries=1), lab.notebook("b", "1/0")]


@pytest.mark.parametrize(
    ("compute", "said"), [("serverless", [True, True]), ({"existing_cluster_id": "0123-456789-abcdefgh"}, [None, None])]
)
def test_on_serverless_compute_nothing_is_tried_again_that_the_probe_did_not_ask_for(
    emulated: Emulated, compute: Any, said: list[bool | None]
) -> None:
    assert said == [task.get("disable_auto_optimization") for task in tasks_on(emulated, compute)]
