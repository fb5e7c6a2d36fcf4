"""What Azure ML can do of the language. docs/targets/azureml.md says the same at length, key by key."""

from __future__ import annotations

from collections.abc import Mapping

from specflow.targets.base import Capability, approximates, implements, rejects

__all__ = ["CAPABILITIES"]

_CONDA = "a line of the conda file that Azure ML builds an environment from"
_SIZE = "the smallest serverless machine that has them, unless the profile binds the compute"

CAPABILITIES: Mapping[str, Capability] = {
    "run": implements("a command node whose launcher starts the argument vector"),
    "shell": implements("`bash -euo pipefail`, started by the launcher"),
    "notebook.ipynb": implements("executed by papermill in the step's environment"),
    "notebook.databricks": rejects("a Databricks source notebook runs on databricks only"),
    "native": implements("a node as `x-azureml` writes it, its ports connected, and one that records what it left"),
    "engine.spark": implements("a Spark node: the launcher runs the file in the driver"),
    "matrix": implements("one node per instance"),
    "when": implements("decided by the launcher: a step that does not run ends well, and its record says skipped"),
    "after": implements("the record of the step before is an input"),
    "retry": implements("attempts follow each other inside the node"),
    "timeout": implements("kept by the launcher for each attempt; `limits.timeout` bounds all of them"),
    "pipeline.timeout": approximates(
        "no limit holds for a whole job: `specflow run` cancels it in time, a job that is started elsewhere goes on"
    ),
    "fail_fast": approximates("what runs when a step fails is cancelled, rather than going on to its end"),
    "concurrency": approximates("a job starts all that is ready: bound it by the nodes of the cluster"),
    "cache": implements("`is_deterministic: false`: run every time"),
    "many": implements("one mounted input per element"),
    "values": implements("in the record of the step that gives them"),
    "metrics": implements("a file, and logged to the job's MLflow where the step's environment has mlflow"),
    "env": implements("`environment_variables` for plain constants, else set by the launcher"),
    "secrets": implements("read from a key vault by the node's managed identity"),
    "environment.python": implements("the Python of the conda file"),
    "environment.dependencies": implements(_CONDA),
    "environment.requirements": implements(_CONDA),
    "environment.wheels": implements("installed by the launcher, on top of the environment"),
    "environment.conda": implements("the conda file, on Azure ML's base image"),
    "environment.image": implements("the image, which has to hold Python 3.10 or later as `python`"),
    "environment.registered": implements("the environment that the profile names"),
    "compute.cpus": implements(_SIZE),
    "compute.memory": implements(_SIZE),
    "compute.gpus": implements(_SIZE),
    "compute.nodes": implements("so many executors"),
    "compute.autoscale": implements("executors by dynamic allocation"),
    "compute.spot": implements("`queue_settings.job_tier: spot`, unless the profile binds the compute"),
    "access.download": implements("mode `download`"),
    "access.direct": approximates("a command is given the path of a mount, and no address"),
    "data.address": implements("mounted from datastores and storage accounts"),
    "data.sha256": implements("checked for files of the project before anything is sent"),
    "output.register": implements("registered by Azure ML once the job has succeeded"),
    "output.location": implements("brought to the project by `specflow run`"),
    "output.address": implements("written there by Azure ML"),
    "schedule": implements("schedule.yml: a cron trigger, or a monthly recurrence"),
    "notify": approximates("a job notifies nobody: subscribe to the workspace's run events"),
    "tags": implements("tags of the job"),
    "extension": implements("merged into the node, or the job"),
}
