"""Which generator was chosen and why, in words, and what generators are compared by."""

import numpy as np

from cgm_jax.evaluation import GeneratorChoice, GeneratorComparison, GeneratorFigures
from cgm_jax.evaluation.generators import AS_GOOD

__all__ = ["choice_sentences", "comparison_sentences", "yardstick_sentences"]

_NAMES = {
    "kde": "kernel density estimate",
    "mmd-gan": "MMD-GAN",
    "product-mixture": "mixture of products",
}


def choice_sentences(choice: GeneratorChoice) -> list[str]:
    """What was chosen where no generator was named, and why."""
    if choice.comparison is not None:
        return comparison_sentences(choice.comparison)
    obstacle = f"{choice.num_rows:,} rows are too few to compare generators"
    if choice.obstacle == "coarse columns":
        obstacle = (
            "in these columns hardly any rows exist but the real ones, so that "
            "generators cannot be compared"
        )
    return [f"No generator was named, and {obstacle}: a {_name(choice.name)} is used."]


def comparison_sentences(comparison: GeneratorComparison) -> list[str]:
    """Which of the compared generators is the best, and why."""
    best, generators = comparison.best, comparison.generators
    sentences = [
        f"Of the generators compared on {len(comparison.held_out):,} rows that none of "
        f"them saw, the {_name(best.name)} is the one to use."
    ]
    copiers = [each for each in generators if each.copying.is_copier]
    ruled_out = "; it is ruled out" if len(copiers) < len(generators) else ""
    sentences += [
        f"About {each.copying.copied_share:.0%} of the rows of the {_name(each.name)} "
        f"are real rows but for a little noise{ruled_out}."
        for each in copiers
    ]
    rivals = [each for each in generators if each not in copiers] or list(generators)
    rivals.remove(best)
    if rivals:
        others = ", ".join(f"{_name(each.name)} {_score(each)}" for each in rivals)
        nearest = ""
        least = np.nan_to_num(best.detection) - AS_GOOD
        if any(np.nan_to_num(each.detection) >= least for each in rivals):
            nearest = " Among those as hard to tell, it is the nearest to unseen rows."
        sentences.append(
            "How hard its rows are to tell from real ones by boosted trees (100% is "
            f"best): {_score(best)}; {others}.{nearest}"
        )
    independent = np.nan_to_num(comparison.yardsticks[0].detection)
    if independent >= np.nan_to_num(best.detection) - AS_GOOD:
        sentences.append(
            "Columns drawn independently of each other are as hard to tell: trees show "
            "no difference between generators here."
        )
    return sentences


def yardstick_sentences(comparison: GeneratorComparison) -> list[str]:
    """How to read the figures beside what they are compared with."""
    fresh, score = comparison.yardsticks[-1], comparison.real_utility
    sentences = [
        f"Copied is ± about a standard error. Fresh real rows are only "
        f"{fresh.num_drawn:,}, so that chance alone makes their columns and pairs less "
        "alike."
    ]
    if comparison.target is not None:
        words = "unknown" if np.isnan(score) else f"{score:.3f}"
        sentences.append(
            f"Trees that learned the real rows predict {comparison.target} with an "
            f"{comparison.measure} of {words}."
        )
    return sentences


def _name(name: str) -> str:
    return _NAMES.get(name, name)


def _score(figures: GeneratorFigures) -> str:
    return "unknown" if np.isnan(figures.detection) else f"{figures.detection:.0%}"
