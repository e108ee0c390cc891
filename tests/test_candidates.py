"""What is said of a trained generator's figures."""

from dataclasses import replace

from cgm_jax.candidates import quality_sentences
from cgm_jax.generators.quality import SampleQuality

FIGURES = SampleQuality(
    length_scale=1.0,
    num_held_out=1_234,
    generated=(0.001, 0.002),
    real=(-0.0003, 0.0004),
    kernel_density=(0.0005, 0.0006),
    bandwidth=0.1,
    nearest_share=0.512,
    kernel_density_nearest_share=0.634,
    is_worse_than_kernel_density=False,
)


def test_figures_in_words():
    likeness, copying = quality_sentences(FIGURES)
    for words in ("1,234 held-out", "0.001 and 0.002", "-0.0003 and 0.0004"):
        assert words in likeness
    assert "0.0005 and 0.0006" in likeness
    assert "51.2%" in copying
    assert "63.4%" in copying


def test_a_generator_that_the_density_beats():
    worse = replace(FIGURES, is_worse_than_kernel_density=True)
    assert quality_sentences(worse)[:2] == quality_sentences(FIGURES)
    assert "train longer" in quality_sentences(worse)[2]


def test_a_generator_that_was_not_trained():
    assert quality_sentences(None) == []
