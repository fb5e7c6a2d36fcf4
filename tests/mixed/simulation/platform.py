"""Two platforms that are only thought of: jobs of launchers, in virtual time, under each platform's own rules.

`alpha` runs nothing below a failed node, as Azure ML; steps that something may follow all the same are soft. `beta`
asks each step's `run_if`, as Databricks. A job is played through when it is submitted; what is told of it is what could
be seen at the world's time, and somewhat late.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from specflow.attempt import launch
from specflow.attempt.child import End
from specflow.attempt.prepare import Prepared
from specflow.attempt.records import read_record
from specflow.diagnostics import Diagnostic
from specflow.graph.islands import Island
from specflow.graph.model import Graph, Node
from specflow.lowering import Lowering, holds_after_failure, soft_nodes
from specflow.spec.load import Workspace
from specflow.targets.base import Compiled, Deployment, RunningEmulator, Status, StepStatus, Submission
from specflow.targets.local.capabilities import CAPABILITIES
from tests.mixed.simulation.step import play
from tests.mixed.simulation.world import NEVER, World


class SimulatedTarget:
    """A platform as the stages see it: it checks nothing and compiles notes."""

    CAPABILITIES = CAPABILITIES

    def __init__(self, name: str) -> None:
        self.name = name

    def check(self, graph: Graph, nodes: Mapping[str, Node]) -> tuple[Diagnostic, ...]:
        """Return nothing."""
        del graph, nodes
        return ()

    def compile(self, island: Island, workspace: Workspace) -> Compiled:
        """Return each step's note."""
        lowering = Lowering(island.graph, workspace.root, self.name)
        soft = soft_nodes(island.nodes) if self.name == "alpha" else frozenset()
        files: dict[str, Any] = {}
        steps = {}
        for name, node in island.nodes.items():
            note = lowering.note(node, soft=name in soft)
            files[f"{name}/step.json"] = json.dumps(note).encode()
            snapshot = lowering.code(node)
            files |= {f"{name}/code/{file.path}": file.source for file in (snapshot.files if snapshot else ())}
            steps[name] = {
                "needs": [need for need in node.needs if need in island.nodes],
                "all_done": any(holds_after_failure(condition.when) for condition in node.conditions),
            }
        read = {key for name in steps for key in json.loads(files[f"{name}/step.json"])["data"]}
        data = lowering.data(read)
        files |= {entry["path"]: lowering.sources[entry["path"]] for entry in data.values()}
        return Compiled(files, {"steps": steps, "fail_fast": island.graph.fail_fast, "data": data, "places": data})

    def client(self, settings: Mapping[str, Any]) -> Any:
        """Platforms of the world are reached through it."""
        raise AssertionError(settings)

    def emulator(self, root: Path, settings: Mapping[str, Any]) -> RunningEmulator:
        """There is none."""
        raise AssertionError(root, settings)


ALPHA, BETA = SimulatedTarget("alpha"), SimulatedTarget("beta")


class SimulatedLaunch(launch.Launch):
    """A launcher whose step is played rather than started."""

    def _run(self, prepared: Prepared, record: dict[str, Any]) -> End:
        fate = play(prepared.argv[2:], int(prepared.env["SPECFLOW_ATTEMPT"]))
        if fate == "hang":
            return End(f"timeout after {self.note['timeout_s']} s")
        return End("" if fate == "ok" else "exit code 1")

    def _python(self) -> str:
        return "python"


class NoTime:
    """Stands in for the launcher's `time`: its delays take none."""

    def __init__(self, world: World) -> None:
        self.world = world

    def sleep(self, seconds: float) -> None:
        """Return at once."""

    def monotonic(self) -> float:
        """Return the world's time."""
        return self.world.now

    time = monotonic


@dataclass(slots=True)
class Ran:
    """What becomes of a step in a job: when it starts and ends, its exit code, and what it writes."""

    start: float
    end: float
    code: int | None
    """None for a step that the platform does not start."""
    log: str = ""
    attempt: int = 1
    is_lost: bool = False

    @property
    def is_well(self) -> bool:
        """Return whether the platform goes on behind it."""
        return self.code == 0


@dataclass(slots=True)
class Job:
    """A job that was submitted, played through."""

    id: str
    key: str
    submission: Submission
    home: Path
    began: float
    lag: float
    steps: dict[str, Ran] = field(default_factory=dict)
    end: float = 0.0
    cancelled_at: float = NEVER


@dataclass(slots=True)
class Trouble:
    """How unreliable a platform is; each is a probability."""

    node_restarts: float = 0.2
    node_is_lost: float = 0.0
    portal_cancels: float = 0.0


class SimulatedPlatform:
    """One platform's side: its jobs by key. It outlives whoever coordinates."""

    def __init__(self, name: str, world: World, root: Path, trouble: Trouble) -> None:
        self.name, self.world, self.root, self.trouble = name, world, root / name, trouble
        self.jobs: dict[str, Job] = {}
        self.calls = 0

    def submit(self, submission: Submission, exchange: Mapping[str, str] | None) -> Job:
        """Return the job of a key, played through when it is new."""
        if submission.key not in self.jobs:
            store = Path(exchange["folder"]) if exchange is not None else self.root / "private"
            home = store / submission.key
            home.mkdir(parents=True)
            number = f"{self.name}-{len(self.jobs)}"
            job = Job(number, submission.key, submission, home, self.world.now, self.world.some(0, 5))
            self.jobs[submission.key] = job
            self._play(job, exchange)
            if self.world.random.random() < self.trouble.portal_cancels:
                job.cancelled_at = self.world.some(job.began, job.end)
        return self.jobs[submission.key]

    def _play(self, job: Job, exchange: Mapping[str, str] | None) -> None:
        native = job.submission.native
        left = dict(native["steps"])
        queued = job.began + self.world.some(0, 60)
        failed_at = NEVER
        arguments = self._arguments(job, exchange)
        while left:
            ready = [name for name, step in left.items() if all(need in job.steps for need in step["needs"])]
            starts = {
                name: max([queued, *(job.steps[need].end for need in left[name]["needs"])]) + self.world.some(0, 3)
                for name in ready
            }
            name = min(ready, key=starts.__getitem__)
            step = left.pop(name)
            before = [job.steps[need] for need in step["needs"]]
            if not self._starts(step, before):
                job.steps[name] = Ran(starts[name], starts[name], None)
                continue
            halted = native["fail_fast"] and starts[name] >= failed_at
            ran = self._launch(job, name, starts[name], arguments, is_halted=halted)
            if read_state(job, name) == "failed" or ran.is_lost:
                failed_at = min(failed_at, ran.end)
            job.steps[name] = ran
        job.end = max(ran.end for ran in job.steps.values()) + self.world.some(0, 5)

    def _starts(self, step: Mapping[str, Any], before: list[Ran]) -> bool:
        if self.name == "beta" and step["all_done"]:
            return True
        return all(ran.is_well for ran in before)

    def _launch(self, job: Job, name: str, start: float, arguments: list[str], *, is_halted: bool) -> Ran:
        chance = self.world.random
        end, attempt = start + self.world.some(0.5, 90), 1
        if chance.random() < self.trouble.node_is_lost:
            return Ran(start, end, 137, "its node was lost\n", is_lost=True)
        halt = job.home / "halt"
        if is_halted:
            halt.touch()
        argv = [str(job.submission.folder / name / "step.json"), *arguments, *(["--halt", str(halt)] * is_halted)]
        for _ in range(2 if chance.random() < self.trouble.node_restarts else 1):
            shutil.rmtree(job.home / name, ignore_errors=True)  # the node before this one left nothing
            options = launch.parser().parse_args(argv)
            told = io.StringIO()
            with contextlib.redirect_stdout(told):
                note = json.loads(Path(argv[0]).read_text())
                code = SimulatedLaunch(note, str(Path(argv[0]).parent), options).go()
        return Ran(start, end, code, told.getvalue(), attempt)

    def _arguments(self, job: Job, exchange: Mapping[str, str] | None) -> list[str]:
        """Return what all launchers of a job are told: inputs, and what has arrived from elsewhere."""
        submission, native = job.submission, job.submission.native
        given = {name: str(value) if isinstance(value, Path) else value for name, value in submission.inputs.items()}
        inputs = job.home / "inputs.json"
        inputs.write_text(json.dumps(given))
        found = [
            "--target",
            self.name,
            "--run",
            submission.run,
            "--date",
            "2026-01-31",
            "--root",
            str(job.home),
            "--inputs",
            str(inputs),
        ]
        for key, entry in native["places"].items():
            found += ["--data", f"{key}={submission.folder / entry['path']}"]
        for step, record in submission.arrivals.get("records", {}).items():
            place = job.home / "arrived" / f"{step}.json"
            place.parent.mkdir(exist_ok=True)
            place.write_text(json.dumps(record))
            found += ["--from", f"{step}={place}"]
        for key, address in submission.arrivals.get("paths", {}).items():
            found += ["--path", f"{key}={self._arrived(job, key, address, exchange)}"]
        return found

    def _arrived(self, job: Job, key: str, address: Any, exchange: Mapping[str, str] | None) -> Path:
        if isinstance(address, Path):  # uploaded with the job
            place = job.home / "uploads" / key / address.name
            place.parent.mkdir(parents=True)
            return copied(address, place)
        assert exchange is not None, f"{key} lies at {address}, and {self.name} has no store"
        assert address.startswith(f"{exchange['address']}/"), f"{self.name} knows no {address}"
        return Path(exchange["folder"]) / address[len(exchange["address"]) + 1 :]


def read_state(job: Job, step: str) -> str:
    """Return the state in a step's record."""
    record = read_record(str(job.home / step / "record.json"))
    return record["state"] if record is not None else ""


def is_well(job: Job) -> bool:
    """Return whether all steps of a job that was not cancelled ran or were rightly skipped."""
    if job.cancelled_at < job.end:
        return False
    return all(ran.is_well and read_state(job, name) != "failed" for name, ran in job.steps.items())


def copied(source: Path, place: Path) -> Path:
    """Return a copy of a file or folder."""
    if source.is_dir():
        shutil.copytree(source, place)
    else:
        shutil.copyfile(source, place)
    return place


class SimulatedClient:
    """One bridge's way to a platform."""

    def __init__(self, platform: SimulatedPlatform, settings: Mapping[str, Any]) -> None:
        self.platform, self.world = platform, platform.world
        self.exchange: Mapping[str, str] | None = settings.get("exchange")

    def _job(self, id_: str) -> Job:
        return next(job for job in self.platform.jobs.values() if job.id == id_)

    def submit(self, job: Submission) -> str:
        """Return the job's id."""
        return self.platform.submit(job, self.exchange).id

    def find(self, key: str, name: str) -> str | None:
        """Return the id of the job under a key."""
        del name
        return self.platform.jobs[key].id if key in self.platform.jobs else None

    def status(self, job: str) -> Status:
        """Return how a job stood a moment ago."""
        found = self._job(job)
        seen = self.world.now - found.lag
        steps = {name: self._step(found, ran, seen) for name, ran in found.steps.items()}
        end = min(found.end, found.cancelled_at)
        if seen < end:
            return Status("running" if seen > found.began else "waiting", f"sim://{job}", steps)
        if end == found.cancelled_at:
            return Status("cancelled", f"sim://{job}", steps)
        is_well = all(ran.is_well for ran in found.steps.values())
        return Status("succeeded" if is_well else "failed", f"sim://{job}", steps)

    def _step(self, job: Job, ran: Ran, seen: float) -> StepStatus:
        if job.cancelled_at <= seen and ran.end >= job.cancelled_at:
            return StepStatus("cancelled" if ran.start < job.cancelled_at else "not run")
        if seen < ran.start:
            return StepStatus("waiting")
        if ran.code is None:
            return StepStatus("not run")
        if seen < ran.end:
            return StepStatus("running", ran.attempt)
        return StepStatus("succeeded" if ran.code == 0 else "failed", ran.attempt)

    def log(self, job: str, step: str) -> str:
        """Return what a step has written; its last line comes later than its end, as on platforms that keep logs."""
        found = self._job(job)
        ran = found.steps[step]
        if ran.end >= found.cancelled_at:
            return ""
        return ran.log if self.world.now - ran.end >= found.lag * 1.5 else ""

    def cancel(self, job: str) -> None:
        """End a job."""
        found = self._job(job)
        if self.world.now < found.end:
            found.cancelled_at = min(found.cancelled_at, self.world.now)

    def resume(self, job: str, steps: tuple[str, ...]) -> bool:
        """Return that it can't."""
        del job, steps
        return False

    def fetch(self, job: str, step: str, port: str, record: Mapping[str, Any], folder: Path) -> Path:
        """Return a copy of an output."""
        left = record["outputs"][port]
        place = folder / left["name"]
        shutil.rmtree(place, ignore_errors=True)
        place.unlink(missing_ok=True)
        return copied(self._job(job).home / step / left["path"], place)

    def address(self, job: str, step: str, port: str, record: Mapping[str, Any]) -> str:
        """Return where an output lies, as the platform names it."""
        found = self._job(job)
        prefix = self.exchange["address"] if self.exchange is not None else f"/{self.platform.name}/private"
        return f"{prefix}/{found.key}/{step}/{record['outputs'][port]['path']}"

    def deploy(self, name: str, folder: Path, native: Mapping[str, Any], digest: str) -> Deployment:
        """Nothing is deployed here."""
        raise AssertionError(name, folder, native, digest)

    def undeploy(self, name: str) -> bool:
        """Nothing is deployed here."""
        raise AssertionError(name)

    def deployments(self) -> tuple[Deployment, ...]:
        """Return nothing."""
        return ()

    def close(self) -> None:
        """Let go of nothing."""
