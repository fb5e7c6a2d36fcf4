"""Facts → the parts of the page that are told in words and tables: head, failures, steps, ports, environments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from specflow.graph.draw.states import SIGNS
from specflow.report.facts import MAX_STEPS, Port, RunFacts, StepFacts
from specflow.report.markup import Markup, block, count, joined, tag
from specflow.report.previews import Previews, value_text
from specflow.report.timeline import seconds_text

__all__ = ["environments", "failures", "head", "ports", "state_mark", "steps_table"]

MAX_PATHS = 12
_STATES = {**SIGNS, "interrupted": "■", "": "·"}


def state_mark(state: str) -> Markup:
    """Return a state with its sign; it is never told by colour alone."""
    sign = tag("span", _STATES.get(state, "·"), aria_hidden="true")
    return tag("span", sign, f" {state or 'not started'}", class_=f"state is-{state or 'waiting'}")


def head(facts: RunFacts) -> Markup:
    """Return the top of the page: what ran, when, how long, and how it ended."""
    name = f"{facts.pipeline} {facts.version}".strip()
    counts = Counter(step.state for step in facts.steps)
    tiles = [
        ("started", _moment(facts.started)),
        ("lasts so far" if facts.state == "running" else "took", seconds_text(facts.seconds)),
        ("run", facts.run),
        ("targets", ", ".join(dict.fromkeys(step.target for step in facts.steps))),
    ]
    tally = [tag("li", f"{number:,} ", state_mark(state)) for state, number in counts.items()]
    return tag(
        "header",
        tag("p", "specflow run report", class_="kind"),
        tag("h1", name, " ", state_mark(facts.state)),
        tag("p", facts.description, class_="lead") if facts.description else "",
        tag("p", facts.shown(facts.reason), class_="reason") if facts.reason else "",
        tag("dl", *(tag("div", tag("dt", key), tag("dd", value)) for key, value in tiles)),
        tag("ul", *tally, class_="tally"),
    )


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def failures(facts: RunFacts) -> Markup:
    """Return the logs of the steps that did not end well, the last attempt open; nothing if all did."""
    shown = [step for step in facts.told if step.logs]
    parts = []
    for step in shown:
        logs = [
            tag(
                "details",
                tag("summary", f"attempt {log.attempt} of {step.attempts}: the end of its log"),
                block(log.lines, 600)
                if log.lines
                else tag("p", "It wrote nothing, or its log is gone.", class_="note"),
                open=log.attempt == step.attempts,
            )
            for log in reversed(step.logs)
        ]
        title = tag("h3", step.label, " ", state_mark(step.state))
        reason = tag("p", facts.shown(step.reason), class_="reason") if step.reason else ""
        parts.append(tag("article", title, reason, *logs, class_=f"is-{step.state}"))
    hidden = sum(step.attempts > 0 and step.state not in ("succeeded", "cached") for step in facts.steps) - len(shown)
    note = f"The logs of {count(hidden, 'more step')} are left out; `specflow logs STEP --run {facts.run}` has them."
    return joined(*parts, tag("p", note, class_="note") if hidden > 0 and shown else "")


def steps_table(facts: RunFacts) -> Markup:
    """Return the table of steps: how each ended, and in a row below it why it ran and what it left."""
    names = (("step", ""), ("state", ""), ("target", ""), ("attempts", "n"), ("time", "n"), ("why", ""))
    header = tag("tr", *(tag("th", name, scope="col", class_=class_ or False) for name, class_ in names))
    table = tag(
        "table", tag("thead", header), tag("tbody", *(_row(step, facts) for step in facts.told)), class_="steps"
    )
    left_out = len(facts.steps) - len(facts.told)
    rest = Counter(step.state for step in facts.steps) - Counter(step.state for step in facts.told)
    told = ", ".join(f"{number:,} {state or 'not started'}" for state, number in rest.items())
    note = f"{MAX_STEPS} of {count(len(facts.steps), 'step')} are shown, what went wrong first. Left out: {told}."
    return joined(tag("div", table, class_="scroll", tabindex="0"), tag("p", note, class_="note") if left_out else "")


def _row(step: StepFacts, facts: RunFacts) -> Markup:
    ran = step.started is not None
    return tag(
        "tr",
        tag("th", step.label, scope="row"),
        tag("td", state_mark(step.state)),
        tag("td", step.target),
        tag("td", str(step.attempts) if step.attempts else "–", class_="n"),
        tag("td", seconds_text(step.seconds) if ran else "–", class_="n"),
        tag("td", *_why(step, facts), class_="why"),
    )


def _why(step: StepFacts, facts: RunFacts) -> Iterable[str]:
    """Yield the reason that a step ended as it did, why it ran, and what it left."""
    if step.result is None:
        yield facts.shown(step.reason)
        return
    first, *rest = step.why or ("",)
    # The table's own first column says which step it is.
    first = first.removeprefix(step.label).strip()
    if len(rest) == 1:
        yield joined(f"{first} ", facts.shown(rest[0].strip()))
    else:
        yield first
        if rest:
            yield tag("ul", *(tag("li", facts.shown(line.strip())) for line in rest))
    if step.outputs:
        told = [joined(tag("code", port.name), f" {_brief(port, facts)}") for port in step.outputs]
        yield tag("details", tag("summary", count(len(told), "output")), tag("ul", *(tag("li", one) for one in told)))


def _brief(port: Port, facts: RunFacts) -> str:
    if not port.paths:
        return f"= {value_text(port.value)}"
    path = port.paths[0]
    return facts.shown(str(path)) + ("" if path.exists() else " (gone: it was cleaned away)")


def ports(found: Sequence[Port], facts: RunFacts, previews: Previews) -> Markup:
    """Return inputs or outputs, a card each, with what can be seen of them."""
    cards = []
    for port in found:
        title = tag("h3", port.name, " ", tag("span", f"{port.type}, {port.said}" if port.said else port.type))
        shown: list[str] = []
        if port.paths:
            for path in port.paths[:MAX_PATHS]:
                shown += [tag("p", tag("code", _place(path, facts)), class_="path"), previews.of(path)]
            if len(port.paths) > MAX_PATHS:
                shown.append(tag("p", f"{len(port.paths) - MAX_PATHS} more are left out.", class_="note"))
        elif port.value is None:
            shown.append(tag("p", "absent", class_="note"))
        else:
            shown.append(tag("p", value_text(port.value), class_="value-text"))
        wide = "card wide" if port.paths else "card"
        cards.append(tag("article", title, *shown, class_=wide))
    return tag("div", *cards, class_="cards")


def _place(path: Path, facts: RunFacts) -> str:
    """Return where a path is, from the project's root; of one outside it only the name."""
    try:
        return path.relative_to(facts.root).as_posix()
    except ValueError:
        return f"{path.name} (outside the project)"


def environments(steps: Iterable[StepFacts]) -> Markup:
    """Return which versions steps ran with, each set of them once."""
    users: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for step in steps:
        if step.environment:
            users.setdefault(step.environment, []).append(step.label)
    rows = []
    for environment, labels in users.items():
        more = f" and {len(labels) - 8:,} more" if len(labels) > 8 else ""
        versions = [tag("li", tag("b", name), f" {version[:80]}") for name, version in environment[:60]]
        rows.append(
            tag(
                "tr",
                tag("th", ", ".join(labels[:8]) + more, scope="row"),
                tag("td", tag("ul", *versions, class_="chips")),
            )
        )
    if not rows:
        return Markup("")
    return tag("div", tag("table", tag("tbody", *rows), class_="environments"), class_="scroll", tabindex="0")
