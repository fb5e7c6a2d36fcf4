"""Graphs to draw: the example specs, pipelines written for a test, random ones; and what an SVG says, read back.

`python -m tests.graph.drawings` writes the golden files anew.
"""

import json
import re
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from specflow.graph.draw import draw
from specflow.graph.model import Graph
from specflow.spec.load import Loader
from specflow.stages import validate

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
SPECS = ("batch_score", "concrete_strength", "retrain")
ENDINGS = {"text": "txt", "mermaid": "mmd", "dot": "dot"}
TARGETS = ("local", "databricks", "azureml")
NAMESPACE = "{http://www.w3.org/2000/svg}"

FILE = {"type": "file"}


@cache
def example(name: str) -> Graph:
    """Return the graph of a spec in specs/."""
    return loaded(ROOT / "specs" / f"{name}.yaml", ROOT)


def loaded(spec: Path, here: Path) -> Graph:
    """Return the graph of a spec, which has no mistakes."""
    checked = validate(spec, Loader(here))
    assert [] == [d for d in checked.diagnostics if d.severity == "error"]
    assert checked.graph is not None
    return checked.graph


def written(folder: Path, steps: Mapping[str, Any], inner: Mapping[str, Any] | None = None, **head: Any) -> Graph:
    """Return the graph of a pipeline with these steps; `inner` are those of inner.yaml: an input `x`, an output `o`."""
    (folder / "x.py").write_text("")
    if inner is not None:
        ports = {"inputs": {"x": {"type": "number", "default": 1}}, "outputs": {"o": {"from": out(list(inner)[-1])}}}
        save(folder / "inner.yaml", {"name": "inner", **ports, "steps": inner})
    save(folder / "p.yaml", {"name": "p", **head, "steps": steps})
    return loaded(folder / "p.yaml", folder)


def save(file: Path, document: Mapping[str, Any]) -> None:
    file.write_text(json.dumps({"specflow": 1, **document}, ensure_ascii=False), encoding="utf-8")


def out(step: str, port: str = "o") -> str:
    return f"${{{{ steps.{step}.outputs.{port} }}}}"


def step(*reads: str, **more: Any) -> dict[str, Any]:
    """Return a step that reads these expressions and has the outputs `o`, a file, and `n`, a number."""
    run = ["python", "x.py", *reads, "${{ outputs.o }}", "${{ outputs.n }}"]
    return {"run": run, "outputs": {"o": FILE, "n": {"type": "number"}}, **more}


def at(graph: Graph, *targets: str) -> dict[str, str]:
    """Return a placement: the nodes on these targets in turn."""
    return {node: targets[index % len(targets)] for index, node in enumerate(graph.nodes)}


class Made:
    """A random graph and where its steps are placed; not a dataclass, for hypothesis would print all that is in it."""

    def __init__(self, graph: Graph, placed: Mapping[str, str], steps: Mapping[str, Any]) -> None:
        self.graph, self.placed, self.steps = graph, placed, steps

    def __repr__(self) -> str:
        return json.dumps({"steps": self.steps, "targets": list(dict.fromkeys(self.placed.values()))})


@st.composite
def pipelines(make: st.DrawFn) -> Made:
    """Return a random graph with matrices, calls, conditions and plain order, placed at random."""
    steps: dict[str, Any] = {}
    for index in range(make(st.integers(1, 12))):
        before = list(steps)
        needs = make(st.lists(st.sampled_from(before), max_size=3, unique=True)) if before else []
        ports = [make(st.sampled_from(["o", "n"])) if steps[need].get("run") else "o" for need in needs]
        reads = [out(need, port) for need, port in zip(needs, ports, strict=True)]
        more: dict[str, Any] = {}
        if make(st.integers(0, 3)) == 0:
            more["matrix"] = {"axis": list(range(make(st.integers(1, 3))))}
        if before and make(st.integers(0, 3)) == 0:
            more["after"] = [make(st.sampled_from(before))]
        if make(st.integers(0, 3)) == 0:
            more["when"] = "${{ inputs.limit > 1 }}"
        is_call = make(st.integers(0, 3)) == 0
        steps[f"s{index}"] = {"uses": "inner.yaml", **more} if is_call else step(*reads, "${{ inputs.limit }}", **more)
    inner = {"first": step(), "second": step(out("first"), matrix={"k": [1, 2]}), "last": step(out("second"))}
    with tempfile.TemporaryDirectory() as folder:
        graph = written(Path(folder), steps, inner, inputs={"limit": {"type": "number", "default": 2}})
    lanes = make(st.lists(st.sampled_from(TARGETS), min_size=1, max_size=3))
    return Made(graph, at(graph, *lanes), steps)


@dataclass(frozen=True)
class Shape:
    """A rectangle of an SVG."""

    kind: str
    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: "Shape") -> bool:
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )

    def holds(self, x: float, y: float, slack: float = 0.0) -> bool:
        """Return whether a point is inside, by more than `slack`."""
        return self.x + slack < x < self.x + self.width - slack and self.y + slack < y < self.y + self.height - slack


@dataclass(frozen=True)
class Drawn:
    """What stands in the drawing of an SVG document, read back from its text."""

    root: ET.Element

    @property
    def drawing(self) -> ET.Element:
        return next(g for g in self.root.iter(f"{NAMESPACE}g") if any(c.get("data-box") for c in g))

    def boxes(self) -> dict[str, Shape]:
        """Return the front of each box by its id."""
        return {g.get("data-box", ""): list(shapes(g))[-1] for g in self.drawing if g.get("data-box")}

    def frames(self, kind: str) -> list[Shape]:
        return [shape for shape in shapes(self.drawing) if shape.kind == f"sf-{kind}"]

    def texts(self, box: str) -> list[tuple[str, float, float, str]]:
        """Return the lines in a box: role, place, text."""
        found = next(g for g in self.drawing if g.get("data-box") == box)
        return [
            (t.get("class", ""), float(t.get("x", 0)), float(t.get("y", 0)), t.text or "")
            for t in found.iter(f"{NAMESPACE}text")
        ]

    def ways(self) -> Iterator[list[tuple[float, float]]]:
        """Yield the points along each edge."""
        for path in self.drawing.iter(f"{NAMESPACE}path"):
            if path.get("class") == "sf-line":
                yield list(points(path.get("d", "")))


def shapes(element: ET.Element) -> Iterator[Shape]:
    for rect in element.iter(f"{NAMESPACE}rect"):
        x, y, width, height = (float(rect.get(name, 0)) for name in ("x", "y", "width", "height"))
        yield Shape(rect.get("class", ""), x, y, width, height)


def points(path: str) -> Iterator[tuple[float, float]]:
    """Yield points along a path of M, H and C, close to each other."""
    x = y = 0.0
    for command, rest in re.findall(r"([MHC])([^MHC]*)", path):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", rest)]
        if command == "M":
            x, y = numbers
            yield x, y
        elif command == "H":
            yield from ((x + (numbers[0] - x) * i / 20, y) for i in range(21))
            x = numbers[0]
        else:
            x1, y1, x2, y2, x3, y3 = numbers
            for i in range(21):
                t = i / 20
                a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
                yield a * x + b * x1 + c * x2 + d * x3, a * y + b * y1 + c * y2 + d * y3
            x, y = x3, y3


def drawn(graph: Graph, placed: Mapping[str, str], **options: Any) -> Drawn:
    """Return the SVG of a graph, read back."""
    return Drawn(ET.fromstring(draw(graph, placed, "svg", **options)))


def golden(name: str, format: str) -> Path:  # noqa: A002
    return GOLDEN / f"{name}.{ENDINGS[format]}"


def current(name: str, format: str) -> str:  # noqa: A002
    """Return the drawing of an example as its golden file holds it."""
    graph = example(name)
    return draw(graph, at(graph, "local"), format)


if __name__ == "__main__":
    for spec in SPECS:
        for ending in ENDINGS:
            golden(spec, ending).write_text(current(spec, ending), encoding="utf-8")
