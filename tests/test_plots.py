"""Pictures: what is drawn is what was computed, and nothing covers anything else."""

import dataclasses
import io
from functools import cache

import numpy as np
import pytest
from figures import check_words, texts_of
from matplotlib.colors import to_hex
from small_collaborations import (
    SIZES,
    small_collaboration,
    with_reward,
)

from cgm_jax.collaboration import Uncertainty
from cgm_jax.plots import (
    plot_contributions,
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


@cache
def words_of_all_three(picture):
    """What is written in the picture of Ada, Bo and Cy; and it is not pyplot's."""
    figure = PICTURES[picture](small_collaboration(3, 2), ["Ada", "Bo", "Cy"])
    assert figure.canvas.manager is None  # pyplot would have given it one
    return [text for text, _ in texts_of(figure)]


def names_of(num_parties):
    return [f"bank of the region {i:02d}" for i in range(num_parties)]


# --- all pictures


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.medium
def test_words_neither_overlap_nor_leave_the_picture(picture):
    # The pages of many parties have these, most with a row or a panel a party.
    is_of_many = picture in ("contributions", "region", "values", "rewards")
    for size in SIZES if is_of_many else SIZES[:2]:
        result = small_collaboration(*size)
        check_words(PICTURES[picture](result, names_of(size[0])))


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.medium
def test_every_party_is_named(picture):
    names = ["Ada", "Bo", "Cy"]
    words = " ".join(words_of_all_three(picture))
    scheme = small_collaboration(3, 2).promises.scheme
    limiting = scheme.limiting_upper_party, scheme.limiting_lower_party
    limits = {names[i] for i in limiting if i is not None}
    expected = {"region": limits, "reward": {"Bo"}, "temperatures": {"Bo"}}
    named = {name for name in names if name in words}
    assert named == expected.get(picture, {*names})


@pytest.mark.parametrize("picture", OF_SOME)
def test_some_parties_in_an_order(picture):
    """Cy and Ada look as in the picture of all three, and Bo is not there."""
    result, names = small_collaboration(3, 2), ["Ada", "Bo", "Cy"]
    figure = PICTURES[picture](result, names, parties=[2, 0])
    words = [text for text, _ in texts_of(figure)]
    assert not any("Bo" in word for word in words)
    assert set(words) <= set(words_of_all_three(picture))
    places = [next(i for i, w in enumerate(words) if n in w) for n in ("Cy", "Ada")]
    assert places == sorted(places)


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.medium
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
    assert labels_of([*long, "c"], 3, "party") == ["party 1", "party 2", "c"]


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
@pytest.mark.medium
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
