"""Pictures: what is drawn is what was computed, and nothing covers anything else."""

import dataclasses
import io
from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text
from sklearn.decomposition import PCA
from small_collaborations import (
    SIZES,
    several_draws,
    small_collaboration,
    with_nothing,
    with_promises,
    with_reward,
)

from cgm_jax.collaboration import Uncertainty
from cgm_jax.metrics import CorrelationSummary
from cgm_jax.plots import (
    MAX_DOTS,
    Embedding,
    plane_of,
    plot_contributions,
    plot_correlations,
    plot_feasible_region,
    plot_reward,
    plot_reward_over_temperatures,
    plot_rewards,
    plot_uncertainty,
    plot_values,
)
from cgm_jax.plots.contributions import _with_error
from cgm_jax.plots.drawing import GREEN, RED, labels_of
from cgm_jax.plots.values import _evenly_in_factors
from cgm_jax.rewards import solve_reward_scheme


def uncertainty_of(collaboration, num_resamples=20):
    """As if everything were known up to 10 %."""
    scheme = collaboration.promises.scheme
    rng = np.random.default_rng(0)
    share = 1 + 0.1 * rng.normal(size=(num_resamples, len(scheme.shapley_values)))
    values = scheme.own_values, scheme.shapley_values, scheme.reward_values
    return Uncertainty(scheme, *(share * x[None] for x in values))


PICTURES = {
    "contributions": lambda c, *args, **some: plot_contributions(
        c.promises, *args, **some
    ),
    "values": lambda c, *args, **some: plot_values(c.draw, *args, **some),
    "region": lambda c, names=None: plot_feasible_region(c.promises.scheme, names),
    "uncertainty": lambda c, *args, **some: plot_uncertainty(
        uncertainty_of(c), *args, **some
    ),
    "rewards": plot_rewards,
    "reward": lambda c, names=None: plot_reward(c, 1, names=names),
    "temperatures": lambda c, names=None: plot_reward_over_temperatures(
        c.promises, [c.draw, c.draw], 1, names=names
    ),
}
OF_SOME = ("contributions", "values", "uncertainty", "rewards")  # parties in an order


def names_of(num_parties):
    return [f"bank of the region {i:02d}" for i in range(num_parties)]


def texts_of(figure):
    """What is written in a figure, with where: boxes in pixels."""
    figure.draw_without_rendering()
    texts = figure.findobj(lambda artist: isinstance(artist, Text))
    for axes in figure.axes:  # beside those of the ticks that are drawn, there are more
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if not low <= tick.get_loc() <= high:
                    texts = [text for text in texts if text is not tick.label1]
    return [
        (text.get_text(), text.get_window_extent())
        for text in texts
        if text.get_visible() and text.get_text().strip()
    ]


def check_words(figure):
    page = figure.bbox.padded(1)  # the layout is right up to a pixel
    texts = texts_of(figure)
    for text, box in texts:
        assert page.x0 <= box.x0 and box.x1 <= page.x1, text
        assert page.y0 <= box.y0 and box.y1 <= page.y1, text
    for (one, box), (other, other_box) in combinations(texts, 2):
        overlap = box.overlaps(other_box)
        assert not overlap, f"{one!r} and {other!r} overlap"


def scatters_of(axes):
    """Places and colours of the layers of points."""
    return [
        (np.asarray(layer.get_offsets()), layer.get_facecolors(), layer)
        for layer in axes.collections
    ]


# --- all pictures


@pytest.mark.parametrize("picture", PICTURES)
def test_words_neither_overlap_nor_leave_the_picture(picture):
    # Many parties matter where each has a row or a panel of its own.
    for size in SIZES if picture in ("contributions", "rewards") else SIZES[:2]:
        result = small_collaboration(*size)
        check_words(PICTURES[picture](result, names_of(size[0])))


@pytest.mark.parametrize("picture", PICTURES)
def test_every_party_is_named(picture):
    result, names = small_collaboration(3, 2), ["Ada", "Bo", "Cy"]
    figure = PICTURES[picture](result, names)
    words = " ".join(text for text, _ in texts_of(figure))
    scheme = result.promises.scheme
    limiting = scheme.limiting_upper_party, scheme.limiting_lower_party
    limits = {names[i] for i in limiting if i is not None}
    expected = {"region": limits, "reward": {"Bo"}, "temperatures": {"Bo"}}
    named = {name for name in names if name in words}
    assert named == expected.get(picture, {*names})
    assert figure.canvas.manager is None  # pyplot would have given it one


@pytest.mark.parametrize("picture", OF_SOME)
def test_some_parties_in_an_order(picture):
    """Cy and Ada look as in the picture of all three, and Bo is not there."""
    result, names = small_collaboration(3, 2), ["Ada", "Bo", "Cy"]
    everyone = PICTURES[picture](result, names)
    some = PICTURES[picture](result, names, parties=[2, 0])
    words = [[text for text, _ in texts_of(figure)] for figure in (everyone, some)]
    assert not any("Bo" in word for word in words[1])
    assert set(words[1]) <= set(words[0])
    places = [next(i for i, w in enumerate(words[1]) if n in w) for n in ("Cy", "Ada")]
    assert places == sorted(places)


@pytest.mark.parametrize("picture", PICTURES)
def test_hostile_names_are_drawn_without_a_warning(picture):
    names = [r"$\frac{1}{$ & <b>", "銀行", "x" * 300]
    figure = PICTURES[picture](small_collaboration(3, 2), names)
    figure.savefig(io.BytesIO(), format="png", dpi=20)  # warnings are errors


def test_a_name_is_needed_for_every_party():
    for picture in PICTURES.values():
        with pytest.raises(ValueError, match="Expected 3 names, one per party, got 2"):
            picture(small_collaboration(3, 2), ["Ada", "Bo"])


def test_labels_differ_even_where_the_shortened_names_do_not():
    long = ["the bank of region 1 in the north", "the bank of region 2 in the north"]
    assert labels_of([*long, "c"], 3, "party") == ["party 0", "party 1", "c"]


# --- contributions


@pytest.mark.parametrize("size", SIZES)
def test_bars_are_alpha_and_reward_values(size):
    promises = small_collaboration(*size).promises
    scheme = promises.scheme
    left, right = plot_contributions(promises).axes
    widths = [[bar.get_width() for bar in axes.patches] for axes in (left, right)]
    np.testing.assert_array_equal(widths[0], scheme.normalized_shapley)
    np.testing.assert_array_equal(widths[1], scheme.reward_values)
    own, upper = right.lines[:2]
    np.testing.assert_array_equal(own.get_xdata(), scheme.own_values)
    np.testing.assert_array_equal(upper.get_xdata(), scheme.upper_values)
    # The first party stands at the top.
    assert left.yaxis_inverted()
    assert [text.get_text() for text in left.get_yticklabels()] == [
        f"party {i}" for i in range(size[0])
    ]


# --- values


@pytest.mark.parametrize("size", SIZES)
def test_lines_are_values_after_each_pick(size):
    draw = small_collaboration(*size).draw
    panels = plot_values(draw).axes
    for axes, reward in zip(panels, draw.rewards, strict=True):
        line, end, goal = axes.lines
        values = np.append(reward.initial_value, reward.values)
        picks = line.get_xdata()
        np.testing.assert_array_equal(line.get_ydata(), values[picks])
        assert (picks[0], picks[-1]) == (0, len(reward.values))
        assert end.get_ydata() == reward.final_value
        assert set(goal.get_ydata()) == {reward.reward_value}
        assert goal.get_linestyle() == "--"
        low, high = axes.get_xlim()
        assert low < 0 and len(reward.values) < high


def test_long_lines_are_thinned():
    values = np.linspace(0, 1, 66_545)
    result = with_reward(
        small_collaboration(3, 2), 0, indices=np.arange(len(values)), values=values
    )
    axes = plot_values(result.draw).axes[0]
    picks = axes.lines[0].get_xdata()
    assert 300 < len(picks) <= 500
    assert (picks[0], picks[-1]) == (0, 66_545)
    assert [text.get_text() for text in axes.get_xticklabels()][-1] == "10k"


def test_thinning_keeps_the_ends_and_the_order():
    for length in (1, 2, 3, 499, 500, 501, 10_000, 10**6):
        shown = _evenly_in_factors(length)
        assert shown[0] == 0 and shown[-1] == length - 1
        assert (np.diff(shown) > 0).all()
        assert len(shown) <= 500


# --- feasible region

SCHEMES = {
    # Shapley values, lower values, upper values
    "proportional": ([0.1, 0.2], [0.3, 0.4], [0.8, 0.9]),
    "narrow": ([0.1, 0.2, 0.15], [0.4, 0.41, 0.41], [0.41, 0.42, 0.43]),
    "corner": ([0.1, 0.2], [0.199, 0.398], [0.2, 0.4]),
    # Table 10: v* between 0.08955 and 0.08977, ρ below 0.0075
    "sliver": (
        [0.99645, 1.0, 0.23313, 0.64668, 0.32082],
        [0.089499, 0.089548, 0.000176, 0.089474, 0.077651],
        [0.0897669, 0.0897668, 0.0897574, 0.0897626, 0.0897604],
    ),
    "a single value": ([0.2, 0.2], [0.5, 0.5], [0.5, 0.5]),
    "a lower value of 0": ([0.02, 0.2, 0.1], [0.0, 0.1, 0.2], [0.3, 0.9, 0.5]),
}


def scheme_of(case):
    return solve_reward_scheme(*map(np.array, SCHEMES[case]))


@pytest.mark.parametrize("case", SCHEMES)
def test_the_polygon_is_the_feasible_region_and_fills_the_picture(case):
    scheme = scheme_of(case)
    axes = plot_feasible_region(scheme).axes[0]
    corners = axes.patches[0].get_xy()[:-1]  # closed: the first corner comes again
    np.testing.assert_allclose(corners[:, 0], scheme.feasible_vertices[:, 0])
    np.testing.assert_allclose(np.log(corners[:, 1]), scheme.feasible_vertices[:, 1])
    shown = np.array([axes.get_xlim(), np.log(axes.get_ylim())])
    size = np.ptp(scheme.feasible_vertices, axis=0)
    assert (shown[:, 0] < scheme.feasible_vertices).all()
    assert (shown[:, 1] > scheme.feasible_vertices).all()
    tiny = size < 1e-6
    assert ((size / np.ptp(shown, axis=1) > 0.5) | tiny).all()
    assert axes.get_yscale() == "log"
    ticks = axes.get_xticks()
    assert len(ticks) > 1 and ticks.min() >= 0 and ticks.max() <= 1


@pytest.mark.parametrize("case", SCHEMES)
def test_the_coloured_lines_meet_in_the_optimum(case):
    scheme = scheme_of(case)
    axes = plot_feasible_region(scheme).axes[0]
    optimum = scheme.rho, scheme.max_reward_value
    (dot,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == optimum
    colored = {}
    for line in axes.lines:
        colored.setdefault(to_hex(line.get_color()), []).append(line)
    (upper,), (lower,) = colored[RED], colored[GREEN]
    x, log_y = upper.get_xdata(), np.log(upper.get_ydata())
    assert np.interp(scheme.rho, x, log_y) == pytest.approx(np.log(optimum[1]))
    if scheme.limiting_lower_party is None:
        assert list(lower.get_xdata()) == [1, 1]
    else:
        x, log_y = lower.get_xdata(), np.log(lower.get_ydata())
        assert np.interp(scheme.rho, x, log_y) == pytest.approx(np.log(optimum[1]))


@pytest.mark.parametrize("case", SCHEMES)
def test_the_limiting_parties_are_named(case):
    scheme = scheme_of(case)
    names = ["Ada", "Bo", "Cy", "Di", "Ed"][: len(scheme.shapley_values)]
    texts = plot_feasible_region(scheme, names).axes[0].texts
    _, at_most, at_least = (text.get_text() for text in texts)
    assert at_most.startswith(names[scheme.limiting_upper_party] + "\n")
    if scheme.limiting_lower_party is None:
        assert at_least == "ρ is 1 at most"
    else:
        assert at_least.startswith(names[scheme.limiting_lower_party] + "\n")


def test_without_an_optimum_there_is_no_region():
    scheme = solve_reward_scheme(
        np.array([0.1, 0.2]), np.array([0.5, 0.6]), np.array([0.4, 0.5]), throw=False
    )
    with pytest.raises(ValueError, match="infeasible"):
        plot_feasible_region(scheme)


# --- rewards


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


# --- correlations

FIGURE_2 = [
    "mmd2_unbiased",
    "reverse_kl",
    "wasserstein2",
    "class_imbalance",
    "num_points",
]


def summaries(start, metrics=FIGURE_2):
    return {
        name: CorrelationSummary(start - 0.3 * k, 0.01 * (k + 1), 4)
        for k, name in enumerate(metrics)
    }


def test_bars_are_correlations_with_their_errors():
    ours = {
        "equal-disjoint": {"credit-ratings": summaries(0.9), "digits": summaries(0.5)},
        "unequal": {"digits": summaries(0.7) | {"svm_accuracy": None}},
    }
    figure = plot_correlations(ours)
    left, right = figure.axes
    assert [axes.get_title(loc="left") for axes in (left, right)] == list(ours)
    for axes, split in ((left, "equal-disjoint"), (right, "unequal")):
        for bars, found in zip(
            [c for c in axes.containers if hasattr(c, "patches")],
            ours[split].values(),
            strict=True,
        ):
            expected = [found[name] for name in FIGURE_2]
            heights = [bar.get_height() for bar in bars.patches]
            assert heights == [summary.mean for summary in expected]
            (lines,) = bars.errorbar[2]
            for (low, high), summary in zip(
                (segment[:, 1] for segment in lines.get_segments()),
                expected,
                strict=True,
            ):
                error = summary.standard_error
                assert (low, high) == pytest.approx(
                    (summary.mean - error, summary.mean + error)
                )
    # A data set has one colour in every panel.
    assert right.patches[0].get_facecolor() == left.patches[5].get_facecolor()
    (legend,) = figure.legends
    words = [text.get_text() for text in legend.get_texts()]
    assert words == ["credit-ratings", "digits"]


def test_words_of_correlations_do_not_overlap():
    four = {
        name: summaries(0.9) for name in ("credit-ratings", "credit-card", "a", "b")
    }
    nothing = CorrelationSummary(np.nan, np.nan, 0)
    four["a"] = four["a"] | {"class_imbalance": nothing}
    figure = plot_correlations({"equal-disjoint": four, "unequal": four})
    assert [text.get_text() for text in figure.axes[0].texts] == ["n/a"]
    check_words(figure)
    assert figure.axes[0].get_ylim()[0] < -1


def test_positive_correlations_fill_the_picture():
    figure = plot_correlations({"unequal": {"digits": summaries(1.25)}})
    bottom, top = figure.axes[0].get_ylim()
    assert (bottom, top) == pytest.approx((0, 1.05))


@pytest.mark.parametrize("count", [0, 5])
def test_as_many_data_sets_as_there_are_colours(count):
    with pytest.raises(ValueError, match=f"one to 4 data sets, got {count}"):
        plot_correlations({"unequal": {str(i): summaries(0.9) for i in range(count)}})


# --- uncertainty


def test_bars_are_95_percent_of_a_normal_distribution():
    found = uncertainty_of(small_collaboration(3, 2))
    left, right = plot_uncertainty(found).axes
    for axes, values, errors in (
        (left, found.scheme.normalized_shapley, found.normalized_shapley_errors),
        (right, found.scheme.reward_values, found.reward_value_errors),
    ):
        (_, _, (bars,)) = axes.containers[0].lines
        ends = np.array([bar[:, 0] for bar in bars.get_segments()])
        np.testing.assert_allclose(ends.mean(1), values)
        np.testing.assert_allclose(np.ptp(ends, axis=1), 2 * 1.96 * errors)


def test_numbers_have_the_digits_that_are_known():
    for value, error, words in (
        (0.554, 0.0613, "0.554 ± 0.061"),
        (0.0196, 0.000142, "0.01960 ± 0.00014"),
        (12.3, 4.56, "12.3 ± 4.6"),
        (123.0, 45.6, "123 ± 46"),
        (0.5, 1e-12, "0.500000 ± 0.000000"),
        (0.5, 0.0, "0.5"),
        (0.5, np.nan, "0.5"),
    ):
        assert _with_error(value, error) == words


def test_no_bars_where_nothing_is_known():
    found = uncertainty_of(small_collaboration(3, 2))
    found = dataclasses.replace(found, reward_values=np.full((20, 3), np.nan))
    figure = plot_uncertainty(found)
    words = [text for text, _ in texts_of(figure)]
    assert sum("±" in word for word in words) == 4  # three α, and what ± is
    (_, _, (bars,)) = figure.axes[1].containers[0].lines
    assert all(np.ptp(bar) == 0 for bar in np.array(bars.get_segments())[:, :, 0])


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
