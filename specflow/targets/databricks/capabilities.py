"""What the target `databricks` can do of the language."""

from __future__ import annotations

from collections.abc import Mapping

from specflow.targets.base import Capability, approximates, implements, rejects

__all__ = ["CAPABILITIES"]

_WHEN = "the task of a step that does not run is shown as succeeded: its launcher decides, and writes it down"

CAPABILITIES: Mapping[str, Capability] = {
    "run": implements("a Python script task: the launcher starts the argument vector"),
    "shell": implements("a Python script task: the launcher starts `bash -euo pipefail`"),
    "notebook.ipynb": implements("a Python script task: the launcher executes it by papermill"),
    "notebook.databricks": implements("a notebook task that runs it with the step's ports as widgets"),
    "native": implements("the task that `x-databricks` holds, between tasks that decide and record"),
    "engine.spark": implements("a Python script task: the launcher runs the file in the driver's own interpreter"),
    "matrix": implements("one task per instance"),
    "when": approximates(_WHEN),
    "after": implements("`depends_on`"),
    "retry": implements("`max_retries`; the launcher waits `delay` and `backoff`"),
    "timeout": implements("the launcher ends the attempt; `timeout_seconds` and `retry_on_timeout` stand behind it"),
    "pipeline.timeout": implements("the job's `timeout_seconds`"),
    "fail_fast": implements("the launcher starts nothing once a step of the run has failed"),
    "concurrency": implements("so many lanes of tasks, each behind the one before it"),
    "cache": implements("every step runs in every run"),
    "many": implements("one argument per element"),
    "values": implements("read from the file that the step writes, handed on in the run's folder"),
    "metrics": implements("read and kept with the run"),
    "env": implements("set for the process by the launcher"),
    "secrets": implements("read from a secret scope by the launcher, for that step alone"),
    "environment.python": implements("a serverless environment or a runtime whose Python fits"),
    "environment.dependencies": implements("dependencies of a serverless environment, or libraries on a cluster"),
    "environment.requirements": implements("dependencies of a serverless environment, or libraries on a cluster"),
    "environment.wheels": implements("they travel in the bundle and are installed from there"),
    "environment.conda": rejects("conda environments can't be made there; name the packages under `dependencies`"),
    "environment.image": implements("`docker_image` of a job cluster"),
    "environment.registered": implements("the base environment, or the settings, that the profile names"),
    "compute.cpus": implements("a job cluster of the smallest node type that has them, if the profile names none"),
    "compute.memory": implements("a job cluster of the smallest node type that has it, if the profile names none"),
    "compute.gpus": implements(
        "a job cluster of a node type with so many and a GPU runtime, if the profile names none"
    ),
    "compute.nodes": implements("a job cluster of so many workers"),
    "compute.autoscale": implements("a job cluster that scales between so many workers"),
    "compute.spot": implements("`azure_attributes` ask for spot machines, and fall back"),
    "access.download": implements("a private copy on the task's own disk"),
    "access.direct": implements("the path on the volume, which Spark reads too"),
    "data.address": rejects("data at an address is not fetched there; give a `databricks:` location on a volume"),
    "data.sha256": implements("checked before anything is sent"),
    "output.register": approximates("outputs are registered where the run was started, not in Unity Catalog"),
    "output.location": implements("brought there after the run, where the run was started"),
    "output.address": rejects("outputs are written to the exchange store alone; leave `location` out"),
    "schedule": implements("a Quartz expression of the job, with the same times"),
    "notify": implements("`email_notifications` of the job"),
    "tags": implements("tags of the job, at most 25 with specflow's own"),
    "extension": implements("merged into the bundle, the job or the task"),
}
