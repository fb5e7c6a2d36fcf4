r"""User-given patterns that match in linear time: what `pattern:` on a string input means.

A pattern is searched for anywhere in the value, as in JSON Schema; `^` and `$` tie it to the ends. The language is what
RE2, ECMAScript and Python's `re` all have:

- characters, `.` (all but a newline), `\n \t \r \f \v`, `\xHH`, `\uHHHH`, and ASCII punctuation after a backslash;
- classes `[a-z_]`, `[^,]`, and `\d \w \s \D \W \S` with their ASCII meaning;
- groups `( )` and `(?: )`, alternatives `|`, and `* + ? {m} {m,} {m,n}`; lazy forms such as `*?` match the same values;
- `^` and `$`: the ends of the whole value (`$` does not match before a final newline);
- `\b` and `\B`: at an edge of an ASCII word, and not at one.

One character is one Unicode code point. Refused is whatever would need backtracking, and what those dialects read
differently: a lone `{`, `}` or `]`, an empty class, a repetition of a repetition, a repeated `^` or `\b`.

A pattern becomes a short program whose states are followed all at once (Thompson 1968), so a search takes at most
`MAX_SIZE` steps for each character of the value.
"""

# No dataclasses, typing or re: the launcher imports this module before every step, and they cost more than it does.
from __future__ import annotations

from bisect import bisect_right

from specflow.attempt.characters import (
    NEWLINE,
    REFERS_BACK,
    WORD,
    Bounds,
    PatternError,
    character_class,
    escape,
    holds,
    one,
    outside,
)

__all__ = ["MAX_DEPTH", "MAX_SIZE", "MAX_TIMES", "Pattern", "PatternError", "compile_pattern"]

MAX_DEPTH = 100
MAX_SIZE = 5_000  # instructions in a program, and characters in a pattern
MAX_TIMES = 1_000

# TAKE with the bounds of what it takes, GO with the distances to where the search goes on, or an assertion with ().
# Distances are relative, so that a fragment can be copied. Reaching the end of the program is a match.
Instruction = tuple[str, tuple[int, ...]]

_TAKE, _GO = "take", "go"
_START, _END, _EDGE, _NO_EDGE = "start", "end", "edge", "no edge"
_ASSERTIONS = {"^": _START, "$": _END, "\\b": _EDGE, "\\B": _NO_EDGE}
_REPETITIONS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}

_LOOKS_AROUND = "looks around, which patterns here can't do; describe the whole value between ^ and $ instead"
_NAMES = 'names a group, and names have no use here; write "("'
_REFUSED_GROUPS = {
    "(?<=": _LOOKS_AROUND,
    "(?<!": _LOOKS_AROUND,
    "(?=": _LOOKS_AROUND,
    "(?!": _LOOKS_AROUND,
    "(?P=": REFERS_BACK,
    "(?P<": _NAMES,
    "(?<": _NAMES,
    "(?'": _NAMES,
    "(?>": 'is an atomic group, and patterns here never backtrack; write "(?:"',
    "(?#": "is a comment, which patterns here can't hold; write a YAML comment beside the pattern",
}
_FLAGS = frozenset("aiLmnsuxJU-^")


class Pattern:
    """A compiled pattern: its `text` and the `program` that `compile_pattern` made of it."""

    __slots__ = ("program", "text")

    def __init__(self, text: str, program: tuple[Instruction, ...]) -> None:
        """Keep the text and its program."""
        self.text = text
        self.program = program

    def search(self, value: str) -> bool:
        """Return whether the pattern matches somewhere in the value."""
        moved: list[int] = []
        for at, character in enumerate(value):
            moved.append(0)  # a match may begin at any character
            waiting, is_match = _reach(self.program, moved, value, at)
            if is_match:
                return True
            code = ord(character)
            moved = [state + 1 for state, bounds in waiting if bisect_right(bounds, code) % 2]
        return _reach(self.program, [*moved, 0], value, len(value))[1]


def compile_pattern(text: str) -> Pattern:
    """Return the pattern that the text describes; raises PatternError for its first fault from the left."""
    if len(text) > MAX_SIZE:
        raise PatternError(f"the pattern is longer than {MAX_SIZE:,} characters; shorten it", MAX_SIZE)
    starts = [0]  # of the groups that are open, outermost first
    groups: list[list[list[Instruction]]] = [[[]]]  # their alternatives so far
    at = 0
    while at < len(text):
        start = at
        if text[at] == "(":
            at = _group_body(text, at)
            if len(groups) > MAX_DEPTH:
                raise PatternError(f"groups are nested more than {MAX_DEPTH} deep; leave out those not needed", start)
            starts.append(start)
            groups.append([[]])
            continue
        if text[at] == "|":
            groups[-1].append([])
            at += 1
            continue
        if text[at] == ")":
            if len(groups) == 1:
                raise PatternError('")" closes no group; write "\\)" for the character', at)
            start = starts.pop()
            fragment, at, is_repeatable = _either(groups.pop(), start), at + 1, True
        else:
            fragment, at = _atom(text, at)
            is_repeatable = fragment[0][0] == _TAKE
        low, high, at = _times(text, at, is_repeatable)
        groups[-1][-1] += _repeated(fragment, low, high, start)
        _refuse_large(len(groups[-1][-1]), start)
    if len(groups) > 1:
        raise PatternError('"(" is never closed; add ")", or write "\\(" for the character', starts[-1])
    return Pattern(text, tuple(_either(groups[0], 0)))


def _reach(
    program: tuple[Instruction, ...], states: list[int], value: str, at: int
) -> tuple[list[tuple[int, Bounds]], bool]:
    """Return the states that wait for the character at `at`, with what they take, and whether a match ends here."""
    waiting: list[tuple[int, Bounds]] = []
    seen = set(states)
    pending = list(seen)
    while pending:
        state = pending.pop()
        if state == len(program):
            return waiting, True
        kind, numbers = program[state]
        if kind == _TAKE:
            waiting.append((state, numbers))
            continue
        if kind != _GO:
            numbers = (1,) if _is_true(kind, value, at) else ()
        for distance in numbers:
            if state + distance not in seen:
                seen.add(state + distance)
                pending.append(state + distance)
    return waiting, False


def _is_true(assertion: str, value: str, at: int) -> bool:
    if assertion == _START:
        return at == 0
    if assertion == _END:
        return at == len(value)
    is_word_before = at > 0 and holds(WORD, value[at - 1])
    is_word_after = at < len(value) and holds(WORD, value[at])
    return (is_word_before != is_word_after) == (assertion == _EDGE)


def _refuse_large(size: int, position: int) -> None:
    if size > MAX_SIZE:
        raise PatternError(
            f"the pattern, repetitions written out, has more than {MAX_SIZE:,} parts; repeat less", position
        )


def _either(branches: list[list[Instruction]], position: int) -> list[Instruction]:
    """Return one fragment for the alternatives of a group."""
    if len(branches) == 1:
        return branches[0]
    size = sum(len(branch) + 1 for branch in branches) + 1
    _refuse_large(size, position)
    distances: list[int] = []
    fragment: list[Instruction] = [(_GO, ())]
    for branch in branches:
        distances.append(len(fragment))
        fragment += branch
        fragment.append((_GO, (size - len(fragment),)))
    fragment[0] = (_GO, tuple(distances))
    return fragment


def _repeated(fragment: list[Instruction], low: int, high: int | None, position: int) -> list[Instruction]:
    """Return the fragment written out `low` to `high` times, or without end where `high` is None."""
    size = len(fragment)
    if high is not None:
        _refuse_large(low * size + (high - low) * (size + 1), position)
        return fragment * low + [(_GO, (1, size + 1)), *fragment] * (high - low)
    _refuse_large(low * size + 2, position)
    if low == 0:
        return [(_GO, (1, size + 2)), *fragment, (_GO, (-size - 1,))]
    return [*(fragment * low), (_GO, (-size, 1))]


def _atom(text: str, at: int) -> tuple[list[Instruction], int]:
    """Return the fragment for the character, class or assertion at `at`, and where it ends."""
    character = text[at]
    for assertion in (character, text[at : at + 2]):
        if assertion in _ASSERTIONS:
            return [(_ASSERTIONS[assertion], ())], at + len(assertion)
    if character == "[":
        bounds, end = character_class(text, at)
    elif character == "\\":
        bounds, end = escape(text, at)
    elif character in "]}":
        raise PatternError(f'"{character}" closes nothing; write "\\{character}" for the character', at)
    elif character in "*+?{":
        if character == "{":
            _counts(text, at)  # a brace that counts nothing has a message of its own
        raise _nothing_to_repeat(character, at)
    else:
        bounds, end = outside(NEWLINE) if character == "." else one(character), at + 1
    return [(_TAKE, bounds)], end


def _group_body(text: str, at: int) -> int:
    """Return where the body of the group that opens at `at` begins."""
    if not text.startswith("(?", at):
        return at + 1
    if text.startswith("(?:", at):
        return at + 3
    for opening, refusal in _REFUSED_GROUPS.items():
        if text.startswith(opening, at):
            raise PatternError(f'"{opening}" {refusal}', at)
    opening = text[at : at + 3]
    if opening[-1] in _FLAGS:
        raise PatternError(f'"{opening}" sets flags, which patterns here don\'t have; write both cases, as in [aA]', at)
    raise PatternError(f'"{opening}" opens no kind of group known here; write "(" or "(?:"', at)


def _times(text: str, at: int, is_repeatable: bool) -> tuple[int, int | None, int]:
    """Return how often at least, and at most (None: no end), to repeat what ends at `at`, and where that is read to."""
    if at == len(text) or text[at] not in "*+?{":
        return 1, 1, at
    if text[at] == "{":
        low, high, end = _counts(text, at)
    else:
        low, high, end = *_REPETITIONS[text[at]], at + 1
    if not is_repeatable:
        raise _nothing_to_repeat(text[at], at)
    if text.startswith("+", end):
        raise PatternError(
            f'"{text[at:end]}+" is possessive, and patterns here never backtrack; leave out the "+"', end
        )
    if text.startswith("?", end):
        end += 1
    if end < len(text) and text[end] in "*+?{":
        raise PatternError(f'"{text[end]}" repeats a repetition; put what it repeats into a group "(?: )"', end)
    return low, high, end


def _nothing_to_repeat(character: str, at: int) -> PatternError:
    return PatternError(f'"{character}" has nothing to repeat; write "\\{character}" for the character', at)


def _counts(text: str, at: int) -> tuple[int, int | None, int]:
    """Return the least and the most (None: no end) of the `{m,n}` at `at`, and where it ends."""
    end = text.find("}", at) + 1
    low, comma, high = text[at + 1 : end - 1].partition(",")
    if not end or not low + high or not all(c in "0123456789" for c in low + high):
        raise PatternError('"{" begins no repetition such as {2} or {2,5}; write "\\{" for the character', at)
    written = text[at:end]
    if not low:
        raise PatternError(f'"{written}" is not read the same everywhere; write "{{0,{high}}}"', at)
    # The length first: int() refuses thousands of digits with an error of its own.
    if any(len(number) > 4 or int(number or 0) > MAX_TIMES for number in (low, high)):
        raise PatternError(f'"{written}" repeats more than {MAX_TIMES:,} times; write a smaller number, or "*"', at)
    if high and int(high) < int(low):
        raise PatternError(f'"{written}" ends before it begins; write "{{{high},{low}}}"', at)
    if not comma:
        return int(low), int(low), end
    return int(low), int(high) if high else None, end
