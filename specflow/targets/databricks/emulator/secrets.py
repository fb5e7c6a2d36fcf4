"""Secret scopes, without access lists. Source: docs.databricks.com/api/workspace/secrets."""

from __future__ import annotations

import base64
import threading

from specflow.emulation import State
from specflow.targets.databricks.emulator.refusals import exists, missing

__all__ = ["Secrets"]


class Secrets:
    """Every scope and its secrets, kept in the state file."""

    def __init__(self, state: State, lock: threading.RLock) -> None:
        """Keep where they are."""
        self._state, self._lock = state, lock
        self.lent: dict[str, dict[str, str]] = {}
        """Secrets of whoever runs the emulator, by scope and key, base64: never written down."""

    def make_scope(self, scope: str) -> None:
        """Make a secret scope."""
        if self._state.get("scopes", scope) is not None:
            raise exists(f"Scope {scope} already exists!")
        self._state.put("scopes", scope, {})

    def scope(self, scope: str) -> dict[str, str]:
        """Return the secrets of a scope, base64, by key."""
        found: dict[str, str] | None = self._state.get("scopes", scope)
        lent = self.lent.get(scope)
        if found is None and lent is None:
            raise missing(f"Scope {scope} does not exist!")
        return {**(found or {}), **(lent or {})}

    def lend(self, scope: str, key: str, value: bytes) -> None:
        """Have a secret as long as this process lasts."""
        self.lent.setdefault(scope, {})[key] = base64.b64encode(value).decode()

    def put(self, scope: str, key: str, value: bytes) -> None:
        """Keep a secret."""
        with self._lock:
            self.scope(scope)
            kept = self._state.get("scopes", scope, {})
            self._state.put("scopes", scope, {**kept, key: base64.b64encode(value).decode()})

    def drop_scope(self, scope: str) -> None:
        """Forget a scope and all in it."""
        self.scope(scope)
        self._state.drop("scopes", scope)

    def scopes(self) -> list[str]:
        """Return the names of all scopes."""
        return sorted({*self._state.all("scopes"), *self.lent})

    def drop(self, scope: str, key: str) -> None:
        """Forget a secret."""
        with self._lock:
            self.scope(scope)
            left = dict(self._state.get("scopes", scope, {}))
            if left.pop(key, None) is None:
                raise missing(f"Secret {key} does not exist!")
            self._state.put("scopes", scope, left)

    def get(self, scope: str, key: str) -> bytes | None:
        """Return a secret, None if there is none."""
        found = self.lent.get(scope, {}).get(key) or self._state.get("scopes", scope, {}).get(key)
        return None if found is None else base64.b64decode(found)
