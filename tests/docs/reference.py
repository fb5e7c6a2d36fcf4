"""The generated parts of docs/language.md: tables of keys, functions, limits and capabilities, from what the code says.

    python -m tests.docs.reference      # writes them anew

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`; what is around it is written by hand.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel

from specflow.attempt import collect, evaluate, patterns
from specflow.attempt.prepare import BASE_VARIABLES
from specflow.graph import build, values
from specflow.graph.features import FEATURES
from specflow.installed import installed_targets
from specflow.spec import expressions, load, model, source
from specflow.spec.checks import files, steps
from specflow.spec.schema import schema
from specflow.spec.types import FUNCTIONS
from specflow.targets.base import Target, target
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "language.md"

_EXPRESSION, _AS_CODE = re.compile(r"[$]{{.*?}}"), r"`\g<0>`"
_PART = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


class Section(NamedTuple):
    """One mapping of the language: its heading on the page, where its schema stands, and its model, for defaults."""

    heading: str
    file: str
    definition: str
    shape: type[BaseModel]


SECTIONS = {
    "step": Section("A step file", "step", "", model.Step),
    "pipeline": Section("A pipeline file", "pipeline", "", model.Pipeline),
    "use": Section("A step in a pipeline", "pipeline", "step", model.StepUse),
    "input": Section("An input", "common", "input", model.Input),
    "output": Section("An output of a step", "common", "output", model.Output),
    "pipeline_output": Section("An output of a pipeline", "pipeline", "pipeline_output", model.PipelineOutput),
    "register": Section("Registering", "pipeline", "pipeline_output.register", model.Register),
    "environment": Section("An environment", "common", "environment", model.Environment),
    "retry": Section("Retrying", "common", "retry", model.Retry),
    "data": Section("A source of data", "common", "data.*", model.DataSource),
    "compute": Section("A compute", "pipeline", "compute_need", model.Compute),
    "autoscale": Section("Autoscaling", "pipeline", "compute_need.autoscale", model.Autoscale),
    "schedule": Section("A schedule", "pipeline", "#schedule", model.Schedule),
    "notify": Section("Notifying", "pipeline", "#notify", model.Notify),
    "project": Section("The project file", "project", "", model.Project),
    "profile": Section("A profile", "project", "profile", model.Profile),
}

Json = dict[str, Any]


def located(section: Section) -> Json:
    """Return the schema of a section."""
    whole = schema(section.file)
    if section.definition.startswith("#"):
        return dict(whole["properties"][section.definition[1:]])
    if not section.definition:
        return whole
    name, _, below = section.definition.partition(".")
    found = whole["definitions"][name]
    if below == "*":
        return dict(found["additionalProperties"])
    return dict(found["properties"][below]) if below else dict(found)


def resolved(rule: Json, file: str) -> tuple[Json, str]:
    """Return a schema with references followed, its own words kept, and the file that it came from."""
    if "allOf" in rule and len(rule["allOf"]) == 1 and "$ref" in rule["allOf"][0]:
        below, home = resolved(rule["allOf"][0], file)
        return {**below, **{key: value for key, value in rule.items() if key != "allOf"}}, home
    if "$ref" not in rule:
        return rule, file
    name, _, pointer = rule["$ref"].partition("#/definitions/")
    home = name.removesuffix(".schema.json") or file
    return resolved(schema(home)["definitions"][pointer], home)


# Tables of keys


def key_table(name: str) -> str:
    """Return a section's keys, a row each, and below them which do not go together."""
    section = SECTIONS[name]
    holder = located(section)
    rows = [_row(key, rule, section, holder) for key, rule in holder.get("properties", {}).items()]
    if "patternProperties" in holder:
        (rule,) = holder["patternProperties"].values()
        rows.append(_row("x-<target>", rule, section, holder))
    told = [f"- {sentence}" for sentence in exclusions(holder)]
    return "\n".join(
        ["| key | takes | meaning | example |", "|---|---|---|---|", *rows, *([""] if told else []), *told]
    )


def _row(key: str, rule: Json, section: Section, holder: Json) -> str:
    rule, file = resolved(rule, section.file)
    takes = [*(["**required**"] if key in holder.get("required", ()) else []), taken(rule, file, key)]
    default = _default(key, section.shape)
    takes += [f"default `{default}`"] if default else []
    cells = (f"`{key}`", "; ".join(takes), rule.get("description", ""), _example(key, rule))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(key: str, shape: type[BaseModel]) -> str:
    for name, field in shape.model_fields.items():
        if key in (name, field.alias) and isinstance(field.default, str | int) and field.default not in ("", False):
            return _text(field.default)
    return ""


def _text(value: Any) -> str:
    """Return a value as YAML has it in one line."""
    told = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False, allow_unicode=True)
    return str(told).removesuffix("\n").removesuffix("\n...")


def _example(key: str, rule: Json) -> str:
    examples = rule.get("examples", ())
    return "<br>".join(f"`{key.replace('<target>', 'azureml')}: {_text(example)}`" for example in examples[:3])


_PLAIN = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "null": "null",
    "object": "a mapping",
    "array": "a list",
}


def taken(rule: Json, file: str, key: str) -> str:
    """Return what a key takes, in words; mappings that have a section of their own are links to it."""
    rule, file = resolved(rule, file)
    if "const" in rule:
        return f"`{_text(rule['const'])}`"
    if "enum" in rule:
        return ", ".join(f"`{choice}`" for choice in rule["enum"])
    kinds = [rule["type"]] if isinstance(rule["type"], str) else list(rule["type"])
    told = [_one_kind(kind, rule, file, key) for kind in kinds if not (kind == "integer" and "number" in kinds)]
    return " or ".join(told) + _bounds(rule)


def _one_kind(kind: str, rule: Json, file: str, key: str) -> str:
    if rule.get("x-code") == "bad-name" or (kind == "string" and key == "environment"):
        return "[a name](#names-and-limits)"
    if kind == "string" and "x-hint" in rule:
        return str(rule["x-hint"])
    if kind == "array" and "items" in rule:
        return f"a list of {_plural(rule['items'], file)}"
    if kind == "object" and isinstance(rule.get("additionalProperties"), dict):
        return f"a mapping of names to {_plural(rule['additionalProperties'], file)}"
    if kind == "object" and key in SECTIONS:
        return f"[a mapping](#{_anchor(key)})"
    return _PLAIN[kind]


def _plural(rule: Json, file: str) -> str:
    rule, file = resolved(rule, file)
    known = next((name for name, section in SECTIONS.items() if rule == located(section)), None)
    if known is not None:
        return f"[{_PLURALS[known]}](#{_anchor(known)})"
    if isinstance(rule.get("type"), list):
        return "values"
    if "allOf" in rule:
        return f"[environments](#{_anchor('environment')})"
    if rule.get("type") == "string":
        return {"e-mail address": "e-mail addresses"}.get(str(rule.get("x-hint", ""))[3:], "texts")
    if isinstance(rule.get("additionalProperties"), dict):
        return f"mappings of names to {_plural(rule['additionalProperties'], file)}"
    if rule.get("type") == "array":
        return f"lists of {_plural(rule['items'], file)}"
    return "mappings"


_PLURALS = {
    "input": "inputs",
    "output": "outputs",
    "pipeline_output": "outputs",
    "use": "steps",
    "compute": "computes",
    "profile": "profiles",
    "data": "sources",
}


def _anchor(name: str) -> str:
    return SECTIONS[name].heading.lower().replace(" ", "-")


def _bounds(rule: Json) -> str:
    low, high = rule.get("minimum"), rule.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return f", at least {low}" if low is not None else ""


# Keys that don't go together


def exclusions(holder: Json) -> Iterator[str]:
    """Yield a sentence for each rule on keys that do not go together."""
    for rule in (holder, *holder.get("allOf", ())):
        if "if" in rule:
            yield from _branches(rule, ())


def _branches(rule: Json, lacking: tuple[str, ...]) -> Iterator[str]:
    """Yield what a rule and the rules in its `else` say; `lacking` are keys that are known to be absent there."""
    condition, otherwise = rule["if"], rule.get("else", {})
    yield from _refusals(rule.get("then", {}), _holds(condition), condition.get("required", ()))
    lacking = (*lacking, *condition.get("required", ()))
    if "if" in otherwise:
        yield from _branches(otherwise, lacking)
    else:
        yield from _refusals(otherwise, f"without {_either(lacking)}", ())


def _refusals(branch: Json, where: str, given: Sequence[str]) -> Iterator[str]:
    refused: dict[str, list[str]] = {}
    for key, below in branch.get("properties", {}).items():
        if "x-why" in below:
            refused.setdefault(below["x-why"], []).append(key)
        elif below.get("type") == "string":
            yield f"`{key}` is text {where}."
    for why, keys in refused.items():
        beside = f"beside {_either([key for key in given if key not in keys])}" if set(given) & set(keys) else where
        yield f"No {_either(keys)} {beside}: {_EXPRESSION.sub(_AS_CODE, why)}."
    if branch.get("x-code") == "no-body":
        yield "One of `run` and `notebook` is there."


def _holds(condition: Json) -> str:
    kind = condition.get("properties", {}).get("type", {})
    if "$ref" in kind:
        return f"where `type` is a {kind['$ref'].rpartition('/')[2].removesuffix('_type')}"
    if "enum" in kind:
        return f"where `type` is {_either(kind['enum'])}"
    return f"beside {_either(condition.get('required', ()))}"


def _either(choices: Sequence[str]) -> str:
    *others, last = (f"`{choice}`" for choice in choices) if choices else ("",)
    return f"{', '.join(others)} or {last}" if others else last


# Other tables


def functions() -> str:
    """Return the table of functions."""
    rows = [line.split(": ", 1) for line in FUNCTIONS.values()]
    return "\n".join(["| function | is |", "|---|---|", *(f"| `{call}` | {meaning} |" for call, meaning in rows)])


SHORT = {"implements": "yes", "approximates": "*nearly*", "rejects": "**no**"}


def capabilities() -> str:
    """Return what each target of specflow's own can do: all of them side by side, then each in its own words.

    Targets of other packages have pages of their own; one that is installed here does not change this page.
    """
    own = [name for name, where in installed_targets().items() if where.startswith("specflow.")]
    targets = [target(name) for name in own]
    rows = [f"| feature | {' | '.join(f'[{name}](#on-{name})' for name in own)} |", "|---" * (len(own) + 1) + "|"]
    for feature, meaning in FEATURES.items():
        cells = [SHORT[which.CAPABILITIES[feature].support] for which in targets]
        rows.append(f"| {meaning} | {' | '.join(cells)} |")
    return "\n\n".join(["\n".join(rows), *(_in_words(which) for which in targets)])


def _in_words(which: Target) -> str:
    """Return a target's own sentences; where it comes near only, they are its warnings, where it can't its errors."""
    rows = [f"### On {which.name}", "", "| feature | | |", "|---|---|---|"]
    for feature, meaning in FEATURES.items():
        capability = which.CAPABILITIES[feature]
        sentence = capability.sentence.replace("|", "\\|")
        rows.append(f"| {meaning} | {SHORT[capability.support]} | {sentence} |")
    return "\n".join(rows)


def limits() -> str:
    """Return the bounds that documents, expressions and values have."""
    rows = (
        ("a file", f"{source.MAX_BYTES // 2**20} MiB, {source.MAX_DEPTH} levels of nesting"),
        ("values that aliases add to a file", f"{source.MAX_ALIASED:,}"),
        ("pipelines inside each other", f"{load.MAX_NESTING}"),
        ("instances of one matrix", f"{steps.MAX_INSTANCES:,}"),
        ("steps of a pipeline, matrices expanded", f"{build.MAX_NODES:,}"),
        ("an expression", f"{expressions.MAX_LENGTH:,} characters, {expressions.MAX_DEPTH} levels of nesting"),
        ("an expression once all it names is filled in", f"{values.MAX_TREE:,} parts"),
        ("a text that an operator or function makes", f"{evaluate.MAX_TEXT:,} characters"),
        ("a pattern", f"{patterns.MAX_SIZE:,} characters, {patterns.MAX_TIMES:,} repetitions"),
        ("the file of a value or of metrics", f"{collect.MAX_VALUE_BYTES:,} bytes"),
    )
    return "\n".join(["| what | at most |", "|---|---|", *(f"| {what} | {most} |" for what, most in rows)])


def variables() -> str:
    """Return the environment variables that a step gets from around it."""
    return ", ".join(f"`{name}`" for name in BASE_VARIABLES) + "."


def protocols() -> str:
    """Return how an address may begin."""
    return ", ".join(f"`{name}:`" for name in files.PROTOCOLS) + "."


PARTS: dict[str, Callable[[], str]] = {
    **{f"keys of {name}": (lambda name=name: key_table(name)) for name in SECTIONS},
    "functions": functions,
    "capabilities": capabilities,
    "limits": limits,
    "variables": variables,
    "protocols": protocols,
}


def remade(page: str) -> str:
    """Return the page with its generated parts made anew; raise KeyError for one that nobody makes."""
    return _PART.sub(lambda match: f"{match[1]}{PARTS[match[2]]()}\n{match[3]}", page)


if __name__ == "__main__":
    PAGE.write_text(remade(PAGE.read_text()))
