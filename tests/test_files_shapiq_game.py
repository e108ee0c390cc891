"""A game for shapiq: what shapiq computes from the file is what we compute."""

import itertools
import warnings

import numpy as np
import pytest
from known_games import airport_game

from cgm_jax.files import UsageError, write_shapiq_game
from cgm_jax.valuation import shapley_interactions, shapley_values


def random_game(n: int) -> np.ndarray:
    values = np.random.default_rng(n).normal(size=2**n)
    values[0] = 0
    return values


@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.medium
def test_shapiq_computes_the_same(n: int, tmp_path):
    with warnings.catch_warnings():  # its own and its dependencies'
        warnings.simplefilter("ignore")
        shapiq = pytest.importorskip("shapiq")
        values = random_game(n)
        write_shapiq_game(tmp_path / "game.npz", values)
        game = shapiq.Game(n_players=n, normalize=False)
        game.load_values(tmp_path / "game.npz")
        single = game.exact_values("SV", order=1)
        pairs = game.exact_values("SII", order=2)
    assert game.precomputed and game.normalization_value == 0
    interactions = shapley_interactions(values)
    for i in range(n):
        assert single[(i,)] == pytest.approx(shapley_values(values)[i], abs=1e-12)
    for i, j in itertools.combinations(range(n), 2):
        assert pairs[(i, j)] == pytest.approx(interactions[i, j], abs=1e-12)


def test_the_value_of_nobody_is_what_shapiq_subtracts(tmp_path):
    values = np.array([0.5, 2.0, 1.0, 4.0])
    write_shapiq_game(tmp_path / "game.npz", values)
    with np.load(tmp_path / "game.npz", allow_pickle=False) as archive:
        assert archive["normalization_value"] == 0.5
        assert archive["n_players"] == 2
        np.testing.assert_array_equal(archive["values"], values)
        assert archive["coalitions"].dtype == bool
        np.testing.assert_array_equal(
            archive["coalitions"], [[0, 0], [1, 0], [0, 1], [1, 1]]
        )


def test_the_same_game_gives_the_same_bytes(tmp_path):
    values, _ = airport_game(np.arange(5.0))
    for name in ("a.npz", "b.npz"):
        write_shapiq_game(tmp_path / name, values)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"ends in \.npz"):
        write_shapiq_game(tmp_path / "game.json", np.zeros(4))
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("values", [np.zeros(6), np.zeros((2, 2)), [0, 1, 2, np.nan]])
def test_what_is_not_a_game(values, tmp_path):
    with pytest.raises(ValueError, match="Expected"):
        write_shapiq_game(tmp_path / "game.npz", values)
    assert not any(tmp_path.iterdir())
