"""What an emulator remembers when it is stopped and started again."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path as FilePath
from typing import Any

from specflow.errors import WorkspaceError

__all__ = ["State"]


class State:
    """JSON documents by table and key, in one SQLite file; safe to use from any thread.

    A write survives the emulator's end, kill -9 included; a power loss may cost the last few.
    """

    def __init__(self, file: FilePath) -> None:
        """Open the file, made with mode 0600 if it is not there: it may hold secrets.

        Raises WorkspaceError for one that can't be used: it is damaged, or the disk is full.
        """
        file.touch(mode=0o600)
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=OFF")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS documents (name TEXT, key TEXT, value TEXT, PRIMARY KEY (name, key))"
            )
        except sqlite3.Error as failure:
            message = f"can't use the emulator's state in \"{file}\": {failure}"
            raise WorkspaceError(message, "make room, or begin anew with another --root") from failure

    def put(self, table: str, key: object, value: Any) -> None:
        """Keep a document under a key, in place of one that was there."""
        self.put_all(table, [(key, value)])

    def put_all(self, table: str, documents: Iterable[tuple[object, Any]]) -> None:
        """Keep many documents, all or none."""
        rows = [(table, str(key), json.dumps(value)) for key, value in documents]
        with self._lock:
            self._connection.execute("BEGIN")
            self._connection.executemany("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", rows)
            self._connection.execute("COMMIT")

    def drop(self, table: str, key: object) -> None:
        """Forget a document; nothing happens if there is none."""
        with self._lock:
            self._connection.execute("DELETE FROM documents WHERE name = ? AND key = ?", (table, str(key)))

    def get(self, table: str, key: object, default: Any = None) -> Any:
        """Return the document under a key, else the default."""
        with self._lock:
            row = self._connection.execute(
                "SELECT value FROM documents WHERE name = ? AND key = ?", (table, str(key))
            ).fetchone()
        return default if row is None else json.loads(row[0])

    def all(self, table: str) -> dict[str, Any]:
        """Return every document of a table by its key."""
        with self._lock:
            rows = self._connection.execute("SELECT key, value FROM documents WHERE name = ?", (table,)).fetchall()
        return {key: json.loads(value) for key, value in rows}

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()
