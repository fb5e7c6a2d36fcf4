"""What a shell script can do of the language."""

from __future__ import annotations

from collections.abc import Mapping

from specflow.targets.base import Capability, approximates, implements, rejects

__all__ = ["CAPABILITIES"]

_HERE = "the script runs on one machine"
_BY_SPECFLOW = "by `specflow run`; a script that is started by hand leaves outputs in its folder"

CAPABILITIES: Mapping[str, Capability] = {
    "run": implements("a process started from the argument vector, by the launcher"),
    "shell": implements("`bash -euo pipefail`, by the launcher"),
    "notebook.ipynb": implements("executed by papermill in the step's environment"),
    "notebook.databricks": rejects("a Databricks source notebook runs on databricks only"),
    "native": rejects("a native step runs on its own platform only"),
    "engine.spark": implements("pyspark in the step's environment, on the machine's cores"),
    "matrix": implements("a line of the script per instance"),
    "when": implements("decided by the launcher before the step starts"),
    "after": implements("a later line of the script"),
    "retry": implements("another attempt by the launcher"),
    "timeout": implements("SIGTERM to the attempt's process group, SIGKILL after ten seconds"),
    "pipeline.timeout": implements("the script ends what runs, and starts nothing new"),
    "fail_fast": implements("the launcher starts nothing once a step of the run has failed"),
    "concurrency": implements("at most so many steps at once, within JOBS"),
    "cache": implements("every step runs in every run"),
    "many": implements("one argument per element"),
    "values": implements("read from the file that the step writes"),
    "metrics": implements("read and kept in the step's record"),
    "env": implements("set for the process"),
    "secrets": implements("taken from variables of the script's environment, for that step alone"),
    "environment.python": implements(
        "the interpreter that the script is given, or one on PATH, of a version that fits"
    ),
    "environment.dependencies": implements("that interpreter if it satisfies them, else a virtual environment"),
    "environment.requirements": implements("that interpreter if it satisfies them, else a virtual environment"),
    "environment.wheels": implements("they travel beside the script, and are installed for the step"),
    "environment.conda": approximates("conda is not used: the step runs in the interpreter of the script"),
    "environment.image": approximates("images are not used: the step runs in the interpreter of the script"),
    "environment.registered": approximates(
        "registered environments are elsewhere: the step runs in the interpreter of the script"
    ),
    "compute.cpus": implements("a step takes that many of JOBS, at most all of them"),
    "compute.memory": approximates(f"{_HERE}, with the memory it has"),
    "compute.gpus": approximates(f"{_HERE}, with the graphics processors it has"),
    "compute.nodes": approximates(f"{_HERE} alone"),
    "compute.autoscale": approximates(f"{_HERE} alone"),
    "compute.spot": implements("nothing is taken away"),
    "access.download": implements("a private copy"),
    "access.direct": implements("the path"),
    "data.address": rejects("data at an address is not fetched; give a `posix:` or `local:` location in the project"),
    "data.sha256": implements("checked before the script is started; the data then travels beside it"),
    "output.register": approximates(f"outputs are registered {_BY_SPECFLOW}"),
    "output.location": approximates(f"outputs are written to their places {_BY_SPECFLOW}"),
    "output.address": rejects("outputs are not sent anywhere; leave `location` out"),
    "schedule": approximates("nothing starts the script by itself: its head has the line for crontab"),
    "notify": approximates("nobody is told: the script's exit code says how the run ended"),
    "tags": implements("kept beside the script, in pipeline.json"),
    "extension": rejects("a script has no settings that could be patched"),
}
