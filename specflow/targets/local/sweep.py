"""Keeping the workspace small: runs forgotten by age and number, results that no kept run refers to deleted."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path as FilePath
from typing import NamedTuple

from specflow.digests import digest_of_path
from specflow.history import History, ResultRow, RunRow
from specflow.targets.local.workspace import Workspace, thaw_and_remove

__all__ = ["Swept", "sweep", "verify_results"]


class Swept(NamedTuple):
    """What went, or would have gone."""

    runs: int
    results: int
    bytes: int


def verify_results(workspace: Workspace, history: History) -> tuple[int, list[str]]:
    """Return how many results were checked, and the paths of those that are not as they were made and so go."""
    damaged = []
    rows = list(history.results())
    for row in rows:
        bad = _damage(workspace, row)
        if bad is not None:
            damaged.append(str(bad))
            history.drop_damaged(row.key, time.time())
            _remove(_home(workspace, row.home))
    history.commit()
    return len(rows), damaged


def _damage(workspace: Workspace, row: ResultRow) -> FilePath | None:
    for entry in row.outputs.values():
        if entry is None or "value" in entry:
            continue
        path: FilePath = _home(workspace, row.home) / "outputs" / entry["name"]
        if not path.exists() or digest_of_path(path) != entry["sha256"]:
            return path
    return None


def _home(workspace: Workspace, name: str) -> FilePath:
    return workspace.results / name[:2] / name


def _remove(path: FilePath) -> None:
    if path.exists():
        thaw_and_remove(path)


def sweep(
    workspace: Workspace,
    history: History,
    *,
    days: float | None,
    keep_runs: int | None,
    megabytes: float | None,
    dry_run: bool,
) -> Swept:
    """Return what was deleted; nobody may be at work in the workspace. What a kept run refers to stays, but for size.

    Size comes last: if the kept results are still larger than `megabytes`, the runs that hold the oldest go too.
    """
    forgotten = _old_runs(history.runs(1_000_000), days, keep_runs)
    kept = [run for run in history.runs(1_000_000) if run.id not in {gone.id for gone in forgotten}]
    if megabytes is not None:
        forgotten += _until_small(history, kept, megabytes * 1e6)
    gone_ids = {run.id for run in forgotten}
    held = {step.result for run in kept if run.id not in gone_ids for step in history.steps(run.id) if step.result}
    doomed = [row for row in history.results() if row.home not in held]
    still_there = [run for run in kept if run.id not in gone_ids]
    read = set(_runs_named_by(workspace, still_there))
    leftovers = [
        *_leftovers(workspace, {row.home for row in history.results()} | held),
        *_unused_code(workspace, history, still_there),
        *_nobodys_runs(workspace, {run.id for run in (*kept, *forgotten)} | read),
    ]
    swept = Swept(len(forgotten), len(doomed) + len(leftovers), sum(row.bytes for row in doomed))
    if dry_run:
        return swept
    for row in doomed:
        history.drop_result(row.key)
    for run in forgotten:
        history.drop_run(run.id)
    history.commit()  # first out of the books, then off the disk: what is half deleted is nobody's
    for path in (*(_home(workspace, row.home) for row in doomed), *leftovers):
        _remove(path)
    for run in forgotten:
        folder = workspace.run(run.id)
        for path in (folder.logs, folder.attempts, folder.artifacts) if run.id in read else (folder.path,):
            _remove(path)
    return swept


def _runs_named_by(workspace: Workspace, kept: Iterable[RunRow]) -> Iterator[str]:
    """Yield the runs in whose folders outputs of kept runs lie: what was fetched once is not fetched again."""
    prefix = f"{workspace.path / 'runs'}/"
    for run in kept:
        for value in run.outputs.values():
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, str) and item.startswith(prefix):
                    yield item[len(prefix) :].partition("/")[0]


def _nobodys_runs(workspace: Workspace, known: set[str]) -> Iterator[FilePath]:
    """Yield folders of runs that are forgotten, and that no kept run names any more."""
    folder = workspace.path / "runs"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name not in known:
            yield path


def _old_runs(runs: list[RunRow], days: float | None, keep_runs: int | None) -> list[RunRow]:
    limit = time.time() - days * 86400 if days is not None else None
    old = [run for run in runs if limit is not None and run.started < limit]
    beyond = runs[keep_runs:] if keep_runs is not None else []
    return list({run.id: run for run in (*old, *beyond)}.values())


def _until_small(history: History, kept: list[RunRow], limit: float) -> list[RunRow]:
    """Return the oldest runs to forget so that what the others refer to is no larger than the limit."""
    sizes = {row.home: row.bytes for row in history.results()}
    uses = {run.id: {step.result for step in history.steps(run.id) if step.result in sizes} for run in kept}
    going: list[RunRow] = []
    remaining = list(kept)
    while remaining:
        held: set[str | None] = set().union(*(uses[run.id] for run in remaining))
        if sum(sizes[home] for home in held if home is not None) <= limit:
            break
        going.append(remaining.pop())
    return going


def _leftovers(workspace: Workspace, known: set[str]) -> Iterator[FilePath]:
    """Yield folders among the results that are no results: damaged, replaced, or published and never entered."""
    if not workspace.results.is_dir():
        return
    for group in sorted(workspace.results.iterdir()):
        for home in sorted(group.iterdir()):
            if home.name not in known:
                yield home


def _unused_code(workspace: Workspace, history: History, kept: Iterable[RunRow]) -> Iterator[FilePath]:
    """Yield code folders that no kept run began with, and what was left of making one."""
    used = {digest for run in kept for digest in history.plan_of(run.id)["code"]}
    folder = workspace.path / "code"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name not in used:
            yield path
