"""Where candidates come from, and how good they are."""

from cgm_jax.generators.quality import SampleQuality

__all__ = ["quality_sentences", "repetition_warnings"]


def quality_sentences(quality: SampleQuality | None) -> list[str]:
    """What the figures of a trained generator say; a warning last, if there is one."""
    if quality is None:
        return []
    ours, real, density = (
        f"{pair[0]:.2g} and {pair[1]:.2g}"
        for pair in (quality.generated, quality.real, quality.kernel_density)
    )
    sentences = [
        f"MMD² to {quality.num_held_out:,} held-out rows, at the median distance and "
        f"at a quarter of it: {ours}; real rows {real}; kernel density estimate "
        f"{density}.",
        f"Share of synthetic rows nearer to the training rows than to as many held-out "
        f"ones: {quality.nearest_share:.1%} (kernel density estimate "
        f"{quality.kernel_density_nearest_share:.1%}, rows that saw neither 50 %).",
    ]
    if quality.is_worse_than_kernel_density:
        sentences.append(
            "The trained generator is farther from the held-out rows than the kernel "
            "density estimate: train longer, or use the latter among parties that may "
            "see each other's data."
        )
    return sentences


def repetition_warnings(share: float) -> list[str]:
    """What it means that a share of the candidates equals real rows."""
    if not share:
        return []
    return [
        f"{share:.1%} of the candidates equal a real row of some party: the columns "
        "are so coarse that hardly any other rows exist."
    ]
