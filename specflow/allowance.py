"""What the user has allowed outside the repository: a checked-out project may ask for it, and can't take it.

Names come from a flag of the command, from SPECFLOW_ALLOW_SECRETS and SPECFLOW_ALLOW_HOSTS (with commas), and from
~/.config/specflow/config.yaml:

    allow:
      secrets: [HF_TOKEN]
      hosts: [https://adb-1.2.azuredatabricks.net]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any, Literal
from urllib.parse import urlsplit

__all__ = ["allowed", "is_allowed_host", "origin"]

Kind = Literal["secrets", "hosts"]


def allowed(kind: Kind, environ: Mapping[str, str], flags: Iterable[str] = ()) -> frozenset[str]:
    """Return the names of a kind that the user has allowed."""
    listed = environ.get(f"SPECFLOW_ALLOW_{kind.upper()}", "")
    names = {*flags, *(name.strip() for name in listed.split(",") if name.strip())}
    return frozenset(names | _configured(kind, environ))


def is_allowed_host(host: str, environ: Mapping[str, str]) -> bool:
    """Return whether the user has allowed that credentials go to a host: the same scheme, name and port."""
    return any(origin(host) == origin(name) for name in allowed("hosts", environ))


def origin(host: str) -> tuple[str, str]:
    """Return the scheme and the name of a host with its port; https where none is said."""
    parts = urlsplit(host if "://" in host else f"https://{host}")
    return parts.scheme.lower(), parts.netloc.lower().rstrip("/").removesuffix(":443")


def _configured(kind: Kind, environ: Mapping[str, str]) -> set[str]:
    home = environ.get("XDG_CONFIG_HOME") or (FilePath(environ["HOME"]) / ".config" if "HOME" in environ else None)
    if home is None:
        return set()
    file = FilePath(home) / "specflow" / "config.yaml"
    if not file.is_file():
        return set()
    from specflow.spec.source import read_document

    document, _ = read_document(file, str(file))
    allow: Any = document.data.get("allow") if document is not None and isinstance(document.data, dict) else None
    names = allow.get(kind) if isinstance(allow, dict) else None
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()
