import pytest


@pytest.fixture
def model(tmp_path):
    (tmp_path / "model" / "part").mkdir(parents=True)
    (tmp_path / "model" / "card.json").write_text("{}")
    (tmp_path / "model" / "part" / "weights").write_bytes(b"\x00\x01")
    return tmp_path / "model"


def test_a_model_below_the_limit_passes_whole(attempt, model):
    done = attempt("require_below", model=model, value=4.25, limit=6)

    assert (done.code, done.stderr, done.left_behind) == (0, "", frozenset())
    assert done.stdout == "passed: 4.25 is below 6\n"
    assert done.bytes == {"passed/card.json": b"{}", "passed/part/weights": b"\x00\x01"}


@pytest.mark.parametrize("value", ["6.5", "6", "nan", "inf"])
def test_any_other_is_refused_in_one_line_and_not_copied(attempt, model, value):
    refused = attempt("require_below", model=model, value=value, limit=6)

    assert (refused.code, refused.stdout) == (1, "")
    assert refused.stderr == f"the model's error is {value}; it must be below 6\n"
    assert refused.bytes == {}


def test_a_missing_model_is_refused_in_one_line(attempt, tmp_path):
    refused = attempt("require_below", model=tmp_path / "none", value=1, limit=2)

    assert (refused.code, refused.stderr) == (1, f"{tmp_path / 'none'}: not a model folder\n")
