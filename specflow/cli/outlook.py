"""What a plan is about to do, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from specflow.operations.outlook import Outlook

__all__ = ["as_json", "lines"]

_LONGEST = 32
"""Characters of a machine or an environment in a column."""


def lines(outlook: Outlook) -> Iterator[str]:
    """Yield the outlook as people read it."""
    document = outlook.plan.document
    yield f"{outlook.plan.name}  {document['digest'][:12]}  {document['target']}"
    yield ""
    told = outlook.forecast
    rows = [
        (
            step.label,
            step.target,
            _short(outlook.computes.get(step.id, "")),
            _short(outlook.environments.get(step.id, "")),
            step.state,
            "; ".join(step.why)
            if step.island is None or step.state == "skipped"
            else f"island {step.island}, see below",
        )
        for step in told.steps
    ]
    yield from _table(("step", "target", "compute", "environment", "", "why"), rows)
    for island in told.islands:
        yield ""
        yield f"island {island.name} on {island.target}  {island.state}: {'; '.join(island.why)}"
        if island.state != "cached":
            yield from (f"  + {made}" for made in outlook.made.get(island.name, ()))
    if outlook.crossings:
        yield ""
        yield from _table(
            ("crossing", "type", "from", "to", "way", "last size"),
            [
                (f"{one.step}.{one.port}", one.type, one.source, one.reader, one.way, _size(one.bytes))
                for one in outlook.crossings
            ],
        )
    for change in outlook.changes:
        yield ""
        yield f"deployed on {change.target}: {_change(change)}"


def _change(change: Any) -> str:
    if change.before is None:
        return "nothing yet; `specflow deploy` would install it"
    if change.kind == "same":
        return f"{change.before.id}, the same as this plan"
    return (
        f"{change.before.id} with {change.before.digest[:12] or 'unknown content'}; this plan is {change.digest[:12]}"
    )


def as_json(outlook: Outlook) -> dict[str, Any]:
    """Return the outlook for programs."""
    document = outlook.plan.document
    steps = [
        {
            **asdict(step),
            "compute": outlook.computes.get(step.id),
            "environment": outlook.environments.get(step.id),
        }
        for step in outlook.forecast.steps
    ]
    islands = [
        {**asdict(island), "creates": list(outlook.made.get(island.name, ()))} for island in outlook.forecast.islands
    ]
    return {
        "pipeline": outlook.plan.name,
        "digest": document["digest"],
        "target": document["target"],
        "steps": steps,
        "islands": islands,
        "crossings": [asdict(one) for one in outlook.crossings],
        "deployed": [asdict(one) for one in outlook.changes],
    }


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    found = [head, *rows]
    widths = [max(len(row[column]) for row in found) for column in range(len(head))]
    for row in found:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _size(count: int | None) -> str:
    if count is None:
        return ""
    number, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if number < 1000:
            break
        number, unit = number / 1000, larger
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
