"""What is said of a trained generator's figures."""

from dataclasses import replace

from small_generators import QUALITY

from cgm_jax.mediation.row_source import quality_sentences


def test_figures_in_words():
    likeness, copying = quality_sentences(QUALITY)
    for words in ("1,234 held-out", "0.001 and 0.002", "-0.0003 and 0.0004"):
        assert words in likeness
    assert "0.0005 and 0.0006" in likeness
    assert "51.2%" in copying
    assert "63.4%" in copying


def test_a_generator_that_the_density_beats():
    worse = replace(QUALITY, is_worse_than_kernel_density=True)
    assert quality_sentences(worse)[:2] == quality_sentences(QUALITY)
    assert "train longer" in quality_sentences(worse)[2]


def test_a_generator_that_was_not_trained():
    assert quality_sentences(None) == []
