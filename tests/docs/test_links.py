"""Links of README.md, CONTRIBUTING.md and docs/: each leads to a file of the project, or to a heading in one."""

import re

import pytest

from tests.docs.pages import PAGES, ROOT

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"^(`{3,}).*?^\1|`[^`\n]*`", re.DOTALL | re.MULTILINE)


def anchors(markdown: str) -> set[str]:
    """Return what GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ +(.*?) *$", re.sub(r"^(`{3,}).*?^\1", "", markdown, flags=re.S | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(markdown: str) -> list[str]:
    return [link for link in _LINK.findall(_CODE.sub("", markdown)) if not link.startswith(("http:", "https:"))]


def named_files(markdown: str) -> set[str]:
    """Return the paths of the project that running text names, without those that the page has its reader make."""
    made = set(re.findall(r"^```\w+ file=(\S+)", markdown, re.M))
    return set(re.findall(r"`((?:specflow|schemas|specs|steps|tests|docs)/[\w./-]*\w)`", markdown)) - made


def test_headings_become_anchors_and_code_is_no_heading() -> None:
    assert {"what-run-does", "1-get-it"} == anchors("# What `run` does\n\n```text\n# not me\n```\n## 1. Get it\n")


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING.md"])
def test_links_lead_somewhere(page: str) -> None:
    lost = []
    for link in links((ROOT / page).read_text()):
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            lost.append(link)

    assert [] == lost


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING.md"])
def test_files_that_are_named_are_there(page: str) -> None:
    assert [] == sorted(path for path in named_files((ROOT / page).read_text()) if not (ROOT / path).exists())


def test_the_index_names_every_page() -> None:
    linked = links((ROOT / "docs" / "README.md").read_text())

    assert [] == [
        page for page in PAGES if page.startswith("docs/") and page != "docs/README.md" and page[5:] not in linked
    ]
