"""The parts → one HTML page that loads nothing: no script, no network, pictures inline."""

from __future__ import annotations

from specflow.report.facts import RunFacts
from specflow.report.markup import Markup, joined, tag
from specflow.report.metrics import metrics_section
from specflow.report.pipeline import drawing
from specflow.report.previews import Previews
from specflow.report.sections import environments, failures, head, ports, steps_table
from specflow.report.style import STYLE
from specflow.report.timeline import time_line

__all__ = ["POLICY", "page"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""What a browser lets the page do: show itself."""
SMALLEST = 0.72
"""A graph that is wider than the page is made no smaller than so; then it scrolls."""


def page(facts: RunFacts) -> str:
    """Return the page of a run."""
    previews = Previews()
    parts = (
        ("failed", "What went wrong", failures(facts)),
        ("graph", "Graph", _graph(facts)),
        ("time", "Time line", time_line(facts)),
        ("metrics", "Metrics", metrics_section(facts.steps)),
        ("outputs", "Outputs", ports(facts.outputs, facts, previews) if facts.outputs else Markup("")),
        ("steps", "Steps", steps_table(facts)),
        ("inputs", "Inputs", ports(facts.inputs, facts, previews) if facts.inputs else Markup("")),
        ("environments", "Environments", environments(facts.told)),
    )
    shown = [part for part in parts if part[2]]
    contents = tag("nav", *(tag("a", title, href=f"#{id_}") for id_, title, _ in shown), aria_label="on this page")
    sections = [tag("section", tag("h2", title), body, id=id_) for id_, title, body in shown]
    title = tag("title", f"{facts.pipeline}: run {facts.run} {facts.state}")
    top = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        title,
        tag("style", Markup(STYLE)),
    )
    foot = tag(
        "footer", f"Made by specflow {facts.document['specflow']} from the plan {facts.document['digest'][:12]}."
    )
    body = tag("body", head(facts), contents, tag("main", joined(*sections)), foot)
    return f"<!doctype html>\n{tag('html', top, body, lang='en')}\n"


def _graph(facts: RunFacts) -> Markup:
    # The drawing's words are those of the outcomes; what was ended from outside is drawn as cancelled.
    states = {step.id: step.state.replace("interrupted", "cancelled") for step in facts.steps if step.state}
    picture, width = drawing(facts.document, states)
    box = tag("div", picture, style=f"min-width:{SMALLEST * width:.0f}px;max-width:{width:.0f}px")
    return tag("div", box, class_="scroll graph", tabindex="0")
