"""`specflow emulate`."""

from __future__ import annotations

import importlib
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Protocol

import click

__all__ = ["command"]

_EMULATORS = {
    "azureml": "specflow.targets.azureml.emulator.server",
    "databricks": "specflow.targets.databricks.emulator.server",
}


class _Emulator(Protocol):
    """What a module of `_EMULATORS` opens with `open_emulator(root, port, options)`."""

    url: str

    @property
    def instructions(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


@click.command(
    "emulate",
    epilog="""\b
Examples:
  specflow emulate azureml
  specflow emulate azureml --port 8080 --root .specflow/azureml -o compute=cpu -o datastore=main
  specflow emulate databricks --port 8081 -o tasks=4 -o flip=child_output_is_logged
""",
)
@click.argument("platform", type=click.Choice(list(_EMULATORS)))
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The port.  [default: any that is free]")
@click.option(
    "--root",
    type=click.Path(path_type=FilePath, file_okay=False),
    help="Where it keeps what it knows and runs.  [default: .specflow/emulators/PLATFORM]",
)
@click.option(
    "-o", "--option", "options", multiple=True, metavar="NAME=VALUE", help="What the platform's emulator takes."
)
def command(platform: str, port: int, root: FilePath | None, options: tuple[str, ...]) -> int:
    """Serve PLATFORM's own protocol on this machine until Ctrl-C, and run here what it accepts."""
    opener: Callable[[FilePath, int, Mapping[str, Sequence[str]]], _Emulator]
    opener = importlib.import_module(_EMULATORS[platform]).open_emulator
    place = root or FilePath.cwd() / ".specflow" / "emulators" / platform
    emulator = opener(place, port, _grouped(options))
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    emulator.start()
    click.echo(emulator.instructions)
    click.echo(f"the emulator listens on {emulator.url}; Ctrl-C ends it and all it runs", err=True)
    ended.wait()
    emulator.stop()
    return 0


def _grouped(options: tuple[str, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in options:
        name, is_there, value = each.partition("=")
        if not is_there or not name or not value:
            raise click.UsageError(f'"{each}" is not NAME=VALUE')
        found.setdefault(name, []).append(value)
    return found
