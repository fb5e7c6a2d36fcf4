"""Why a step may have failed: what its log says, seen from the project around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

__all__ = ["missing_code_hint", "tail", "tool_hint"]

_MISSING = re.compile(r"No such file|FileNotFoundError|cannot open|can't open|does not exist|not found", re.IGNORECASE)
_EXISTS = re.compile(r"\[PATH_ALREADY_EXISTS\]|FileAlreadyExistsException")
_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")
_QUOTED = re.compile(r"""['"]([^'"\n]{1,300})['"]""")
_BARE = re.compile(r"[\w./~-]*[\w~-][./][\w./~-]*")
_WORK = re.compile(r"/.*/attempts/[^/]+/\w+/")
"""Where an attempt runs: what is named below it is named from the code folder."""
TAIL_BYTES = 64 * 1024


def tail(log: FilePath, lines: int) -> list[str]:
    """Return the last lines of a log."""
    try:
        with log.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - TAIL_BYTES))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return []
    return text.splitlines()[-lines:]


def tool_hint(spec: Mapping[str, Any], log: FilePath) -> str:
    """Return what the tool that runs a notebook or a Spark script says, where its last words explain a failure."""
    lines = [line for line in tail(log, 400) if line.strip()]
    if "notebook" in spec and lines and lines[-1].startswith("the notebook "):
        return f"{lines[-1]}; all of it is in {log.with_suffix('.ipynb')}"
    if "spark" in spec and any(_EXISTS.search(line) for line in lines):
        return 'an output folder exists and is empty when the step starts: let Spark write with mode("overwrite")'
    return ""


def missing_code_hint(log: FilePath, root: FilePath, folders: tuple[FilePath, ...], *, has_code: bool) -> str:
    """Return a sentence, if the log's end names something that lies in the project but did not travel with the step.

    `folders` are where the step's author may have stood: its code's home, its spec's folder, the root.
    """
    code = "put it into the code folder" if has_code else 'say "code:" with its folder'
    for line in reversed(tail(log, 40)):
        module = _MODULE.search(line)
        if module:
            found = _module(module.group(1), root, folders)
            if found is not None:
                return _sentence(found, root, "module", code)
        if _MISSING.search(line):
            for word in _words(line):
                found = _file(word, root, folders)
                if found is not None:
                    what = "file" if found.is_file() else "folder"
                    return _sentence(found, root, what, f"hand it over as an input, or {code}")
    return ""


def _words(line: str) -> Iterator[str]:
    yield from _QUOTED.findall(line)
    yield from _BARE.findall(line)


def _file(word: str, root: FilePath, folders: tuple[FilePath, ...]) -> FilePath | None:
    """Return the project's file that a path in the code folder means, if there is one."""
    word = _WORK.sub("", word, count=1)
    if word.startswith(("/", "~")) or "\0" in word:
        return None
    for folder in folders:
        path = folder / word
        try:
            real = path.resolve()
            if path.exists() and real.is_relative_to(root.resolve()) and real != root.resolve():
                return real
        except OSError:
            continue
    return None


def _module(name: str, root: FilePath, folders: tuple[FilePath, ...]) -> FilePath | None:
    first = name.split(".")[0]
    for folder in folders:
        for path in (folder / f"{first}.py", folder / first, folder / "src" / first):
            if path.exists() and path.resolve().is_relative_to(root.resolve()):
                return path.resolve()
    return None


def _sentence(found: FilePath, root: FilePath, what: str, way_out: str) -> str:
    shown = found.relative_to(root.resolve()).as_posix()
    return f'the {what} "{shown}" is in the project, but a step sees only its own code folder and its inputs: {way_out}'
