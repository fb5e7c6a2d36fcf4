"""What each diagnostic code means, from one Markdown file per code in `explanations/`; a new file is a new code.

Such a file holds, in this order: `# code`; a line `error: summary` or `warning: summary`; the explanation; and blocks
of example files. The line that opens a block says the language, then which example the file belongs to (`wrong`,
`right`, or `both`) and its path: ```` ```yaml wrong file=pipeline.yaml ````. With `escaped` after that, `\\xe9` and the
like stand for bytes. A `console` block holds the command that is told about the mistake, where it isn't the usual
`specflow validate pipeline.yaml`, or `step.yaml` where the example has no such file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, cast

from specflow.diagnostics.model import Severity
from specflow.errors import UsageError

__all__ = ["Code", "ExampleFile", "codes", "explain", "markdown", "read_code"]

Part = Literal["wrong", "right", "both"]


@dataclass(frozen=True, slots=True)
class ExampleFile:
    """One file of an example; `text` is as the page shows it."""

    part: Part
    path: str
    text: str
    language: str = "yaml"
    is_escaped: bool = False

    @property
    def content(self) -> bytes:
        """Return the file's bytes."""
        if self.is_escaped:
            return self.text.encode().decode("unicode_escape").encode("latin-1")
        return self.text.encode()


@dataclass(frozen=True, slots=True)
class Code:
    """One code: what it says in a line, what it means, and the smallest examples of it."""

    name: str
    severity: Severity
    summary: str
    text: str
    """The explanation, in Markdown, without the examples."""
    files: tuple[ExampleFile, ...] = ()
    command: str = ""
    """What the user called, where that is not the usual command."""

    def example(self, part: Literal["wrong", "right"]) -> tuple[ExampleFile, ...]:
        """Return the files of the wrong or of the right example, those that both share included."""
        return tuple(file for file in self.files if file.part in (part, "both"))


def explain(name: str) -> str:
    """Return what a code means, for a terminal; raise UsageError, with the nearest codes, for an unknown one."""
    code = codes().get(name)
    if code is None:
        raise UsageError(f'there is no diagnostic code "{name}"', _nearest(name))
    parts = [f"{code.name} ({code.severity}): {code.summary}", code.text]
    wrong = [file for file in code.files if file.part != "right"]
    right = [file for file in code.files if file.part == "right"]
    for label, files, command in (("Wrong", wrong, code.command), ("Right", right, "")):
        shown = [f"# {file.path}\n{file.text.rstrip()}" for file in files] + ([f"$ {command}"] if command else [])
        if shown:
            parts += [f"{label}:", *map(_indented, shown)]
    return "\n\n".join(parts)


def markdown(code: Code, told: str = "") -> str:
    """Return a code's explanation and examples in Markdown; `told`, what is said of the wrong one, stands between."""
    wrong = [file for file in code.files if file.part != "right"]
    right = [file for file in code.files if file.part == "right"]
    call = f"$ {code.command}\n" if code.command else ""
    said = [f"```text\n{call}{told.rstrip()}\n```"] if call or told else []
    return "\n\n".join([code.text, *map(_markdown_file, wrong), *said, *map(_markdown_file, right)]) + "\n"


def _markdown_file(file: ExampleFile) -> str:
    label = {"wrong": "Wrong", "right": "Right", "both": "With"}[file.part]
    words = f"{file.language} {file.part} file={file.path}{' escaped' if file.is_escaped else ''}"
    return f"{label}, `{file.path}`:\n\n```{words}\n{file.text.rstrip()}\n```"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else "" for line in text.split("\n"))


def _nearest(name: str) -> str:
    """Return which codes may have been meant: those spelt alike, else those that share a word."""
    import difflib

    known = sorted(codes())
    word = name.lower().replace("_", "-").strip("[]")
    matches = difflib.get_close_matches
    close = matches(word, known, n=1, cutoff=0.8) or matches(word, known, n=3, cutoff=0.6)
    close = close or [code for code in known if set(code.split("-")) & set(word.split("-"))][:5]
    return f"did you mean {' or '.join(close)}?" if close else "a code stands in brackets at the end of a message"


@cache
def codes() -> Mapping[str, Code]:
    """Return every code by its name, in order of names."""
    folder = resources.files("specflow.diagnostics") / "explanations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".md")), key=lambda file: file.name)
    return {file.name.removesuffix(".md"): read_code(file.read_text(encoding="utf-8")) for file in files}


_HEAD = re.compile(r"# (?P<name>[a-z0-9-]+)\n\n(?P<severity>error|warning): (?P<summary>[^\n]+)\n\n")
_BLOCK = re.compile(r"^(?P<fence>`{3,})(?P<words>[^\n]+)\n(?P<text>.*?)^(?P=fence)\n", re.DOTALL | re.MULTILINE)


def read_code(text: str) -> Code:
    """Return the code that a Markdown text explains; raise ValueError where it has another shape."""
    head = _HEAD.match(text)
    if head is None:
        raise ValueError('an explanation begins with "# code", a blank line, and "error: summary"')
    blocks = list(_BLOCK.finditer(text, head.end()))
    explanation = text[head.end() : blocks[0].start() if blocks else len(text)].strip()
    files, command = [], ""
    for block in blocks:
        language, *words = block["words"].split()
        if language == "console":
            command = block["text"].strip().removeprefix("$ ")
        else:
            files.append(_file(language, words, block["text"]))
    severity = cast("Severity", head["severity"])
    return Code(head["name"], severity, head["summary"], explanation, tuple(files), command)


def _file(language: str, words: list[str], text: str) -> ExampleFile:
    part, path, *rest = words
    if part not in ("wrong", "right", "both") or not path.startswith("file=") or rest not in ([], ["escaped"]):
        raise ValueError(f'"{language} {" ".join(words)}" is not "<language> wrong|right|both file=<path> [escaped]"')
    return ExampleFile(cast("Part", part), path.removeprefix("file="), text, language, bool(rest))
