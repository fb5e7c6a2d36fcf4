"""The stages in order: text → documents → graph → placement → plan. What each finds is returned, not raised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

from specflow.diagnostics import Diagnostic, has_errors, tidy
from specflow.digests import digest_of_file, files_below
from specflow.environments.lock import read_lock, unlocked_environments
from specflow.graph.build import build
from specflow.graph.islands import Crossing, Island, cut
from specflow.graph.locations import lost_sources
from specflow.graph.model import Graph, Node
from specflow.graph.placement import edges_without_store, place, placement_faults
from specflow.lowering import plain
from specflow.plan import Plan, digest_of, with_digest
from specflow.spec.checks import check
from specflow.spec.load import PROJECT_FILE, Loader, Workspace
from specflow.spec.source import no_garbage_collection
from specflow.targets.base import capability_findings, is_platform, target, target_names

__all__ = ["Checked", "make_plan", "specs_below", "texts_of", "unlocked", "validate"]

SPEC_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Checked:
    """A spec after checking: its workspace and graph as far as they could be made, and all findings."""

    workspace: Workspace | None
    graph: Graph | None
    diagnostics: tuple[Diagnostic, ...]


@no_garbage_collection()
def validate(spec: FilePath, loader: Loader) -> Checked:
    """Return a spec with everything found wrong in it and in the files it uses."""
    workspace, found = loader.load(spec)
    if workspace is None:
        return Checked(None, None, tidy(found))
    found = (*found, *check(workspace, target_names()))
    if has_errors(found):
        return Checked(workspace, None, tidy(found))
    graph, more = build(workspace)
    if graph is not None:
        more = (*more, *placement_faults(graph, workspace), *lost_sources(graph, workspace))
    return Checked(workspace, graph, tidy((*found, *more)))


@no_garbage_collection()
def make_plan(checked: Checked, chosen: str | None, host: str = "local") -> tuple[Plan | None, tuple[Diagnostic, ...]]:
    """Return the plan of a checked spec, and all findings; `chosen` puts every step on that target."""
    from specflow.targets.local.compile import compile_local

    workspace, graph = checked.workspace, checked.graph
    if workspace is None or graph is None or has_errors(checked.diagnostics):
        return None, checked.diagnostics
    placed = place(graph, workspace, target=chosen, host=host)
    if host != "local" and set(placed.values()) != {host}:
        return _make_hosted(checked, placed, host)
    found = list(checked.diagnostics)
    for name, nodes in _by_target(graph, placed).items():
        which = target(name)
        found += capability_findings(which, graph, nodes)
        found += which.check(graph, nodes)
    if has_errors(found):
        return None, tidy(found)
    platforms = {name for name in set(placed.values()) if is_platform(target(name))}
    lying = {node: name if name in platforms else "local" for node, name in placed.items()}
    found += edges_without_store(graph, lying, workspace)
    if has_errors(found):
        return None, tidy(found)
    islands = [island for island in cut(graph, lying) if island.target != "local"]
    abroad = {node: (island.target, island.name) for island in islands for node in island.nodes}
    plan, more = compile_local(graph, workspace, abroad)
    found += more
    for island in islands:
        if plan is not None:
            plan, more = _with_island(plan, island, workspace)
            found += more
    return _finished(plan), tidy(found)


def _make_hosted(checked: Checked, placed: Mapping[str, str], host: str) -> tuple[Plan | None, tuple[Diagnostic, ...]]:
    """Return the plan of a mixed pipeline that a platform coordinates: one job of that, with bridges to the others."""
    from specflow.hosting.rewrite import hosted, hosting_faults
    from specflow.targets.local.compile import compile_local

    workspace, graph = checked.workspace, checked.graph
    assert workspace is not None
    assert graph is not None
    found = [*checked.diagnostics, *hosting_faults(graph, placed, workspace, host)]
    for name, nodes in _by_target(graph, placed).items():
        which = target(name)
        found += (*capability_findings(which, graph, nodes), *which.check(graph, nodes))
    found += edges_without_store(graph, placed, workspace)
    if has_errors(found):
        return None, tidy(found)
    island, elsewhere = hosted(graph, placed, workspace, host)
    found += [finding for compiled in elsewhere.values() for finding in compiled.findings]
    if has_errors(found):
        return None, tidy(found)
    plan, more = compile_local(graph, workspace, {name: (where, island.name) for name, where in placed.items()})
    found += more
    if plan is not None:
        bridges = {
            bridge: {
                "target": crossing.target,
                "steps": list(crossing.steps),
                "settings": _settings(workspace, crossing),
            }
            for bridge, crossing in island.bridges.items()
        }
        plan, more = _with_island(plan, island, workspace, {"bridges": bridges})
        found += more
    return _finished(plan), tidy(found)


def _finished(plan: Plan | None) -> Plan | None:
    return None if plan is None else replace(plan, document=with_digest(plan.document))


def _settings(workspace: Workspace, crossing: Crossing) -> Mapping[str, Any]:
    return workspace.profile.targets.get(crossing.target, {})


def _with_island(
    plan: Plan, island: Island, workspace: Workspace, more: Mapping[str, Any] | None = None
) -> tuple[Plan | None, tuple[Diagnostic, ...]]:
    """Return the plan with an island's artifact in it; none, and why, where it can't be compiled."""
    which = target(island.target)
    assert is_platform(which)
    compiled = which.compile(island, workspace)
    if has_errors(compiled.findings):
        return None, compiled.findings
    folder = island.target if island.is_whole else f"{island.target}/{island.name}"
    sources = {f"{folder}/{name}": file for name, file in compiled.files.items() if isinstance(file, FilePath)}
    contents = {f"{folder}/{name}": file for name, file in compiled.files.items() if isinstance(file, bytes)}
    native = {**compiled.native, **(more or {})}
    data = {key: _in_folder(entry, folder) for key, entry in native.pop("data", {}).items()}
    entry = {
        "name": island.name,
        "target": island.target,
        "folder": folder,
        "digest": _digest_of_files(compiled.files),
        "steps": _own_steps(island),
        "outer": {step: sorted(ports) for step, ports in island.outer.items()},
        "leaving": {step: sorted(ports) for step, ports in island.leaving.items()},
        "data": data,
        "native": native,
        "settings": workspace.profile.targets.get(island.target, {}),
        "is_whole": island.is_whole,
    }
    document = {**plan.document, "islands": [*plan.document["islands"], plain(entry)]}
    return replace(
        plan,
        document=document,
        sources={**plan.sources, **sources},
        contents={**plan.contents, **contents},
        watched=tuple(dict.fromkeys((*plan.watched, *compiled.watched))),
    ), compiled.findings


def _own_steps(island: Island) -> list[str]:
    """Return the pipeline's steps that an island's job runs, or has run by its bridges."""
    through = island.through
    return [
        name for name in island.graph.nodes if name in through or (name in island.nodes and name not in island.bridges)
    ]


def _in_folder(entry: Mapping[str, Any], folder: str) -> dict[str, Any]:
    return {**entry, "path": f"{folder}/{entry['path']}"} if "path" in entry else dict(entry)


def _digest_of_files(files: Mapping[str, bytes | FilePath]) -> str:
    """Return the digest of an artifact: of the digests of its files by name, folders looked into."""
    import hashlib

    known: dict[bytes, str] = {}  # every step has the same launcher
    digests = {}
    for name, file in files.items():
        if isinstance(file, bytes):
            digests[name] = known[file] = known.get(file) or hashlib.sha256(file).hexdigest()
        elif file.is_dir():
            digests |= {f"{name}/{below}": digest_of_file(file / below) for below in files_below(str(file))}
        else:
            digests[name] = digest_of_file(file)
    return digest_of(digests)


def unlocked(checked: Checked) -> tuple[Diagnostic, ...]:
    """Return a warning for each environment that the project's lock does not pin: what is compiled may not last."""
    if checked.workspace is None or checked.graph is None:
        return ()
    return tidy(unlocked_environments(checked.graph, read_lock(checked.workspace.root)))


def _by_target(graph: Graph, placed: Mapping[str, str]) -> Mapping[str, Mapping[str, Node]]:
    groups: dict[str, dict[str, Node]] = {}
    for node_id, name in placed.items():
        groups.setdefault(name, {})[node_id] = graph.nodes[node_id]
    return groups


def specs_below(folder: FilePath) -> Iterator[FilePath]:
    """Yield the specs in a folder and below it: YAML files that begin to say `specflow:`, the project file aside."""
    for path in sorted(folder.rglob("*.yaml")):
        below = path.relative_to(folder).parts
        if any(part.startswith(".") or part in ("build", "node_modules", "__pycache__") for part in below):
            continue
        if path.name != PROJECT_FILE and _says_specflow(path):
            yield path


def _says_specflow(path: FilePath) -> bool:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return any(line.startswith("specflow:") for line in stream)
    except OSError:
        return False


def texts_of(loader: Loader, diagnostics: Iterable[Diagnostic]) -> Mapping[str, str]:
    """Return the text of each spec that findings point into, by its shown name, as it was read; of data, nothing."""
    named = {span.file for d in diagnostics for span in (d.span, *(related.span for related in d.related))}
    read = {file.document.name: file.document.text for file in loader.files.values() if file is not None}
    texts = {name: read[name] for name in named if name in read}
    unusable = {loader.name(path) for path, file in loader.files.items() if file is None}
    for name in named - set(texts):
        path = loader.here / name
        if (name in unusable or path.suffix in SPEC_SUFFIXES) and path.is_file():
            texts[name] = path.read_text(encoding="utf-8", errors="replace")
    return texts
