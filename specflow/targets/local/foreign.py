"""The islands of a run that this machine coordinates: when each can be sent, under which key, and what came of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Protocol

from specflow.attempt.outcomes import Outcome
from specflow.attempt.records import Record, new_record
from specflow.attempt.values import PATH_TYPES
from specflow.exchange import Exchange
from specflow.history import ForeignRow, History
from specflow.lowering import leaves_of, trees_of
from specflow.plan import Plan, digest_of, write_files
from specflow.targets.base import Submission, is_restarting, target
from specflow.targets.local.bindings import Bindings
from specflow.targets.local.cache import Cache

__all__ = ["Abroad", "Bridge", "Bridges", "Errand", "Isle", "key_of", "wanted_ports"]

Event = dict[str, Any]
KEY_LENGTH = 64
"""What the strictest platform takes for a token that tells two submissions apart."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What a bridge is sent to do."""

    target: str
    settings: Mapping[str, Any]
    job: Submission
    steps: Sequence[str]
    wanted: Mapping[str, Sequence[str]]
    """By step, the ports whose paths are wanted on this machine."""
    crossing: Mapping[str, Mapping[str, Sequence[str]]]
    """By step and port, the other targets where steps read it."""
    exchange: Exchange
    outputs: FilePath
    known: str | None = None
    """The platform's id of the job, where an earlier bridge had submitted it."""
    again: tuple[str, ...] = ()
    """Steps that failed and are to run again in the same job."""


class Bridge(Protocol):
    """One island's bridge, as `specflow.bridging.bridge` has it."""

    def start(self) -> None:
        """Begin."""
        ...

    def cancel(self) -> None:
        """Have the platform end the job."""
        ...

    def leave(self) -> None:
        """Tell nothing any more, and leave the job to its platform."""
        ...

    def take(self) -> list[Event]:
        """Return what has happened since the last call."""
        ...


class Bridges(Protocol):
    """Where bridges come from."""

    def open(self, errand: Errand, wake: Callable[[], None]) -> Bridge:
        """Return the bridge for an errand, not yet started."""
        ...


@dataclass(slots=True)
class Isle:
    """An island while the run lasts."""

    spec: Mapping[str, Any]
    open_needs: int
    state: str = "waiting"
    bridge: Bridge | None = None
    key: str = ""
    content: str = ""
    row: ForeignRow | None = None
    """What the history has of its job."""
    records: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    ends: dict[str, Event] = field(default_factory=dict)
    """What was told of steps' ends and could not be entered yet: a step ends after those that it needs."""

    @property
    def is_under_way(self) -> bool:
        """Return whether its bridge has begun and not ended."""
        return self.state == "running"


class Abroad:
    """All islands of a run."""

    def __init__(
        self,
        plan: Plan,
        given: Mapping[str, Any],
        bindings: Bindings,
        cache: Cache,
        history: History,
        run: str,
        folder: FilePath,
        bridges: Bridges,
        wake: Callable[[], None],
        root: FilePath,
    ) -> None:
        """Take what a run has; `given` are the inputs as the user gave them, defaults left to the platform."""
        self.plan, self.given, self.bindings, self.cache, self.history = plan, given, bindings, cache, history
        self.run, self.folder, self.bridges, self.wake = run, folder, bridges, wake
        self.wanted = wanted_ports(plan)
        self.crossing = crossing_ports(plan)
        self.exchange = Exchange(plan.document["store"], plan.root or root)
        self.arrived: dict[tuple[str, str], Mapping[str, str]] = {}
        """By step and port elsewhere, how each other target names the place where it lies."""
        self.specs = {step["id"]: step for step in plan.document["steps"]}
        self.isles = {spec["name"]: Isle(spec, len(spec["outer"])) for spec in plan.document["islands"]}
        self.waiting: dict[str, list[Isle]] = {}
        for isle in self.isles.values():
            for need in isle.spec["outer"]:
                self.waiting.setdefault(need, []).append(isle)

    def keep(self) -> None:
        """Write down all that is to be sent, so that the run can be gone on with although the project has changed."""
        for isle in self.isles.values():
            self._artifact(isle.spec["folder"])

    def closed(self, step: str) -> None:
        """Take note that a step has ended, wherever it ran."""
        for isle in self.waiting.get(step, ()):
            isle.open_needs -= 1

    def ready(self) -> Iterator[Isle]:
        """Yield the islands that nothing holds back any more."""
        for isle in self.isles.values():
            if isle.state == "waiting" and isle.open_needs == 0:
                yield isle

    def under_way(self) -> list[Isle]:
        """Return the islands whose bridges run."""
        return [isle for isle in self.isles.values() if isle.is_under_way]

    def verdicts(self, isle: Isle) -> dict[str, Outcome] | None:
        """Return how all steps of an island end without being run; None if any of them may run."""
        return self.bindings.ends_without_running([self.specs[name] for name in isle.spec["steps"]])

    def send(
        self, isle: Isle, afresh: Sequence[str], *, use_cache: bool, again: Mapping[str, ForeignRow]
    ) -> ForeignRow | None:
        """Start an island's bridge, its key recorded before; or return an earlier job of the same content, all well.

        Of a new job, the steps in `afresh` run whatever the platform still has of them.
        """
        isle.content = self.content(isle)
        earlier = self.history.foreign(isle.content)
        if use_cache and earlier is not None and earlier.state == "succeeded":
            if self._is_intact(earlier):
                return earlier
            afresh = isle.spec["steps"]
        if earlier is not None and earlier.state == "broken":
            afresh = isle.spec["steps"]
        known, steps = None, ()  # type: str | None, tuple[str, ...]
        failed = again.get(isle.spec["name"])
        is_left = earlier is not None and earlier.state == "running" and not self.history.is_running(earlier.run)
        if earlier is not None and is_left and not afresh:
            isle.key, known = earlier.key, earlier.job or None
        elif (
            failed is not None
            and failed.state != "broken"
            and failed.content == isle.content
            and failed.job
            and not _starts_anew(isle)
        ):
            isle.key, known = failed.key, failed.job
            steps = tuple(name for name in isle.spec["steps"] if name not in failed.done)
        else:
            isle.key = self._new_key(isle)
        name, target = isle.spec["name"], isle.spec["target"]
        row = ForeignRow(isle.key, self.run, name, isle.content, target, known or "", "", "running", {}, time.time())
        isle.row = row
        self.history.add_foreign(row)
        self.history.commit()
        isle.state = "running"
        isle.bridge = self.bridges.open(self._errand(isle, known, steps, afresh), self.wake)
        isle.bridge.start()
        return None

    def _is_intact(self, earlier: ForeignRow) -> bool:
        """Return whether what an earlier job left for this machine is still there, and what it was."""
        for record in earlier.records.values():
            for port, path in record.get("fetched", {}).items():
                sha256 = record["outputs"][port].get("sha256")
                if not os.path.exists(path) or (sha256 and self.cache.digest(path) != sha256):  # noqa: PTH110 - texts
                    return False
        return True

    def note(
        self,
        isle: Isle,
        *,
        job: str | None = None,
        url: str | None = None,
        state: str | None = None,
        records: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down what is known of an island's job now."""
        row = isle.row
        assert row is not None
        isle.row = row._replace(
            job=row.job if job is None else job,
            url=row.url if url is None else url,
            state=row.state if state is None else state,
            records=row.records if records is None else dict(records),
        )
        self.history.add_foreign(isle.row)

    def _new_key(self, isle: Isle) -> str:
        return self.run if isle.spec["is_whole"] else key_of(self.run, isle.spec["name"])

    def content(self, isle: Isle) -> str:
        """Return the digest of what an island does: its artifact, where it runs, and what it is given."""
        inputs = {name: self._told(name, value) for name, value in self.given.items()}
        return digest_of(
            {
                "artifact": isle.spec["digest"],
                "settings": isle.spec["settings"],
                "inputs": inputs,
                "outer": {step: self._arriving(step, ports) for step, ports in isle.spec["outer"].items()},
            }
        )

    def _arriving(self, step: str, ports: Sequence[str]) -> list[Any]:
        """Return what counts of a step outside: how it ended, and what an island reads of it, by content."""
        record = self.record(step)
        read = {port: record["values"].get(port) for port in ports if port in record["values"]}
        left = {port: record["outputs"][port] for port in ports if port in record["outputs"]}
        # What Spark left at an address has no digest; the address is of one job alone.
        read |= {port: one["sha256"] or one["path"] for port, one in left.items()}
        return [record["state"] in ("succeeded", "cached"), record["reason"], record["above"], read]

    def record(self, step: str) -> Record:
        """Return the record of a step that has ended, wherever it ran; outputs on this machine by their paths."""
        spec = self.specs[step]
        for isle in self.isles.values():
            if step in isle.records:
                return dict(isle.records[step])
        found = new_record(step, spec["label"], self.bindings.outcomes[step], self.bindings.above(step))
        made = self.bindings.made.get(step, {})
        for port, facts in spec["attempt"]["outputs"].items():
            value = made.get(port)
            if value is None:
                continue
            if facts["type"] not in PATH_TYPES:
                found["values"][port] = value
                continue
            digest, size = self.cache.digest(value), 0
            name = FilePath(value).name
            found["outputs"][port] = {"name": name, "path": value, "sha256": digest, "bytes": size}
        return found

    def lies(self, step: str, fetched: Mapping[str, str], named: Mapping[str, Mapping[str, str]]) -> None:
        """Take note where the outputs of a step elsewhere lie: here, and as other targets name the place."""
        for port in {*fetched, *named}:
            here = {"local": fetched[port]} if port in fetched else {}
            self.arrived[(step, port)] = {**named.get(port, {}), **here}

    def _arrivals(self, isle: Isle) -> dict[str, Any]:
        """Return what an island is handed of the steps outside: their records, and where their outputs lie for it."""
        target = isle.spec["target"]
        records, paths = {}, {}
        for step, ports in isle.spec["outer"].items():
            record = self.record(step)
            made = {port: record["outputs"][port] for port in ports if port in record["outputs"]}
            outputs = {port: {**one, "check": bool(one["sha256"])} for port, one in made.items()}
            for port, left in outputs.items():
                named = self.arrived.get((step, port), {})
                paths[f"{step}.{port}"] = named.get(target) or FilePath(named.get("local", left["path"]))
            records[step] = {**record, "outputs": outputs}
            records[step].pop("fetched", None)
        return {"records": records, "paths": paths}

    def _told(self, name: str, value: Any) -> Any:
        if value is None or self.plan.document["inputs"][name]["type"] not in PATH_TYPES:
            return value
        return [self.cache.digest(path) for path in value] if isinstance(value, list) else self.cache.digest(value)

    def _errand(self, isle: Isle, known: str | None, again: tuple[str, ...], afresh: Sequence[str]) -> Errand:
        spec = isle.spec
        job = Submission(
            isle.key,
            self.plan.name,
            self.run,
            self._artifact(spec["folder"]),
            spec["native"],
            {name: self._as_path(name, value) for name, value in self.given.items() if value is not None},
            self._arrivals(isle),
            dict(self.plan.document["tags"]),
            afresh,
        )
        wanted = {step: self.wanted[step] for step in spec["steps"] if step in self.wanted}
        outputs = self.folder / "outputs"
        crossing = {step: self.crossing[step] for step in spec["steps"] if step in self.crossing}
        neighbours = {
            each["target"]: {**each["settings"], "exchange": self.exchange.from_outside(each["target"])}
            for each in spec["native"].get("bridges", {}).values()
        }
        around = {"neighbours": neighbours} if neighbours else {}
        return Errand(
            spec["target"],
            {**spec["settings"], "exchange": self.exchange.from_outside(spec["target"]), **around},
            job,
            spec["steps"],
            wanted,
            crossing,
            self.exchange,
            outputs,
            known,
            again,
        )

    def _as_path(self, name: str, value: Any) -> Any:
        if self.plan.document["inputs"][name]["type"] not in PATH_TYPES:
            return value
        return [FilePath(path) for path in value] if isinstance(value, list) else FilePath(value)

    def _artifact(self, folder: str) -> FilePath:
        """Return where an island's artifact lies: in the plan's folder, else written beside the run's logs."""
        if self.plan.folder is not None:
            return self.plan.folder / folder
        place = self.folder / "artifacts" / folder
        if not place.exists():
            place.mkdir(parents=True)
            write_files(self.plan, place, folder)
        return place


def key_of(run: str, island: str) -> str:
    """Return the key under which an island's job is submitted: the same for the same run and island."""
    key = f"{run}-{island}"
    return key if len(key) <= KEY_LENGTH else f"{run[: KEY_LENGTH - 17]}-{digest_of(island)[:16]}"


def crossing_ports(plan: Plan) -> dict[str, dict[str, list[str]]]:
    """Return by step elsewhere, and by its path ports, the other platforms where islands read them."""
    steps = {step["id"]: step for step in plan.document["steps"]}
    found: dict[str, dict[str, list[str]]] = {}
    for isle in plan.document["islands"]:
        for step, ports in isle["outer"].items():
            if steps[step]["island"] is None:
                continue
            for port in ports:
                if steps[step]["attempt"]["outputs"][port]["type"] in PATH_TYPES:
                    targets = found.setdefault(step, {}).setdefault(port, [])
                    targets += [isle["target"]] if isle["target"] not in targets else []
    return found


def wanted_ports(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return by step elsewhere the path ports that steps on this machine, or the pipeline's outputs, read."""
    steps = {step["id"]: step for step in plan.document["steps"]}
    trees = [tree for step in steps.values() if step["island"] is None for tree in trees_of(step)]
    trees += [output["tree"] for output in plan.document["outputs"].values()]
    found: dict[str, list[str]] = {}
    for leaf in leaves_of(*trees):
        if leaf[0] != "output" or steps[leaf[1]]["island"] is None:
            continue
        if steps[leaf[1]]["attempt"]["outputs"][leaf[2]]["type"] in PATH_TYPES:
            found.setdefault(leaf[1], []).append(leaf[2])
    return {step: tuple(ports) for step, ports in found.items()}


def _starts_anew(isle: Isle) -> bool:
    """Return whether the job of an island can't go on where it stopped."""
    return is_restarting(target(isle.spec["target"]))
