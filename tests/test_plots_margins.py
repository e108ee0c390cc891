"""The picture of margins shows those of the audit, kept and broken."""

import dataclasses
import io

import numpy as np
import pytest
from small_collaborations import small_collaboration, with_reward

from cgm_jax.audit import audit, audit_promises
from cgm_jax.plots import plot_margins


def points_of(figure) -> list:
    axes = figure.axes[0]
    return [line for line in axes.lines if len(line.get_xdata()) == 1]


@pytest.mark.medium
def test_every_finite_margin_is_shown_and_broken_ones_are_hollow():
    result = small_collaboration(3, 2)
    poor = with_reward(result, 1, values=result.draw.rewards[1].values * 0.1)
    # The axis ends at a power of ten: of every tolerance, no margin is beyond it.
    for collaboration, times in ((result, 1), (poor, 1), (poor, 10)):
        found = audit(collaboration)
        found = dataclasses.replace(found, tolerance=times * found.tolerance)
        figure = plot_margins(found, ["Ada", "Bo", "$x_1$"])
        expected = [
            (check.margin, check.holds)
            for checks in (found.assigned, found.realised)
            for name, check in checks.items()
            if name != "R7" and np.isfinite(check.margin)
        ]
        shown = [
            (float(p.get_xdata()[0]), p.get_markerfacecolor() != "none")
            for p in points_of(figure)
        ]
        assert sorted(shown) == sorted(expected)
        low, high = figure.axes[0].get_xlim()
        assert all(low <= margin <= high for margin, _ in shown)
        figure.savefig(io.BytesIO(), format="svg")
    assert any(not is_filled for _, is_filled in shown)


def test_it_says_whose_margin_it_is_and_where_there_is_nothing_to_keep():
    found = audit(small_collaboration(3, 2))
    texts = [
        t.get_text() for t in plot_margins(found, ["Ada", "Bo", "Cy"]).axes[0].texts
    ]
    labels = ["Ada", "Bo", "Cy"]
    assert labels[found.realised["R4"].parties[0]] in texts[3]
    assert (texts.count("nothing to keep") > 0) == any(
        not check.num_cases for check in found.realised.values()
    )


@pytest.mark.medium
def test_nothing_handed_out_is_drawn_without_it():
    promises = small_collaboration(2, 1).promises
    checked = audit_promises(promises.coalition_values, promises.scheme)
    labels = plot_margins(checked).axes[0].get_yticklabels()
    assert "handed out as promised" not in [label.get_text() for label in labels]


def test_one_name_a_party():
    with pytest.raises(ValueError, match="Expected 3 names"):
        plot_margins(audit(small_collaboration(3, 2)), ["Ada"])
