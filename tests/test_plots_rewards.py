"""Pictures of rewards: the points that were handed out, where they stand."""

import dataclasses

import numpy as np
import pytest
from figures import check_words, scatters_of
from matplotlib.colors import to_hex
from sklearn.decomposition import PCA
from small_collaborations import (
    SIZES,
    several_draws,
    small_collaboration,
    with_nothing,
    with_promises,
    with_reward,
)

from cgm_jax.plots import (
    MAX_DOTS,
    Embedding,
    plane_of,
    plot_own_and_reward,
    plot_reward,
    plot_reward_over_temperatures,
    plot_rewards,
    plot_values,
)


def test_layers_are_candidates_own_data_and_reward():
    result = small_collaboration(3, 2)
    promises = result.promises
    for i, axes in enumerate(plot_rewards(result).axes):
        candidates, own, reward = scatters_of(axes)
        np.testing.assert_array_equal(candidates[0], promises.candidates)
        np.testing.assert_array_equal(own[0], promises.parties[i])
        drawn = promises.candidates[result.draw.rewards[i].indices]
        np.testing.assert_array_equal(reward[0][::-1], drawn)
        assert len({to_hex(layer[1][0]) for layer in (candidates, own, reward)}) == 3


def test_early_points_are_more_opaque_and_on_top():
    axes = plot_reward(small_collaboration(3, 2), 2).axes[0]
    _, _, (places, colors, _) = scatters_of(axes)
    assert len(places) > 5
    assert (np.diff(colors[:, 3]) > 0).all()  # drawn backwards
    assert colors[-1, 3] == 1 and colors[0, 3] > 0.1
    assert all(layer.get_rasterized() for *_, layer in scatters_of(axes))


def test_all_panels_show_the_same_part_of_the_plane():
    panels = plot_rewards(small_collaboration(3, 2)).axes
    assert len({axes.get_xlim() + axes.get_ylim() for axes in panels}) == 1


def test_many_points_are_thinned_but_not_the_reward():
    result = small_collaboration(3, 2)
    many = np.random.default_rng(0).normal(size=(2 * MAX_DOTS + 7, 2))
    result = with_promises(
        result, candidates=many, parties=[many + i for i in range(3)]
    )
    drawn = {"indices": np.arange(len(many)), "values": np.zeros(len(many))}
    result = with_reward(result, 0, **drawn)
    candidates, own, reward = scatters_of(plot_reward(result, 0).axes[0])
    assert len(candidates[0]) == len(own[0]) == MAX_DOTS
    assert len(reward[0]) == len(many)
    np.testing.assert_array_equal(candidates[0][[0, -1]], many[[0, -1]])


def test_one_column_is_drawn_in_strips():
    result = small_collaboration(2, 1)
    axes = plot_reward(result, 0).axes[0]
    layers = scatters_of(axes)
    for level, (places, *_) in enumerate(layers):
        assert (np.floor(places[:, 1]) == level).all()
    np.testing.assert_array_equal(layers[0][0][:, :1], result.promises.candidates)
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["candidates", "own data", "reward"]


@pytest.mark.medium
def test_many_columns_are_drawn_along_principal_axes_of_the_pool():
    result = small_collaboration(24, 64)
    parties = result.promises.parties
    plane = plane_of(np.concatenate(parties))
    figure = plot_rewards(result, parties=[5, 6])
    for i, axes in enumerate(figure.axes):
        places = scatters_of(axes)[1][0]
        np.testing.assert_array_equal(places, plane.place(parties[5 + i]))
    assert figure.get_supxlabel() == plane.axes[0]


@pytest.mark.parametrize("size", SIZES[:2])
def test_nothing_handed_out_is_drawn_as_nothing(size):
    result = with_nothing(small_collaboration(*size), 0)
    figure = plot_rewards(result)
    assert len(figure.axes[0].collections) == 2
    assert len(figure.axes[1].collections) == 3
    assert "0 points" in figure.axes[0].get_title(loc="left")
    reward = result.draw.rewards[0]
    line, *_ = plot_values(result.draw).axes[0].lines
    assert line.get_xydata().tolist() == [[0, reward.reward_value]]


def test_one_panel_for_every_temperature():
    promises, draws = several_draws()
    panels = plot_reward_over_temperatures(promises, draws, 1).axes
    for axes, drawn, beta in zip(panels, draws, ("1", "2", "8", "inf"), strict=True):
        count = len(drawn.rewards[1].indices)
        assert axes.get_title(loc="left").startswith(f"party 1\nβ = {beta}: {count} ")
        assert len(scatters_of(axes)[2][0]) == count


def test_an_embedding_places_points_by_their_rows():
    result = small_collaboration(24, 64)
    rng = np.random.default_rng(0)
    places = [rng.normal(size=(len(points), 2)) for points in result.promises.parties]
    candidates = rng.normal(size=(len(result.promises.candidates), 2))
    embedding = Embedding(places, candidates, ("first", "second"))
    figure = plot_reward(result, 5, plane=embedding)
    layers = scatters_of(figure.axes[0])
    np.testing.assert_array_equal(layers[0][0], candidates)
    np.testing.assert_array_equal(layers[1][0], places[5])
    drawn = candidates[result.draw.rewards[5].indices]
    np.testing.assert_array_equal(layers[2][0][::-1], drawn)
    assert figure.get_supxlabel() == "first"
    short = dataclasses.replace(embedding, candidates=candidates[1:])
    with pytest.raises(ValueError, match="places of 400 candidates"):
        plot_rewards(result, plane=short)


@pytest.mark.medium
def test_classes_are_named_where_most_of_their_candidates_are():
    result = small_collaboration(3, 2)
    centers = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    promises = result.promises
    labels = np.arange(len(promises.candidates)) % 3
    places = centers[labels]
    # Some of a class elsewhere do not move its name.
    places = np.where(np.arange(len(places))[:, None] % 9 == 1, 20.0, places)
    embedding = Embedding(promises.parties, places, ("first", "second"))
    figure = plot_reward_over_temperatures(
        promises, [result.draw] * 4, 1, plane=embedding, candidate_labels=labels
    )
    for axes in figure.axes:
        named = {text.get_text(): text.xy for text in axes.texts}
        assert named == {str(k): tuple(centers[k]) for k in range(3)}
    check_words(figure)
    with pytest.raises(ValueError, match="one label of each of 400 candidates"):
        plot_reward_over_temperatures(
            promises, [result.draw], 1, candidate_labels=labels[1:]
        )


# --- plane


@pytest.mark.parametrize("dimension", [3, 16, 64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_principal_axes_are_those_of_scikit_learn(dimension, dtype):
    rng = np.random.default_rng(dimension)
    mixing = rng.normal(size=(dimension, dimension)) / np.arange(1, dimension + 1)[None]
    points = (5 + rng.normal(size=(200, dimension)) @ mixing.T).astype(dtype)
    reference = PCA(2, svd_solver="full").fit(points.astype(np.float64))
    signs = np.sign(
        reference.components_[[0, 1], np.abs(reference.components_).argmax(1)]
    )
    plane = plane_of(points)
    np.testing.assert_allclose(
        plane.place(points),
        reference.transform(points.astype(np.float64)) * signs[None],
        atol=1e-9,
    )
    for k, share in enumerate(reference.explained_variance_ratio_):
        assert f"axis {k + 1} ({100 * share:.0f} %" in plane.axes[k]


def test_points_without_any_spread_have_a_plane():
    plane = plane_of(np.ones((4, 3)))
    assert not plane.place(np.ones((2, 3))).any()


def test_one_or_two_columns_stay_as_they_are():
    points = np.array([[1.0, -3.0], [2.0, 5.0]], np.float32)
    plane = plane_of(points, ["income", "age"])
    assert plane.axes == ("income", "age")
    np.testing.assert_array_equal(plane.place(points), points)
    line = plane_of(points[:, :1])
    assert line.axes == ("column 0",)
    np.testing.assert_array_equal(line.place(points[:, :1]), points[:, :1])


def test_a_name_is_needed_for_every_column():
    with pytest.raises(ValueError, match="Expected 3 names, one per column, got 1"):
        plane_of(np.ones((4, 3)), ["income"])


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_own_data_and_reward_alone_decide_what_is_drawn(dimension):
    own, reward = np.random.default_rng(0).normal(size=(2, 40, dimension))
    reward = 3 * reward[:25]
    figure = plot_own_and_reward(own, reward)
    (axes,) = figure.axes
    (mine, *_), (drawn, colors, _) = scatters_of(axes)
    plane = plane_of(own)
    along = slice(0, 1 if dimension == 1 else 2)
    np.testing.assert_array_equal(mine[:, along], plane.place(own)[:, along])
    np.testing.assert_array_equal(drawn[::-1, along], plane.place(reward)[:, along])
    assert (np.diff(colors[:, 3]) > 0).all()
    places = np.concatenate([mine, drawn])
    width = np.ptp(places[:, 0])
    low, high = axes.get_xlim()
    assert places[:, 0].min() - 0.1 * width < low < places[:, 0].min()
    assert places[:, 0].max() < high < places[:, 0].max() + 0.1 * width
    check_words(figure)


def test_a_column_in_which_the_own_data_hardly_vary_leaves_room():
    """In its standard deviations, the reward is at 500; the other column stays."""
    rng = np.random.default_rng(0)
    own, reward = rng.normal(size=(200, 2)), rng.normal(size=(100, 2))
    reward[:, 1] = 500 + 100 * reward[:, 1]
    axes = plot_own_and_reward(own, reward).axes[0]
    drawn = np.concatenate([x.get_offsets() for x in axes.collections])
    np.testing.assert_allclose(drawn[:200, 0], own[:, 0])
    both = np.concatenate([own, reward])[:, 1].std()
    np.testing.assert_allclose(drawn[:200, 1], own[:, 1] / both)
    assert np.ptp(drawn[:, 1]) < 5


def test_own_data_are_drawn_without_a_reward():
    figure = plot_own_and_reward(np.eye(3), np.zeros((0, 3)))
    assert len(scatters_of(figure.axes[0])) == 1
