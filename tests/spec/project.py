"""A small project that uses every key of the language, for tests that break it in one place."""

from pathlib import Path

from specflow.diagnostics import Diagnostic, tidy
from specflow.spec.checks import check
from specflow.spec.load import Loader

TARGETS = ("azureml", "databricks", "local")

PIPELINE = """\
specflow: 1
name: rich
version: 1.2.3
description: Uses every key.
tags: {team: x}
data:
  concrete: {version: "1998", type: file, format: csv, location: {local: data/a.csv, databricks: /Volumes/a.csv}}
  mixes: {type: file, location: data/b.csv}
inputs:
  rows: {type: file, format: csv, default: "${{ data.concrete }}"}
  share: {type: number, default: 0.25, minimum: 0.05, maximum: 0.5}
  word: {type: string, optional: true}
computes:
  wide: {cpus: 8, memory: 32GiB, gpus: 1, spot: true}
  spread: {autoscale: {min: 1, max: 3}}
environments:
  sklearn: {python: ">=3.10", requirements: requirements.txt}
environment: sklearn
env: {RUN: "${{ run.id }}", N: 1}
target: local
compute: wide
timeout: 2h
fail_fast: true
concurrency: 4
steps:
  prepare:
    uses: prepare
    inputs: {table: "${{ inputs.rows }}", share: "${{ inputs.share }}"}
    retry: {attempts: 2}
  train:
    uses: train.yaml
    matrix:
      model: [ridge, lasso]
      seed: [1, 2]
    inputs:
      rows: ${{ steps.prepare.outputs.rows }}
      test: ${{ steps.prepare.outputs.test }}
      model: ${{ matrix.model }}
      seed: ${{ matrix.seed }}
    timeout: 1h
  choose:
    uses: choose.yaml
    inputs:
      candidates: ${{ steps.train.outputs.fitted }}
      limit: 4
      kind: "y"
    env: {X: "${{ inputs.share }}"}
    when: ${{ inputs.share < 0.3 && has(inputs.word) }}
    target: local
  measure:
    run: python src/a.py --n ${{ steps.choose.outputs.error }} $[[--w ${{ inputs.word }}]] --o ${{ outputs.o }}
    code: src
    outputs: {o: {type: number}}
    after: [train]
    secrets: [TOKEN]
    environment: {image: "registry/image:1"}
  script:
    run: |
      echo $A > $OUT
    shell: bash
    env: {A: "${{ steps.measure.outputs.o }}", OUT: "${{ outputs.out }}"}
    outputs: {out: {type: file}}
  note:
    notebook: note.ipynb
    inputs: {x: "${{ steps.measure.outputs.o }}", y: 3}
    outputs: {z: {type: file}}
  spread_out:
    engine: spark
    run: etl.py --x ${{ data.mixes }} --o ${{ outputs.o }}
    compute: spread
    outputs: {o: {type: folder, format: delta}}
  inner:
    uses: inner.yaml
    when: ${{ failure() }}
    after: [note]
outputs:
  text: {from: "${{ steps.inner.outputs.text }}", register: {name: text, version: "3"}, optional: true}
  out: {from: "${{ steps.script.outputs.out }}", location: results/out}
schedule: {cron: "0 6 * * 1", timezone: Europe/Berlin, enabled: false}
notify: {on_failure: [a@example.com], on_success: [b@example.com]}
x-databricks: {a: {b: 1}}
"""

CHOOSE = """\
specflow: 1
name: choose
version: 1.0.0
inputs:
  limit: {type: integer, default: 3, minimum: 1, maximum: 9, description: Text.}
  kind: {type: string, enum: [x, "y"], default: x}
  word: {type: string, pattern: "^[a-z]+$", default: abc}
  extra: {type: file, format: csv, optional: true, access: download}
  candidates: {type: model, many: true}
  loud: {type: boolean, default: false}
outputs:
  best: {type: file, format: parquet}
  scores: {type: metrics, optional: true}
  error: {type: number}
environment: {python: ">=3.10", dependencies: [pandas>=2]}
env: {THREADS: 1, KIND: "${{ inputs.kind }}"}
secrets: [HF_TOKEN]
retry: {attempts: 3, delay: 30s, backoff: 2}
timeout: 1h
cache: false
x-databricks: {tags: {a: b}}
run: >
  python a.py --limit ${{ inputs.limit }} --kind '${{ inputs.kind }} x' --word=${{ inputs.word }}
  $[[--extra ${{ inputs.extra }}]] --candidates ${{ inputs.candidates }} $[[${{ if(inputs.loud, '--loud', null) }}]]
  --best ${{ outputs.best }} --scores ${{ outputs.scores }} --error ${{ outputs.error }}
"""

PREPARE = """\
specflow: 1
name: prepare
inputs:
  table: {type: file, format: csv}
  share: {type: number, default: 0.25}
outputs:
  rows: {type: file, format: parquet}
  test: {type: file, format: parquet}
run: >
  python a.py --table ${{ inputs.table }} --share ${{ inputs.share }}
  --rows ${{ outputs.rows }} --test ${{ outputs.test }}
"""

TRAIN = """\
specflow: 1
name: train
inputs:
  rows: {type: file, format: parquet}
  test: {type: file, format: parquet}
  model: {type: string, enum: [ridge, lasso], default: ridge}
  seed: {type: integer, default: 7}
outputs:
  fitted: {type: model}
run: >
  python a.py --rows ${{ inputs.rows }} --test ${{ inputs.test }} --model ${{ inputs.model }} --seed ${{ inputs.seed }}
  --fitted ${{ outputs.fitted }}
"""

INNER = """\
specflow: 1
name: inner
steps:
  write:
    run: python a.py --text ${{ outputs.text }}
    outputs: {text: {type: file}}
outputs:
  text: {from: "${{ steps.write.outputs.text }}"}
"""

PROJECT = """\
specflow: 1
profile: dev
profiles:
  dev:
    variables: {owner: ml-team, n: 3}
    store: {local: .specflow/exchange, databricks: /Volumes/main}
    targets: {databricks: {host: "https://example.com"}}
    computes: {default: {azureml: serverless}, wide: {databricks: {node_type_id: D13}}}
    environments: {sklearn: {azureml: "azureml:sklearn:3"}}
    placement: {rich.prepare: local}
    secrets: {HF_TOKEN: {local: {env: HF_TOKEN}}}
data:
  shared: {type: folder, location: data}
"""

FILES = {
    "pipeline.yaml": PIPELINE,
    "choose.yaml": CHOOSE,
    "train.yaml": TRAIN,
    "inner.yaml": INNER,
    "prepare/step.yaml": PREPARE,
    "specflow.yaml": PROJECT,
    "data/a.csv": "a\n",
    "data/b.csv": "b\n",
    "src/a.py": "",
    "requirements.txt": "pandas\n",
    "note.ipynb": '{"cells": [{"metadata": {"tags": ["parameters"]}}]}',
}


def write_project(folder: Path) -> None:
    """Write the project into a folder."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def found_in(folder: Path) -> tuple[Diagnostic, ...]:
    """Return everything that is told of the project's pipeline."""
    workspace, found = Loader(folder).load(folder / "pipeline.yaml")
    return tidy((*found, *(check(workspace, TARGETS) if workspace is not None else ())))
