"""The characters of a pattern: its classes and escapes, as sorted code points.

`patterns` says what the language is; this module reads the parts of it that stand for one character of the value.
"""

# No dataclasses, typing or re: see `patterns`.
from __future__ import annotations

from bisect import bisect_right

# The code points at which membership flips, sorted, always an even number of them: (48, 58) is "0" to "9".
Bounds = tuple[int, ...]

NEWLINE: Bounds = (10, 11)
WORD: Bounds = (48, 58, 65, 91, 95, 96, 97, 123)

_CODE_POINTS = 0x110000
_SETS: dict[str, Bounds] = {"d": (48, 58), "s": (9, 14, 32, 33), "w": WORD}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_HEX_DIGITS = {"x": 2, "u": 4}
_NOT_THE_SAME = "is not read the same everywhere"
REFERS_BACK = "refers back to a group, which patterns here can't do; write out what may stand there"
_REFUSED_ESCAPES = {
    **dict.fromkeys("123456789kg", REFERS_BACK),
    **dict.fromkeys("pP", "is a Unicode property, which patterns here don't know; list the characters, as in [a-zà-ÿ]"),
    "0": f'{_NOT_THE_SAME}; write "\\x00"',
    "A": f'{_NOT_THE_SAME}; write "^"',
    "Z": f'{_NOT_THE_SAME}; write "$"',
    "b": f'{_NOT_THE_SAME} in a class; write "\\x08"',
    "z": f'{_NOT_THE_SAME}; write "$"',
}


class PatternError(ValueError):
    """A pattern is refused: `message` says why and what to write instead, `position` is the fault's offset in it."""

    def __init__(self, message: str, position: int) -> None:
        """Keep what is wrong, and where."""
        super().__init__(message, position)
        self.message = message
        self.position = position

    def __str__(self) -> str:
        """Return the message; showing the position is the caller's part."""
        return self.message


def holds(bounds: Bounds, character: str) -> bool:
    """Return whether the character is one of those within the bounds."""
    return bisect_right(bounds, ord(character)) % 2 == 1


def one(character: str) -> Bounds:
    """Return the bounds of a single character."""
    return ord(character), ord(character) + 1


def outside(bounds: Bounds) -> Bounds:
    """Return the bounds of every character that the given ones leave out."""
    flipped = bounds[1:] if bounds[:1] == (0,) else (0, *bounds)
    return flipped[:-1] if flipped[-1:] == (_CODE_POINTS,) else (*flipped, _CODE_POINTS)


def character_class(text: str, start: int) -> tuple[Bounds, int]:
    """Return the characters of the class that opens at `start`, and where it ends."""
    is_negated = text.startswith("^", start + 1)
    at = start + 1 + is_negated
    if text.startswith("]", at):
        raise PatternError('a class holds at least one character; write "\\]" for the bracket', start)
    pairs: list[tuple[int, int]] = []
    while at < len(text) and text[at] != "]":
        first, end = _member(text, at)
        if text.startswith("-", end) and text[end + 1 : end + 2] not in ("", "]"):
            hyphen = end
            last, end = _member(text, hyphen + 1)
            if not _is_one(first) or not _is_one(last):
                raise PatternError(f'"{text[at:end]}" is no range; put "-" last in the class for the character', at)
            if last < first:
                forwards = f"{text[hyphen + 1 : end]}-{text[at:hyphen]}"
                raise PatternError(f'range "{text[at:end]}" is reversed; write "{forwards}"', at)
            first = (first[0], last[1])
        pairs += zip(first[::2], first[1::2], strict=True)
        at = end
    if at >= len(text):
        raise PatternError('"[" is never closed; add "]", or write "\\[" for the character', start)
    bounds = _union(pairs)
    return outside(bounds) if is_negated else bounds, at + 1


def escape(text: str, at: int) -> tuple[Bounds, int]:
    """Return the characters that the escape at `at` stands for, and where it ends."""
    letter = text[at + 1 : at + 2]
    end = at + 2
    if not letter:
        raise PatternError('the pattern ends in a lone backslash; write "\\\\" for the character', at)
    if letter in _PUNCTUATION:
        return one(letter), end
    if letter in _CONTROLS:
        return one(_CONTROLS[letter]), end
    if letter in _SETS:
        return _SETS[letter], end
    if letter.lower() in _SETS:
        return outside(_SETS[letter.lower()]), end
    if letter in _HEX_DIGITS:
        return _code_point(text, at, _HEX_DIGITS[letter])
    if letter in _REFUSED_ESCAPES:
        raise PatternError(f'"\\{letter}" {_REFUSED_ESCAPES[letter]}', at)
    raise PatternError(f'"\\{letter}" is no escape known here; write "{letter}" or a code such as "\\x2e"', at)


def _member(text: str, at: int) -> tuple[Bounds, int]:
    """Return the characters that one member of a class stands for, and where it ends."""
    if text.startswith("[:", at):
        raise PatternError('"[:" names a POSIX class, which patterns here don\'t know; write a range such as a-z', at)
    return escape(text, at) if text[at] == "\\" else (one(text[at]), at + 1)


def _code_point(text: str, at: int, count: int) -> tuple[Bounds, int]:
    """Return the character whose code is the `count` hexadecimal digits of the escape at `at`, and where it ends."""
    digits = text[at + 2 : at + 2 + count]
    if len(digits) < count or not all(c in "0123456789abcdefABCDEF" for c in digits):
        example = "x2e" if count == 2 else "u00e9"
        raise PatternError(f'"{text[at : at + 2]}" takes {count} hexadecimal digits, as in "\\{example}"', at)
    code = int(digits, 16)
    if 0xD800 <= code < 0xE000:
        raise PatternError(f'"\\u{digits}" is half a character; write the character itself', at)
    return (code, code + 1), at + 2 + count


def _is_one(bounds: Bounds) -> bool:
    return len(bounds) == 2 and bounds[1] == bounds[0] + 1


def _union(pairs: list[tuple[int, int]]) -> Bounds:
    bounds: list[int] = []
    for low, high in sorted(pairs):
        if bounds and low <= bounds[-1]:
            bounds[-1] = max(bounds[-1], high)
        else:
            bounds += low, high
    return tuple(bounds)
