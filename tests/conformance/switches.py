"""The suite with what the emulators assume turned round, one switch at a time: what breaks, to be checked live first.

`python -m tests.conformance.switches` runs every case on every platform once as it is, and again with each switch that
the case met flipped; then it writes the tables in docs/emulators.md anew. What a
case never met can't change it. `--jobs N` runs N cases at once, `--most N` takes so many of those that met a switch,
spread over the groups; `-k PATTERN` takes some switches alone and prints what it finds, without writing.
"""

from __future__ import annotations

import argparse
import platform
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from specflow.conformance.cases import Case, discover
from specflow.conformance.suite import run_case
from specflow.targets.azureml.emulated import Emulated as AzureEmulated
from specflow.targets.azureml.emulator.assumptions import Assumptions as AzureAssumptions
from specflow.targets.base import target
from specflow.targets.databricks.emulated import Emulated as DatabricksEmulated
from specflow.targets.databricks.emulator.assumptions import Assumptions as DatabricksAssumptions

__all__ = [
    "NAMED",
    "PAGE",
    "PLATFORMS",
    "Found",
    "Row",
    "broken",
    "cases",
    "rows_in",
    "spread",
    "switches",
    "table",
    "written",
]

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "emulators.md"
LIMIT_S = 120
"""After so long a case has failed: something waits for what will not come."""
NAMED = 6
"""So many broken cases are named of each switch; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform's switches, and how its emulator is made with some of them flipped."""

    title: str
    assumptions: type[Any]
    emulator: Callable[..., Any]
    keyword: str


PLATFORMS = {
    "azureml": Platform("Azure ML", AzureAssumptions, AzureEmulated, "assumed"),
    "databricks": Platform("Databricks", DatabricksAssumptions, DatabricksEmulated, "assumptions"),
}


def switches(name: str) -> tuple[str, ...]:
    """Return the names of a platform's switches."""
    return tuple(one.name for one in fields(PLATFORMS[name].assumptions))


def cases() -> tuple[Case, ...]:
    """Return the cases that are run at all; a refusal asks no platform."""
    return tuple(case for case in discover(HERE) if case.expect.run is not None)


# Running


@contextmanager
def _assuming(name: str, made: Any) -> Iterator[None]:
    """Have every emulator of a platform that is started meanwhile make these assumptions."""
    which, one = target(name), PLATFORMS[name]

    def emulator(root: Path, settings: Mapping[str, Any]) -> Any:
        return one.emulator(root, settings, **{one.keyword: made})

    vars(which)["emulator"] = emulator  # before the method of its class
    try:
        yield
    finally:
        del vars(which)["emulator"]


def _watched(name: str) -> tuple[Any, set[str]]:
    """Return a platform's assumptions as they are, and the set that gets the names of those that are looked at."""
    met: set[str] = set()
    known = set(switches(name))

    base: Any = PLATFORMS[name].assumptions

    def look(self: Any, attribute: str) -> Any:
        if attribute in known:
            met.add(attribute)
        return base.__getattribute__(self, attribute)

    return type("Watched", (base,), {"__getattribute__": look})(), met


def met_by(case: Case, name: str) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return why a case fails on a platform as it is, and the switches that it meets."""
    made, met = _watched(name)
    with _assuming(name, made):
        told = _told(case, name)
    return told, frozenset(met)


def broken(case: Case, name: str, switch: str) -> tuple[str, ...]:
    """Return what is not as it should be in a case with a switch flipped; nothing if all is, if only at a second try.

    Cases about time fail now and then where a machine is busy.
    """
    as_it_is = PLATFORMS[name].assumptions()
    made = PLATFORMS[name].assumptions(**{switch: not getattr(as_it_is, switch)})
    with _assuming(name, made):
        return _told(case, name) and _told(case, name)


def _told(case: Case, name: str) -> tuple[str, ...]:
    def ended(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, ended)
    signal.alarm(LIMIT_S)
    try:
        result = run_case(case, name)
    except TimeoutError:
        return (f"it did not end within {LIMIT_S} s",)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return (result.told or ("it failed",)) if result.verdict == "failed" else ()


# Telling


@dataclass(frozen=True, slots=True)
class Found:
    """What came of flipping a switch: how many cases meet it, how many were run, which broke, with a sentence each."""

    met: int
    ran: int
    broken: Mapping[str, str]


def table(name: str, found: Mapping[str, Found]) -> str:
    """Return a row for each switch of a platform, as Markdown."""
    head = ("| switch | cases that meet it | run | that break when it is flipped |", "|---|---:|---:|---|")
    rows = [f"| `{switch}` | {one.met} | {one.ran} | {_shown(one.broken)} |" for switch, one in found.items()]
    return "\n".join((*head, *rows)) + "\n"


def _shown(failed: Mapping[str, str]) -> str:
    if not failed:
        return "none"
    named = ", ".join(f"`{case}`" for case in list(failed)[:NAMED])
    return named if len(failed) <= NAMED else f"{len(failed)}: {named} …"


@dataclass(frozen=True, slots=True)
class Row:
    """What a page says of a switch: how many cases were run and broke, and which of the broken ones it names."""

    ran: int
    broken: int
    named: tuple[str, ...]


def rows_in(page: str, name: str) -> Mapping[str, Row]:
    """Return what a page says of each switch of a platform."""
    found = {}
    for line in page.partition(_begin(name))[2].partition(_END)[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0].startswith("`"):
            named = tuple(re.findall("`([^`]+)`", cells[3]))
            count = re.match("([0-9]+): ", cells[3])
            found[cells[0].strip("`")] = Row(int(cells[2]), int(count[1]) if count else len(named), named)
    return found


def written(page: str, name: str, text: str) -> str:
    """Return a page with a platform's table in it."""
    before, begin, rest = page.partition(_begin(name))
    _, end, after = rest.partition(_END)
    assert end, f"{PAGE.name} has no place for the table of {name}"
    return f"{before}{begin}{text}{end}{after}"


_END = "<!-- end -->\n"


def _begin(name: str) -> str:
    return f"<!-- made by a run: what breaks on {name} -->\n"


# The command


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.switches", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1, help="cases at once")
    parser.add_argument("--target", choices=list(PLATFORMS), action="append", help="a platform; all of them by default")
    parser.add_argument("--most", type=int, default=len(cases()), help="cases for each switch; all by default")
    parser.add_argument("-k", dest="pattern", help="only switches whose name holds this")
    given = parser.parse_args(arguments)
    with ProcessPoolExecutor(given.jobs) as pool:
        for name in given.target or PLATFORMS:
            chosen = [switch for switch in switches(name) if (given.pattern or "") in switch]
            found = _sweep(name, chosen, given.most, pool)
            if given.pattern is None:
                text = f"{_caption(name, given.most)}\n\n{table(name, found)}"
                PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), name, text), encoding="utf-8")
    return 0


def _sweep(name: str, chosen: Iterable[str], most: int, pool: ProcessPoolExecutor) -> Mapping[str, Found]:
    all_cases = cases()
    met: dict[str, frozenset[str]] = {}
    for case, (told, seen) in zip(all_cases, pool.map(partial(met_by, name=name), all_cases), strict=True):
        met[case.id] = seen
        if told:
            _say(f"{name}: {case.id} fails as it is: {told[0]}")
    found = {}
    for switch in chosen:
        meeting = [case for case in all_cases if switch in met[case.id]]
        those = spread(meeting, most)
        ends = pool.map(partial(broken, name=name, switch=switch), those)
        failed = {case.id: told[0] for case, told in zip(those, ends, strict=True) if told}
        found[switch] = Found(len(meeting), len(those), failed)
        _say(f"{name}: {switch}: {len(failed)} of {len(those)} broken, of {len(meeting)} that meet it")
        for case_id, sentence in failed.items():
            _say(f"    {case_id}: {sentence[:300]}")
    return found


def spread(some: Sequence[Case], most: int) -> list[Case]:
    """Return at most so many cases: the first of each group, then the second of each, and so on."""
    groups: dict[str, int] = {}
    ranked = []
    for case in some:
        group = case.id.partition("/")[0]
        groups[group] = groups.get(group, 0) + 1
        ranked.append((groups[group], case.id, case))
    return [case for _, _, case in sorted(ranked, key=lambda one: one[:2])[:most]]


def _caption(name: str, most: int) -> str:
    is_whole = most >= len(cases())
    how = (
        "every case that meets it" if is_whole else f"at most {most} of the cases that meet it, spread over the groups"
    )
    return (
        f"{PLATFORMS[name].title}, {len(cases())} cases; with each switch flipped, {how}. "
        f"{time.strftime('%Y-%m-%d')}, Python {platform.python_version()}."
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
