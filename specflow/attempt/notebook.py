"""A Jupyter notebook as a process: its ports assigned in a cell of their own, its cells run by papermill.

The process runs in the step's environment, and that is where papermill has to be: nothing here imports it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["TAG", "Notebook", "assignments", "notebook_process"]

TAG = "injected-parameters"
"""The tag of the cell that the ports are assigned in: papermill's own, so that its tools know it."""


class Notebook(NamedTuple):
    """Where a notebook lies, and where the executed one goes."""

    source: str
    executed: str


# What cells print goes on to this process's stdout and stderr as it comes; the executed notebook is written after every
# cell, through a link with a plain name: papermill takes braces in a path for its own. The kernel is this interpreter,
# whatever kernels the machine knows and whichever the notebook was saved with. The last line is what hints show.
_SCRIPT = """\
import json, os, re, sys
sys.path[:] = [entry for entry in sys.path if entry]  # modules of the step's own are for its kernel alone
with open(sys.argv[1], encoding="utf-8") as stream:
    note = json.load(stream)
home = os.path.dirname(sys.argv[1])
work = os.getcwd()
os.environ.update(JUPYTER_PATH=home, JUPYTER_RUNTIME_DIR=home, IPYTHONDIR=home)
try:
    import nbclient.exceptions, nbformat, papermill
except ImportError as failure:
    sys.exit(f"the notebook needs papermill and ipykernel in the step's environment: {failure}")
os.makedirs(f"{home}/kernels/specflow")
argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=CRITICAL"]
with open(f"{home}/kernels/specflow/kernel.json", "w", encoding="utf-8") as stream:
    json.dump({"argv": argv, "display_name": "specflow", "language": "python"}, stream)
notebook = nbformat.read(note["source"], as_version=4)
cells = [cell for cell in notebook.cells if note["tag"] not in cell.metadata.get("tags", ())]
tagged = [at for at, cell in enumerate(cells) if "parameters" in cell.metadata.get("tags", ())]
own = nbformat.v4.new_code_cell(note["code"], metadata={"tags": [note["tag"]]})
if notebook.nbformat_minor < 5:
    own.pop("id", None)
if note["code"]:
    cells.insert(tagged[0] + 1 if tagged else 0, own)
notebook.cells = cells
os.chdir(home)
nbformat.write(notebook, "source.ipynb")
os.symlink(note["executed"], "executed.ipynb")
try:
    papermill.execute_notebook(
        "source.ipynb", "executed.ipynb", kernel_name="specflow", progress_bar=False, start_timeout=600,
        stdout_file=sys.stdout, stderr_file=sys.stderr, cwd=work,
    )
except papermill.exceptions.PapermillExecutionError as failure:
    print(re.sub("\\x1b[^m]*m", "", "\\n".join(failure.traceback)), file=sys.stderr)
    last = f"{failure.ename}: {failure.evalue}".strip().splitlines()[-1]
    sys.exit(f"the notebook failed in cell [{failure.exec_count}]: {last}")
except nbclient.exceptions.DeadKernelError:
    sys.exit("the notebook failed: its kernel died; a cell ended it, or there was not enough memory")
"""


def notebook_process(
    step: Mapping[str, Any],
    inputs: Mapping[str, Any],
    outputs: Mapping[str, str],
    notebook: Notebook,
    folder: str,
    python: str,
) -> list[str]:
    """Return the argument vector that executes a notebook; the values travel in a file in `folder`, which is made."""
    os.makedirs(folder)
    note = {
        "source": notebook.source,
        "executed": notebook.executed,
        "tag": TAG,
        "code": assignments(step, inputs, outputs),
    }
    path = os.path.join(folder, "note.json")
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(note, stream)
    return [python, "-c", _SCRIPT, path]


def assignments(step: Mapping[str, Any], inputs: Mapping[str, Any], outputs: Mapping[str, str]) -> str:
    """Return Python source that assigns every port: inputs by their types, None for an absent one, paths as text."""
    lines = [f"{port} = {_literal(inputs[port], facts['type'])}" for port, facts in step["inputs"].items()]
    lines += [f"{port} = {_literal(outputs[port], 'string')}" for port in step["outputs"]]
    return "\n".join(lines)


def _literal(value: Any, kind: str) -> str:
    """Return the Python literal of a value; a number is a float, so that its type doesn't hang on its digits."""
    if isinstance(value, list):
        return f"[{', '.join(_literal(item, kind) for item in value)}]"
    if kind == "number" and isinstance(value, int) and float(value) == value:
        return repr(float(value))
    return repr(value)
