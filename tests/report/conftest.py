"""Reports of real runs, and a reader of pages that forgives nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.local.conftest import Project

VOID = {"br", "img", "meta"}
LOADING = {"src", "href", "srcset", "poster", "data", "action", "xlink:href", "background"}


class Page(HTMLParser):
    """A page as parsed: every element closed in order; its text, its elements, what it refers to."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = text
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert [] == self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"<{tag}> has an attribute twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {"svg"} & set(self.open), f"<{tag}/> outside a drawing"
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open[-1:]):
            self.words.append(data)

    @property
    def text(self) -> str:
        """Return the words of the page, white space made one."""
        return " ".join(" ".join(self.words).split())

    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    def references(self) -> list[str]:
        """Return what a browser might load: attributes that name something, and addresses in styles."""
        found = [value or "" for _, attrs in self.elements for name, value in attrs.items() if name in LOADING]
        styles = [attrs.get("style") or "" for _, attrs in self.elements]
        styles += re.findall(r"<style>(.*?)</style>", self.source, re.DOTALL)
        return found + [match for style in styles for match in re.findall(r"(?:url\(|@import)[^;]*", style)]


class ReportProject(Project):
    """A project whose runs are reported."""

    def report(self, *args: str) -> Page:
        file = self.folder / "page.html"
        done = self.call("report", *args, "-o", str(file))
        assert (0, "") == (done.returncode, done.stderr)
        return Page(file.read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path: Path) -> ReportProject:
    return ReportProject(tmp_path)
