"""Pictures of a generator: what is drawn is what was given, side by side."""

import dataclasses
import io

import numpy as np
import pytest
from figures import check_words, scatters_of
from small_generators import HISTORY, QUALITY, trained

from cgm_jax.plots import MAX_DOTS, plane_of, plot_samples, plot_training

SHAPE = (4, 8, 1)


def points(num, dimension, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(num, dimension)) / np.arange(1, dimension + 1)[None]


PICTURES = {
    "one column": lambda: plot_samples(points(60, 1), points(50, 1, 1)),
    "two columns": lambda: plot_samples(points(60, 2), points(50, 2, 1)),
    "many columns": lambda: plot_samples(points(60, 20), points(50, 20, 1)),
    "images": lambda: plot_samples(points(70, 32), points(80, 32, 1), shape=SHAPE),
    "one image": lambda: plot_samples(points(1, 32), points(1, 32, 1), shape=SHAPE),
    "training": lambda: plot_training(trained()),
}


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.medium
def test_words_fit_and_figures_belong_to_the_caller(picture):
    figure = PICTURES[picture]()
    check_words(figure)
    figure.savefig(io.BytesIO(), format="png", dpi=20)  # warnings are errors
    assert figure.canvas.manager is None  # pyplot would have given it one


# --- samples


@pytest.mark.parametrize("dimension", [2, 5])
def test_real_and_generated_points_stand_in_the_plane_of_the_real(dimension):
    real, generated = points(60, dimension), points(60, dimension, 1) + 1
    panels = plot_samples(real, generated).axes
    assert panels[0].get_xlim() == panels[1].get_xlim()
    plane = plane_of(real)
    for axes, given in zip(panels, (real, generated), strict=True):
        ((places, *_),) = scatters_of(axes)
        np.testing.assert_array_equal(places, plane.place(given))


@pytest.mark.medium
def test_as_many_of_each_are_drawn_and_not_too_many():
    real, generated = points(MAX_DOTS + 10, 2), points(MAX_DOTS + 20, 2, 1)
    for some, count in ((real, MAX_DOTS), (real[:7], 7)):
        for first, second in ((some, generated), (generated, some)):
            panels = plot_samples(first, second).axes
            drawn = [scatters_of(axes)[0][0] for axes in panels]
            assert [len(places) for places in drawn] == [count, count]
            for places, given in zip(drawn, (first, second), strict=True):
                assert len({tuple(p) for p in places}) == count  # no point twice
                assert {tuple(p) for p in places} <= {tuple(p) for p in given}


def test_the_seed_says_which_are_drawn():
    real, generated = points(9, 2), points(200, 2, 1)

    def drawn(seed):
        axes = plot_samples(real, generated, seed=seed).axes[1]
        return scatters_of(axes)[0][0]

    np.testing.assert_array_equal(drawn(1), drawn(1))
    assert not np.array_equal(drawn(1), drawn(2))


def test_one_column_is_counted():
    real, generated = points(60, 1), points(60, 1, 1)
    figure = plot_samples(real, generated, columns=["age"])
    assert figure.get_supxlabel() == "age"
    patches = figure.axes[0].patches
    for patch, given in zip(patches, (real, generated), strict=True):
        x, y = patch.get_xy().T
        low, high = given.min(), given.max()
        assert y.max() > 0 and x.min() <= low <= high <= x.max()


@pytest.mark.parametrize(("num", "rows"), [(3, 1), (16, 1), (17, 2), (300, 4)])
def test_images_are_in_rows_of_sixteen(num, rows):
    height, width, _ = SHAPE
    real = np.arange(num * 32.0).reshape(num, 32)
    panels = plot_samples(real, -real, shape=SHAPE).axes
    for axes, given in zip(panels, (real, -real), strict=True):
        (picture,) = axes.get_images()
        grid = picture.get_array()
        assert grid.shape == (rows * (height + 1), 16 * (width + 1))
        blank = real.min()
        assert picture.get_clim() == (real.min(), real.max())
        for i in range(min(num, 64)):
            top, left = i // 16 * (height + 1), i % 16 * (width + 1)
            cell = grid[top : top + height + 1, left : left + width + 1]
            assert (cell[height] == blank).all() and (cell[:, width] == blank).all()
            drawn = cell[:height, :width].reshape(-1)
            assert (np.abs(given - drawn[None]).sum(axis=1) == 0).any()
            if num <= 64:
                np.testing.assert_array_equal(drawn, given[i])


def test_three_channels_are_colors_of_the_real_range():
    real = np.random.default_rng(0).uniform(10, 20, size=(2, 4 * 4 * 3))
    real[0, :2] = 10, 20
    generated = np.stack([real[0], np.full(48, 99.0)])
    panels = plot_samples(real, generated, shape=(4, 4, 3)).axes
    first, second = (axes.get_images()[0].get_array() for axes in panels)
    expected = (real[0].reshape(4, 4, 3) - 10) / 10
    np.testing.assert_allclose(first[:4, :4], expected, atol=1e-12)
    np.testing.assert_allclose(second[:4, :4], expected, atol=1e-12)
    assert (second[:4, 5:9] == 1).all()  # beyond the range
    assert (first[4] == 1).all()  # white between the images


def test_what_does_not_fit_is_refused():
    real = points(3, 2)
    for first, second, shape, words in (
        (real, points(3, 4), None, "the same columns"),
        (real[:0], real, None, "the same columns"),
        (real, real[:0], None, "at least one generated point"),
        (real, real, (4, 4, 1), "rows of 16 numbers, got 2 columns"),
    ):
        with pytest.raises(ValueError, match=words):
            plot_samples(first, second, shape=shape)


# --- training


def test_lines_are_the_history_beside_the_final_figures():
    panels = plot_training(trained()).axes
    for i, axes in enumerate(panels):
        ours, density, real, zero = axes.lines
        assert set(zero.get_ydata()) == {0}
        np.testing.assert_array_equal(ours.get_xdata(), HISTORY[:, 0])
        np.testing.assert_array_equal(ours.get_ydata(), HISTORY[:, 2 + i])
        assert set(density.get_ydata()) == {QUALITY.kernel_density[i]}
        assert set(real.get_ydata()) == {QUALITY.real[i]}
        low, high = axes.get_ylim()
        assert low < HISTORY[:, 2:4].min() and HISTORY[:, 2:4].max() < high
    assert axes.get_yscale() == "symlog"


def test_a_training_without_figures_is_a_line():
    panels = plot_training(trained(quality=None)).axes
    assert [len(axes.lines) for axes in panels] == [2, 2]  # with that of 0


def test_a_training_of_zeros_can_be_drawn():
    model = dataclasses.replace(trained(quality=None), history=0 * HISTORY)
    assert plot_training(model).axes[0].get_yscale() == "linear"
