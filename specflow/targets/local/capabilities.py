"""What the local target can do of the language. It is the reference meaning, so it approximates machines only."""

from __future__ import annotations

from collections.abc import Mapping

from specflow.targets.base import Capability, approximates, implements, rejects

__all__ = ["CAPABILITIES"]

_HERE = "runs on this machine"

CAPABILITIES: Mapping[str, Capability] = {
    "run": implements("a process started from the argument vector"),
    "shell": implements("`bash -euo pipefail`"),
    "notebook.ipynb": implements("executed by papermill in the step's environment"),
    "notebook.databricks": rejects("a Databricks source notebook runs on databricks only"),
    "native": rejects("a native step runs on its own platform only"),
    "engine.spark": implements("pyspark in the step's environment, on this machine's cores"),
    "matrix": implements("one process per instance"),
    "when": implements("decided before the step starts"),
    "after": implements("waits for the named steps"),
    "retry": implements("another attempt in a fresh folder"),
    "timeout": implements("SIGTERM to the attempt's process group, SIGKILL after ten seconds"),
    "pipeline.timeout": implements("ends what runs, starts nothing new"),
    "fail_fast": implements("a failure starts nothing new"),
    "concurrency": implements("at most so many steps at once, within --jobs"),
    "cache": implements("every step runs in every run"),
    "many": implements("one argument per element"),
    "values": implements("read from the file that the step writes"),
    "metrics": implements("read, shown and kept with the run"),
    "env": implements("set for the process"),
    "secrets": implements("taken from variables that the user allowed"),
    "environment.python": implements("this interpreter, or a virtual environment of a version that fits"),
    "environment.dependencies": implements("this interpreter if it satisfies them, else a virtual environment"),
    "environment.requirements": implements("this interpreter if it satisfies them, else a virtual environment"),
    "environment.wheels": implements("a virtual environment with the wheels installed"),
    "environment.conda": approximates("conda is not used here: the step runs in this interpreter"),
    "environment.image": approximates("images are not used here: the step runs in this interpreter"),
    "environment.registered": approximates("registered environments are elsewhere: the step runs in this interpreter"),
    "compute.cpus": implements("a step takes that many of --jobs, at most all of them"),
    "compute.memory": approximates(f"{_HERE}, with the memory it has"),
    "compute.gpus": approximates(f"{_HERE}, with the graphics processors it has"),
    "compute.nodes": approximates(f"{_HERE} alone"),
    "compute.autoscale": approximates(f"{_HERE} alone"),
    "compute.spot": implements("nothing is taken away here"),
    "access.download": implements("a private copy"),
    "access.direct": implements("the path"),
    "data.address": rejects("data at an address is not fetched here yet; give a `local:` location"),
    "data.sha256": implements("checked before anything runs"),
    "output.register": implements("a version in .specflow/registry"),
    "output.location": implements("written there after the run"),
    "output.address": rejects("outputs are not written to an address here yet; name a path in the project"),
    "schedule": approximates("a schedule is the platform's to keep: `run` runs once, now"),
    "notify": approximates("nobody is notified: the run is in front of you"),
    "tags": implements("kept in the plan"),
    "extension": rejects("`x-local` has nothing to patch: local runs have no native artifact"),
}
