"""Who asked for what: one line for each request, without bodies, queries or tokens."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path as FilePath

__all__ = ["Entry", "RequestLog"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and how it was answered; `status` 0 means that the connection was dropped."""

    method: str
    path: str
    status: int
    milliseconds: float
    fault: str = ""
    user_agent: str = ""


class RequestLog:
    """The last requests, oldest first; all of them as JSON lines in a file."""

    def __init__(self, file: FilePath, keep: int = 10_000) -> None:
        """Append to the file and keep so many in memory."""
        self._entries: deque[Entry] = deque(maxlen=keep)
        self._lock = threading.Lock()
        file.touch(mode=0o600)
        self._stream = file.open("a", encoding="utf-8", buffering=1)

    def add(self, entry: Entry) -> None:
        """Note one request."""
        with self._lock:
            self._entries.append(entry)
            if not self._stream.closed:
                self._stream.write(json.dumps(asdict(entry)) + "\n")

    def entries(self) -> tuple[Entry, ...]:
        """Return the last requests, oldest first."""
        with self._lock:
            return tuple(self._entries)

    def close(self) -> None:
        """Write what is left and close the file."""
        with self._lock:
            self._stream.close()
