import csv
import json
import shutil
import stat

import pytest

from tests.steps.attempts import MODELS


@pytest.fixture(scope="module")
def candidates(trained):
    return {
        "candidates": [trained[model].outputs["fitted"] for model in MODELS],
        "scores": [trained[model].outputs["scores"] for model in MODELS],
    }


@pytest.fixture
def chosen(attempt, candidates):
    return attempt("choose_best", **candidates)


def scores(trained, model):
    return json.loads(trained[model].outputs["scores"].read_text())


def test_it_succeeds_silently_and_leaves_nothing_but_its_outputs(chosen):
    assert (chosen.code, chosen.stderr, chosen.left_behind) == (0, "", frozenset())


def test_the_winner_has_the_lowest_error_and_is_copied_whole(chosen, trained):
    winner = min(MODELS, key=lambda model: scores(trained, model)["rmse"])
    fitted = trained[winner].bytes

    assert winner == "gradient_boosting"
    assert chosen.outputs["winner"].read_text() == winner
    assert chosen.outputs["rmse"].read_text() == trained[winner].outputs["rmse"].read_text()
    assert {name: data for name, data in chosen.bytes.items() if name.startswith("best/")} == {
        "best/model.joblib": fitted["fitted/model.joblib"],
        "best/card.json": fitted["fitted/card.json"],
    }


def test_the_leaderboard_holds_every_candidate_the_best_first(chosen, trained):
    with chosen.outputs["leaderboard"].open(newline="") as file:
        lines = list(csv.DictReader(file))
    expected = ["gradient_boosting", "random_forest", "ridge"]

    assert [line["model"] for line in lines] == expected
    assert [{key: float(line[key]) for key in ("rmse", "mae", "r2")} for line in lines] == [
        scores(trained, model) for model in expected
    ]


def test_the_table_and_the_winner_are_printed(chosen, trained):
    lines = [
        "{:<17} {rmse:8.3f} {mae:8.3f} {r2:8.3f}".format(model, **scores(trained, model))
        for model in ("gradient_boosting", "random_forest", "ridge")
    ]
    header = "model                 rmse      mae       r2"

    assert chosen.stdout.splitlines() == [header, *lines, "winner: gradient_boosting"]


def test_the_order_of_the_candidates_does_not_matter(attempt, chosen, candidates):
    backwards = {port: paths[::-1] for port, paths in candidates.items()}

    assert attempt("choose_best", **backwards).bytes == chosen.bytes


def test_one_candidate_wins(attempt, candidates):
    alone = attempt("choose_best", **{port: paths[:1] for port, paths in candidates.items()})

    assert alone.stdout.splitlines()[-1] == "winner: ridge"


def test_a_read_only_candidate_gives_a_copy_that_can_be_written(attempt, candidates, tmp_path):
    source = shutil.copytree(candidates["candidates"][0], tmp_path / "ridge")
    (source / "card.json").chmod(0o444)
    source.chmod(0o555)
    done = attempt("choose_best", candidates=[source], scores=candidates["scores"][:1])

    assert done.code == 0
    for path in (done.outputs["best"], done.outputs["best"] / "card.json"):
        assert path.stat().st_mode & stat.S_IWUSR


def test_scores_in_another_order_are_refused_in_one_line(attempt, candidates):
    refused = attempt("choose_best", candidates=candidates["candidates"], scores=candidates["scores"][::-1])

    assert (refused.code, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"{candidates['candidates'][0]}: its scores are not those in {candidates['scores'][-1]}; "
        "list the scores in the order of the candidates\n"
    )
    assert refused.bytes == {}


def test_a_missing_score_is_refused(attempt, candidates):
    refused = attempt("choose_best", candidates=candidates["candidates"], scores=candidates["scores"][:2])

    assert refused.code == 2
    assert refused.stderr.splitlines()[-1] == "choose.py: error: 3 candidates but 2 scores; give one of each per model"


def test_a_folder_without_a_card_is_refused_in_one_line(attempt, candidates, tmp_path):
    refused = attempt("choose_best", candidates=[tmp_path], scores=candidates["scores"][:1])

    assert refused.code == 1
    assert refused.stderr.startswith(f"{tmp_path}: not a candidate with scores: ")
    assert len(refused.stderr.splitlines()) == 1
