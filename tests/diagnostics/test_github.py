from specflow.diagnostics import Diagnostic, Related, Span, error, warning
from specflow.diagnostics.model import LIMIT
from specflow.diagnostics.render import render


def as_github(*diagnostics: Diagnostic) -> str:
    return render(diagnostics, "github", {}.get)


def test_a_finding_is_one_command() -> None:
    related = Related(Span("b.yaml", 9, 3, 9, 8), "declared here")
    found = error("unknown-output", 'no "x"', Span("a.yaml", 3, 4, 3, 7), 'did you mean "y"?', related)

    expected = (
        "::error file=a.yaml,line=3,endLine=3,col=4,endColumn=6,title=unknown-output"
        '::no "x"%0Ab.yaml:9:3: declared here%0Adid you mean "y"?\n'
    )
    assert expected == as_github(found)


def test_nothing_found_is_nothing_said() -> None:
    assert "" == as_github()


def test_columns_are_left_out_where_lines_differ_because_github_refuses_them() -> None:
    found = warning("unread-input", "w", Span("a.yaml", 3, 4, 5, 2))

    assert "::warning file=a.yaml,line=3,endLine=5,title=unread-input::w\n" == as_github(found)


def test_a_span_that_ends_before_the_first_column_ends_with_the_line_above() -> None:
    assert ",line=3,endLine=4,title=" in as_github(error("bad-value", "e", Span("a.yaml", 3, 4, 5, 1)))


def test_an_empty_span_has_a_column() -> None:
    assert ",col=4,endColumn=4," in as_github(error("bad-value", "e", Span("a.yaml", 3, 4, 3, 4)))


def test_a_finding_about_the_command_has_no_place() -> None:
    found = error("unknown-profile", 'there is no profile "x"', Span("--profile"))

    assert '::error title=unknown-profile::--profile: there is no profile "x"\n' == as_github(found)


def test_no_text_ends_a_command_or_begins_another() -> None:
    found = error("bad-value", "100%0A\r\n::error::x", Span("a,b:c%\n.yaml", 1, 1, 1, 2), "\x1b[31m::stop::")

    expected = (
        "::error file=a%2Cb%3Ac%25\\n.yaml,line=1,endLine=1,col=1,endColumn=1,title=bad-value"
        "::100%250A\\r\\n::error::x%0A\\x1b[31m::stop::\n"
    )
    assert expected == as_github(found)


def test_what_is_left_out_is_counted() -> None:
    many = [warning("unread-input", "w", Span("a.yaml", line, 1, line, 2)) for line in range(1, LIMIT + 8)]

    lines = as_github(*many).splitlines()

    assert LIMIT + 1 == len(lines)
    assert "::notice title=specflow::… and 7 more" == lines[-1]
