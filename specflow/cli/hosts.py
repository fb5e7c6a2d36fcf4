"""`--allow-host`: what every command that asks a platform takes."""

from __future__ import annotations

import os

import click

__all__ = ["allow_host"]


def _allow(ctx: click.Context, parameter: click.Parameter, hosts: tuple[str, ...]) -> None:
    """Let clients find the hosts where they look for what the user has allowed."""
    del ctx, parameter
    if hosts:
        os.environ["SPECFLOW_ALLOW_HOSTS"] = ",".join((*hosts, os.environ.get("SPECFLOW_ALLOW_HOSTS", "")))


allow_host = click.option(
    "--allow-host",
    multiple=True,
    metavar="HOST",
    expose_value=False,
    callback=_allow,
    help="Let a platform that the project names have your login.",
)
