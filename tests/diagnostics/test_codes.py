import re

import pytest

from specflow.diagnostics.codes import ExampleFile, codes, explain, read_code
from specflow.errors import UsageError
from tests.diagnostics.sources import all_literals, literal_codes, schema_codes


def test_every_code_that_the_sources_give_is_explained() -> None:
    given = literal_codes() | schema_codes()

    assert set() == given - set(codes())
    assert len(given) > 80  # the search finds what it is meant to find


def test_every_explained_code_is_one_that_the_sources_give() -> None:
    assert set() == set(codes()) - all_literals()


@pytest.mark.parametrize("name", codes())
def test_an_explanation_is_short_and_plain(name: str) -> None:
    code = codes()[name]

    assert name == code.name
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert not code.summary.endswith(".")
    assert 1 <= len(re.findall(r"[.:?](?:\s|$)", code.text)) <= 8
    assert max(map(len, code.text.split("\n"))) <= 100


EXPLANATION = """\
# bad-thing

warning: a thing is bad

It should be good.
Make it so.

```console
$ specflow run pipeline.yaml
```

```yaml wrong file=pipeline.yaml
thing: bad
```

```yaml both file=other.yaml
x: y
```

```yaml right file=pipeline.yaml escaped
thing: g\\x6f\\x6fd
```
"""


def test_an_explanation_is_read_with_its_examples() -> None:
    code = read_code(EXPLANATION)

    assert ("bad-thing", "warning", "a thing is bad") == (code.name, code.severity, code.summary)
    assert "It should be good.\nMake it so." == code.text
    assert "specflow run pipeline.yaml" == code.command
    wrong, other = code.example("wrong")
    assert ExampleFile("wrong", "pipeline.yaml", "thing: bad\n") == wrong
    assert [other.path, "pipeline.yaml"] == [file.path for file in code.example("right")]
    assert b"thing: good\n" == code.example("right")[1].content


@pytest.mark.parametrize(
    "text",
    [
        "# bad-thing\n\nnote: a thing is bad\n\nText.\n",
        "bad-thing\n",
        EXPLANATION.replace("wrong file", "worst file"),
        EXPLANATION.replace("file=other.yaml", "other.yaml"),
        EXPLANATION.replace(" escaped", " quoted"),
    ],
)
def test_an_explanation_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|begins with"):
        read_code(text)


def test_a_code_is_explained_with_both_examples() -> None:
    expected = """\
missing-key (error): a mapping lacks a key that it needs

Every file says `specflow` and `name`, every port its `type`, every pipeline's output where it comes
`from`, and so on. Without the key there is nothing to go by. The message says what to add, and
where.

Wrong:

    # step.yaml
    specflow: 1
    name: greet
    inputs:
      who: {default: world}
    run: echo hello ${{ inputs.who }}

Right:

    # step.yaml
    specflow: 1
    name: greet
    inputs:
      who: {type: string, default: world}
    run: echo hello ${{ inputs.who }}"""
    assert expected == explain("missing-key")


def test_a_code_with_a_command_shows_it_after_its_files() -> None:
    text = explain("data-elsewhere")

    assert text.index("# rows.csv") < text.index("    $ specflow compile pipeline.yaml") < text.index("Right:")


@pytest.mark.parametrize(
    ("name", "help_"),
    [
        ("unknwon-output", "did you mean unknown-output?"),
        ("[Unknown_Output]", "did you mean unknown-output?"),
        ("timezone", "did you mean bad-timezone?"),
        ("shell", "did you mean shell-syntax?"),
        ("sandwich", "a code stands in brackets at the end of a message"),
    ],
)
def test_an_unknown_code_is_refused_with_the_nearest(name: str, help_: str) -> None:
    with pytest.raises(UsageError) as refused:
        explain(name)

    assert f'there is no diagnostic code "{name}"' == refused.value.message
    assert help_ == refused.value.help
