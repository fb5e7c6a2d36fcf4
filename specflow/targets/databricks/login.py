"""Whom we log in to, and with what: the user's own login goes only to workspaces that the user has configured."""

from __future__ import annotations

import configparser
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from specflow.allowance import is_allowed_host, origin
from specflow.errors import UnreachableError

__all__ = ["Login", "login_for"]

CONFIG_FILE = ".databrickscfg"


@dataclass(frozen=True, slots=True)
class Login:
    """A workspace, and how the SDK finds the way in: a token, a section of its own file, or the environment."""

    host: str
    token: str = ""
    section: str = ""

    def words(self) -> Mapping[str, Any]:
        """Return what the SDK's Config is given."""
        if self.token:
            return {"host": self.host, "token": self.token}
        return {"profile": self.section} if self.section else {"host": self.host}


def login_for(settings: Mapping[str, Any], environ: Mapping[str, str]) -> Login:
    """Return the login for the workspace that a project's profile names, else for the one that the user's own does.

    A project file may come from anywhere. So what it names has to be in the user's own `~/.databrickscfg`, in
    DATABRICKS_HOST, or among the hosts that the user allows, or no credential leaves this machine. Raises
    UnreachableError.
    """
    if settings.get("token"):  # an emulator's, made a moment ago
        return Login(str(settings["host"]), str(settings["token"]))
    named, own = settings.get("host"), environ.get("DATABRICKS_HOST", "")
    sections = dict(_sections(environ))
    if named is None:
        chosen = environ.get("DATABRICKS_CONFIG_PROFILE", "DEFAULT")
        if own or chosen in sections:
            return Login(own or sections[chosen], section="" if own else chosen)
        raise UnreachableError(
            "no Databricks workspace is configured",
            "name its host in specflow.yaml under targets: databricks, or log in with: databricks auth login",
        )
    if own and _same(own, str(named)):
        return Login(str(named))
    found = next((section for section, host in sections.items() if _same(host, str(named))), None)
    if found is None and not is_allowed_host(str(named), environ):
        raise UnreachableError(
            f'the project names the workspace "{named}", and you have no login for it',
            f"if it is yours, log in with: databricks auth login --host {named}; or say --allow-host {named}",
        )
    return Login(str(named), section=found or "")


def _sections(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each section of the user's login file that names a host."""
    home = environ.get("HOME")
    place = environ.get("DATABRICKS_CONFIG_FILE") or (str(FilePath(home) / CONFIG_FILE) if home else "")
    parser = configparser.ConfigParser(interpolation=None, default_section="\0")
    try:
        parser.read_string(FilePath(place).read_text(encoding="utf-8"))
    except (OSError, ValueError, configparser.Error):
        return
    for section in parser.sections():
        host = parser[section].get("host", "")
        if host:
            yield section, host


def _same(a: str, b: str) -> bool:
    return origin(a) == origin(b)
