"""What the types promise at validation, the values keep at run time: random expressions, whole or half constant."""

from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from specflow.attempt.evaluate import EvaluationError, evaluate
from specflow.graph.trees import fold, tree_of
from specflow.spec.expressions import parse_template
from specflow.spec.types import Type, infer

MAX_INT, MIN_INT = 2**63 - 1, -(2**63)
SINGLE: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text("ab é\n\\'\"{}😀", max_size=4),
    "integer": st.integers(-3, 3) | st.sampled_from([MAX_INT, MIN_INT, 2**53 + 1]),
    "number": st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.5, 2, 1e308]),
    "boolean": st.booleans(),
    "file": st.sampled_from(["a/path", "b"]),
}
TYPES = {
    f"{kind}{suffix}": Type(kind, many=suffix == "_many", nullable=suffix == "_or_null")
    for kind in SINGLE
    for suffix in ("", "_or_null", "_many")
}


def values(kind: Type) -> st.SearchStrategy[Any]:
    single = SINGLE[kind.kind]
    if kind.many:
        return st.lists(single, max_size=3)
    return st.none() | single if kind.nullable else single


def literal(draw: st.DrawFn, kind: str) -> str:
    if kind == "string":
        return draw(st.sampled_from(["''", "'a'", '"é\\n"', "'\\\\'", "'${x}'"]))
    if kind == "boolean":
        return draw(st.sampled_from(["true", "false"]))
    number = draw(st.sampled_from(["0", "1", "2", "-1", "9223372036854775807"]))
    return number if kind == "integer" else draw(st.sampled_from([number, "0.5", "1e300", "-2.5"]))


KINDS = ("string", "integer", "number", "boolean")
COMPARED = {"==": KINDS, "!=": KINDS} | dict.fromkeys(("<", "<=", ">", ">="), ("string", "integer", "number"))
PATTERNS = {
    "string": ["{string} + {string}", "lower({string})", "upper({string})", "string({any})", "join({list}, {string})"],
    "integer": [
        "{integer} + {integer}",
        "{integer} - {integer}",
        "{integer} * {integer}",
        "{integer} % {integer}",
        "-{integer}",
        "length({string})",
        "length({list})",
        "min({integer}, {integer})",
    ],
    "number": [
        "{number} / {integer}",
        "{number} + {number}",
        "{integer} * {number}",
        "-{number}",
        "max({number}, 1, 2)",
    ],
    "boolean": [
        "{boolean} && {boolean}",
        "{boolean} || {boolean}",
        "!{boolean}",
        "has({any})",
        "has({list})",
        "{same} in {list}",
        "{any} in []",
        "contains({string}, {string})",
        "starts_with({string}, {string})",
        "ends_with({string}, {string})",
        *(f"{{{kind}}} {sign} {{{kind}}}" for sign, kinds in COMPARED.items() for kind in kinds),
        "{integer} == {number}",
    ],
}
ANYWHERE = ["if({boolean}, {same}, {same})", "default({same}, {same})", "default({same}, null, {same})", "({same})"]


@st.composite
def expressions(draw: st.DrawFn, kind: str | None = None, depth: int = 3) -> str:
    """Return an expression's text: of the kind asked for, but for a slip here and there."""
    if kind is None or draw(st.integers(0, 40)) == 0:
        kind = draw(st.sampled_from(KINDS))
    end = draw(st.integers(0, 9))
    if depth == 0 or end < 2:
        return literal(draw, kind)
    if end < 5:
        return f"inputs.{kind}{draw(st.sampled_from(['', '_or_null']))}"
    if end == 9 and draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(["null", "inputs.file", "inputs.file_or_null", "if(inputs.boolean, null, null)"]))
    pattern = draw(st.sampled_from(PATTERNS[kind] + ANYWHERE))
    while "{" in pattern:
        before, _, rest = pattern.partition("{")
        name, _, after = rest.partition("}")
        pattern = before + draw(part(name, kind, depth - 1)).replace("{", "\0") + after
    return f"({pattern})".replace("\0", "{")


@st.composite
def part(draw: st.DrawFn, name: str, kind: str, depth: int) -> str:
    if name == "list":
        of = kind if kind in KINDS and draw(st.booleans()) else draw(st.sampled_from(KINDS))
        items = draw(st.lists(expressions(of, depth), max_size=3))
        some = draw(st.sampled_from([f"inputs.{of}_many", "inputs.file_many", "null"])) if not items else ""
        return some if some not in ("", "null") else f"[{', '.join(items)}]"
    return draw(expressions({"same": kind, "any": None}.get(name, name), depth))


@st.composite
def wild(draw: st.DrawFn, depth: int = 2) -> str:
    """Return an expression's text without regard to types."""
    if depth == 0:
        return draw(
            st.sampled_from([*(f"inputs.{name}" for name in TYPES), "[]", "null", "1", "'a'", "true", "[null]"])
        )
    pattern = draw(
        st.sampled_from([*(p for patterns in PATTERNS.values() for p in patterns), *ANYWHERE, "[{any}, {any}]"])
    )
    while "{" in pattern:
        before, _, rest = pattern.partition("{")
        pattern = before + draw(wild(depth - 1)) + rest.partition("}")[2]
    return f"({pattern})"


GIVEN = st.fixed_dictionaries({name: values(kind) for name, kind in TYPES.items()})
thorough = settings(
    max_examples=600, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)


def is_a(value: Any, kind: Type) -> bool:
    if value is None:
        return kind.nullable
    if kind.many:
        return isinstance(value, list) and all(is_a(item, Type(kind.kind)) for item in value)
    return {
        "string": isinstance(value, str),
        "integer": type(value) is int and MIN_INT <= value <= MAX_INT,
        "number": type(value) in (int, float),
        "boolean": isinstance(value, bool),
        "file": isinstance(value, str),
        "any": True,
    }.get(kind.kind, False)


@thorough
@given(expressions() | wild(), GIVEN)
def test_a_value_is_of_the_type_that_was_inferred(text: str, given_: dict[str, Any]) -> None:
    whole = parse_template(f"${{{{ {text} }}}}").whole
    assert whole is not None
    kind, faults = infer(whole, lambda reference: TYPES[reference.parts[1]])
    assume(not faults)
    try:
        value = evaluate(tree_of(whole, lambda reference: ["input", reference.parts[1]]), lambda leaf: given_[leaf[1]])
    except EvaluationError:
        return

    assert is_a(value, kind), (kind, value)


def worth(tree: list[Any], given_: dict[str, Any]) -> Any:
    try:
        value = evaluate(tree, lambda leaf: given_[leaf[1]])
    except EvaluationError as failure:
        return failure.args
    return type(value), value


@thorough
@given(expressions(), GIVEN, st.sets(st.sampled_from(sorted(TYPES))))
def test_what_is_decided_at_compile_time_is_what_the_run_would_have_found(
    text: str, given_: dict[str, Any], known: set[str]
) -> None:
    whole = parse_template(f"${{{{ {text} }}}}").whole
    assert whole is not None
    _, faults = infer(whole, lambda reference: TYPES[reference.parts[1]])
    assume(not faults)
    late = tree_of(whole, lambda reference: ["input", reference.parts[1]])
    half = tree_of(
        whole,
        lambda reference: (
            ["value", given_[reference.parts[1]]]
            if reference.parts[1] in known and not isinstance(given_[reference.parts[1]], list)
            else ["input", reference.parts[1]]
        ),
    )
    folded = fold(half)

    assert worth(late, given_) == worth(folded, given_)
    assert folded == fold(folded)
