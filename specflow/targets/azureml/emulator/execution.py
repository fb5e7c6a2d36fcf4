"""An accepted pipeline, run: what is ready starts, a failure ends what it must, what is below it never starts."""

from __future__ import annotations

import queue
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from specflow.targets.azureml.emulator.assets import Assets
from specflow.targets.azureml.emulator.assumptions import Assumptions
from specflow.targets.azureml.emulator.halt import Halt
from specflow.targets.azureml.emulator.jobs import Accepted
from specflow.targets.azureml.emulator.leaves import Leaves, Values
from specflow.targets.azureml.emulator.nodes import Data, Edge, Graph, Literal, Node, Outer, Output, Source
from specflow.targets.azureml.emulator.refusals import Refused
from specflow.targets.azureml.emulator.registration import register
from specflow.targets.azureml.emulator.reuse import IS_REUSED
from specflow.targets.azureml.emulator.runs import Run, Runs
from specflow.targets.azureml.emulator.storage import DEFAULT, Storage

__all__ = ["Execution"]


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where a graph runs: its inputs, and where its outputs lie (an empty place: with the child that makes them)."""

    run: Run
    values: Values
    places: Mapping[str, str]
    halt: Halt


@dataclass(slots=True)
class _Progress:
    """How far a graph has come. Only its own thread touches it."""

    runs: dict[str, Run] = field(default_factory=dict)
    made: dict[str, Mapping[str, Data]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    running: int = 0
    ended: dict[str, str] = field(default_factory=dict)
    bound: dict[str, Data] = field(default_factory=dict)


class Execution:
    """Runs one submitted job on a thread of its own."""

    def __init__(
        self,
        job: Accepted,
        root: Run,
        *,
        runs: Runs,
        assets: Assets,
        storage: Storage,
        leaves: Leaves,
        pool: ThreadPoolExecutor,
        assumed: Assumptions,
        on_end: Callable[[Run], None],
    ) -> None:
        """Keep what running takes; nothing is started yet. `on_end` is told the job's run."""
        self.job, self.root, self.runs, self.assets, self.storage = job, root, runs, assets, storage
        self.leaves, self.pool, self.assumed, self.on_end = leaves, pool, assumed, on_end
        self.halt = Halt()
        store = str(job.settings.get("default_datastore") or DEFAULT)
        self.datastore = store.removeprefix("azureml:").rsplit("/", 1)[-1]
        self.thread = threading.Thread(target=self._run, name=f"job-{root.id}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self.thread.start()

    def cancel(self) -> None:
        """End all that runs, and start nothing more."""
        self.halt.set()

    def _run(self) -> None:
        try:
            self._run_root()
            self.on_end(self.runs.get(self.root.id))
        except Exception as fault:  # a bug in the emulator must not leave a job that never ends
            self.runs.change(self.root.id, status="Failed", error=f"the emulator has a bug: {fault!r}")
            raise

    def _run_root(self) -> None:
        self.runs.change(self.root.id, status="Preparing")
        values: dict[str, Literal | Data | None] = {
            name: Literal(str(port["default"])) if port.get("default") is not None else None
            for name, port in self.job.graph.inputs.items()
        }
        for name, given in self.job.inputs.items():
            values[name] = self._known(given.source)
        places = {
            name: self._place(self.job.outputs.get(name, Output()), name, self.root, str(port.get("type")), outer=True)
            for name, port in self.job.graph.outputs.items()
        }
        status, bound = self._run_graph(self.job.graph, _Scope(self.root, values, places, self.halt))
        error = self._register(self.job.outputs, bound, self.root) if status == "Completed" else ""
        self._finish_run(self.root, "Failed" if error else status, bound, error)

    def _finish_run(self, run: Run, status: str, made: Mapping[str, Data], error: str = "") -> None:
        outputs = {name: {"uri": self.storage.long_uri(each.uri), "type": each.type} for name, each in made.items()}
        if status == "Failed" and not error:
            failed = [each.node for each in self.runs.children(run.id) if each.status == "Failed"]
            error = f"the jobs {', '.join(failed)} failed" if failed else "a job was cancelled"
        self.runs.change(run.id, status=status, outputs=outputs, error=error)

    def _run_graph(self, graph: Graph, scope: _Scope) -> tuple[str, dict[str, Data]]:
        """Return how a pipeline ended, and its outputs."""
        halt, progress = Halt(scope.halt), _Progress()
        if self.assumed.children_appear_before_they_start:
            for name, node in graph.nodes.items():
                progress.runs[name] = self._add_run(node, scope.run)
        self.runs.change(scope.run.id, status="Running")
        done: queue.Queue[tuple[str, str, Mapping[str, Data]]] = queue.Queue()
        has_failed = False
        while True:
            if not halt.is_set and (self.job.continues or not has_failed):
                for node in graph.nodes.values():
                    self._begin_if_ready(node, scope, halt, progress, done)
            if not progress.running:
                break
            name, status, made = done.get()
            progress.running -= 1
            progress.ended[name] = status
            if status == "Completed":
                progress.made[name] = made
                progress.bound |= {out.to: made[port] for port, out in graph.nodes[name].outputs.items() if out.to}
            elif not has_failed:
                has_failed = True
                if not self.job.continues and self.assumed.failure_cancels_running_siblings:
                    halt.set()
        self._close_unrun(graph, progress)
        if scope.halt.is_set:
            return "Canceled", progress.bound
        return ("Completed" if len(progress.made) == len(graph.nodes) else "Failed"), progress.bound

    def _close_unrun(self, graph: Graph, progress: _Progress) -> None:
        for name in graph.nodes.keys() - progress.ended.keys():
            if name in progress.runs and self.assumed.unrun_children_end_canceled:
                self.runs.change(progress.runs[name].id, status="Canceled")

    def _begin_if_ready(
        self,
        node: Node,
        scope: _Scope,
        halt: Halt,
        progress: _Progress,
        done: queue.Queue[tuple[str, str, Mapping[str, Data]]],
    ) -> None:
        if node.name in progress.begun or any(name not in progress.made for name in node.before):
            return
        progress.begun.add(node.name)
        progress.running += 1
        run = progress.runs.get(node.name) or self._add_run(node, scope.run)
        inputs = {name: self._value(node, name, scope.values, progress.made) for name in node.ports}
        outputs = {
            name: Data(self._output_place(node, name, run, scope), str(port.get("type")))
            for name, port in node.out_ports.items()
        }

        def work() -> None:
            status, made = "Failed", outputs  # type: tuple[str, Mapping[str, Data]]
            try:
                status, made = self._run_node(node, run, inputs, outputs, replace(scope, halt=halt))
            except Exception as fault:
                self.runs.change(run.id, status="Failed", error=f"the emulator has a bug: {fault!r}")
                raise
            finally:
                done.put((node.name, status, made))

        if node.graph is not None:
            threading.Thread(target=work, name=f"pipeline-{run.id}", daemon=True).start()
        else:
            self.runs.change(run.id, status="Queued")
            self.pool.submit(work)

    def _run_node(
        self, node: Node, run: Run, inputs: Values, outputs: Mapping[str, Data], scope: _Scope
    ) -> tuple[str, Mapping[str, Data]]:
        if node.graph is not None:
            inner = {name: each.uri for name, each in outputs.items()}
            if not self.assumed.pipeline_outputs_lie_under_the_root:
                inner = {name: uri if node.outputs.get(name, Output()).uri else "" for name, uri in inner.items()}
            status, bound = self._run_graph(node.graph, _Scope(run, inputs, inner, scope.halt))
            self._finish_run(run, status, bound)
            return status, bound
        finish, made = self.leaves.run(
            node, run, inputs, outputs, scope.halt, anew=bool(self.job.settings.get("force_rerun"))
        )
        status, error = finish.status, finish.error
        is_registered = node.kind != "spark" or self.assumed.registers_spark_outputs
        if status == "Completed" and is_registered and (fault := self._register(node.outputs, made, run)):
            status, error = "Failed", fault
        self._finish_run(run, status, made if status == "Completed" else {}, error)
        return status, made

    def _register(self, outputs: Mapping[str, Output], made: Mapping[str, Data], run: Run) -> str:
        """Register the outputs that have a name; return what went wrong, empty if nothing that matters did."""
        if IS_REUSED in self.runs.get(run.id).properties:
            return ""
        for name, out in outputs.items():
            if not out.asset or name not in made:
                continue
            try:
                register(self.assets, out, made[name], run.id)
            except Refused as refusal:
                if self.assumed.taken_asset_versions_fail_the_job:
                    return f'output "{name}" can\'t be registered: {refusal.message}'
        return ""

    def _add_run(self, node: Node, parent: Run) -> Run:
        shown = node.name if self.assumed.children_are_named_by_node else str(node.component.get("name") or node.name)
        kind = {"command": "command", "spark": "spark"}.get(node.kind, "pipeline")
        properties = {"azureml.parentRunId": parent.id, "azureml.moduleName": node.name, "azureml.nodeid": node.name}
        compute = str(node.body.get("computeId") or self.job.settings.get("default_compute") or "")
        return self.runs.add(
            Run(
                str(uuid.uuid4()),
                kind,
                str(node.body.get("display_name") or shown),
                self.root.experiment,
                parent=parent.id,
                root=self.root.id,
                node=node.name,
                component=node.component_id,
                target=compute.rsplit("/", 1)[-1],
                tags={str(k): str(v) for k, v in (node.body.get("tags") or {}).items()},
                properties=properties,
            )
        )

    def _output_place(self, node: Node, name: str, run: Run, scope: _Scope) -> str:
        said = node.outputs.get(name, Output())
        place = scope.places.get(said.to, "") if said.to else ""
        return place or self._place(said, name, run, str(node.out_ports[name].get("type")))

    def _place(self, said: Output, name: str, run: Run, kind: str, *, outer: bool = False) -> str:
        """Return where an output lies: the path given, its placeholders filled, or `azureml/{job}/{output}`.

        Source: "How to manage inputs and outputs" of Microsoft's documentation, as of 2025.
        """
        tail = "" if kind == "uri_file" else "/"
        if said.uri:
            return said.uri.replace("${{name}}", run.id).replace("${{output_name}}", name)
        if outer and not self.assumed.pipeline_outputs_lie_under_the_root:
            return ""
        return self.storage.short_uri(self.datastore, f"azureml/{run.id}/{name}{tail}")

    def _value(
        self, node: Node, name: str, values: Values, made: Mapping[str, Mapping[str, Data]]
    ) -> Literal | Data | None:
        """Return what an input is, once the nodes before have ended; None if it is left out."""
        given, default = node.inputs.get(name), node.ports[name].get("default")
        found: Literal | Data | None = None
        if given is not None:
            source = given.source
            if isinstance(source, Outer):
                found = values.get(source.name)
            elif isinstance(source, Edge):
                found = made[source.node][source.output]
            else:
                found = self._known(source)
        return Literal(str(default)) if found is None and default is not None else found

    def _known(self, source: Source) -> Literal | Data | None:
        """Return a value or an address, an asset's name replaced by where it lies."""
        if isinstance(source, Data) and not source.uri.startswith(("azureml://", "file:")):
            return Data(self.assets.data_uri(source.uri) or source.uri, source.type)
        return source if isinstance(source, Literal | Data) else None
