import json

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn

from tests.steps.attempts import MODELS

# A straight line is known to be far off on this data, and the ensembles to be near; MPa.
RMSE_BOUNDS = {"ridge": (9.0, 11.0), "random_forest": (4.0, 6.0), "gradient_boosting": (3.0, 6.0)}


def card(trained, model):
    return json.loads((trained[model].outputs["fitted"] / "card.json").read_text())


@pytest.mark.parametrize("model", MODELS)
def test_it_succeeds_silently_and_leaves_nothing_but_its_outputs(trained, model):
    done = trained[model]

    assert (done.code, done.stderr, done.left_behind) == (0, "", frozenset())
    assert set(done.bytes) == {"fitted/model.joblib", "fitted/card.json", "scores", "rmse"}


@pytest.mark.parametrize("model", MODELS)
def test_the_error_on_held_out_rows_is_what_the_model_is_known_to_reach(trained, model):
    lowest, highest = RMSE_BOUNDS[model]

    assert lowest < float(trained[model].outputs["rmse"].read_text()) < highest


@pytest.mark.parametrize("model", MODELS)
def test_the_reloaded_model_gives_the_scores_that_were_written(trained, prepared, model):
    test = pd.read_parquet(prepared.outputs["test"])
    fitted = joblib.load(trained[model].outputs["fitted"] / "model.joblib")
    error = test["strength"] - fitted.predict(test.drop(columns="strength"))
    scores = json.loads(trained[model].outputs["scores"].read_text())

    assert scores == {
        "rmse": pytest.approx(np.sqrt((error**2).mean()), rel=1e-12),
        "mae": pytest.approx(error.abs().mean(), rel=1e-12),
        "r2": pytest.approx(1 - (error**2).mean() / test["strength"].var(ddof=0), rel=1e-12),
    }


@pytest.mark.parametrize("model", MODELS)
def test_the_scores_are_the_same_in_all_three_places(trained, model):
    scores = json.loads(trained[model].outputs["scores"].read_text())

    assert trained[model].outputs["rmse"].read_text() == repr(scores["rmse"])
    assert card(trained, model)["scores"] == scores
    assert trained[model].stdout == "{}: rmse {rmse:.3f}, mae {mae:.3f}, r2 {r2:.3f}\n".format(model, **scores)


@pytest.mark.parametrize("model", MODELS)
def test_the_card_tells_what_was_fitted_on_what(trained, prepared, model):
    features = pd.read_parquet(prepared.outputs["train"]).drop(columns="strength")
    expected = {
        "model": model,
        "target": "strength",
        "features": {name: [features[name].min(), features[name].max()] for name in features},
        "seed": 7,
        "scikit_learn": sklearn.__version__,
    }

    assert {key: value for key, value in card(trained, model).items() if key != "scores"} == expected
    assert list(card(trained, model)["features"]) == list(features)


@pytest.mark.parametrize("model", MODELS)
def test_the_same_seed_gives_the_same_bytes(attempt, prepared, trained, model):
    parts = {"train": prepared.outputs["train"], "test": prepared.outputs["test"]}

    assert attempt("train_regressor", model=model, **parts).bytes == trained[model].bytes


def test_another_seed_gives_another_forest(attempt, prepared, trained):
    parts = {"train": prepared.outputs["train"], "test": prepared.outputs["test"]}
    other = attempt("train_regressor", model="random_forest", seed=8, **parts)

    assert other.outputs["rmse"].read_text() != trained["random_forest"].outputs["rmse"].read_text()


def test_parts_with_different_columns_are_refused_in_one_line(attempt, prepared, tmp_path):
    pd.read_parquet(prepared.outputs["test"])[["age", "strength"]].to_parquet(tmp_path / "test.parquet")
    pd.read_parquet(prepared.outputs["train"])[["ash", "strength"]].to_parquet(tmp_path / "train.parquet")
    refused = attempt("train_regressor", train=tmp_path / "train.parquet", test=tmp_path / "test.parquet")

    assert refused.code == 1
    assert refused.stderr == (
        f"{tmp_path / 'test.parquet'}: columns age, strength; the model would be fitted on ash, strength\n"
    )
    assert refused.bytes == {}


def test_a_single_row_to_score_on_is_refused_in_one_line(attempt, prepared, tmp_path):
    pd.read_parquet(prepared.outputs["test"]).head(1).to_parquet(tmp_path / "test.parquet")
    refused = attempt("train_regressor", train=prepared.outputs["train"], test=tmp_path / "test.parquet")

    assert refused.code == 1
    assert refused.stderr == f"{tmp_path / 'test.parquet'}: too few rows to score on (1); r2 needs 2\n"


def test_a_table_that_is_not_parquet_is_refused_in_one_line(attempt, prepared, tmp_path):
    (tmp_path / "train.parquet").write_text("a,b\n1,2\n")
    refused = attempt("train_regressor", train=tmp_path / "train.parquet", test=prepared.outputs["test"])

    assert refused.code == 1
    assert refused.stderr.startswith(f"{tmp_path / 'train.parquet'}: not a readable parquet table: ")
    assert len(refused.stderr.splitlines()) == 1


def test_an_unknown_model_is_refused_with_the_choices(attempt, prepared):
    parts = {"train": prepared.outputs["train"], "test": prepared.outputs["test"]}
    refused = attempt("train_regressor", model="lasso", **parts)

    assert refused.code == 2
    assert "invalid choice: 'lasso'" in refused.stderr.splitlines()[-1]
    for model in MODELS:
        assert model in refused.stderr.splitlines()[-1]
