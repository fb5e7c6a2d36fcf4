"""What a run shows while it lasts and when it ends: a live display, plain lines, JSON events, or nothing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from types import TracebackType
from typing import TYPE_CHECKING, Any

from specflow.cli.terminal import is_colourful, put

if TYPE_CHECKING:
    from specflow.diagnostics import Diagnostic
    from specflow.spec.load import Loader

__all__ = ["display", "metrics_table", "outputs_list"]

_MARKS = {"succeeded": "✓", "cached": "=", "failed": "✗", "skipped": "–", "cancelled": "!"}
_COLOURS = {"succeeded": "32", "cached": "36", "failed": "31", "skipped": "33", "cancelled": "35", "detached": "35"}
TAIL_LINES = 15
MANY = 50
"""Beyond so many steps, what merely starts or was done already gets no line of its own."""


def display(format_: str, *, quiet: bool) -> Any:
    """Return what shows a run: `json`, or text that is live on a terminal and plain elsewhere."""
    if format_ == "json":
        return _Json()
    is_live = sys.stderr.isatty() and is_colourful(sys.stderr) and not quiet
    return _Live() if is_live else _Plain(quiet)


class _Json:
    """One event a line on stdout, the last one `run_finished`; nothing else."""

    def __init__(self) -> None:
        self.run: str | None = None
        self.steps: dict[str, dict[str, Any]] = {}
        self.has_ended = False

    def __enter__(self) -> _Json:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def __call__(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "run_started":
            self.run = event["run"]
        elif event["event"] == "step_finished":
            self.steps[event["step"]] = {key: event[key] for key in ("state", "attempts", "seconds", "reason")}
        self._print(event)

    def _print(self, event: Mapping[str, Any]) -> None:
        put(sys.stdout, json.dumps(event, ensure_ascii=False) + "\n")

    def findings(self, diagnostics: Iterable[Diagnostic], loader: Loader) -> None:
        """Print each finding as an event, in the form of `validate --format json`."""
        from specflow.diagnostics.render import render

        del loader
        for entry in json.loads(render(diagnostics, "json", lambda _: None))["diagnostics"]:
            self._print({"event": "diagnostic", **entry})

    def refused(self, reason: str = "") -> None:
        """Print the end of a run that never began, or ended otherwise than by its steps."""
        if self.has_ended:
            return
        self.has_ended = True
        why = {"reason": reason} if reason else {}
        told = {"run": self.run, "state": "failed", "outputs": {}, "steps": self.steps}
        self._print({"event": "run_finished", **told, **why})

    def result(self, result: Any, outputs: Mapping[str, Any], done: Mapping[str, str], workspace: Any) -> None:
        """Print how the run ended."""
        del done, workspace
        self.has_ended = True
        self._print(
            {
                "event": "run_finished",
                "run": result.run,
                "state": result.state,
                "outputs": dict(outputs),
                "steps": {
                    label: {
                        "state": step.outcome.state,
                        "attempts": step.attempts,
                        "seconds": round(step.seconds, 3),
                        "reason": step.outcome.reason,
                    }
                    for label, step in result.steps.items()
                },
                "reason": result.reason,
            }
        )


class _Plain:
    """Appended lines on stderr, results on stdout."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.colour = is_colourful(sys.stderr)
        self.began = time.monotonic()
        self.total = 0
        self.done = 0

    def __enter__(self) -> _Plain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def findings(self, diagnostics: Iterable[Diagnostic], loader: Loader) -> None:
        """Show what was found before the run."""
        from specflow.cli.findings import show

        found = tuple(d for d in diagnostics if d.severity == "error" or not self.quiet)
        if found:
            show(found, loader)

    def refused(self, reason: str = "") -> None:
        """Say nothing more: the findings said it, or an error does."""

    def line(self, text: str) -> None:
        """Write one line."""
        put(sys.stderr, text + "\n")

    def paint(self, text: str, state: str) -> str:
        """Return the text in a state's colour, if colours are wanted."""
        return f"\033[{_COLOURS[state]}m{text}\033[0m" if self.colour else text

    def __call__(self, event: Mapping[str, Any]) -> None:
        kind = event["event"]
        if kind == "run_started":
            self.total = len(event["steps"])
            if not self.quiet:
                steps = "1 step" if self.total == 1 else f"{self.total} steps"
                self.line(f"{event['pipeline']}: {steps}, run {event['run']}")
        elif kind == "step_started":
            if not self.quiet and self.total <= MANY:
                again = f" (attempt {event['attempt']})" if event["attempt"] > 1 else ""
                self.line(f"  … {_safe(event['step'])}{again}")
        elif kind == "attempt_failed":
            self.line(f"  ↻ {_safe(event['step'])}: {_safe(event['reason'])}; again in {event['retry_in']:g} s")
            if last := _last_line(event.get("log", "")):
                self.line(f"    │ {last}")
        elif kind == "step_finished":
            self.done += 1
            self.finished(event)
        elif kind == "island_submitted" and not self.quiet:
            self.line(f"  → {event['target']}: {_safe(event['url'] or event['job'])}")
        elif kind == "tracking_failed":
            self.line("  metrics could not be logged to MLFLOW_TRACKING_URI; the run's own record has them")
        elif kind == "run_cancelling":
            self.line("  ending what runs; press Ctrl-C again to end it at once")

    def finished(self, event: Mapping[str, Any]) -> None:
        """Write how a step ended, and for a failure the end of its log."""
        state = event["state"]
        if self.quiet and state != "failed":
            return
        if state == "cached" and self.total > MANY:
            return
        reason = f": {_safe(event['reason'])}" if event["reason"] else ""
        took = f"  {event['seconds']:.1f} s" if event["attempts"] else ""
        self.line(self.paint(f"  {_MARKS[state]} {_safe(event['step'])}{reason}{took}", state))
        if state == "failed":
            self.explain(event)

    def explain(self, event: Mapping[str, Any]) -> None:
        """Write the end of a failed step's log, a guess at the cause, and where to read on."""
        from specflow.targets.local.hints import tail

        log = event.get("log")
        if log:
            for line in tail(FilePath(log), TAIL_LINES):
                self.line(f"    │ {_safe(line)}")
        if event.get("hint"):
            self.line(f"    = help: {_safe(event['hint'])}")
        if log and FilePath(log).is_file():
            self.line(f"    = log: {_shown(log)}")

    def result(self, result: Any, outputs: Mapping[str, Any], done: Mapping[str, str], workspace: Any) -> None:
        """Write the metrics, the outputs and the last line of the run."""
        del workspace
        if not self.quiet and result.metrics:
            in_order = {label: result.metrics[label] for label in result.steps if label in result.metrics}
            put(sys.stdout, metrics_table(in_order))
        if not self.quiet and outputs and result.state not in ("cancelled", "detached"):
            put(sys.stdout, outputs_list(outputs, done))
        seconds = time.monotonic() - self.began
        counts: dict[str, int] = {}
        for step in result.steps.values():
            counts[step.outcome.state] = counts.get(step.outcome.state, 0) + 1
        told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
        why = f" ({result.reason})" if result.reason else ""
        if self.quiet and result.state == "succeeded":
            return
        self.line(self.paint(f"run {result.run} {result.state}{why}: {told} in {seconds:.1f} s", result.state))
        for path in result.damaged:
            self.line(f"  = note: {_shown(path)} in the cache was damaged, and was made again")
        if result.state != "succeeded":
            resume = f"specflow runs resume {result.run[-6:]}"
            self.line(f"  = help: run it again, and what is done stays done; or: {resume}")


class _Live(_Plain):
    """A live display by rich: a bar, one line per running step with the end of its log; ended steps scroll above."""

    def __init__(self) -> None:
        super().__init__(quiet=False)
        self.running: dict[str, tuple[float, str]] = {}
        self.live: Any = None

    def __enter__(self) -> _Live:
        from rich.console import Console
        from rich.live import Live

        self.console = Console(stderr=True, highlight=False, markup=False)
        self.live = Live(get_renderable=self._view, console=self.console, refresh_per_second=8, transient=True)
        self.live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.__exit__(kind, value, trace)
        self.live = None

    def line(self, text: str) -> None:
        if self.live is None:
            super().line(text)
            return
        from rich.text import Text

        self.console.print(Text.from_ansi(text), soft_wrap=True)

    def __call__(self, event: Mapping[str, Any]) -> None:
        if event["event"] == "step_started":
            self.running[event["step"]] = (time.monotonic(), str(event.get("log", "")))
            return
        if event["event"] in ("step_finished", "attempt_failed"):
            self.running.pop(event["step"], None)
        super().__call__(event)

    def _view(self) -> Any:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        height = max(3, self.console.size.height - 4)
        rows = Table.grid(padding=(0, 1))
        rows.add_column(width=1)
        rows.add_column(no_wrap=True)
        rows.add_column(justify="right", no_wrap=True)
        rows.add_column(no_wrap=True, overflow="ellipsis", ratio=1, style="dim")
        now = time.monotonic()
        shown = list(self.running.items())[:height]
        for label, (began, log) in shown:
            rows.add_row("…", Text(_safe(label)), f"{now - began:.0f} s", Text(_last_line(log)))
        if len(self.running) > len(shown):
            rows.add_row("", Text(f"and {len(self.running) - len(shown)} more"), "", "")
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=max(self.total, 1), completed=self.done, width=30),
            f"{self.done}/{self.total}",
            f"{now - self.began:.0f} s",
        )
        return Group(rows, bar)


def _last_line(log: str) -> str:
    from specflow.targets.local.hints import tail

    lines = [line for line in tail(FilePath(log), 3) if line.strip()] if log else []
    return _safe(lines[-1]) if lines else ""


def _safe(text: str) -> str:
    """Return text from outside with its control characters made visible: a log does not steer the terminal."""
    from specflow.diagnostics.render.characters import visible

    return visible(text)


def _shown(path: str) -> str:
    """Return a path as the user would type it from here."""
    here = FilePath.cwd()
    try:
        return str(FilePath(path).relative_to(here))
    except ValueError:
        return path


def metrics_table(metrics: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Return tables of metrics: one per set of names, a row per step."""
    groups: dict[tuple[str, ...], list[tuple[str, Mapping[str, float]]]] = {}
    for label, ports in metrics.items():
        for values in ports.values():
            groups.setdefault(tuple(values), []).append((label, values))
    out = []
    for names, rows in groups.items():
        cells = [("", *names)] + [(_safe(label), *(f"{values[name]:.6g}" for name in names)) for label, values in rows]
        widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        for row in cells:
            first, *rest = (
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            out.append("  ".join((first, *rest)).rstrip())
        out.append("")
    return "\n".join(out) + "\n"


def outputs_list(outputs: Mapping[str, Any], done: Mapping[str, str]) -> str:
    """Return a line per output: its value or path, and what was done with it."""
    from specflow.attempt.evaluate import text_of

    width = max(len(name) for name in outputs)
    lines = []
    for name, value in outputs.items():
        items = value if isinstance(value, list) else [value]
        shown = ", ".join(
            "(none)" if item is None else _safe(_shown(item) if isinstance(item, str) else text_of(item))
            for item in items
        )
        more = f"  ({_safe(done[name])})" if name in done else ""
        lines.append(f"{name.ljust(width)}  {shown}{more}")
    return "\n".join(lines) + "\n"
