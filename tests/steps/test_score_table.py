import csv
import json
import shutil

import joblib
import pandas as pd
import pytest

from tests.steps.attempts import DATA, run_step


@pytest.fixture(scope="module")
def inputs(trained):
    return {"model": trained["gradient_boosting"].outputs["fitted"], "table": DATA / "new_mixes.csv"}


@pytest.fixture(scope="module")
def scored(inputs, tmp_path_factory):
    return run_step(tmp_path_factory.mktemp("scored"), "score_table", **inputs)


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_it_succeeds_silently_and_leaves_nothing_but_its_outputs(scored):
    assert (scored.code, scored.stderr, scored.left_behind) == (0, "", frozenset())


def test_the_table_comes_back_as_it_was_with_one_more_column(scored):
    lines = scored.outputs["predictions"].read_text().splitlines()

    assert lines[0].endswith(",predicted_strength")
    assert [line.rpartition(",")[0] for line in lines] == (DATA / "new_mixes.csv").read_text().splitlines()


def test_the_predictions_are_those_of_the_model(scored, inputs):
    mixes = pd.read_csv(DATA / "new_mixes.csv").drop(columns="mix")
    expected = joblib.load(inputs["model"] / "model.joblib").predict(mixes)

    assert [float(row["predicted_strength"]) for row in rows(scored.outputs["predictions"])] == list(expected)


def test_the_summary_is_of_the_predictions(scored):
    predicted = [float(row["predicted_strength"]) for row in rows(scored.outputs["predictions"])]

    assert json.loads(scored.outputs["summary"].read_text()) == {
        "rows": 12,
        "lowest": min(predicted),
        "mean": pytest.approx(sum(predicted) / 12, rel=1e-12),
        "highest": max(predicted),
        "extrapolated": 1,
    }


def test_older_concrete_of_the_same_mix_is_predicted_to_be_stronger(scored):
    strength = {row["mix"]: float(row["predicted_strength"]) for row in rows(scored.outputs["predictions"])}

    assert strength["M01"] < strength["M02"]  # 28 and 90 days
    assert strength["M04"] < strength["M05"]  # 28 and 56 days
    assert strength["M08"] < strength["M09"]  # 7 and 28 days


def test_columns_may_stand_in_any_order(attempt, inputs, scored, tmp_path):
    table = pd.read_csv(inputs["table"], dtype=str)
    table[table.columns[::-1]].to_csv(tmp_path / "backwards.csv", index=False)
    done = attempt("score_table", **(inputs | {"table": tmp_path / "backwards.csv"}))

    assert done.bytes["summary"] == scored.bytes["summary"]


def test_text_that_only_looks_like_a_number_is_kept(attempt, inputs, tmp_path):
    text = (DATA / "new_mixes.csv").read_text().replace("M01", "0012").replace("M02", "NA").replace("M03", "1e5")
    (tmp_path / "table.csv").write_text(text)
    done = attempt("score_table", **(inputs | {"table": tmp_path / "table.csv"}))

    assert [row["mix"] for row in rows(done.outputs["predictions"])[:3]] == ["0012", "NA", "1e5"]


def test_the_same_inputs_give_the_same_bytes(attempt, inputs, scored):
    assert attempt("score_table", **inputs).bytes == scored.bytes


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",water,", ",wasser,", "the model needs columns that are missing: water"),
        (
            "M01,320.0,0.0",
            "M01,,none",
            "values that are missing or not a finite number, by column: cement (1), slag (1)",
        ),
        ("mix,", "predicted_strength,", 'already has a column "predicted_strength"; rename or remove it'),
    ],
    ids=["column", "values", "clash"],
)
def test_a_bad_table_is_refused_in_one_line(attempt, inputs, tmp_path, old, new, message):
    path = tmp_path / "bad.csv"
    path.write_text((DATA / "new_mixes.csv").read_text().replace(old, new))
    refused = attempt("score_table", **(inputs | {"table": path}))

    assert (refused.code, refused.stderr, refused.stdout) == (1, f"{path}: {message}\n", "")
    assert refused.bytes == {}


def test_a_table_without_rows_is_refused_in_one_line(attempt, inputs, tmp_path):
    path = tmp_path / "empty.csv"
    path.write_text((DATA / "new_mixes.csv").read_text().splitlines()[0] + "\n")
    refused = attempt("score_table", **(inputs | {"table": path}))

    assert (refused.code, refused.stderr) == (1, f"{path}: no rows to score\n")


def test_a_folder_without_a_card_is_refused_in_one_line(attempt, inputs, tmp_path):
    refused = attempt("score_table", **(inputs | {"model": tmp_path}))

    assert refused.code == 1
    assert refused.stderr.startswith(f"{tmp_path}: not a fitted model: ")
    assert len(refused.stderr.splitlines()) == 1


def test_a_folder_without_a_model_is_refused_in_one_line(attempt, inputs, tmp_path):
    shutil.copy(inputs["model"] / "card.json", tmp_path)
    refused = attempt("score_table", **(inputs | {"model": tmp_path}))

    assert refused.code == 1
    assert refused.stderr == f"{tmp_path}: not a fitted model: it holds no model.joblib\n"
