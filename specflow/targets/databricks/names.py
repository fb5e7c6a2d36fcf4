"""Names that a bundle gives to what it holds, and the platform's limits on them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

__all__ = [
    "DECIDE",
    "FOLDER",
    "FORBIDDEN_IN_TAGS",
    "LATER_TAGS",
    "LAUNCHER",
    "MAX_DESCRIPTION",
    "MAX_PARAMETER_BYTES",
    "MAX_SECONDS",
    "MAX_TAGS",
    "MAX_TAG_NAME",
    "MAX_TAG_TEXT",
    "MAX_TASKS",
    "MAX_TASK_KEY",
    "RECORD",
    "ROOT_PARAMETER",
    "RUNS",
    "RUN_PARAMETER",
    "STORE_VARIABLE",
    "TAG",
    "VERDICT",
    "folder_of",
    "parameter_bytes",
    "parameter_names",
]

LAUNCHER = "launcher"
FOLDER = "src"
VERDICT = "_verdict"
"""The task that judges a run; no step has a name like this one."""
DECIDE, RUNS, RECORD = "__decide", "__runs", "__record"
"""What the tasks around a native one add to its key; no other step's id begins with that of a step."""
TAG = "specflow"
"""The job's tag with the pipeline's name, by which its job is found again."""
ROOT_PARAMETER = "specflow_root"
RUN_PARAMETER = "specflow_run"
STORE_VARIABLE = "specflow_store"
"""The bundle's variable that says where outputs lie; beside it are the profile's, by the names that users gave."""

# docs.databricks.com/api/workspace/jobs and /resources/limits; the rule for task keys is unverified.
MAX_TASKS = 1000
MAX_TASK_KEY = 100
MAX_TAGS = 25
MAX_TAG_NAME, MAX_TAG_TEXT, FORBIDDEN_IN_TAGS = 512, 256, "<>*&%;\\/+?"
"""Of a tag on Azure, whose clusters have the tags of their job too. Source: databricks/cli, libs/tags/azure.go."""
MAX_DESCRIPTION = 27_700
LATER_TAGS = 2
"""How many more tags `run` and `deploy` give a job: who owns it, and which bundle it is."""
MAX_PARAMETER_BYTES = 10_000
MAX_SECONDS = 2**31 - 1
"""Of a `timeout_seconds`: the service keeps 32 bits of it. Source: `int32` in its messages; never tried live."""


def parameter_bytes(parameters: Mapping[str, str] | Iterable[str]) -> int:
    """Return the size of parameters as the platform counts it: as JSON."""
    plain = dict(parameters) if isinstance(parameters, Mapping) else list(parameters)
    return len(json.dumps(plain, ensure_ascii=False).encode())


def parameter_names(inputs: Iterable[str], widgets: Iterable[str]) -> dict[str, str]:
    """Return the job parameter of each input of the pipeline.

    Job parameters are pushed down into notebook tasks, over their own (docs.databricks.com/jobs/job-parameters). So one
    with the name of a notebook's widget, or of one of ours, gets another name.
    """
    taken = {*widgets, ROOT_PARAMETER, RUN_PARAMETER}
    return {name: f"pipeline__{name}" if name in taken else name for name in inputs}


def folder_of(step: str, *, is_instance: bool) -> str:
    """Return the folder of a step in the bundle; instances of a matrix share one."""
    return f"{FOLDER}/{step.rpartition('__')[0] if is_instance else step}"
