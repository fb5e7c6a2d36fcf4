"""One cause, one finding: what is missing is told once, with every place that asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from specflow.diagnostics import Diagnostic, Related

__all__ = ["by_cause", "without_doubtful_warnings"]

DOUBTFUL = frozenset({"idle-group", "unread-input"})
"""Warnings that an error in the same file may be the cause of."""

NAMES = frozenset(
    {
        "unknown-axis",
        "unknown-compute",
        "unknown-context",
        "unknown-data",
        "unknown-environment",
        "unknown-input",
        "unknown-output",
        "unknown-step",
        "unknown-target",
        "unknown-variable",
    }
)
"""Codes of names that nothing declares."""

SHOWN = 4
"""How many further places are shown."""


def without_doubtful_warnings(found: Iterable[Diagnostic], has_errors: bool) -> Iterator[Diagnostic]:
    """Yield what was found in one file; nothing is said of what isn't used while something else is wrong there."""
    kept = tuple(found)
    has_errors = has_errors or any(diagnostic.severity == "error" for diagnostic in kept)
    yield from (diagnostic for diagnostic in kept if not (has_errors and diagnostic.code in DOUBTFUL))


def by_cause(found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the findings, those of one file that ask for one undeclared name as one; the first has the other places.

    Where nothing of the kind is declared at all, as if a whole mapping were gone, all such names have one cause.
    """
    groups: dict[object, list[Diagnostic]] = {}
    for diagnostic in found:
        groups.setdefault(_cause(diagnostic), []).append(diagnostic)
    return tuple(_merged(sorted(group, key=lambda d: d.span)) for group in groups.values())


def _cause(diagnostic: Diagnostic) -> object:
    if diagnostic.code not in NAMES:
        return diagnostic
    holder, _, _ = diagnostic.message.removesuffix('"').rpartition('"')
    what = holder if diagnostic.help == "there are none" else diagnostic.message
    return diagnostic.code, diagnostic.span.file, what


def _merged(group: list[Diagnostic]) -> Diagnostic:
    first, *others = group
    places = [Related(other.span, _label(first, other)) for other in others if other.span != first.span]
    if len(places) > SHOWN:
        hidden = len(places) - SHOWN
        last = places[SHOWN - 1]
        places = [*places[: SHOWN - 1], replace(last, message=f"{last.message}, and {hidden} more times below")]
    return replace(first, related=(*first.related, *places))


def _label(first: Diagnostic, other: Diagnostic) -> str:
    if other.message == first.message:
        return "and here"
    return "nor " + other.message.removesuffix('"').rpartition('"')[2].join('""')
