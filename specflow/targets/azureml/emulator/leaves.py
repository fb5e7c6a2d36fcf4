"""One node without nodes of its own: taken from an earlier run, or mounted, run and uploaded."""

from __future__ import annotations

from collections.abc import Mapping

from specflow.emulation import Refusal, State
from specflow.targets.azureml.emulator.assumptions import Assumptions
from specflow.targets.azureml.emulator.commands import Commands, Finish
from specflow.targets.azureml.emulator.halt import Halt
from specflow.targets.azureml.emulator.mishaps import Mishaps
from specflow.targets.azureml.emulator.mounts import MountError, Mounts
from specflow.targets.azureml.emulator.nodes import Data, Literal, Node
from specflow.targets.azureml.emulator.reuse import IS_REUSED, REUSED_FROM, reuse_key
from specflow.targets.azureml.emulator.runs import Run, Runs
from specflow.targets.azureml.emulator.storage import Storage

__all__ = ["Leaves", "Values"]

Values = Mapping[str, Literal | Data | None]
"""What inputs are: text, an address, or left out."""


class Leaves:
    """Runs nodes for all jobs; each call stays on its caller's thread until the node has ended."""

    def __init__(
        self,
        runs: Runs,
        storage: Storage,
        mounts: Mounts,
        commands: Commands,
        state: State,
        assumed: Assumptions,
        mishaps: Mishaps,
    ) -> None:
        """Keep what running takes."""
        self.runs, self.storage, self.mounts, self.commands = runs, storage, mounts, commands
        self.state, self.assumed, self.mishaps = state, assumed, mishaps

    def run(
        self, node: Node, run: Run, inputs: Values, outputs: Mapping[str, Data], halt: Halt, *, anew: bool
    ) -> tuple[Finish, Mapping[str, Data]]:
        """Return how the node ended and where its outputs are; `anew` if nothing is taken from earlier runs."""
        if halt.is_set:
            return Finish("Canceled"), outputs
        chosen = {name: out.uri + out.to for name, out in node.outputs.items() if out.uri or out.to}
        try:
            key = reuse_key(node, inputs, chosen, self.assumed, self.storage)
            if not anew and (earlier := self._earlier(key)):
                return self._reused(run, earlier)
            return self._run(node, run, inputs, outputs, halt, key), outputs
        except (MountError, Refusal, OSError) as fault:
            return Finish("Failed", f"the node's data can't be mounted or uploaded: {fault}"), outputs

    def _run(self, node: Node, run: Run, inputs: Values, outputs: Mapping[str, Data], halt: Halt, key: str) -> Finish:
        self.runs.change(run.id, status="Preparing")
        mounted = self.mounts.prepare(run.id, node, inputs, outputs)
        self.runs.change(run.id, status="Running", logs=("user_logs/std_log.txt",))
        logs, mishap = self.storage.artifacts(run.id), self.mishaps.take(node.name)
        finish = self.commands.run(node, run, mounted, logs, halt, mishap)
        self.runs.change(run.id, status="Finalizing", logs=finish.logs)
        self.mounts.finish(run.id, mounted, outputs, succeeded=finish.status == "Completed")
        if key and finish.status == "Completed":
            self.state.put("reuse", key, run.id)
        return finish

    def _earlier(self, key: str) -> Run | None:
        """Return a completed run of the same key whose outputs are all still there."""
        name = self.state.get("reuse", key, "") if key else ""
        run = self.runs.get(name) if name and self.runs.has(name) else None
        if run is None or run.status != "Completed":
            return None
        return run if all(self.storage.path(each["uri"]).exists() for each in run.outputs.values()) else None

    def _reused(self, run: Run, earlier: Run) -> tuple[Finish, Mapping[str, Data]]:
        properties = {**run.properties, IS_REUSED: "true", REUSED_FROM: earlier.id}
        self.runs.change(run.id, properties=properties, logs=earlier.logs)
        made = {name: Data(each["uri"], each["type"]) for name, each in earlier.outputs.items()}
        return Finish("Completed", logs=earlier.logs), made
