"""Secrets written into specs, where version control and every plan would keep them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from specflow.diagnostics import Diagnostic, error
from specflow.spec.checks.context import Context
from specflow.spec.source import Path

__all__ = ["literal_secrets", "looks_secret"]

_NAME = re.compile(
    r"(?i)(?:^|[_-])(?:password|passwd|pwd|secret|token|api_?key|access_?key|account_?key|private_?key|credentials?)$"
)
_VALUES = (
    (re.compile(r"AKIA[0-9A-Z]{16}"), "an AWS access key"),
    (re.compile(r"(?:ghp|gho|ghs|ghu)_[A-Za-z0-9]{36}"), "a GitHub token"),
    (re.compile(r"github_pat_[A-Za-z0-9_]{30,}"), "a GitHub token"),
    (re.compile(r"dapi[0-9a-f]{32}"), "a Databricks token"),
    (re.compile(r"hf_[A-Za-z0-9]{30,}"), "a Hugging Face token"),
    (re.compile(r"sk-[A-Za-z0-9_-]{32,}"), "an API key"),
    (re.compile(r"(?i)account_?key=[A-Za-z0-9+/=]{40,}"), "a storage account key"),
    (re.compile(r"[?&]sig=[A-Za-z0-9%+/=]{20,}"), "a shared access signature"),
    (re.compile(r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"), "a signed token"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"), "a private key"),
    (re.compile(r"[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s:@$]+@"), "a password in an address"),
)
_ANY_VALUE = re.compile("|".join(re.sub(r"^\(\?i\)(.*)", r"(?i:\1)", pattern.pattern) for pattern, _ in _VALUES))
_HINT = re.compile(r"AKIA|gh[posu]_|github_pat_|dapi|hf_|sk-|(?i:key=)|sig=|eyJ|-----BEGIN|://[^/\s:@]+:|\\")
"""Some of it stands in every text that holds one of the values; or an escape does, and then anything might."""
_PROSE = frozenset({"description"})
_NAMING = frozenset({"env", "variables", "targets"})


def looks_secret(name: str, value: str) -> str | None:
    """Return what a value looks like, if it looks like a secret: by its own form, or by the name it is given to."""
    if _ANY_VALUE.search(value):
        return next(what for pattern, what in _VALUES if pattern.search(value))
    if _NAME.search(name) and len(value) >= 6 and "${{" not in value and not value.isspace():
        return f'a secret: "{name}" is the name of one'
    return None


def literal_secrets(context: Context) -> Iterator[Diagnostic]:
    """Yield texts that look like secrets, wherever in the file they stand.

    What stands under `secrets` says where a secret is, so names don't count there; values always do.
    """
    help_ = "name it under `secrets:`; the profile says where each target finds it"
    may_hold_one = _HINT.search(context.file.document.text) is not None
    for path, value, is_setting in _texts(context.file.document.data):
        what = looks_secret("", value) if may_hold_one else None
        if what is None and is_setting and path[-1] not in _PROSE:
            name = next((str(step) for step in reversed(path) if isinstance(step, str)), "")
            what = looks_secret(name, value)
        if what is not None:
            yield error("literal-secret", f"this looks like {what}", context.file.span(*path), help_)


def _texts(document: Any) -> Iterator[tuple[Path, str, bool]]:
    """Yield each text of six characters and more, and whether it is a value of something that a user named.

    Such are variables, ports and a patch's keys; nothing is one that stands below `secrets`.
    """
    stack: list[tuple[Path, Any, bool, bool]] = [((), document, False, False)]
    while stack:
        path, value, is_named, is_secret = stack.pop()
        if isinstance(value, str):
            if len(value) >= 6:
                yield path, value, is_named and not is_secret
        elif isinstance(value, dict):
            for key, below in value.items():
                names = is_named or key in _NAMING or (isinstance(key, str) and key.startswith("x-"))
                stack.append(((*path, key), below, names, is_secret or key == "secrets"))
        elif isinstance(value, list):
            stack.extend(((*path, index), below, is_named, is_secret) for index, below in enumerate(value))
