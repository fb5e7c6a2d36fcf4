"""`specflow emulate`."""

from __future__ import annotations

import importlib
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, Protocol

import click

from specflow.emulation.standing import Served

__all__ = ["command"]

_EMULATORS = {
    "azureml": "specflow.targets.azureml.emulated",
    "databricks": "specflow.targets.databricks.emulated",
}


class _Emulated(Served, Protocol):
    """What a module of `_EMULATORS` opens with `open_emulated(root, port, options)`."""

    emulator: Any

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
    from specflow.emulation import serve

    opener: Callable[[FilePath, int, Mapping[str, Sequence[str]]], _Emulated]
    opener = importlib.import_module(_EMULATORS[platform]).open_emulated
    place = root or FilePath.cwd() / ".specflow" / "emulators" / platform
    emulated = opener(place, port, _grouped(options))
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    emulated.start()
    serve(place, emulated, emulated.emulator.server)
    click.echo(emulated.emulator.instructions)
    click.echo(f"the emulator listens on {emulated.emulator.url}; Ctrl-C ends it and all it runs", err=True)
    ended.wait()
    emulated.stop()
    return 0


def _grouped(options: tuple[str, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in options:
        name, is_there, value = each.partition("=")
        if not is_there or not name or not value:
            raise click.UsageError(f'"{each}" is not NAME=VALUE')
        found.setdefault(name, []).append(value)
    return found
