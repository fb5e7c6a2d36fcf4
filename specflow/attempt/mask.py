"""Secrets in what a step writes: put out of sight wherever its log is kept.

What counts is a secret as it is, and each line of one with several. A step that takes one apart, or encodes it, can
still show it: this helps against the slip, not against the will.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

__all__ = ["Mask", "mask_file"]

STARS = b"***"
SHORTEST = 4
"""A text shorter than this is found everywhere, and hides nothing when it is gone."""
BLOCK = 1 << 20


class Mask:
    """Passes on what is written, secrets put out of sight; what may be the beginning of one waits for the rest."""

    def __init__(self, secrets: Iterable[str], tell: Callable[[bytes], None]) -> None:
        """Hide these."""
        lines = {line for secret in secrets for line in (secret, *secret.splitlines())}
        self.hidden = sorted((line.encode() for line in lines if len(line) >= SHORTEST), key=len, reverse=True)
        self.longest = max(map(len, self.hidden), default=1)
        self.tell, self.held, self.has_hidden = tell, b"", False

    def write(self, text: bytes) -> None:
        """Pass on what is sure."""
        found = self._without(self.held + text)
        kept = self._open_end(found)
        self.held = found[len(found) - kept :] if kept else b""
        if len(found) > kept:
            self.tell(found[: len(found) - kept])

    def end(self) -> None:
        """Pass on what was held back: nothing more comes."""
        if self.held:
            self.tell(self.held)
        self.held = b""

    def _without(self, text: bytes) -> bytes:
        for secret in self.hidden:
            if secret in text:
                text, self.has_hidden = text.replace(secret, STARS), True
        return text

    def _open_end(self, text: bytes) -> int:
        """Return how many bytes at the end may be the beginning of a secret."""
        for length in range(min(self.longest - 1, len(text)), 0, -1):
            end = text[-length:]
            if any(secret.startswith(end) for secret in self.hidden):
                return length
        return 0


def mask_file(path: str, secrets: Iterable[str]) -> None:
    """Put secrets out of sight in a file; it is written anew only if there are any."""
    beside = f"{path}.masked"
    with open(path, "rb") as source, open(beside, "wb") as kept:

        def keep(text: bytes) -> None:
            kept.write(text)

        mask = Mask(secrets, keep)
        while block := source.read(BLOCK):
            mask.write(block)
        mask.end()
    if mask.has_hidden:
        os.replace(beside, path)
    else:
        os.unlink(beside)
