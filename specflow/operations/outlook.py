"""What a plan is about to do, before anything is sent: its steps and islands, what crosses over, what is made where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.values import PATH_TYPES
from specflow.exchange import Exchange
from specflow.history import History
from specflow.lowering import leaves_of, trees_of
from specflow.operations.deployment import Change
from specflow.plan import Plan
from specflow.targets.base import Description, is_describing, target
from specflow.targets.local.forecast import Forecast, forecast
from specflow.targets.local.workspace import Workspace

__all__ = ["Crossing", "Outlook", "crossings", "look_ahead"]


@dataclass(frozen=True, slots=True)
class Crossing:
    """An output that one target makes and another reads: how it gets there, and how large it was the last time."""

    step: str
    port: str
    type: str
    source: str
    reader: str
    way: str
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """All of it. `made` says by island what is made on its platform; `changes`, what deploying would change."""

    plan: Plan
    forecast: Forecast
    computes: Mapping[str, str]
    environments: Mapping[str, str]
    made: Mapping[str, tuple[str, ...]]
    crossings: tuple[Crossing, ...]
    changes: tuple[Change, ...] = ()


def look_ahead(
    plan: Plan,
    given: Mapping[str, Any],
    workspace: Workspace,
    *,
    use_cache: bool = True,
    changes: tuple[Change, ...] = (),
) -> Outlook:
    """Return what the run of a plan in a project, with these inputs, is about to do."""
    told = forecast(plan, given, workspace, use_cache=use_cache)
    computes, environments, made = dict[str, str](), dict[str, str](), dict[str, tuple[str, ...]]()
    for island in plan.document["islands"]:
        found = _described(plan, island)
        if found is not None:
            computes |= found.computes
            environments |= found.environments
            made[island["name"]] = (*found.creates, *_bridged(island))
    for step in plan.document["steps"]:
        if step["island"] is None:
            computes[step["id"]] = f"{step['cpus']} cpu{'' if step['cpus'] == 1 else 's'}"
            environments[step["id"]] = ", ".join((step["environment"] or {}).get("dependencies", ())) or "this one"
    history = History(workspace.history)
    try:
        crossing = tuple(crossings(plan, history, plan.root or workspace.root))
    finally:
        history.close()
    return Outlook(plan, told, computes, environments, made, crossing, changes)


def _described(plan: Plan, island: Mapping[str, Any]) -> Description | None:
    which = target(island["target"])
    if not is_describing(which):
        return None
    prefix = f"{island['folder']}/"
    names = {name for name in (*plan.sources, *plan.contents, *plan.document["files"]) if name.startswith(prefix)}
    files = {name[len(prefix) :]: _bytes(plan, name) for name in sorted(names) if name.endswith((".yml", ".yaml"))}
    return which.describe(files, island["native"])


def _bridged(island: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the bridges of a pipeline make that a platform coordinates."""
    for bridge, facts in island["native"].get("bridges", {}).items():
        yield f"by {bridge} a job on {facts['target']} with {', '.join(facts['steps'])}"


def _bytes(plan: Plan, name: str) -> bytes:
    return plan.contents[name] if name in plan.contents else plan.path(name).read_bytes()


def crossings(plan: Plan, history: History, root: FilePath) -> Iterator[Crossing]:
    """Yield every output that is read on another target than it is made on, in the steps' order."""
    steps = {step["id"]: step for step in plan.document["steps"]}
    store = Exchange(plan.document["store"], root)
    sizes = _Sizes(plan, history)
    for name, port, reader in dict.fromkeys(_edges(plan, steps)):
        source = steps[name]
        kind = source["attempt"]["outputs"][port]["type"]
        way = _way(store, source["target"], reader) if kind in PATH_TYPES else "in the record"
        size = sizes.of(name, port) if kind in PATH_TYPES else None
        yield Crossing(source["label"], port, kind, source["target"], reader, way, size)


def _edges(plan: Plan, steps: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for step in steps.values():
        for leaf in leaves_of(*trees_of(step)):
            if leaf[0] == "output" and steps[leaf[1]]["target"] != step["target"]:
                yield leaf[1], leaf[2], step["target"]
    for output in plan.document["outputs"].values():
        for leaf in leaves_of(output["tree"]):
            if leaf[0] == "output" and steps[leaf[1]]["island"] is not None:
                yield leaf[1], leaf[2], "local"


def _way(store: Exchange, source: str, reader: str) -> str:
    """Return how an output gets from one target to another."""
    if store.has(source) and store.has(reader) and "://" not in store.addresses.get("local", ""):
        return "in the exchange store"
    if "local" in (source, reader):
        return "downloaded" if reader == "local" else "uploaded"
    return "in the exchange store" if store.has(source) and store.has(reader) else "through this machine"


class _Sizes:
    """The last known size of outputs, by step and port."""

    def __init__(self, plan: Plan, history: History) -> None:
        self.plan, self.history = plan, history
        self.labels = {step["id"]: step["label"] for step in plan.document["steps"]}
        self.records: dict[str, Mapping[str, Any]] = {}
        for island in plan.document["islands"]:
            for row in history.latest_foreign(island["name"], island["target"], plan.name):
                for step, record in row.records.items():
                    self.records.setdefault(step, record)

    def of(self, step: str, port: str) -> int | None:
        """Return the bytes of an output when it was last made; None if that is not known."""
        record = self.records.get(step)
        if record is not None:
            found = record["outputs"].get(port, {}).get("bytes")
            return int(found) if found else None
        row = next(self.history.earlier_results(f"{self.plan.name}/{self.labels[step]}"), None)
        entry = row.outputs.get(port) if row is not None else None
        return int(entry["stat"][0]) if entry and "stat" in entry else None
