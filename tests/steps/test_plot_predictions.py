import shutil
import struct
import zlib

import pandas as pd
import pytest

from tests.steps.attempts import run_step

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def inputs(trained, prepared):
    return {"model": trained["gradient_boosting"].outputs["fitted"], "test": prepared.outputs["test"]}


@pytest.fixture(scope="module")
def picture(inputs, tmp_path_factory):
    return run_step(tmp_path_factory.mktemp("picture"), "plot_predictions", **inputs)


def chunks(png):
    """The PNG's chunks as (type, data), each with its checksum verified."""
    position = len(PNG)
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        kind, data = png[position + 4 : position + 8], png[position + 8 : position + 8 + length]
        assert struct.unpack_from(">I", png, position + 8 + length) == (zlib.crc32(kind + data),)
        yield kind, data
        position += 12 + length


def test_it_succeeds_without_a_warning_and_leaves_nothing_but_its_outputs(picture):
    assert (picture.code, picture.left_behind) == (0, frozenset())
    assert "Warning" not in picture.stderr  # matplotlib may say that it builds its font cache
    assert picture.stdout == "gradient_boosting: drew 254 rows\n"


def test_the_plot_is_a_whole_png_of_its_declared_size(picture):
    png = picture.outputs["plot"].read_bytes()
    kinds = [kind for kind, _ in chunks(png)]

    assert png.startswith(PNG)
    assert kinds[0] == b"IHDR"
    assert kinds[-1] == b"IEND"
    assert struct.unpack_from(">II", dict(chunks(png))[b"IHDR"]) == (1500, 750)


def test_the_plot_does_not_name_the_software_that_drew_it(picture):
    assert b"tEXt" not in [kind for kind, _ in chunks(picture.outputs["plot"].read_bytes())]


def test_the_same_inputs_give_the_same_bytes_and_another_model_others(attempt, inputs, picture, trained):
    again = attempt("plot_predictions", **inputs)
    other = attempt("plot_predictions", **(inputs | {"model": trained["ridge"].outputs["fitted"]}))

    assert again.bytes == picture.bytes
    assert other.bytes != picture.bytes


def test_columns_that_the_model_needs_are_named_in_one_line(attempt, inputs, tmp_path):
    path = tmp_path / "test.parquet"
    pd.read_parquet(inputs["test"]).drop(columns=["age", "strength"]).to_parquet(path)
    refused = attempt("plot_predictions", **(inputs | {"test": path}))

    assert (refused.code, refused.stderr) == (1, f"{path}: the model needs columns that are missing: age, strength\n")
    assert refused.bytes == {}


def test_a_folder_without_a_card_is_refused_in_one_line(attempt, inputs, tmp_path):
    refused = attempt("plot_predictions", **(inputs | {"model": tmp_path}))

    assert refused.code == 1
    assert refused.stderr.startswith(f"{tmp_path}: not a fitted model: ")
    assert len(refused.stderr.splitlines()) == 1


def test_a_folder_without_a_model_is_refused_in_one_line(attempt, inputs, tmp_path):
    shutil.copy(inputs["model"] / "card.json", tmp_path)
    refused = attempt("plot_predictions", **(inputs | {"model": tmp_path}))

    assert refused.code == 1
    assert refused.stderr == f"{tmp_path}: not a fitted model: it holds no model.joblib\n"
