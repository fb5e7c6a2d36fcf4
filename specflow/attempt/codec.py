"""Texts on their way through a platform's templates and shells: encoded where they hold more than plain characters.

A text of letters, digits and `_./:@+,=%-` travels as it is, so that people can read and type it. Any other begins with
`~`, followed by its UTF-8 as URL-safe base64 without padding; `~` alone is the empty text, `~~` is null.
"""

from __future__ import annotations

import base64
import binascii

__all__ = ["NULL", "decode", "encode"]

NULL = "~~"
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@+,=%-")


def encode(text: str | None) -> str:
    """Return a text, or null, in characters that no shell and no template takes for its own."""
    if text is None:
        return NULL
    if text and not set(text) - _PLAIN:
        return text
    return "~" + base64.urlsafe_b64encode(text.encode("utf-8")).decode("ascii").rstrip("=")


def decode(text: str) -> str | None:
    """Return what was encoded; raise ValueError for a text that begins with `~` and was not encoded here."""
    if not text.startswith("~"):
        return text
    if text == NULL:
        return None
    raw = text[1:]
    try:
        return base64.b64decode((raw + "=" * (-len(raw) % 4)).encode("ascii"), b"-_", validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise ValueError(f'"{text}" begins with "~" and is not an encoded text') from None
