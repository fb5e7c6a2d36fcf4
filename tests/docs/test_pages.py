"""Every fenced block in README.md and docs/ is what it says it is: commands print it, files make it, code runs."""

from pathlib import Path

import pytest

from tests.docs.pages import HELD_ELSEWHERE, PAGES, ROOT, blocks
from tests.docs.session import Session


@pytest.mark.parametrize("page", [page for page in PAGES if page not in HELD_ELSEWHERE])
def test_a_page_can_be_followed_word_by_word(page: str, tmp_path: Path) -> None:
    session = Session(tmp_path)

    for block in blocks((ROOT / page).read_text()):
        session.play(block)
