"""`specflow run`."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Any

import click

from specflow.cli import MOST_JOBS
from specflow.cli.completing import profiles, targets
from specflow.cli.hosts import allow_host

__all__ = ["command", "execute_here"]

LEAST_DIGITS = 8
"""Of a plan's digest: fewer would pin little."""


@click.command(
    "run",
    epilog="""\b
Examples:
  specflow run specs/concrete_strength.yaml
  specflow run specs/batch_score.yaml -i model=results/model -o results
  specflow run build/concrete_strength --expect 1f0c9a3b
""",
)
@click.argument("spec", type=click.Path(path_type=FilePath, exists=True))
@click.option(
    "-i",
    "--input",
    "inputs",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value for an input; a path is relative to where you stand. Several for one name make a list.",
)
@click.option("--target", shell_complete=targets, help="Put every step on this target.")
@click.option("--host", shell_complete=targets, help="The target that coordinates a mixed pipeline.  [default: local]")
@click.option("--profile", shell_complete=profiles, help="The profile of specflow.yaml to run with.")
@click.option("--emulate", is_flag=True, help="Run what was compiled for other platforms here, on their emulators.")
@click.option("-j", "--jobs", type=click.IntRange(1, MOST_JOBS), help="Steps at once.  [default: the machine's cores]")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=FilePath, file_okay=False),
    help="Copy the pipeline's outputs into this folder.",
)
@click.option(
    "--expect",
    metavar="DIGEST",
    help="Run the plan only if its digest begins so (8 digits or more): pins a reviewed plan.",
)
@click.option(
    "--allow-secret",
    "allowed",
    multiple=True,
    metavar="NAME",
    help="Let steps have this environment variable as a secret.",
)
@allow_host
@click.option("--cache/--no-cache", "use_cache", default=True, help="Take results of earlier runs, or run every step.")
@click.option("--force", "forced", multiple=True, metavar="STEP", help="Run this step, whatever the cache holds.")
@click.option(
    "--only", multiple=True, metavar="STEP", help="Run this step alone; what it needs comes from earlier runs."
)
@click.option("--from", "start", multiple=True, metavar="STEP", help="Run this step and all behind it.")
@click.option(
    "--format", "format_", type=click.Choice(["text", "json"]), default="text", help="`json` prints one event a line."
)
@click.option("--detach", is_flag=True, help="Leave jobs to their platforms; a run of the same takes them up again.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but what went wrong.")
def command(
    spec: FilePath,
    inputs: tuple[str, ...],
    target: str | None,
    host: str | None,
    profile: str | None,
    emulate: bool,
    jobs: int | None,
    output: FilePath | None,
    expect: str | None,
    allowed: tuple[str, ...],
    use_cache: bool,
    forced: tuple[str, ...],
    only: tuple[str, ...],
    start: tuple[str, ...],
    format_: str,
    detach: bool,
    quiet: bool,
) -> int:
    """Run SPEC, a pipeline or a step file, or a folder that `specflow compile` wrote."""
    from specflow.cli.options import read_assignments
    from specflow.cli.progress import display
    from specflow.errors import SpecflowError, UsageError

    given = read_assignments(inputs)
    if expect is not None and len(expect) < LEAST_DIGITS:
        raise UsageError(
            f'"{expect}" is too little of a digest to pin a plan', f"give {LEAST_DIGITS} of its digits or more"
        )
    show = display(format_, quiet=quiet)
    try:
        plan = _plan(spec, target, host, profile, expect, show)
        if plan is None:
            return 1
        return _run(
            plan,
            given,
            jobs,
            output,
            allowed,
            use_cache,
            forced,
            (only, start),
            show,
            emulates=emulate,
            detaches=detach,
        )
    except SpecflowError as failure:
        show.refused(failure.message)
        raise


def _plan(
    spec: FilePath, target: str | None, host: str | None, profile: str | None, expect: str | None, show: Any
) -> Any:
    from specflow.errors import PlanError, UsageError
    from specflow.plan import is_plan_folder, load_plan

    if is_plan_folder(spec):
        if target is not None or profile is not None or host is not None:
            raise UsageError("a plan has its targets and profile already", "compile the spec again with them")
        return load_plan(spec, expect)
    if spec.is_dir():
        specs = [spec / name for name in ("step.yaml", "pipeline.yaml") if (spec / name).is_file()]
        help_ = f"name the spec: {specs[0]}" if specs else "name a spec, or a folder that `specflow compile` wrote"
        raise UsageError(f'"{spec}" is a folder without a plan.json', help_)
    plan = None if host is not None else _remembered(spec, target, profile, show)
    plan = plan or _made(spec, target, host, profile, show)
    if plan is None:
        show.refused()
        return None
    if expect is not None and not plan.document["digest"].startswith(expect):
        raise PlanError(
            f"the plan's digest is {plan.document['digest']}, not {expect}", "review the spec, or pin its digest"
        )
    return plan


def _remembered(spec: FilePath, target: str | None, profile: str | None, show: Any) -> Any:
    """Return the plan that was made from the same files before, its warnings shown again; None if there is none."""
    from specflow.recall.memory import recall

    kept = recall(spec, target, profile)
    if kept is None:
        return None
    plan, findings = kept
    if findings:
        from specflow.diagnostics.model import from_plain
        from specflow.spec.load import Loader

        show.findings(tuple(from_plain(finding) for finding in findings), Loader(FilePath.cwd()))
    return plan


def _made(spec: FilePath, target: str | None, host: str | None, profile: str | None, show: Any) -> Any:
    from dataclasses import asdict

    from specflow.cli.options import checked_host, checked_target
    from specflow.recall.memory import remember
    from specflow.spec.load import Loader
    from specflow.stages import make_plan, validate

    loader = Loader(FilePath.cwd(), profile)
    plan, found = make_plan(validate(spec, loader), checked_target(target), checked_host(host))
    show.findings(found, loader)
    if plan is not None and not plan.contents and host is None:
        with contextlib.suppress(OSError):  # a plan that can't be kept is made again
            plan = remember(spec, target, profile, plan, plan.watched, [asdict(finding) for finding in found])
    return plan


def _run(
    plan: Any,
    given: dict[str, list[str]],
    jobs: int | None,
    output: FilePath | None,
    allowed: tuple[str, ...],
    use_cache: bool,
    forced: tuple[str, ...],
    part: tuple[tuple[str, ...], tuple[str, ...]],
    show: Any,
    *,
    emulates: bool,
    detaches: bool,
) -> int:
    from specflow.errors import UsageError
    from specflow.inputs import read_inputs
    from specflow.targets.local.workspace import Workspace

    here = FilePath.cwd()
    values, found = read_inputs(plan, given, here)
    found = (*found, *_unknown_steps(plan, forced))
    if found:
        _show(found, show)
        return 2
    workspace = Workspace(plan.root or _root_around(here))
    if plan.folder is not None and workspace.root.is_relative_to(plan.folder.resolve()):
        message = f'"{plan.folder}" is a plan, and nothing is written into it: not the history of a run either'
        raise UsageError(message, "run it from the folder of a project: specflow run <path of the plan>")
    return execute_here(
        plan,
        values,
        workspace,
        jobs,
        output,
        allowed,
        show,
        use_cache=use_cache,
        force=tuple(
            step["label"] for step in plan.document["steps"] if {step["label"], step["path"]}.intersection(forced)
        ),
        part=_selection(plan, part, values, workspace),
        emulates=emulates,
        detaches=detaches,
    )


def _show(found: tuple[Any, ...], show: Any) -> None:
    """Show what keeps a run from beginning."""
    from specflow.spec.load import Loader

    show.findings(found, Loader(FilePath.cwd()))
    show.refused()


def _root_around(here: FilePath) -> FilePath:
    from specflow.spec.load import find_root

    return find_root(here)


def _unknown_steps(plan: Any, labels: tuple[str, ...]) -> Iterator[Any]:
    if not labels:
        return
    from specflow.diagnostics import Span, error
    from specflow.spec.types import nearest

    known = {name for step in plan.document["steps"] for name in (step["label"], step["path"])}
    for label in labels:
        if label not in known:
            yield error("unknown-step", f'"{plan.name}" has no step "{label}"', Span("--force"), nearest(label, known))


def execute_here(
    plan: Any,
    values: dict[str, Any],
    workspace: Any,
    jobs: int | None,
    output: FilePath | None,
    allowed: tuple[str, ...],
    show: Any,
    *,
    use_cache: bool = True,
    force: tuple[str, ...] = (),
    resumed: Mapping[str, str] | None = None,
    part: Any = None,  # a Selection; it is imported where one is made
    foreign: Mapping[str, Any] | None = None,
    emulates: bool = False,
    detaches: bool = False,
) -> int:
    """Return the exit code of a plan's run in a project, all of it shown."""
    if detaches:
        _check_that_it_can_be_left(plan, workspace, emulates=emulates)
    from specflow.targets.local.data import check_data
    from specflow.targets.local.processes import Processes
    from specflow.targets.local.publish import export
    from specflow.targets.local.secrets import allowed_names, gather, secrets_needed
    from specflow.targets.local.session import run_plan
    from specflow.targets.local.steps import Options
    from specflow.targets.local.tools import check_tools

    wanted = secrets_needed(plan, emulates=emulates)
    secrets, found = gather(wanted, allowed_names(allowed, os.environ), os.environ)
    found = (*found, *check_data(plan), *check_tools(plan, os.environ, emulates=emulates))
    if found:
        _show(found, show)
        return 1
    around = dict(os.environ)  # the real one decodes every variable anew, for every step
    processes = Processes()
    with bridges_of(plan, workspace, secrets, emulates=emulates) as bridges, _interrupts(processes.wake) as count, show:
        options = Options(
            jobs or _cores(),
            around,
            secrets,
            use_cache,
            frozenset(force),
            resumed or {},
            part,
            bridges,
            foreign or {},
            detaches,
        )
        gc.freeze()  # the plan lasts as long as the run: it need not be looked through again and again
        gc.enable()
        finished = run_plan(plan, values, workspace, options, show, processes, count)
    result = finished.result
    is_exported = output is not None and result.state == "succeeded"
    outputs = export(result, plan, output, workspace) if is_exported and output is not None else result.outputs
    show.result(result, outputs, finished.published, workspace)
    if result.unreachable is not None:
        raise result.unreachable
    return {"succeeded": 0, "detached": 0, "failed": 1, "cancelled": 130}[result.state]


def _check_that_it_can_be_left(plan: Any, workspace: Any, *, emulates: bool) -> None:
    """Raise UsageError where nothing would go on once this command has ended."""
    from specflow.emulation.hold import address
    from specflow.errors import UsageError

    islands = plan.document["islands"]
    if not islands:
        raise UsageError(f'all steps of "{plan.name}" run on this machine', "leave out --detach")
    for island in islands:
        is_emulated = emulates or island["settings"].get("emulate")
        if is_emulated and address(workspace.path / "emulators" / island["target"]) is None:
            message = f'the emulator of "{island["target"]}" would end with this command'
            raise UsageError(message, f"serve it in another terminal: specflow emulate {island['target']}")


@contextmanager
def bridges_of(plan: Any, workspace: Any, secrets: Mapping[str, str], *, emulates: bool) -> Iterator[Any]:
    """Yield where the bridges to a plan's islands come from; None for a plan without any."""
    if not plan.document["islands"]:
        yield None
        return
    from specflow.bridging.bridge import Bridges

    root = workspace.path / "emulators"
    with Bridges(root, emulates=emulates, secrets=secrets, may_start_another=True) as bridges:
        yield bridges


def _selection(
    plan: Any, part: tuple[tuple[str, ...], tuple[str, ...]], values: Mapping[str, Any], workspace: Any
) -> Any:
    """Return the part of the pipeline that runs; None for all of it."""
    if part == ((), ()):
        return None
    from specflow.history import History
    from specflow.targets.local.selection import select

    workspace.open()
    history = History(workspace.history)
    try:
        selection = select(plan, *part, history)
    finally:
        history.close()
    labelled = {step["id"]: step["label"] for step in plan.document["steps"]}
    for run in {row.id: row for row in selection.runs.values()}.values():
        names = sorted({*run.inputs, *values})
        others = [name for name in names if run.inputs.get(name) != values.get(name)]
        if others:
            labels = sorted(labelled[name] for name, row in selection.runs.items() if row.id == run.id)
            told = f"note: {', '.join(labels)}: taken from run {run.id}, whose inputs were others: {', '.join(others)}"
            click.echo(told, err=True)
    return selection


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _interrupts(wake: Callable[[], None]) -> Iterator[Callable[[], int]]:
    """Count Ctrl-C and SIGTERM in place of being ended by them; `wake` has the waiting loop look at the count."""
    counted = 0

    def count(signum: int, frame: Any) -> None:
        del signum, frame
        nonlocal counted
        counted += 1
        wake()

    heeded = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup wants us to go on
        heeded.append(signal.SIGHUP)
    before = {number: signal.signal(number, count) for number in heeded}
    try:
        yield lambda: counted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        sys.stdout.flush()
