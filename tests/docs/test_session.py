"""The player of pages: it sees what differs, lets through what may, and knows what it was not told to look at."""

from pathlib import Path

import pytest

from tests.docs.pages import Command, blocks, commands
from tests.docs.session import Session, _matches

RUN, OTHER_RUN = "20260101-120000-1a2b3c", "20260202-130000-4d5e6f"


@pytest.mark.parametrize(
    ("page", "output", "matches"),
    [
        ("a\nb\n", "a\nb\n", True),
        ("a\nb\n", "a\nb", True),
        ("a\n", "a\nb\n", False),
        ("a\nb\n", "a\n", False),
        ("", "", True),
        ("", "a\n", False),
        ("a…z\n", "a to z\n", True),
        ("a…z\n", "a\nz\n", False),
        ("a\n…\nz\n", "a\nz\n", True),
        ("a\n…\nz\n", "a\n1\n2\nz\n", True),
        ("a\n…\nz\n", "a\n1\n2\n", False),
        ("a.b\n", "a-b\n", False),
        (f"run {RUN}\n", f"run {OTHER_RUN}\n", True),
        (f"run {RUN}\n", "run 1\n", False),
        ("took 0.1 s\n", "took 12.3 s\n", True),
        ("took 0.1 s\n", "took long\n", False),
        ("rmse 4.32\n", "rmse 4.3791\n", True),
        ("rmse 4.32\n", "rmse 4.42\n", False),
        ("build/x  0123456789ab\n", "build/x  ba9876543210\n", True),
        ("x 0123456789ab\n", "x ba9876543210\n", False),
    ],
)
def test_what_may_differ_and_what_not(page: str, output: str, matches: bool) -> None:
    assert matches == _matches(page, output)


def test_a_console_block_is_cut_into_commands() -> None:
    (block,) = blocks("text\n```console exit=1\n$ a\n1\n2\n$ b \\\n  c\n$ d\n```\n")

    assert {"exit": "1"} == block.words
    assert [Command("a", "1\n2\n", 3), Command("b \\\n  c", "", 6), Command("d", "", 8)] == commands(block)


@pytest.mark.parametrize(
    "page",
    [
        "```\nx\n```\n",
        "```yaml\na: 1\n```\n",
        "```mermaid\nflowchart LR\n```\n",
        "```sh\nls\n```\n",
        "```console file=x\n$ ls\n```\n",
        "```python exit=1\nraise SystemExit(1)\n```\n",
    ],
)
def test_a_block_that_nothing_would_look_at_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match=r"^line 1: "):
        blocks(page)


def test_a_block_that_does_not_begin_with_a_command_is_refused() -> None:
    (block,) = blocks("```console\nls\n```\n")

    with pytest.raises(ValueError, match="line 2: a console block begins with a command"):
        commands(block)


def play(home: Path, page: str) -> Session:
    session = Session(home)
    for block in blocks(page):
        session.play(block)
    return session


def test_files_folders_and_variables_stay_from_block_to_block(tmp_path: Path) -> None:
    page = (
        '```console\n$ mkdir ../a && cd ../a\n$ export X="it\'s"\n```\n'
        "```text file=b/c.txt\nhello\n```\n"
        "```console\n$ cat b/c.txt\nhello\n$ echo $X\nit's\n$ pwd\n/home/you/a\n$ ls /home/you\na\nspecflow\n```\n"
        "```python\nfrom pathlib import Path\nassert Path('b/c.txt').read_text() == 'hello\\n'\n```\n"
    )

    assert tmp_path.resolve() / "a" == play(tmp_path, page).cwd


def test_a_later_command_may_name_the_run_that_the_page_showed(tmp_path: Path) -> None:
    session = Session(tmp_path)
    session.run(Command(f"echo {OTHER_RUN}", f"{RUN}\n", 1), 0)

    session.run(Command(f"echo '{RUN}' | tr 2 x", f"{OTHER_RUN.replace('2', 'x')}\n", 2), 0)


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("```console\n$ echo a\nb\n```\n", r"line 2: \$ echo a\nprinted:\na\n\nand the page says:\nb\n"),
        ("```console\n$ false\n```\n", r"line 2: \$ false\nended with 1, not 0"),
        ("```console exit=1\n$ true\n```\n", r"line 2: \$ true\nended with 0, not 1"),
        ("```python\nassert False\n```\n", r"ended with 1, not 0, and printed:\n(.*\n)*AssertionError"),
    ],
)
def test_a_page_that_is_wrong_is_told_with_its_line(page: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=told):
        play(tmp_path, page)
