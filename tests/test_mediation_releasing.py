"""What is valued are the rows that are handed out, of releases of one agreement."""

import json
from dataclasses import replace

import jax
import numpy as np
import pytest

from cgm_jax.files import InputError, UsageError
from cgm_jax.generators import EmbeddingGenerator
from cgm_jax.mediation.agreement import AgreedColumn, Agreement
from cgm_jax.mediation.publish_released import publish_released
from cgm_jax.mediation.releasing import (
    AgreedRows,
    load_releases,
    release_file,
    reward,
)

AGREEMENT = Agreement(
    (
        AgreedColumn("age", "whole number", 0, 100),
        AgreedColumn("job", "category", values=("clerk", "nurse")),
    ),
    0.5,
    "orthogonal",
    200,
    7,
    1e-5,
    "replace one",
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("parties"), np.random.default_rng(0)
    for seed, name in enumerate("ab"):
        ages = np.clip(rng.normal(30 + 5 * seed, 8, size=500), 0, 100).astype(int)
        jobs = np.where(rng.random(500) < 0.8, "nurse", "clerk")
        ages[0] = 120
        rows = [f"{i},{ages[i]},{jobs[i]}" for i in range(500)]
        (folder / f"{name}.csv").write_text("\n".join(["id,age,job", *rows]))
        sent = release_file(
            jax.random.key(seed),
            folder / f"{name}.csv",
            AGREEMENT,
            epsilon=3.0,
            decimal=".",
        )
        assert (sent.left_out, sent.num_beyond) == (("id",), {"age": 1})
        sent.release.save(folder / f"{name}.release")
    return folder


def paths_of(files):
    return [files / "b.release", files / "a.release"]


@pytest.mark.medium
def test_rows_that_are_valued_are_those_that_can_be_written(files):
    names, releases = load_releases(paths_of(files), AGREEMENT)
    assert names == ("a", "b")
    low, high = AGREEMENT.edges
    network = EmbeddingGenerator(
        AGREEMENT.features, low, high, agreement=AGREEMENT.digest, num_steps=1_000
    )
    generator = AgreedRows(network, AGREEMENT)
    model = generator.fit(jax.random.key(0), releases)
    points = generator.sample(jax.random.key(1), model, 1_000)
    table = AGREEMENT.decode(np.asarray(points, np.float64))
    again = AGREEMENT.encode(table, files)
    np.testing.assert_allclose(points, again, atol=1e-6)
    share = np.mean(table["job"].values == "nurse")
    assert abs(share - 0.8) < 0.1
    assert abs(table["age"].values.mean() - 32.5) < 4


@pytest.mark.slow
def test_rewards_are_written_and_the_report_has_what_was_promised(files, tmp_path):
    names, releases = load_releases(paths_of(files), AGREEMENT)
    run = reward(names, releases, AGREEMENT, num_candidates=1_000, num_resamples=5)
    sent = sorted(paths_of(files))
    options = {"files": sent, "command": "cgm-jax run", "seed": 0}
    report = publish_released(tmp_path, run, AGREEMENT, **options)
    assert report == tmp_path / "mediator" / "report.html"
    page = report.read_text()
    for said in ("private with ε = 3, δ = 1e-05", "one row", "not covered", "±"):
        assert said in page
    assert AGREEMENT.digest in page
    assert {path.name for path in tmp_path.rglob("*.*")} == {
        *("reward.csv", "statement.json", "statement.html"),
        *("report.json", "report.html"),
    }
    for name, drawn in zip(names, run.collaboration.draw.rewards, strict=True):
        lines = (tmp_path / name / "reward.csv").read_text().splitlines()
        assert len(lines) == 1 + len(drawn.indices)


def test_releases_of_other_agreements_and_damaged_ones_are_refused(files, tmp_path):
    with pytest.raises(InputError, match="the agreement"):
        load_releases(paths_of(files), replace(AGREEMENT, delta=1e-6))
    with pytest.raises(UsageError, match="two parties"):
        load_releases(paths_of(files)[:1], AGREEMENT)
    with pytest.raises(UsageError, match="a name of its own"):
        load_releases([*paths_of(files), files / "a.release"], AGREEMENT)
    (again := tmp_path / "c.release").write_bytes(paths_of(files)[0].read_bytes())
    with pytest.raises(InputError, match="found that of b again"):
        load_releases([*paths_of(files), again], AGREEMENT)
    good = json.loads(again.read_text())
    for name, wrong in (
        ("sigma", "Infinity"),
        ("sigma", good["sigma"] / 2),
        ("epsilon", float("nan")),
        ("epsilon", 0),
        ("epsilon", -1),
        ("epsilon", 10**400),
        ("delta", 1e-3),
        ("size", float("nan")),
        ("neighbours", "none"),
        ("embedding", [float("nan"), *good["embedding"][1:]]),
        ("embedding", good["embedding"][1:]),
        ("embedding", [good["embedding"]]),
        ("more", 1),
    ):
        again.write_text(json.dumps({**good, name: wrong}))
        with pytest.raises(InputError, match="xpected") as caught:
            load_releases([*paths_of(files), again], AGREEMENT)
        assert str(again) in str(caught.value)
    for text in ("{}", "[]", "", json.dumps(good)[:-40], "\0"):
        again.write_text(text)
        with pytest.raises(InputError, match="expected a release"):
            load_releases([*paths_of(files), again], AGREEMENT)


@pytest.mark.medium
def test_one_row_moves_a_release_without_noise_by_its_own_features_only(tmp_path):
    """The sensitivity from files on, where other rows could be read otherwise."""
    jobs = AgreedColumn("job", "category", values=("1", "01", "true", "x", ""))
    agreement = replace(AGREEMENT, columns=(AGREEMENT.columns[0], jobs))
    words = ("1", "1.0", "01", "true", "TRUE", "x", "", "1e0")
    common = [f"{20 + i},{words[i % 2]}" for i in range(20)]
    sums = []
    for word in words:
        path = tmp_path / "a.csv"
        path.write_text("\n".join(["age,job", *common, f"250,{word}"]))
        sent = release_file(
            jax.random.key(0), path, agreement, epsilon=np.inf, decimal="."
        ).release
        sums.append(sent.embedding * sent.size)
    moved = [np.linalg.norm(one - other) for one in sums for other in sums]
    assert max(moved) <= 2 * (1 + 1e-6)
