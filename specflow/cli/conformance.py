"""`specflow conformance`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path as FilePath

import click

from specflow.cli import MOST_JOBS
from specflow.cli.terminal import put

__all__ = ["command"]


@click.command(
    "conformance",
    epilog="""\b
Examples:
  specflow conformance --target local
  specflow conformance tests/conformance -k matrix --junit report.xml
""",
)
@click.argument(
    "cases",
    type=click.Path(path_type=FilePath, exists=True, file_okay=False),
    default=FilePath("tests/conformance"),
)
@click.option("--target", default="local", show_default=True, help="The target to run the cases on.")
@click.option("--junit", type=click.Path(path_type=FilePath, dir_okay=False), help="Write JUnit XML into this file.")
@click.option("-k", "pattern", metavar="PATTERN", help="Only cases whose id holds this, or that have it as a tag.")
@click.option(
    "-j", "--jobs", type=click.IntRange(1, MOST_JOBS), help="Cases at once, each in a process.  [default: the cores]"
)
@click.option("--from-plan", is_flag=True, help="Run each plan from the folder that it was written to.")
def command(
    cases: FilePath, target: str, junit: FilePath | None, pattern: str | None, jobs: int | None, from_plan: bool
) -> int:
    """Run the conformance suite on a target and print how each case went.

    CASES is the folder of the suite: tests/conformance of specflow's repository. A case passes, or the target
    refuses it exactly as it declares; anything else has failed, and the exit code is 1.
    """
    from concurrent.futures import ProcessPoolExecutor
    from functools import partial

    from specflow.cli.options import checked_target
    from specflow.conformance.cases import discover, selected
    from specflow.conformance.report import junit as as_junit
    from specflow.conformance.report import line, summary
    from specflow.conformance.suite import Route, run_case

    if junit is not None:
        junit.open("a").close()  # where that can't be, it is told before the cases have run
    name = checked_target(target) or target
    chosen = list(selected(discover(cases), pattern))
    route: Route = "plan" if from_plan else "spec"
    results = []
    as_others = (signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends a worker without a word
    with ProcessPoolExecutor(jobs or os.cpu_count(), initializer=signal.signal, initargs=as_others) as pool:
        for result in pool.map(partial(run_case, name=name, route=route), chosen):
            results.append(result)
            put(sys.stdout, f"{line(result)}\n")
    put(sys.stdout, f"{summary(name, results)}\n")
    if junit is not None:
        junit.write_text(as_junit(results), encoding="utf-8")
    return 1 if any(result.verdict == "failed" for result in results) or not results else 0
