"""What was run in a project, and what came of it: SQLite in WAL mode, in `.specflow/state.db`.

    runs      one row per run: its plan, inputs, state
    steps     one row per step of a run: state, attempts, the key of its result
    results   one row per result: what its key covers, and its outputs with their digests
    files     digests of files by size, time and inode, so that each is hashed once
    damaged   keys whose results were found damaged: why they were made again
    foreign_jobs  one row per job on another platform: its key, entered before it is submitted, and what came of it

Writes are gathered and committed in groups; `commit` makes what was gathered durable (synchronous=FULL).
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from specflow.claims import is_claimed
from specflow.errors import WorkspaceError
from specflow.recall.packing import as_json, pack, unpack

if TYPE_CHECKING:
    from pathlib import Path as FilePath

__all__ = ["CLAIM", "VERSION", "ForeignRow", "History", "ResultRow", "RunRow", "StepRow"]

VERSION = 3
CLAIM = "claim"
"""The file in a run's folder that its process has claimed while it lasts: a number of a process may come again."""

_PATIENCE = 30
"""Seconds to wait for another process that holds the database."""

_SCHEMA = """
CREATE TABLE runs (
  id TEXT PRIMARY KEY, pipeline TEXT NOT NULL, digest TEXT NOT NULL, plan BLOB NOT NULL, inputs TEXT NOT NULL,
  state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', started REAL NOT NULL, ended REAL, pid INTEGER,
  outputs TEXT NOT NULL DEFAULT '{}', origin TEXT NOT NULL DEFAULT '{}'
) WITHOUT ROWID;
CREATE TABLE steps (
  run TEXT NOT NULL, position INTEGER NOT NULL, id TEXT NOT NULL, label TEXT NOT NULL, state TEXT NOT NULL,
  reason TEXT NOT NULL, attempts INTEGER NOT NULL, started REAL, seconds REAL NOT NULL, result TEXT,
  metrics TEXT NOT NULL DEFAULT '{}', PRIMARY KEY (run, id)
) WITHOUT ROWID;
CREATE TABLE results (
  key TEXT PRIMARY KEY, home TEXT NOT NULL, parts TEXT NOT NULL, outputs TEXT NOT NULL, metrics TEXT NOT NULL,
  run TEXT NOT NULL, step TEXT NOT NULL, created REAL NOT NULL, bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE files (
  path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL, sha256 TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX results_by_step ON results (step, created);
CREATE INDEX results_by_home ON results (home);
CREATE INDEX steps_by_result ON steps (result);
"""

_SINCE = {
    2: """
CREATE TABLE foreign_jobs (
  key TEXT PRIMARY KEY, run TEXT NOT NULL, island TEXT NOT NULL, content TEXT NOT NULL, target TEXT NOT NULL,
  job TEXT NOT NULL, url TEXT NOT NULL, state TEXT NOT NULL, records TEXT NOT NULL, submitted REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX foreign_by_content ON foreign_jobs (content, submitted);
CREATE INDEX foreign_by_run ON foreign_jobs (run);
""",
    3: """
CREATE TABLE damaged (key TEXT PRIMARY KEY, found REAL NOT NULL) WITHOUT ROWID;
""",
}
"""What each version of the schema added to the one before."""


class RunRow(NamedTuple):
    """One run; `ended` is None while it lasts, and if it was ended from outside: its state is `interrupted` then."""

    id: str
    pipeline: str
    digest: str
    state: str
    reason: str
    started: float
    ended: float | None
    pid: int | None
    inputs: dict[str, Any]
    outputs: dict[str, Any]


class StepRow(NamedTuple):
    """One step of a run."""

    run: str
    position: int
    id: str
    label: str
    state: str
    reason: str
    attempts: int
    started: float | None
    seconds: float
    result: str | None
    metrics: dict[str, dict[str, float]]


class ResultRow(NamedTuple):
    """One result: the folder that is its home, the parts of its key, and its outputs by port."""

    key: str
    home: str
    parts: dict[str, Any]
    outputs: dict[str, Any]
    metrics: dict[str, dict[str, float]]
    run: str
    step: str
    created: float
    bytes: int


class ForeignRow(NamedTuple):
    """One job on another platform. `job` is empty until the platform has told its id; `records` are its steps' own."""

    key: str
    run: str
    island: str
    content: str
    target: str
    job: str
    url: str
    state: str
    records: dict[str, Any]
    submitted: float

    @property
    def done(self) -> frozenset[str]:
        """Return the steps that succeeded in it."""
        return frozenset(name for name, record in self.records.items() if record["state"] in ("succeeded", "cached"))


class History:
    """The database of one project; open it once per process, and only on the thread that uses it."""

    def __init__(self, file: FilePath | str) -> None:
        """Open or make the database; raise WorkspaceError for one that a newer specflow made, or a damaged one."""
        self.path = file
        try:
            self.db = sqlite3.connect(file, isolation_level=None, timeout=_PATIENCE, cached_statements=64)
            self._write_ahead()
            self.db.execute("PRAGMA synchronous=FULL")
            self._migrate()
        except sqlite3.DatabaseError as failure:
            message = f'can\'t use the history in "{file}": {failure}'
            home = os.path.basename(os.path.dirname(file))
            away = f'if it is damaged, move "{home}" away: it holds results, and what was registered here'
            raise WorkspaceError(message, "make room, and try again" if "full" in str(failure) else away) from failure
        self.is_new = self.db.execute("SELECT 1 FROM files LIMIT 1").fetchone() is None
        """Whether no file was known when it was opened: then those entered since are all there are to ask for."""
        self.pending: dict[str, list[tuple[Any, ...]]] = {}
        self.fresh: dict[str, ResultRow] = {}
        self.fresh_files: dict[tuple[str, int, int, int], str] = {}

    def _write_ahead(self) -> None:
        """Switch to WAL mode. SQLite doesn't wait for its lock here: of two that make a database, one is refused."""
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                self.db.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as failure:
                if "locked" not in str(failure) or time.monotonic() > end:  # Python 3.10 knows no error code
                    raise
                time.sleep(0.01)

    def _migrate(self) -> None:
        version = self.db.execute("PRAGMA user_version").fetchone()[0]
        if version == VERSION:
            return
        if version > VERSION:
            message = f'the history in "{self.path}" is of version {version}, and this specflow knows up to {VERSION}'
            raise WorkspaceError(message, "use a newer specflow here")
        self.db.execute("BEGIN IMMEDIATE")
        version = self.db.execute("PRAGMA user_version").fetchone()[0]
        scripts = [_SCHEMA] if version == 0 else []
        scripts += [script for number, script in _SINCE.items() if number > version]
        for statement in ";".join(scripts).split(";"):
            if statement.strip():
                self.db.execute(statement)
        self.db.execute(f"PRAGMA user_version={VERSION}")
        self.db.execute("COMMIT")

    # Writing, in groups: until `commit`, rows wait here, and no other process has to wait for us

    def _write(self, statement: str, values: Iterable[Any]) -> None:
        self.pending.setdefault(statement, []).append(tuple(values))

    @property
    def is_open(self) -> bool:
        """Return whether something waits to be written."""
        return bool(self.pending)

    def commit(self) -> None:
        """Make everything written so far durable."""
        if not self.pending:
            return
        self.db.execute("BEGIN IMMEDIATE")
        try:
            for statement, rows in self.pending.items():
                self.db.executemany(statement, rows)
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise
        self.pending.clear()
        self.fresh.clear()
        if not self.is_new:
            self.fresh_files.clear()

    def close(self) -> None:
        """Commit and close."""
        self.commit()
        self.db.close()

    def begin_run(
        self,
        run: str,
        plan: Mapping[str, Any],
        inputs: Mapping[str, Any],
        started: float,
        pid: int,
        origin: Mapping[str, Any],
        packed: bytes | None = None,
    ) -> None:
        """Enter a run that begins; `origin` says where its plan's files lie, `packed` is the plan, packed, as JSON."""
        import zlib

        blob = zlib.compress(packed or as_json(pack(plan)), 1)
        self._write(
            "INSERT INTO runs (id, pipeline, digest, plan, inputs, started, pid, state, origin)"
            " VALUES (?,?,?,?,?,?,?,?,?)",
            (
                run,
                plan["name"],
                plan["digest"],
                blob,
                json.dumps(inputs),
                started,
                pid,
                "running",
                json.dumps(origin),
            ),
        )

    def repeat_run(self, run: str, before: str, now: float) -> None:
        """Enter, durably, a run that took over all that an earlier one of the same plan and inputs has."""
        self.db.execute("BEGIN IMMEDIATE")
        self.db.execute(
            "INSERT INTO runs (id, pipeline, digest, plan, inputs, state, started, ended, outputs, origin)"
            " SELECT ?, pipeline, digest, plan, inputs, state, ?, ?, outputs, origin FROM runs WHERE id=?",
            (run, now, now, before),
        )
        self.db.execute(
            "INSERT INTO steps (run, position, id, label, state, reason, attempts, started, seconds, result, metrics)"
            " SELECT ?, position, id, label, 'cached', '', 0, NULL, 0.0, result, metrics FROM steps WHERE run=?",
            (run, before),
        )
        self.db.execute("COMMIT")

    def end_run(self, run: str, state: str, reason: str, ended: float, outputs: Mapping[str, Any]) -> None:
        """Enter how a run ended."""
        statement = "UPDATE runs SET state=?, reason=?, ended=?, outputs=?, pid=NULL WHERE id=?"
        self._write(statement, (state, reason, ended, json.dumps(outputs), run))

    def add_step(self, row: StepRow) -> None:
        """Enter how a step of a run ended."""
        metrics = json.dumps(row.metrics) if row.metrics else "{}"
        self._write("INSERT OR REPLACE INTO steps VALUES (?,?,?,?,?,?,?,?,?,?,?)", (*row[:-1], metrics))

    def add_result(self, row: ResultRow, parts: str) -> None:
        """Enter a result, and the parts of its key as JSON."""
        told = (parts, json.dumps(row.outputs), json.dumps(row.metrics))
        self._write("INSERT OR REPLACE INTO results VALUES (?,?,?,?,?,?,?,?,?)", (row.key, row.home, *told, *row[5:]))
        self.fresh[row.key] = row

    def drop_result(self, key: str) -> None:
        """Forget a result."""
        self.commit()  # rows of one kind are written together: what came before must not come after
        self._write("DELETE FROM results WHERE key=?", (key,))

    def drop_damaged(self, key: str, now: float) -> None:
        """Forget a result that was found damaged, and remember that it was."""
        self.drop_result(key)
        self._write("INSERT OR REPLACE INTO damaged VALUES (?,?)", (key, now))

    def was_damaged(self, key: str) -> bool:
        """Return whether the result of a key was found damaged once, and had to be made again."""
        return self.db.execute("SELECT 1 FROM damaged WHERE key=?", (key,)).fetchone() is not None

    def drop_run(self, run: str) -> None:
        """Forget a run and its steps."""
        self._write("DELETE FROM steps WHERE run=?", (run,))
        self._write("DELETE FROM runs WHERE id=?", (run,))

    def add_file(self, path: str, size: int, mtime_ns: int, inode: int, sha256: str) -> None:
        """Remember a file's digest."""
        self._write("INSERT OR REPLACE INTO files VALUES (?,?,?,?,?)", (_written(path), size, mtime_ns, inode, sha256))
        self.fresh_files[path, size, mtime_ns, inode] = sha256

    def add_foreign(self, row: ForeignRow) -> None:
        """Enter a job on another platform, or how it stands now."""
        told = (*row[:8], json.dumps(row.records), row.submitted)
        self._write("INSERT OR REPLACE INTO foreign_jobs VALUES (?,?,?,?,?,?,?,?,?,?)", told)

    # Reading

    def foreign(self, content: str) -> ForeignRow | None:
        """Return the latest job that did the same work."""
        self.commit()
        statement = "SELECT * FROM foreign_jobs WHERE content=? ORDER BY submitted DESC LIMIT 1"
        row = self.db.execute(statement, (content,)).fetchone()
        return _foreign(row) if row is not None else None

    def foreign_jobs(self) -> list[ForeignRow]:
        """Return every job on another platform that is remembered, earliest first."""
        found = self.db.execute("SELECT * FROM foreign_jobs ORDER BY submitted, key")
        return [_foreign(row) for row in found]

    def has_run(self, run: str) -> bool:
        """Return whether a run is there, by its whole id."""
        return self.db.execute("SELECT 1 FROM runs WHERE id=?", (run,)).fetchone() is not None

    def latest_foreign(self, island: str, target: str, pipeline: str) -> Iterator[ForeignRow]:
        """Yield the jobs of a pipeline's island, latest first, whatever they did."""
        statement = (
            "SELECT f.* FROM foreign_jobs f JOIN runs r ON r.id = f.run "
            "WHERE f.island=? AND f.target=? AND r.pipeline=? ORDER BY f.submitted DESC"
        )
        for row in self.db.execute(statement, (island, target, pipeline)):
            yield _foreign(row)

    def is_running(self, run: str) -> bool:
        """Return whether a run is under way: its process has claimed it."""
        return is_claimed(f"{os.path.dirname(self.path)}/runs/{run}/{CLAIM}")

    def foreign_of(self, run: str) -> list[ForeignRow]:
        """Return the jobs that a run submitted or took up, earliest first."""
        found = self.db.execute("SELECT * FROM foreign_jobs WHERE run=? ORDER BY submitted, key", (run,))
        return [_foreign(row) for row in found]

    def result(self, key: str) -> ResultRow | None:
        """Return a result by its key."""
        if key in self.fresh:
            return self.fresh[key]
        row = self.db.execute("SELECT * FROM results WHERE key=?", (key,)).fetchone()
        return _result(row) if row is not None else None

    def result_at(self, home: str) -> ResultRow | None:
        """Return the result that has its home in a folder."""
        for fresh in self.fresh.values():
            if fresh.home == home:
                return fresh
        row = self.db.execute("SELECT * FROM results WHERE home=?", (home,)).fetchone()
        return _result(row) if row is not None else None

    def result_with(self, sha256: str, before: float = float("inf")) -> ResultRow | None:
        """Return the latest result that has an output of this content, of those made before a time."""
        if set(sha256) - set("0123456789abcdef"):
            raise ValueError(sha256)
        statement = "SELECT * FROM results WHERE outputs LIKE ? AND created < ? ORDER BY created DESC LIMIT 1"
        row = self.db.execute(statement, (f'%"sha256": "{sha256}"%', before)).fetchone()
        return _result(row) if row is not None else None

    def places_of(self, sha256: str) -> list[str]:
        """Return where files of this content were seen."""
        return [str(path) for (path,) in self.db.execute("SELECT path FROM files WHERE sha256=?", (sha256,))]

    def results(self) -> Iterator[ResultRow]:
        """Yield every result, oldest first."""
        for row in self.db.execute("SELECT * FROM results ORDER BY created, key"):
            yield _result(row)

    def earlier_results(self, step: str) -> Iterator[ResultRow]:
        """Yield the results of a step (`<pipeline>/<label>`), latest first."""
        for row in self.db.execute("SELECT * FROM results WHERE step=? ORDER BY created DESC", (step,)):
            yield _result(row)

    def file(self, path: str, size: int, mtime_ns: int, inode: int) -> str | None:
        """Return the digest of a file, if it was hashed when it had this size, time and inode."""
        fresh = self.fresh_files.get((path, size, mtime_ns, inode))
        if fresh is not None or self.is_new:
            return fresh
        statement = "SELECT sha256 FROM files WHERE path=? AND size=? AND mtime_ns=? AND inode=?"
        row = self.db.execute(statement, (_written(path), size, mtime_ns, inode)).fetchone()
        return str(row[0]) if row is not None else None

    def runs(self, limit: int = 50) -> list[RunRow]:
        """Return the latest runs, latest first."""
        columns = "id, pipeline, digest, state, reason, started, ended, pid, inputs, outputs"
        found = self.db.execute(f"SELECT {columns} FROM runs ORDER BY started DESC, id DESC LIMIT ?", (limit,))  # noqa: S608 - constants
        return [self._run(row) for row in found]

    def run(self, prefix: str) -> RunRow | None:
        """Return the one run whose id is, or ends or begins with, a text; None if there is none, or several."""
        columns = "id, pipeline, digest, state, reason, started, ended, pid, inputs, outputs"
        pattern = prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        statement = f"SELECT {columns} FROM runs WHERE id=? OR id LIKE ? ESCAPE '\\' OR id LIKE ? ESCAPE '\\' LIMIT 2"  # noqa: S608 - constants
        found = self.db.execute(statement, (prefix, f"{pattern}%", f"%{pattern}")).fetchall()
        return self._run(found[0]) if len(found) == 1 else None

    def plan_of(self, run: str) -> dict[str, Any]:
        """Return the plan document of a run; raise LookupError for a run that isn't there."""
        import zlib

        row = self.db.execute("SELECT plan FROM runs WHERE id=?", (run,)).fetchone()
        if row is None:
            raise LookupError(run)
        loaded: dict[str, Any] = json.loads(zlib.decompress(row[0]))
        return loaded if isinstance(loaded["steps"], list) else unpack(loaded)

    def origin_of(self, run: str) -> str:
        """Return where the files of a run's plan lie, as JSON."""
        return str(self.db.execute("SELECT origin FROM runs WHERE id=?", (run,)).fetchone()[0])

    def steps(self, run: str) -> list[StepRow]:
        """Return the steps of a run that have ended, in the plan's order."""
        found = self.db.execute("SELECT * FROM steps WHERE run=? ORDER BY position", (run,))
        return [StepRow._make((*row[:-1], json.loads(row[-1]))) for row in found]

    def _run(self, row: tuple[Any, ...]) -> RunRow:
        found = RunRow._make((*row[:8], json.loads(row[8]), json.loads(row[9])))
        is_left = found.state == "running" and not self.is_running(found.id)
        return found._replace(state="interrupted") if is_left else found


def _written(path: str) -> str:
    """Return a path as the history holds it: one that is not UTF-8 has escapes for what isn't."""
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "backslashreplace")


def _foreign(row: tuple[Any, ...]) -> ForeignRow:
    return ForeignRow._make((*row[:8], json.loads(row[8]), row[9]))


def _result(row: tuple[Any, ...]) -> ResultRow:
    told = (json.loads(text) for text in row[2:5])
    return ResultRow._make((*row[:2], *told, *row[5:]))
