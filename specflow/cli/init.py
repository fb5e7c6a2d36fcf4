"""`specflow init`."""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Mapping
from pathlib import Path as FilePath

import click

__all__ = ["command"]

_SCHEMAS = ".specflow-schemas"


@click.command(
    "init",
    epilog="""\b
Examples:
  specflow init my_project
  cd my_project && specflow run pipeline.yaml
""",
)
@click.argument("folder", type=click.Path(path_type=FilePath, file_okay=False), default=FilePath())
def command(folder: FilePath) -> int:
    """Begin a project in FOLDER (the current one unless said): a small pipeline of two steps that runs at once.

    Nothing that is there already is overwritten. Every file names its schema, so editors complete and check it.
    """
    from specflow.errors import UsageError

    files = dict(_files())
    taken = [name for name in files if (folder / name).exists()]
    if taken:
        raise UsageError(f'"{folder / taken[0]}" is there already, and nothing is overwritten', "name an empty folder")
    _write({folder / name: text for name, text in files.items()})
    for name in files:
        click.echo(f"wrote {folder / name}")
    where = "" if folder == FilePath() else f"cd {shlex.quote(str(folder))} && "
    click.echo(f"\nnow: {where}specflow run pipeline.yaml")
    return 0


def _write(files: Mapping[FilePath, str]) -> None:
    """Write all files; those that were written go again where one can't be, so that it can be tried once more."""
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError:
        for path in files:
            with contextlib.suppress(OSError):
                path.unlink()
        raise


def _files() -> dict[str, str]:
    from specflow.cli.schema import complete_schema

    schemas = {f"{_SCHEMAS}/{kind}.schema.json": json.dumps(complete_schema(kind), indent=2) + "\n" for kind in _KINDS}
    return {
        "specflow.yaml": _line("project", "") + _PROJECT,
        "pipeline.yaml": _line("pipeline", "") + _PIPELINE,
        "steps/count/step.yaml": _line("step", "../../") + _COUNT,
        "steps/count/count.py": _COUNT_PY,
        "steps/chart/step.yaml": _line("step", "../../") + _CHART,
        "steps/chart/chart.py": _CHART_PY,
        "data/words.txt": _WORDS,
        **schemas,
    }


_KINDS = ("step", "pipeline", "project")


def _line(kind: str, up: str) -> str:
    return f"# yaml-language-server: $schema={up}{_SCHEMAS}/{kind}.schema.json\n"


_PROJECT = """\
specflow: 1
profile: dev
profiles:
  dev:
    variables: {owner: me}
"""

_PIPELINE = """\
specflow: 1
name: words
description: Count the words of a text, and draw the most frequent ones.
data:
  words: {type: file, format: txt, location: data/words.txt}
inputs:
  text: {type: file, format: txt, default: "${{ data.words }}"}
  most: {type: integer, default: 5, minimum: 1, maximum: 50}
steps:
  count:
    uses: steps/count
    inputs:
      text: ${{ inputs.text }}
  chart:
    uses: steps/chart
    inputs:
      counts: ${{ steps.count.outputs.counts }}
      most: ${{ inputs.most }}
outputs:
  chart: {from: "${{ steps.chart.outputs.chart }}"}
  different: {from: "${{ steps.count.outputs.different }}"}
"""

_COUNT = """\
specflow: 1
name: count
version: 1.0.0
description: Count how often each word stands in a text.
inputs:
  text: {type: file, format: txt}
outputs:
  counts: {type: file, format: json}
  sizes: {type: metrics}
  different: {type: integer}
environment:
  python: ">=3.10"
run: >
  python count.py ${{ inputs.text }}
  --counts ${{ outputs.counts }} --sizes ${{ outputs.sizes }} --different ${{ outputs.different }}
"""

_COUNT_PY = '''\
"""Count how often each word stands in a text."""

import argparse
import collections
import json
import pathlib
import re

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("text", type=pathlib.Path)
parser.add_argument("--counts", type=pathlib.Path, required=True)
parser.add_argument("--sizes", type=pathlib.Path, required=True)
parser.add_argument("--different", type=pathlib.Path, required=True)
args = parser.parse_args()

words = re.findall(r"[a-z]+", args.text.read_text().lower())
counts = collections.Counter(words)
args.counts.write_text(json.dumps(dict(counts.most_common()), indent=2))
args.sizes.write_text(json.dumps({"words": len(words), "different": len(counts)}))
args.different.write_text(str(len(counts)))
print(f"{len(words)} words, {len(counts)} different ones")
'''

_CHART = """\
specflow: 1
name: chart
version: 1.0.0
description: Draw the most frequent words as bars.
inputs:
  counts: {type: file, format: json}
  most: {type: integer, default: 5}
outputs:
  chart: {type: file, format: txt}
environment:
  python: ">=3.10"
run: python chart.py ${{ inputs.counts }} --most ${{ inputs.most }} --chart ${{ outputs.chart }}
"""

_CHART_PY = '''\
"""Draw the most frequent words as bars of text."""

import argparse
import json
import pathlib

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("counts", type=pathlib.Path)
parser.add_argument("--most", type=int, default=5)
parser.add_argument("--chart", type=pathlib.Path, required=True)
args = parser.parse_args()

counts = json.loads(args.counts.read_text())
top = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: args.most]
width = max((len(word) for word, _ in top), default=0)
chart = "\\n".join(f"{word.ljust(width)}  {'#' * count} {count}" for word, count in top)
args.chart.write_text(chart + "\\n")
print(chart)
'''

_WORDS = """\
A step is a unit of work. A pipeline is a step whose body is steps,
so a pipeline can be used as a step. Nothing else is special about it.
"""
