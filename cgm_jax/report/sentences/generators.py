"""Where candidates come from, in words, and what is dangerous about it."""

import math
from typing import Literal

from cgm_jax.generators.quality import SampleQuality

__all__ = [
    "generator_note",
    "generator_warnings",
    "quality_sentences",
]


def generator_note(
    generator: Literal["kde", "mmd-gan", "product-mixture"],
    *,
    is_of_other_data: bool = False,
) -> str:
    """What the candidates of a mediator's run are made of."""
    rows = "rows of other files" if is_of_other_data else "the parties' pooled rows"
    if generator == "kde":
        return (
            "The candidates come from a kernel density estimate: every synthetic row "
            "is a real row of some party plus a little noise."
        )
    if generator == "product-mixture":
        return (
            "The candidates come from a mixture of products, a density fitted to "
            f"{rows} but for those held out: groups of rows, in each of "
            "which the columns are independent. Each group is an average of at least "
            "five rows; still, a synthetic row can come close to a real one. The "
            "figures that follow are necessary and not sufficient: they are no proof "
            "that nothing was memorised."
        )
    return (
        f"The candidates come from an MMD-GAN trained on {rows}: a "
        "synthetic row is made of noise alone, but it can still come close to a real "
        "one. The figures that follow are necessary and not sufficient: they are no "
        "proof that nothing was memorised."
    )


def generator_warnings(
    *,
    is_density: bool = False,
    is_of_other_data: bool = False,
    quality: SampleQuality | None = None,
) -> list[str]:
    """What is dangerous about where the candidates come from.

    Args:
        is_density: from a kernel density estimate of the parties' rows.
        is_of_other_data: from a model of other data than are valued.
        quality: of a trained model.
    """
    sentences = []
    if is_density:
        sentences.append(
            "The synthetic rows are real rows plus a little noise (a kernel density "
            "estimate). Whoever receives them holds other parties' data in disguise: "
            "hand them out only among parties that may see each other's data, or run "
            "again with --generator product-mixture or mmd-gan."
        )
    if is_of_other_data:
        sentences.append(
            "The generator was trained on other data than those of these files: its "
            "rows may be unlike the parties', and the figures of its quality are of "
            "its own data. Train one on these files with train-generator."
        )
    if quality is not None and quality.is_worse_than_kernel_density:
        sentences.append(
            "By more than chance explains, the trained generator's rows are farther "
            "from the held-out rows than those of a kernel density estimate: train it "
            "longer, use another, or use the estimate among parties that may see each "
            "other's data."
        )
    if quality is not None and _is_copying(quality):
        sentences.append(
            f"{quality.nearest_share:.0%} of the synthetic rows are nearer to rows "
            "that the generator was made of than to rows that it never saw, more than "
            "the half by chance: it repeats some of what it saw. See the page on "
            "nearest rows."
        )
    return sentences


def _is_copying(quality: SampleQuality) -> bool:
    """Beyond three standard errors of a share of the held-out rows, and 5 points."""
    excess = quality.nearest_share - 0.5
    return excess > max(0.05, 1.5 / math.sqrt(quality.num_held_out))


def quality_sentences(quality: SampleQuality | None) -> list[str]:
    """What the figures of a trained generator say."""
    if quality is None:
        return []
    ours, real, density = (
        f"{pair[0]:.2g} and {pair[1]:.2g}"
        for pair in (quality.generated, quality.real, quality.kernel_density)
    )
    return [
        f"MMD² to {quality.num_held_out:,} held-out rows, at the median distance and "
        f"at a quarter of it: {ours}; real rows {real}; kernel density estimate "
        f"{density}.",
        f"Share of synthetic rows nearer to the training rows than to as many held-out "
        f"ones: {quality.nearest_share:.1%} (kernel density estimate "
        f"{quality.kernel_density_nearest_share:.1%}, rows that saw neither 50 %).",
    ]
