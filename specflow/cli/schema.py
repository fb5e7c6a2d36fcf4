"""`specflow schema`."""

from __future__ import annotations

import json
from typing import Any

import click

__all__ = ["command", "complete_schema"]


@click.command(
    "schema",
    epilog="""\b
Examples:
  specflow schema pipeline > pipeline.schema.json
""",
)
@click.argument("kind", type=click.Choice(["step", "pipeline", "project"]))
def command(kind: str) -> int:
    """Print the JSON schema (draft-07) of a KIND of file, complete in itself, for editors and other tools."""
    click.echo(json.dumps(complete_schema(kind), indent=2, ensure_ascii=False))
    return 0


def complete_schema(kind: str) -> dict[str, Any]:
    """Return the schema of a kind of file with the definitions that it shares with others put into it."""
    from specflow.spec.schema import schema

    document, common = schema(kind), schema("common")["definitions"]

    def rewrite(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: _local(item) if key == "$ref" else rewrite(item) for key, item in value.items()}
        return [rewrite(item) for item in value] if isinstance(value, list) else value

    own = document.get("definitions", {})
    return {**rewrite(document), "definitions": {**rewrite(common), **rewrite(own)}}


def _local(reference: str) -> str:
    return reference.removeprefix("common.schema.json")
