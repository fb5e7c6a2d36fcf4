"""Secrets are put out of sight in what steps write, however it arrives."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from specflow.attempt.mask import Mask, mask_file

SECRETS = ["abcab", "first line\nsecond line", "xy"]
PIECES = st.lists(st.sampled_from([b"abcab", b"abc", b"ab", b"a", b"first line\n", b"second", b" line", b"xy", b"-"]))


def masked(pieces: list[bytes]) -> bytes:
    told: list[bytes] = []
    mask = Mask(SECRETS, told.append)
    for piece in pieces:
        mask.write(piece)
    mask.end()
    return b"".join(told)


@given(PIECES)
def test_no_secret_is_seen_however_it_is_cut(pieces: list[bytes]) -> None:
    told = masked(pieces)

    assert not [secret for secret in (b"abcab", b"first line", b"second line") if secret in told]


@given(st.lists(st.binary(max_size=20).filter(lambda piece: not set(piece) & set(b"abfsxy"))))
def test_all_else_is_passed_on_as_it_is(pieces: list[bytes]) -> None:
    assert b"".join(pieces) == masked(pieces)


def test_what_is_no_secret_is_not_held_back() -> None:
    told: list[bytes] = []
    mask = Mask(SECRETS, told.append)
    mask.write(b"progress 10%")

    assert [b"progress 10%"] == told


def test_what_is_too_short_to_hide_is_left() -> None:
    assert b"an xy coordinate" == masked([b"an xy coordinate"])


def test_a_file_without_secrets_stays_the_file_that_it_was(tmp_path: Path) -> None:
    for name, text in (("plain", "nothing\n"), ("secret", "here: abcab\n")):
        (tmp_path / name).write_text(text)
    before = (tmp_path / "plain").stat().st_ino
    for name in ("plain", "secret"):
        mask_file(str(tmp_path / name), SECRETS)

    assert before == (tmp_path / "plain").stat().st_ino
    assert "here: ***\n" == (tmp_path / "secret").read_text()
    assert ["plain", "secret"] == sorted(path.name for path in tmp_path.iterdir())
