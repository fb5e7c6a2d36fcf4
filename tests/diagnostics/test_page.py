from tests.diagnostics.page import PAGE, page


def test_the_page_is_what_the_explanations_make_of_it() -> None:
    assert page() == PAGE.read_text(encoding="utf-8"), "run python -m tests.diagnostics.page"
