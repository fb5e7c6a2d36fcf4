"""What the README of the data and the specs say about the data is true."""

import hashlib

import pandas as pd
import pytest
import yaml

from tests.steps.attempts import DATA, ROOT

README = (DATA / "README.md").read_text()


def pinned():
    """Every data source of the specs that names a digest, as (spec, location, digest)."""
    for spec in sorted((ROOT / "specs").glob("*.yaml")):
        for source in yaml.safe_load(spec.read_text()).get("data", {}).values():
            if "sha256" in source:
                yield spec.name, source["location"], source["sha256"]


def test_the_specs_pin_the_example_data():
    assert {
        ("batch_score.yaml", "data/new_mixes.csv"),
        ("concrete_strength.yaml", "data/concrete.csv"),
    } <= {(spec, location) for spec, location, _ in pinned()}


@pytest.mark.parametrize(("spec", "location", "digest"), list(pinned()))
def test_a_pinned_digest_is_that_of_the_file(spec, location, digest):
    assert hashlib.sha256((ROOT / "specs" / location).read_bytes()).hexdigest() == digest


def test_the_readme_names_the_digest_of_the_concrete_data():
    assert hashlib.sha256((DATA / "concrete.csv").read_bytes()).hexdigest() in README


def test_the_readme_counts_the_rows_that_repeat():
    concrete = pd.read_csv(DATA / "concrete.csv")
    distinct = concrete.drop_duplicates()
    repeated = distinct.groupby(list(concrete.columns[:-1]))["strength"].agg(["size", "min", "max"]).query("size > 1")

    assert len(concrete) == 1030
    assert len(concrete) - len(distinct) == 25
    assert len(distinct.iloc[:, :-1].drop_duplicates()) == 992
    assert len(distinct.iloc[:, :-2].drop_duplicates()) == 427
    assert sorted(repeated["size"]) == [2] * 5 + [3] * 4
    assert (repeated["max"] - repeated["min"]).max() == pytest.approx(33)


def test_the_readme_gives_the_range_of_each_column():
    lines = [line for line in README.splitlines() if line.startswith("| `")]
    written = {line.split("`")[1]: tuple(map(float, line.split("|")[3:5])) for line in lines}
    concrete = pd.read_csv(DATA / "concrete.csv")

    assert written == {name: (concrete[name].min(), concrete[name].max()) for name in concrete}


def test_the_new_mixes_have_the_features_and_no_strength():
    concrete, mixes = pd.read_csv(DATA / "concrete.csv"), pd.read_csv(DATA / "new_mixes.csv")

    assert list(mixes.columns) == ["mix", *concrete.columns.drop("strength")]
    assert len(mixes) == mixes["mix"].nunique() == 12
