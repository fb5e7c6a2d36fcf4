"""Environments that are being made while a run goes on: each by one process, whoever wants it waits for that."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from specflow.targets.local.environments import Environments
from specflow.targets.local.processes import Child, Processes
from specflow.targets.local.steps import Step

__all__ = ["Build", "Builds"]


@dataclass(slots=True)
class Build:
    """An environment that is being made, and the steps that wait for it."""

    environment: Mapping[str, Any]
    log: FilePath
    waiting: list[Step] = field(default_factory=list)


class Builds:
    """The environments that one run is having made. They take no slot: their tools are seldom hungry for cores."""

    def __init__(
        self, environments: Environments, processes: Processes, folder: FilePath, environ: Mapping[str, str]
    ) -> None:
        """Begin with none; logs go into a run's folder."""
        self.environments, self.processes, self.folder, self.environ = environments, processes, folder, environ
        self.under_way: dict[str, Build] = {}

    def wait(self, step: Step) -> None:
        """Keep a step until its environment is made, and have it made if nobody does it yet."""
        environment = step.spec["environment"]
        key, argv = self.environments.builder(environment)
        build = self.under_way.get(key)
        if build is None:
            log = self.folder / f"environment-{len(self.under_way)}.log"
            build = Build(environment, log)
            around = {**self.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
            self.processes.start(argv, around, str(self.folder), log, build)
            self.under_way[key] = build  # now that its end will be seen
        build.waiting.append(step)

    def ended(self, build: Build, child: Child) -> list[Step]:
        """Return the steps that waited for an environment whose process has ended, well or not."""
        self.environments.built(build.environment, build.log, child.returncode)
        return [step for step in build.waiting if step.outcome is None]

    def end(self) -> None:
        """End what is under way: nobody waits for it any more."""
        for child in self.processes.children:
            if isinstance(child.tag, Build):
                child.kill()
