"""What is said of releases: of each party ε and δ, of all what it cost, and what is not
covered; to a party, what is its own."""

import numpy as np
import pytest
from report_pages import one

from cgm_jax.collaboration import Uncertainty
from cgm_jax.privacy import Neighbours, Release
from cgm_jax.report.sentences import own_release_sentences, release_sentences

NAMES = ["north", "<b>south", "west"]


def sent(
    size=2_000.0, epsilon=1.0, delta=1e-5, neighbours: Neighbours = "replace one"
) -> Release:
    return Release(np.ones(4), size, epsilon, delta, 0.01, neighbours, "")


def uncertainty(spread: float) -> Uncertainty:
    """Resamples in which α of the last party is 0.5, and 0.5 + spread."""
    values = np.array([[1.0, 0.5, 0.5], [1.0, 0.5, 0.5 + spread]])
    return Uncertainty(one().promises.scheme, values, values, values)


def test_each_promise_is_said_with_what_it_cost_and_does_not_cover():
    releases = [sent(), sent(epsilon=3.0), sent(epsilon=np.inf)]
    told = release_sentences(releases, uncertainty(0.1), NAMES)
    content = "for data that differ in the content of one row."
    assert told[0] == f"north: private with ε = 1, δ = 1e-05, {content}"
    assert told[1] == f"<b>south: private with ε = 3, δ = 1e-05, {content}"
    assert told[2].startswith("west: released without noise")
    assert "number (exact)" in told[3]
    assert any(f"± {np.std([0, 0.1], ddof=1):.3f}" in each for each in told[4:])
    for said in ("ε and δ add up", "64 bits", "several rows of one person", "ranges"):
        assert said in "".join(told[4:])
    other = sent(neighbours="add or remove one")
    told = release_sentences([other], uncertainty(np.nan))
    assert "differ by one row more or less" in told[0]
    assert "number (with noise)" in told[1]
    assert not any("uncertain by" in sentence for sentence in told)


@pytest.mark.parametrize(
    ("epsilon", "delta", "is_said"),
    [(1.0, 4.9e-4, False), (1.0, 5e-4, True), (1.0, 0.1, True), (np.inf, 0.1, False)],
)
def test_a_delta_of_one_over_the_number_of_rows_is_warned_of(epsilon, delta, is_said):
    release = sent(epsilon=epsilon, delta=delta)
    own = own_release_sentences(release, [], {})
    assert any("a smaller δ" in sentence for sentence in own) == is_said
    told = release_sentences([sent(), release], uncertainty(0.1), NAMES)
    warned = [sentence for sentence in told if "a smaller δ" in sentence]
    assert [sentence.partition(":")[0] for sentence in warned] == ["<b>south"] * is_said


def test_only_the_party_is_told_of_its_file():
    told = own_release_sentences(sent(), ["id", "note"], {"age": 1_200})
    assert "Not agreed on, and left out: id, note." in told
    assert "Column age: 1,200 numbers beyond the agreed range count as its end." in told
