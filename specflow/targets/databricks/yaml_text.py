"""A bundle's documents as YAML that reads as if somebody had written it, and that YAML 1.1 and 1.2 read alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

__all__ = ["document_text"]

_PLAIN = re.compile(r"(?:[A-Za-z_/$]|\.\.?/|--)[A-Za-z0-9_./@+=%${}\[\] <>~,;()'-]*(?::[A-Za-z0-9_./@+=%${}~-]+)*")
_WIDTH = 120


class _Dumper(yaml.SafeDumper):
    """Writes block style, indents lists, and has no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        del indentless
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Write a text plain only where no reader takes it for anything else: some read 1e3 as a number."""
    node = dumper.represent_str(text)
    if not _PLAIN.fullmatch(text) or text.endswith(" ") or text.lower() in ("y", "n"):
        node.style = "|" if "\n" in text.rstrip("\n") and text.isprintable() else '"'
    return node


_Dumper.add_representer(str, _text)


def document_text(document: Mapping[str, Any], head: str) -> str:
    """Return a document as YAML below a comment; its keys stay in their order."""
    body = yaml.dump(
        dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=False
    )
    return f"# {head}\n{body}"
