"""One trial: any bytes as a pipeline file, through every stage up to a plan; faults are returned, never raised."""

from __future__ import annotations

from pathlib import Path

from specflow.diagnostics import Diagnostic
from specflow.plan import Plan, canonical
from specflow.spec.load import Loader
from specflow.stages import make_plan, texts_of, validate

__all__ = ["Bench", "seeds"]

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"


class Bench:
    """A project in a folder, whose pipeline file is another one in every trial."""

    def __init__(self, folder: Path) -> None:
        """Lay out what specs may name, a step, a code folder, data, a notebook: here, and once more elsewhere."""
        self.folder, self.elsewhere = (folder.resolve() / name for name in ("here", "elsewhere"))
        for project in (self.folder, self.elsewhere):
            for name, text in FILES.items():
                file = project / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            (project / ".git").mkdir(exist_ok=True)

    def try_out(self, data: bytes, target: str | None = "local") -> None:
        """Take bytes as far as they go; raise AssertionError for what must not be, or whatever the stages raise."""
        loader, plan, found = stages(self.folder, data, target)
        has_errors = any(finding.severity == "error" for finding in found)
        assert has_errors == (plan is None), "a plan, or errors, and never both"
        texts = texts_of(loader, found)
        for finding in found:
            text = texts.get(finding.span.file)
            assert finding.message, "a finding says something"
            assert finding.message == finding.message.strip(), finding.message
            if text is not None:
                lines = text.splitlines()
                assert 1 <= finding.span.line <= len(lines) + 1, f"{finding.span} is not in the file"
        if plan is not None:
            _, again, _ = stages(self.elsewhere, data, target)
            assert again is not None, "the same file twice, and once only a plan"
            assert canonical(plan.document) == canonical(again.document), "the same plan, wherever the project lies"


def stages(project: Path, data: bytes, target: str | None) -> tuple[Loader, Plan | None, tuple[Diagnostic, ...]]:
    """Take bytes as a project's pipeline file through every stage; return the loader, the plan and what was found."""
    spec = project / "pipeline.yaml"
    spec.write_bytes(data)
    loader = Loader(project)
    return loader, *make_plan(validate(spec, loader), target)


FILES = {
    "step.yaml": """\
specflow: 1
name: step
inputs: {n: {type: integer, default: 1}, f: {type: file, optional: true}}
outputs: {out: {type: file}}
run: [python, main.py, "${{ inputs.n }}", "$[[${{ inputs.f }}]]", "${{ outputs.out }}"]
""",
    "tool/main.py": "print(1)\n",
    "data/table.csv": "a,b\n1,2\n",
    "book.ipynb": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
}


def seeds() -> list[Path]:
    """Return the files to begin with: every spec of the suite and of the examples, and what was found before."""
    found = [*(ROOT / "tests" / "conformance").rglob("*.yaml"), *(ROOT / "specs").glob("*.yaml"), *CORPUS.iterdir()]
    return sorted(path for path in found if path.name != "expect.yaml" and path.is_file())
