"""The schemas and the models are one contract in two hands: same keys, and the same verdict on every document."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from specflow.spec import model
from specflow.spec.schema import KINDS, schema, structure_faults, validator
from specflow.spec.source import read_document

Json = Any
MODELS: dict[str, type[BaseModel]] = {"step": model.Step, "pipeline": model.Pipeline, "project": model.Project}
COMMON, PIPELINE, PROJECT = (schema(name)["definitions"] for name in ("common", "pipeline", "project"))

# Each mapping with keys of its own, in the schemas and among the models.
PAIRS: dict[str, tuple[Json, type[BaseModel]]] = {
    "step": (schema("step"), model.Step),
    "pipeline": (schema("pipeline"), model.Pipeline),
    "project": (schema("project"), model.Project),
    "input": (COMMON["input"], model.Input),
    "output": (COMMON["output"], model.Output),
    "environment": (COMMON["environment"], model.Environment),
    "retry": (COMMON["retry"], model.Retry),
    "data": (COMMON["data"]["additionalProperties"], model.DataSource),
    "step in place": (PIPELINE["step"], model.StepUse),
    "pipeline output": (PIPELINE["pipeline_output"], model.PipelineOutput),
    "register": (PIPELINE["pipeline_output"]["properties"]["register"], model.Register),
    "compute": (PIPELINE["compute_need"], model.Compute),
    "autoscale": (PIPELINE["compute_need"]["properties"]["autoscale"], model.Autoscale),
    "schedule": (schema("pipeline")["properties"]["schedule"], model.Schedule),
    "notify": (schema("pipeline")["properties"]["notify"], model.Notify),
    "profile": (PROJECT["profile"], model.Profile),
}


def fields(shape: type[BaseModel]) -> dict[str, Any]:
    return {info.alias or name: info for name, info in shape.model_fields.items() if name != "extensions"}


@pytest.mark.parametrize("name", PAIRS)
def test_a_schema_and_its_model_have_the_same_keys(name: str) -> None:
    described, shape = PAIRS[name]

    assert set(described["properties"]) == set(fields(shape))
    assert set(described.get("required", ())) == {key for key, info in fields(shape).items() if info.is_required()}
    assert described["additionalProperties"] is False
    assert ("patternProperties" in described) == ("extensions" in shape.model_fields)


def objects(node: Json) -> Iterator[Json]:
    """Yield every schema that says which keys a mapping has."""
    if isinstance(node, Mapping):
        if "properties" in node and "additionalProperties" in node:
            yield node
        for key, below in node.items():
            if key not in ("examples", "if", "then", "else"):
                yield from objects(below)
    elif isinstance(node, list):
        for below in node:
            yield from objects(below)


def test_no_mapping_is_left_out_of_the_pairs() -> None:
    found = [described for kind in (*KINDS, "common") for described in objects(schema(kind))]

    assert sorted(map(id, found)) == sorted(id(described) for described, _ in PAIRS.values())


def resolved(node: Json, base: str) -> tuple[Json, str]:
    """Return what a reference means, and the file that it stands in."""
    while "$ref" in node:
        file, _, path = node["$ref"].partition("#/definitions/")
        base = file.removesuffix(".schema.json") or base
        node = schema(base)["definitions"][path]
    return node, base


def keys_of_schemas() -> Iterator[tuple[str, Json, str]]:
    for kind in (*KINDS, "common"):
        for described in objects(schema(kind)):
            for key, node in described["properties"].items():
                yield f"{kind}: {key}", *resolved(node, kind)
        for described in (schema(kind), *schema(kind).get("definitions", {}).values()):
            for pattern, node in described.get("patternProperties", {}).items():
                yield f"{kind}: {pattern}", *resolved(node, kind)


@pytest.mark.parametrize(("node", "base"), [pytest.param(*rest, id=key) for key, *rest in keys_of_schemas()])
def test_every_key_has_a_description_and_an_example_that_holds(node: Json, base: str) -> None:
    assert node["description"].endswith(".")
    assert node["examples"]
    assert [] == [error.message for each in node["examples"] for error in judge(node, base).iter_errors(each)]


def judge(node: Json, base: str) -> Any:
    """Return what validates by a part of a schema: the whole file with that part at its root."""
    return validator("step").evolve(schema=node, _resolver=validator(base)._resolver)


@pytest.mark.parametrize("kind", KINDS)
def test_a_schemas_own_examples_are_documents(kind: str) -> None:
    assert schema(kind)["examples"]
    for document in schema(kind)["examples"]:
        assert verdicts(kind, document) == (True, True)


def verdicts(kind: str, document: Json) -> tuple[bool, bool]:
    """Return whether the schema takes a document, and whether the model does."""
    try:
        MODELS[kind].model_validate(document)
    except ValidationError:
        return bool(validator(kind).is_valid(document)), False
    return bool(validator(kind).is_valid(document)), True


# Documents that the schemas allow

TEXTS = ("a", "x y", "${{ inputs.x }}", "é", "1", "true", "../steps/a", "0 6 * * 1", " ", "\n", "x" * 300)
NUMBERS = (0, 1, -1, 7, 0.5, -2.5, 1e300, 2**63 - 1)
BY_PATTERN = {
    "name": ("a", "a_b", "train", "x1", "x" * 63, "a1_2b"),
    "variable": ("A", "_", "HF_TOKEN", "a1", "A" * 256),
    "0.0.0": ("0.0.0", "1.20.3", "1.0.0-rc.1+b5", "1.0.0-0a"),
    "1s": ("1s", "45m", "2h", "999999999d"),
    "parquet": ("parquet", "0", "a.b-c_d", "x" * 32),
    "1GB": ("1GB", "32GiB", "1.5TiB", "9999999.999MB"),
    "a@b": ("a@b", "ml-team@example.com"),
    "a.b": ("a.b", "a.b.c_", "p.s__0"),
    "f" * 64: ("f" * 64, "0123456789abcdef" * 4),
    "x-a": ("x-azureml", "x-local", "x-a1_b"),
}


def texts_of(pattern: str) -> tuple[str, ...]:
    """Return texts that match a pattern of the schemas, the longest that it allows among them."""
    matching = [texts for key, texts in BY_PATTERN.items() if all(re.fullmatch(pattern, text) for text in texts)]
    return min(matching, key=len)


class Maker:
    """Makes values by a schema, but for its conditions on keys that go together."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def value(self, node: Json, base: str) -> Json:
        node, base = resolved(node, base)
        if "const" in node or "enum" in node:
            return self.random.choice(node.get("enum", [node.get("const")]))
        types = node.get("type")
        if types is None:
            parts = [part for part in node.get("allOf", ()) if "if" not in part]
            named = [resolved(part, base) for part in parts]
            merged = {key: item for part, _ in reversed(named) for key, item in part.items()}
            return self.value(merged, named[-1][1]) if named else self.anything()
        name = self.random.choice(types) if isinstance(types, list) else types
        return getattr(self, name)(node, base)

    def anything(self) -> Json:
        return self.random.choice([*TEXTS, *NUMBERS, True, False])

    def boolean(self, node: Json, base: str) -> bool:
        return self.random.random() < 0.5

    def null(self, node: Json, base: str) -> None:
        return None

    def string(self, node: Json, base: str) -> str:
        if node.get("if") == {"type": "string"}:
            node, base = resolved(node["then"], base)
        if "pattern" in node:
            return self.random.choice(texts_of(node["pattern"]))
        return self.random.choice(TEXTS if node.get("minLength") else (*TEXTS, ""))

    def integer(self, node: Json, base: str) -> int:
        low, high = node.get("minimum", -5), node.get("maximum", 2**63 - 1)
        return self.random.choice([low, high, low + 1])

    def number(self, node: Json, base: str) -> float:
        low, high = node.get("minimum", -1.5), node.get("maximum", 1e300)
        return self.random.choice([low, high, low + 0.5, 7])

    def array(self, node: Json, base: str) -> list[Json]:
        count = self.random.randint(node.get("minItems", 0), 3)
        items = [self.value(node["items"], base) if "items" in node else self.anything() for _ in range(count)]
        return [*dict.fromkeys(items)] if node.get("uniqueItems") else items

    def object(self, node: Json, base: str) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for key, below in node.get("properties", {}).items():
            if key in node.get("required", ()) or self.random.random() < 0.3:
                found[key] = self.value(below, base)
        for pattern, below in node.get("patternProperties", {}).items():
            if self.random.random() < 0.2:
                found[self.random.choice(texts_of(pattern))] = self.value(below, base)
        more = node.get("additionalProperties", {} if "properties" not in node else False)
        if isinstance(more, Mapping):
            for _ in range(self.random.randint(node.get("minProperties", 0), 2)):
                name = self.value(node["propertyNames"], base) if "propertyNames" in node else self.anything()
                found[str(name)] = self.value(more, base) if more else self.anything()
        return found


def allowed(kind: str, random: Random) -> Json:
    """Return a document that its schema takes: what does not go together is dropped until the rest does."""
    document = Maker(random).object(schema(kind), kind)
    while (error := next(iter(validator(kind).iter_errors(document)), None)) is not None:
        path = list(error.absolute_path)
        holder = at(document, path[:-1])
        if error.validator == "required":
            at(document, path)[error.validator_value[0]] = "a"
        elif isinstance(holder, dict):
            del holder[path[-1]]
        else:
            holder.pop(path[-1])
    return document


def at(document: Json, path: list[Any]) -> Json:
    for step in path:
        document = document[step]
    return document


# And what may become of them

ODD: list[Json] = [
    *(None, True, False, 0, 1, 2, -1, 100, 101, 10_000, 10_001, 1.0, 1.5, 0.99, 100.5, 2**63 - 1),
    *("", " ", "a", "a\n", "A", "_", "a__b", "x" * 63, "x" * 64, "é", "1", "true", "bash", "spark", "file", "string"),
    *(
        "1.0.0",
        "01.0.0",
        "1.0.0-a",
        "90s",
        "90s\n",
        "0s",
        "1000000000s",
        "32GiB",
        "1.5GB",
        "1.GB",
        "a@b",
        "a.b",
        "a.b\n",
    ),
    *("f" * 64, "F" * 64, "${{ x }}", "mount", "process", "model", "٣s", "1.0.٣"),
    *([], [None], ["a"], ["a", "a"], [1, True], [[]], [{}], [{"a": 1}], [{"a": [1]}], ["a", 1], [""]),
    *({}, {"a": 1}, {"a": None}, {"a": []}, {"a": [1]}, {"a": {"b": "c"}}, {"x-local": {}}, {"type": "file"}, {"": 1}),
    {"a": {"type": "file", "location": "x"}},
    {"image": "i", "python": ">=3"},
    {"conda": "c", "image": "i"},
    {"min": 1, "max": 2},
    {"attempts": 100, "delay": "1s"},
]
NAMES = sorted({key for described, _ in PAIRS.values() for key in described["properties"]})
KEYS = [*NAMES, "x-azureml", "x-local", "x-", "x-A", "x-a\n", "a", "a\n", "A", "", "é", "a__b", "x" * 64, "٣"]


def places(document: Json) -> Iterator[Json]:
    """Yield every mapping and list of a document."""
    yield document
    for below in document.values() if isinstance(document, dict) else document:
        if isinstance(below, (dict, list)):
            yield from places(below)


def mutated(document: Json, random: Random) -> Json:
    """Return a document in which up to three things are dropped, renamed, added or replaced."""
    document = copy.deepcopy(document)
    for _ in range(random.randint(1, 3)):
        holder = random.choice(list(places(document)))
        odd = copy.deepcopy(random.choice(ODD))
        if isinstance(holder, list):
            holder.append(random.choice([odd, *holder[:1]]))
            continue
        key, other = random.choice([*holder, "a"]), random.choice(KEYS)
        do = random.choice(["add", "drop", "rename", "replace", "replace"])
        if do == "add":
            holder[other] = odd
        elif do == "replace":
            holder[key] = odd
        elif key in holder:
            value = holder.pop(key)
            holder |= {other: value} if do == "rename" else {}
    return document


def smallest(kind: str, document: Json) -> Json:
    """Return what is left of a document on which schema and model differ when nothing more can be dropped."""
    for holder in places(document):
        for key in list(holder) if isinstance(holder, dict) else ():
            value = holder.pop(key)
            if len(set(verdicts(kind, document))) == 1:
                holder[key] = value
    return document


# What they differed on once: whether the schema and the model take it.
ONCE = [
    ("step", {"specflow": 1, "name": "a\n", "run": "x"}, False),
    ("step", {"specflow": 1, "name": "a", "run": "x", "secrets": ["A\n"]}, False),
    ("step", {"specflow": 1, "name": "a", "run": "x", "timeout": "1s\n"}, False),
    ("step", {"specflow": 1, "name": "a", "run": "x", "x-local\n": {}}, False),
    ("step", {"specflow": 1, "name": "a", "run": "x", "inputs": {"a\n": {"type": "file"}}}, False),
    ("step", {"specflow": True, "name": "a", "run": "x"}, False),
    ("step", {"specflow": 1.0, "name": "a", "run": "x"}, False),
    ("project", {"specflow": True}, False),
    *(
        (
            "step",
            {"specflow": 1, "name": "a", "run": "x", "inputs": {"i": {"type": "string", "default": [item]}}},
            taken,
        )
        for item, taken in (("x", True), (1, True), (None, False), ({"a": 1}, False), (["x"], False))
    ),
    ("step", {"specflow": 1, "name": "a", "run": "x", "x-local": {"b\n": {"c": None}}}, True),
]


@pytest.mark.parametrize(("kind", "document", "is_taken"), ONCE, ids=str)
def test_schema_and_model_agree_on_what_they_once_differed_on(kind: str, document: Json, is_taken: bool) -> None:
    assert (is_taken, is_taken) == verdicts(kind, document)


COUNT = 300


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_schema_takes_its_model_takes(kind: str) -> None:
    random = Random(kind)
    differing = [d for d in (allowed(kind, random) for _ in range(COUNT)) if verdicts(kind, d) != (True, True)]

    assert [] == [smallest(kind, document) for document in differing[:3]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_schema_and_model_agree_on_every_document(kind: str, seed: int) -> None:
    random = Random(f"{kind} {seed}")
    documents = [mutated(allowed(kind, random), random) for _ in range(COUNT)]
    agreed = [verdicts(kind, document) for document in documents]
    differing = [document for document, (one, other) in zip(documents, agreed, strict=True) if one != other]

    assert [] == [smallest(kind, document) for document in differing[:3]]
    assert {(True, True), (False, False)} == set(agreed)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_refused_is_told_and_nothing_else(kind: str, tmp_path: Path) -> None:
    random = Random(f"{kind} told")
    documents = [mutated(allowed(kind, random), random) for _ in range(COUNT // 2)]
    documents += [allowed(kind, random) for _ in range(20)]
    for document in documents:
        file = tmp_path / "spec.yaml"
        file.write_text(json.dumps(document))  # JSON is YAML
        read, found = read_document(file, "spec.yaml")
        assert read is not None, found
        assert document == read.data
        faults = structure_faults(read, kind)

        assert verdicts(kind, document)[1] == (not faults), document
