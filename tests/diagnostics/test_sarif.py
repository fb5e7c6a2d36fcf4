import json
from typing import Any

import jsonschema
import pytest

from specflow import __version__
from specflow.diagnostics import Diagnostic, Related, Span, error, warning
from specflow.diagnostics.codes import codes
from specflow.diagnostics.model import LIMIT
from specflow.diagnostics.render import render

SOURCES = {"specs/a b.yaml": "a: 1\n", "b.yaml": "b: 2\n"}


def closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def listed(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


TEXT = {"type": "string", "minLength": 1}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
MESSAGE = closed(("text",), text=TEXT, markdown=TEXT)
PLACE = {"type": "integer", "minimum": 1}
LOCATION = closed(
    id={"type": "integer", "minimum": -1},
    message=MESSAGE,
    physicalLocation=closed(
        artifactLocation=closed(uri={"type": "string", "format": "uri-reference", "pattern": "^[!-~]+$"}),
        region=closed(startLine=PLACE, startColumn=PLACE, endLine=PLACE, endColumn=PLACE),
    ),
)
RULE = closed(
    ("id",),
    id=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=closed(level=LEVEL),
)
RESULT = closed(
    ("message",),
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": -1},
    level=LEVEL,
    message=MESSAGE,
    locations=listed(LOCATION),
    relatedLocations={**listed(LOCATION), "uniqueItems": True},
)
INVOCATION = closed(
    ("executionSuccessful",),
    executionSuccessful={"type": "boolean"},
    toolExecutionNotifications=listed(closed(("message",), level=LEVEL, message=MESSAGE)),
)
RUN = closed(
    ("tool",),
    tool=closed(("driver",), driver=closed(("name",), name=TEXT, version=TEXT, rules=listed(RULE))),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results=listed(RESULT),
    invocations=listed(INVOCATION),
)
SHAPE = closed(
    ("version", "runs"),
    **{"$schema": {"type": "string", "format": "uri"}, "version": {"const": "2.1.0"}, "runs": listed(RUN)},
)
"""What SARIF 2.1.0 says of the parts that are used here (its schema, errata 01), closed to any other."""


def log(*diagnostics: Diagnostic) -> Any:
    text = render(diagnostics, "sarif", SOURCES.get)
    document = json.loads(text)
    jsonschema.Draft7Validator(SHAPE).validate(document)
    assert text.isascii()
    (run,) = document["runs"]
    return run


FOUND = error(
    "unknown-output",
    '"a" has no output "x"',
    Span("specs/a b.yaml", 1, 4, 1, 5),
    'did you mean "y"?',
    Related(Span("b.yaml", 1, 1, 1, 2), "outputs of b: y"),
)


def test_a_finding_is_a_result_with_its_places() -> None:
    run = log(FOUND)

    expected = {
        "ruleId": "unknown-output",
        "ruleIndex": 0,
        "level": "error",
        "message": {"text": '"a" has no output "x"\nhelp: did you mean "y"?'},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "specs/a%20b.yaml"},
                    "region": {"startLine": 1, "startColumn": 4, "endLine": 1, "endColumn": 5},
                }
            }
        ],
        "relatedLocations": [
            {
                "id": 1,
                "physicalLocation": {
                    "artifactLocation": {"uri": "b.yaml"},
                    "region": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 2},
                },
                "message": {"text": "outputs of b: y"},
            }
        ],
    }
    assert [expected] == run["results"]
    assert "unicodeCodePoints" == run["columnKind"]
    assert {"name": "specflow", "version": __version__} == {
        k: v for k, v in run["tool"]["driver"].items() if k != "rules"
    }


def test_each_broken_rule_is_explained_once() -> None:
    other = warning("unread-input", "w", Span("b.yaml", 1, 1, 1, 2))

    run = log(other, FOUND, error("unknown-output", "again", Span("b.yaml", 1, 1, 1, 2)))

    rules = run["tool"]["driver"]["rules"]
    assert ["unknown-output", "unread-input"] == [rule["id"] for rule in rules]
    assert codes()["unread-input"].summary == rules[1]["shortDescription"]["text"]
    assert codes()["unread-input"].text == rules[1]["fullDescription"]["text"]
    assert {"level": "warning"} == rules[1]["defaultConfiguration"]
    assert "Wrong:" in rules[1]["help"]["text"]
    assert "```yaml" in rules[1]["help"]["markdown"]
    assert [(r["ruleId"], rules[r["ruleIndex"]]["id"]) for r in run["results"]] == [
        ("unknown-output", "unknown-output"),
        ("unread-input", "unread-input"),
        ("unknown-output", "unknown-output"),
    ]


@pytest.mark.parametrize("name", codes())
def test_every_code_makes_a_rule(name: str) -> None:
    code = codes()[name]
    made = Diagnostic(code.severity, name, "m", Span("b.yaml", 1, 1, 1, 2))

    assert [name] == [rule["id"] for rule in log(made)["tool"]["driver"]["rules"]]


def test_nothing_found_is_a_run_without_results() -> None:
    run = log()

    assert [] == run["results"]
    assert [] == run["tool"]["driver"]["rules"]
    assert "invocations" not in run


def test_a_finding_about_the_command_has_no_location() -> None:
    (result,) = log(error("unknown-profile", 'there is no profile "x"', Span("--profile")))["results"]

    assert {"text": '--profile: there is no profile "x"'} == result["message"]
    assert "locations" not in result


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("a:b#c%d.yaml", "a%3Ab%23c%25d.yaml"),
        ("/somewhere/a b.yaml", "file:///somewhere/a%20b.yaml"),
        ("caf\xe9/\udcff.yaml", "caf%C3%A9/%FF.yaml"),
    ],
)
def test_any_file_name_makes_a_uri(file: str, uri: str) -> None:
    (result,) = log(error("bad-value", "m", Span(file, 2, 1, 2, 2)))["results"]

    assert uri == result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]


def test_what_is_left_out_is_counted() -> None:
    run = log(*(warning("unread-input", "w", Span("b.yaml", line, 1, line, 2)) for line in range(1, LIMIT + 8)))

    assert LIMIT == len(run["results"])
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert {"level": "note", "message": {"text": "… and 7 more"}} == notification
