import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import specflow
from specflow.attempt.patterns import MAX_SIZE, Pattern, PatternError, compile_pattern

SEARCHES = [
    # A search is unanchored, and an empty pattern is found everywhere.
    ("", "", True),
    ("", "abc", True),
    ("b", "abc", True),
    ("bc", "abc", True),
    ("ac", "abc", False),
    ("^b", "abc", False),
    ("b$", "abc", False),
    ("^abc$", "abc", True),
    # "$" is the end of the value, not the end of a line.
    ("abc$", "abc\n", False),
    ("^abc", "x\nabc", False),
    ("a^b", "ab", False),
    ("^$", "", True),
    ("^$", "\n", False),
    # Classes, sets and escapes.
    (".", "\n", False),
    (".", "\r", True),
    ("^.$", "\U0001f600", True),
    ("^[a-cx]+$", "abcx", True),
    ("^[a-cx]+$", "abd", False),
    ("[^a-c]", "abc", False),
    ("[^a-c]", "abcd", True),
    ("[a-]", "-", True),
    ("[-a]", "-", True),
    ("[a-c-e]", "-", True),
    ("[a-c-e]", "d", False),
    ("[.]", "x", False),
    ("[a^]", "^", True),
    ("[[]", "[", True),
    ("[\\]\\-\\\\]", "-", True),
    ("[\\n]", "\n", True),
    ("[^\\d\\D]", "x", False),
    ("[\\d_]", "_", True),
    ("\\d", "٣", False),
    ("\\w", "é", False),
    ("\\W", "é", True),
    ("^\\s+$", " \t\n\r\f\v", True),
    ("\\s", "\u00a0", False),
    ("\\S", " a ", True),
    ("\\x41\\u00e9", "Aé", True),
    ("^\\$\\.\\/\\_$", "$./_", True),
    ("é", "caffé", True),
    # Groups and alternatives; an alternative may be empty.
    ("^(ab|cd)e$", "cde", True),
    ("^(?:ab|cd)e$", "ace", False),
    ("^(|a)$", "", True),
    ("^(a|)b$", "b", True),
    ("^a|b$", "ax", True),
    ("^()$", "", True),
    # Repetitions, greedy or lazy.
    ("^ab*c$", "ac", True),
    ("^ab+c$", "ac", False),
    ("^ab?c$", "abbc", False),
    ("^(ab){2}$", "abab", True),
    ("^(ab){2}$", "ababab", False),
    ("^a{2,}$", "a", False),
    ("^a{2,}$", "aaaa", True),
    ("^a{1,3}$", "aaaa", False),
    ("^a{1,3}?$", "aaa", True),
    ("^a{0}$", "", True),
    ("^a*?$", "aa", True),
    ("^(a*)*$", "aab", False),
    ("^(a|b*)+$", "abba", True),
    ("^\\w{1,1000}$", "a" * 1000, True),
    ("^\\w{1,1000}$", "a" * 1001, False),
    # Word edges are ASCII, and "\B" holds in an empty value, as ECMAScript and RE2 have it.
    ("\\bcat\\b", "a cat.", True),
    ("\\bcat\\b", "concat", False),
    ("\\Bcat", "concat", True),
    ("\\b", "", False),
    ("\\B", "", True),
    ("(?:\\b)*x", "x", True),
]


@pytest.mark.parametrize(("pattern", "value", "expected"), SEARCHES)
def test_a_pattern_is_searched_for_in_the_value(pattern: str, value: str, expected: bool) -> None:
    assert expected == compile_pattern(pattern).search(value)


LOOKS_AROUND = "looks around, which patterns here can't do; describe the whole value between ^ and $ instead"
REFERS_BACK = "refers back to a group, which patterns here can't do; write out what may stand there"
HAS_NAME = 'names a group, and names have no use here; write "("'
IS_PROPERTY = "is a Unicode property, which patterns here don't know; list the characters, as in [a-zà-ÿ]"
COUNTS_NOTHING = '"{" begins no repetition such as {2} or {2,5}; write "\\{" for the character'
TOO_LARGE = "the pattern, repetitions written out, has more than 5,000 parts; repeat less"
TOO_DEEP = "groups are nested more than 100 deep; leave out those not needed"

REFUSALS = [
    # What would need backtracking.
    ("(a)\\1", 3, f'"\\1" {REFERS_BACK}'),
    ("(a)\\k<x>", 3, f'"\\k" {REFERS_BACK}'),
    ("(a)(?P=x)", 3, f'"(?P=" {REFERS_BACK}'),
    ("a(?=b)", 1, f'"(?=" {LOOKS_AROUND}'),
    ("a(?!b)", 1, f'"(?!" {LOOKS_AROUND}'),
    ("(?<=a)b", 0, f'"(?<=" {LOOKS_AROUND}'),
    ("(?<!a)b", 0, f'"(?<!" {LOOKS_AROUND}'),
    ("x(?>a)", 1, '"(?>" is an atomic group, and patterns here never backtrack; write "(?:"'),
    ("ba++", 3, '"++" is possessive, and patterns here never backtrack; leave out the "+"'),
    ("a{2}+", 4, '"{2}+" is possessive, and patterns here never backtrack; leave out the "+"'),
    # Groups.
    ("x(?P<y>a)", 1, f'"(?P<" {HAS_NAME}'),
    ("x(?<y>a)", 1, f'"(?<" {HAS_NAME}'),
    ("x(?'y'a)", 1, f'"(?\'" {HAS_NAME}'),
    ("(?i)a", 0, '"(?i" sets flags, which patterns here don\'t have; write both cases, as in [aA]'),
    ("(?-i:a)", 0, '"(?-" sets flags, which patterns here don\'t have; write both cases, as in [aA]'),
    ("a(?#b)", 1, '"(?#" is a comment, which patterns here can\'t hold; write a YAML comment beside the pattern'),
    ("(?(1)a|b)", 0, '"(?(" opens no kind of group known here; write "(" or "(?:"'),
    ("a(?", 1, '"(?" opens no kind of group known here; write "(" or "(?:"'),
    ("(a(b)", 0, '"(" is never closed; add ")", or write "\\(" for the character'),
    ("a)", 1, '")" closes no group; write "\\)" for the character'),
    # Escapes.
    ("a\\", 1, 'the pattern ends in a lone backslash; write "\\\\" for the character'),
    ("a\\q", 1, '"\\q" is no escape known here; write "q" or a code such as "\\x2e"'),
    ("a\\é", 1, '"\\é" is no escape known here; write "é" or a code such as "\\x2e"'),
    ("\\pL", 0, f'"\\p" {IS_PROPERTY}'),
    ("[\\PL]", 1, f'"\\P" {IS_PROPERTY}'),
    ("\\0", 0, '"\\0" is not read the same everywhere; write "\\x00"'),
    ("\\Aa", 0, '"\\A" is not read the same everywhere; write "^"'),
    ("a\\Z", 1, '"\\Z" is not read the same everywhere; write "$"'),
    ("a\\z", 1, '"\\z" is not read the same everywhere; write "$"'),
    ("[\\b]", 1, '"\\b" is not read the same everywhere in a class; write "\\x08"'),
    ("\\x4", 0, '"\\x" takes 2 hexadecimal digits, as in "\\x2e"'),
    ("\\u00g9", 0, '"\\u" takes 4 hexadecimal digits, as in "\\u00e9"'),
    ("\\ud83d\\ude00", 0, '"\\ud83d" is half a character; write the character itself'),
    # Classes.
    ("a[bc", 1, '"[" is never closed; add "]", or write "\\[" for the character'),
    ("[a-", 0, '"[" is never closed; add "]", or write "\\[" for the character'),
    ("a]", 1, '"]" closes nothing; write "\\]" for the character'),
    ("[]a]", 0, 'a class holds at least one character; write "\\]" for the bracket'),
    ("[^]", 0, 'a class holds at least one character; write "\\]" for the bracket'),
    ("[xz-a]", 2, 'range "z-a" is reversed; write "a-z"'),
    ("[.--]", 1, 'range ".--" is reversed; write "--."'),
    ("[\\d-x]", 1, '"\\d-x" is no range; put "-" last in the class for the character'),
    ("[a-\\d]", 1, '"a-\\d" is no range; put "-" last in the class for the character'),
    ("[[:alpha:]]", 1, '"[:" names a POSIX class, which patterns here don\'t know; write a range such as a-z'),
    # Repetitions.
    ("*a", 0, '"*" has nothing to repeat; write "\\*" for the character'),
    ("a|+", 2, '"+" has nothing to repeat; write "\\+" for the character'),
    ("(?:?)", 3, '"?" has nothing to repeat; write "\\?" for the character'),
    ("{2}", 0, '"{" has nothing to repeat; write "\\{" for the character'),
    ("^*", 1, '"*" has nothing to repeat; write "\\*" for the character'),
    ("a\\b{2}", 3, '"{" has nothing to repeat; write "\\{" for the character'),
    ("a**", 2, '"*" repeats a repetition; put what it repeats into a group "(?: )"'),
    ("a+?{2}", 3, '"{" repeats a repetition; put what it repeats into a group "(?: )"'),
    ("{", 0, COUNTS_NOTHING),
    ("a{", 1, COUNTS_NOTHING),
    ("a{}", 1, COUNTS_NOTHING),
    ("a{,}", 1, COUNTS_NOTHING),
    ("a{x}", 1, COUNTS_NOTHING),
    ("a{1,2,3}", 1, COUNTS_NOTHING),
    ("a{٣}", 1, COUNTS_NOTHING),
    ("a}", 1, '"}" closes nothing; write "\\}" for the character'),
    ("a{,3}", 1, '"{,3}" is not read the same everywhere; write "{0,3}"'),
    ("a{5,2}", 1, '"{5,2}" ends before it begins; write "{2,5}"'),
    ("a{1001}", 1, '"{1001}" repeats more than 1,000 times; write a smaller number, or "*"'),
    ("a{2,1001}", 1, '"{2,1001}" repeats more than 1,000 times; write a smaller number, or "*"'),
    # Size.
    ("x(?:a{1000}){1000}", 1, TOO_LARGE),
    ("((a{100}){100}){100}", 1, TOO_LARGE),
    ("(?:a{1000}b){5,}", 0, TOO_LARGE),
    ("a{1000}" * 6, 35, TOO_LARGE),
    ("|".join(["a{1000}"] * 6), 0, TOO_LARGE),
    ("a" * 5001, 5000, "the pattern is longer than 5,000 characters; shorten it"),
    ("(" * 101 + ")" * 101, 100, TOO_DEEP),
]


@pytest.mark.parametrize(("pattern", "position", "message"), REFUSALS)
def test_a_refusal_says_where_and_what_to_write(pattern: str, position: int, message: str) -> None:
    with pytest.raises(PatternError) as caught:
        compile_pattern(pattern)

    assert (position, message) == (caught.value.position, str(caught.value))


@pytest.mark.parametrize("digits", [5, 4_990])
def test_a_count_of_many_digits_is_refused(digits: int) -> None:
    with pytest.raises(PatternError, match="repeats more than 1,000 times"):
        compile_pattern("a{" + "9" * digits + "}")


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("(?:", ")"), ("(a|", "){2}"), ("[", "]")])
def test_ten_thousand_nested_brackets_are_refused(opening: str, closing: str) -> None:
    with pytest.raises(PatternError):
        compile_pattern(opening * 10_000 + closing * 10_000)


def test_a_hundred_nested_groups_are_not_too_many() -> None:
    pattern = compile_pattern("^" + "(" * 100 + "a" + ")?" * 100 + "$")
    expected = {"": True, "a": True, "aa": False}

    assert expected == {value: pattern.search(value) for value in expected}


class Counted(tuple):  # type: ignore[type-arg]
    """A program that counts how many of its instructions are followed."""

    followed = 0

    def __getitem__(self, key):  # type: ignore[no-untyped-def, override]
        self.followed += 1
        return super().__getitem__(key)


CATASTROPHES = [
    ("(a+)+$", "a" * 50_000 + "b"),
    ("^(a|a)*$", "a" * 50_000 + "b"),
    ("^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 20_000),
    ("(?:a?){30}a{30}b", "a" * 5_000),
    ("^(?:(?:a*)*)*$", "a" * 20_000 + "b"),
    (".*.*.*=.*", "x" * 20_000),
]


@pytest.mark.parametrize(("pattern", "value"), CATASTROPHES)
def test_a_search_follows_each_instruction_at_most_once_per_character(pattern: str, value: str) -> None:
    program = Counted(compile_pattern(pattern).program)

    assert not Pattern(pattern, program).search(value)
    assert 0 < program.followed <= len(program) * (len(value) + 1)


@given(st.text("ab()|*+?{},12[]^-$\\dwb.:=<", max_size=30))
def test_any_text_is_a_bounded_program_or_a_located_refusal(text: str) -> None:
    try:
        sizes = len(compile_pattern(text).program), MAX_SIZE
    except PatternError as error:
        sizes = error.position, len(text)

    assert 0 <= sizes[0] <= sizes[1]


# Patterns of the language, each with what Python's `re` calls the same.
Spelled = tuple[str, str]
ATOMS = [
    (a, a) for a in ("a", "b", "é", "\n", ".", "\\d", "\\W", "\\s", "[ab]", "[^a]", "[^\\w-]", "\\x61", "\\.", "()")
]
EDGES = [("^", "^"), ("$", "\\Z"), ("\\b", "\\b")]


def grown(smaller: st.SearchStrategy[Spelled]) -> Iterator[st.SearchStrategy[Spelled]]:
    signs = st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "*?", "+?", "??", "{1,2}?"])
    yield st.tuples(smaller, smaller).map(lambda two: (two[0][0] + two[1][0], two[0][1] + two[1][1]))
    yield st.tuples(smaller, smaller).map(lambda two: (f"(?:{two[0][0]}|{two[1][0]})", f"(?:{two[0][1]}|{two[1][1]})"))
    yield st.tuples(smaller, signs).map(lambda item: (f"({item[0][0]}){item[1]}", f"({item[0][1]}){item[1]}"))


PATTERNS = st.recursive(st.sampled_from(ATOMS + EDGES), lambda smaller: st.one_of(*grown(smaller)), max_leaves=8)


WHOLE = PATTERNS.map(lambda pattern: (f"^(?:{pattern[0]})$", f"^(?:{pattern[1]})\\Z"))


@settings(max_examples=2_000, deadline=None)
@given(PATTERNS | WHOLE, st.text("ab1é\n .", max_size=8))
def test_the_common_subset_means_what_it_means_to_python(pattern: Spelled, value: str) -> None:
    ours, theirs = pattern

    assert bool(re.search(theirs, value, re.ASCII)) == compile_pattern(ours).search(value)


def test_importing_loads_no_regular_expressions() -> None:
    script = "import sys; import specflow.attempt.patterns; print({'dataclasses', 're', 'typing'} & set(sys.modules))"
    root = str(Path(specflow.__file__).parents[1])
    command = [sys.executable, "-S", "-c", script]
    done = subprocess.run(command, env={"PYTHONPATH": root}, capture_output=True, text=True, check=False)
    expected = ("set()\n", "")

    assert expected == (done.stdout, done.stderr)
