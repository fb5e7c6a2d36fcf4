import json

import pandas as pd
import pytest

from tests.steps.attempts import DATA

FEATURES = ["cement", "slag", "ash", "water", "superplasticizer", "coarse_aggregate", "fine_aggregate", "age"]


@pytest.fixture(scope="module")
def train(prepared):
    return pd.read_parquet(prepared.outputs["train"])


@pytest.fixture(scope="module")
def test(prepared):
    return pd.read_parquet(prepared.outputs["test"])


@pytest.fixture(scope="module")
def concrete():
    return pd.read_csv(DATA / "concrete.csv")


def feature_rows(table):
    return set(table[FEATURES].itertuples(index=False, name=None))


def test_it_succeeds_silently_and_leaves_nothing_but_its_outputs(prepared):
    assert (prepared.code, prepared.stderr, prepared.left_behind) == (0, "", frozenset())
    assert prepared.stdout == "read 1030, duplicates 25, train 751, test 254\n"


def test_no_feature_row_is_in_both_parts(train, test):
    assert feature_rows(train) & feature_rows(test) == set()


def test_a_split_by_row_would_have_leaked(concrete):
    """What the step prevents is really in the data."""
    test = concrete.sample(frac=0.25, random_state=7)
    train = concrete.drop(test.index)

    assert feature_rows(train) & feature_rows(test) != set()


def test_each_distinct_measurement_is_in_exactly_one_part(concrete, train, test):
    distinct = concrete.drop_duplicates().sort_values([*FEATURES, "strength"], ignore_index=True)
    both = pd.concat([train, test]).sort_values([*FEATURES, "strength"], ignore_index=True)

    pd.testing.assert_frame_equal(distinct, both)


def test_the_rows_keep_the_order_of_the_table(concrete, train):
    order = concrete.drop_duplicates().merge(train, on=[*FEATURES, "strength"])

    pd.testing.assert_frame_equal(order, train)


def test_the_counts_are_those_of_the_parts(prepared, train, test):
    counts = json.loads(prepared.outputs["rows"].read_text())

    assert counts == {"read": 1030, "duplicates": 25, "train": 751, "test": 254}
    assert (len(train), len(test)) == (751, 254)


def test_the_target_comes_last_wherever_it_stood(attempt, concrete, tmp_path):
    concrete[["strength", *FEATURES]].to_csv(tmp_path / "first.csv", index=False)
    done = attempt("prepare_table", table=tmp_path / "first.csv")

    assert list(pd.read_parquet(done.outputs["train"]).columns) == [*FEATURES, "strength"]
    assert list(pd.read_parquet(done.outputs["test"]).columns) == [*FEATURES, "strength"]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_split(attempt, prepared):
    again = attempt("prepare_table", table=DATA / "concrete.csv")
    other = attempt("prepare_table", table=DATA / "concrete.csv", seed=8)

    assert again.bytes == prepared.bytes
    assert other.bytes["test.parquet"] != prepared.bytes["test.parquet"]


def test_the_fraction_is_a_share_of_distinct_feature_rows(attempt):
    done = attempt("prepare_table", table=DATA / "concrete.csv", test_fraction=0.5)

    assert len(feature_rows(pd.read_parquet(done.outputs["test"]))) == 992 // 2


@pytest.mark.parametrize(
    ("table", "inputs", "message"),
    [
        ("a,b\n1,2\n", {}, 'no column "strength"; its columns are a, b'),
        (
            "a,b,strength\n1,x,3\n2,,4\n3,inf,\n",
            {},
            "values that are missing or not a finite number, by column: b (3), strength (1)",
        ),
        ("strength\n1\n2\n", {}, 'nothing to learn from: 2 rows, 0 columns besides "strength"'),
        ("a,strength\n", {}, 'nothing to learn from: 0 rows, 1 columns besides "strength"'),
        ("a,strength\n1,2\n1,2\n", {}, "too few distinct rows (1) to hold out 25% of them"),
        ("", {}, "not a readable CSV table: No columns to parse from file"),
    ],
    ids=["no-target", "not-numbers", "no-features", "no-rows", "too-few", "empty"],
)
def test_a_bad_table_is_refused_in_one_line(attempt, tmp_path, table, inputs, message):
    path = tmp_path / "bad.csv"
    path.write_text(table)
    refused = attempt("prepare_table", table=path, **inputs)

    assert (refused.code, refused.stderr, refused.stdout) == (1, f"{path}: {message}\n", "")
    assert refused.bytes == {}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"test_fraction": 0.6}, "--test-fraction is 0.6; it must lie between 0.05 and 0.5"),
        ({"seed": -1}, "--seed is -1; it must be 0 or more"),
    ],
)
def test_a_bad_value_is_refused_in_one_line(attempt, inputs, message):
    refused = attempt("prepare_table", table=DATA / "concrete.csv", **inputs)

    assert refused.code == 2
    assert refused.stderr.splitlines()[-1] == f"prepare.py: error: {message}"
