"""docs/language.md: what is generated is as new as the code, and its examples are worth what they say."""

import re
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource

from specflow.attempt.evaluate import evaluate, text_of
from specflow.graph.trees import tree_of
from specflow.spec.expressions import read_expression
from specflow.spec.schema import schema
from tests.docs.reference import PAGE, PARTS, remade

TEXT = PAGE.read_text()
KINDS = ("common", "step", "pipeline", "project")


def test_the_page_is_as_new_as_what_it_is_made_from() -> None:
    assert remade(TEXT) == TEXT, "run python -m tests.docs.reference"


def test_the_page_has_every_part_that_is_made_for_it() -> None:
    assert sorted(PARTS) == sorted(re.findall(r"<!-- generated: (.+?) -->", TEXT))


def test_a_change_of_a_generated_part_is_seen() -> None:
    changed = TEXT.replace("| `seed: 7`", "| `seed: 8`").replace("| `cpus` |", "| `cores` |")

    assert changed != TEXT
    assert remade(changed) == TEXT


def keys(rule: Any, path: str) -> list[tuple[str, Any]]:
    """Return each key that a schema knows, with its rule."""
    if isinstance(rule, list):
        return [found for item in rule for found in keys(item, path)]
    if not isinstance(rule, dict):
        return []
    found = []
    for key, below in rule.items():
        if key == "properties":
            # A branch of a condition says of keys what they must not be; it does not make them known.
            known = {name: inner for name, inner in below.items() if "not" not in inner}
            found += [(f"{path}.{name}", inner) for name, inner in known.items() if "if" not in path.split(".")]
        if key not in ("examples", "if", "then", "else"):
            found += keys(below, f"{path}.{key}")
    return found


KEYS = [(f"{kind}{path}", rule, kind) for kind in KINDS for path, rule in keys(schema(kind), "")]


def described(rule: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return a rule with what it refers to filled in."""
    (reference,) = [item["$ref"] for item in (rule, *rule.get("allOf", ())) if "$ref" in item] or [None]
    if reference is None:
        return rule
    file, _, name = reference.partition("#/definitions/")
    home = file.removesuffix(".schema.json") or kind
    return {**described(schema(home)["definitions"][name], home), **rule}


@pytest.mark.parametrize(("key", "rule", "kind"), KEYS, ids=[key for key, _, _ in KEYS])
def test_a_key_has_a_description_and_examples_that_it_takes(key: str, rule: dict[str, Any], kind: str) -> None:
    told = described(rule, kind)
    resources = [(f"{name}.schema.json", Resource.from_contents(schema(name))) for name in KINDS]
    whole = {"$schema": "http://json-schema.org/draft-07/schema#", "$id": f"{kind}.schema.json", **rule}
    whole["definitions"] = schema(kind).get("definitions", {})
    validator = jsonschema.Draft7Validator(whole, registry=Registry().with_resources(resources))

    assert told.get("description")
    assert told.get("examples")
    assert [] == [error.message for example in told["examples"] for error in validator.iter_errors(example)]


EXAMPLES = re.findall(
    r"^\| `([^`]+)` \| (?:`([^`]*)`|null) \|$", TEXT.partition("is worth |")[2].partition("\n\n")[0], re.M
)


@pytest.mark.parametrize(("written", "worth"), EXAMPLES)
def test_an_expression_is_worth_what_the_page_says(written: str, worth: str) -> None:
    expression, _ = read_expression(f"${{{{ {written} }}}}", 0)
    value = evaluate(tree_of(expression, lambda reference: ["value", None]), lambda leaf: None)

    assert worth == ("" if value is None else text_of(value))


def test_there_are_examples_of_expressions() -> None:
    assert len(EXAMPLES) > 10
