"""The data sets of Section 6 and their stand-ins: what each experiment is by default.

Reference: Tay et al. 2022, Sec. 6, App. I.1 to I.4.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cgm_jax.datasets import (
    LabelledImages,
    LabelledPoints,
    cifar10,
    credit_card,
    digits,
    fashion_mnist,
    mnist,
    transactions_stand_in,
)

from .candidates import GeneratorName

__all__ = ["IMAGE_RECIPES", "RECIPES", "Recipe"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One data set, and how it is shared and imitated unless something else is asked.

    Attributes:
        title: what the data are.
        load: from a path, or none, to labelled points; None for the credit ratings,
            whose parties are given.
        num_classes: five or ten.
        generator: where candidates come from.
        max_party_size: rows a party, where the data have so many.
        num_candidates: |G|.
        num_steps: of an MMD-GAN's training.
        paper: whose printed numbers ours are set beside.
        is_stand_in: whether these are other data than the paper's.
    """

    title: str
    load: Callable[[Path | None], LabelledPoints | LabelledImages] | None
    num_classes: int
    generator: GeneratorName
    max_party_size: int | None
    num_candidates: int = 100_000
    num_steps: int = 6_000
    paper: str
    is_stand_in: bool = False


RECIPES: dict[str, Recipe] = {
    "credit-ratings": Recipe(
        title="Credit ratings",
        load=None,
        num_classes=5,
        generator="gaussian-mixture",
        max_party_size=1_000,
        paper="credit-ratings",
    ),
    "credit-card": Recipe(
        title="Credit card transactions",
        load=credit_card,
        num_classes=5,
        generator="kde",
        max_party_size=5_000,
        paper="credit-card",
    ),
    "transactions": Recipe(
        title="Simulated transactions",
        load=lambda path: transactions_stand_in(),
        num_classes=5,
        generator="kde",
        max_party_size=5_000,
        paper="credit-card",
        is_stand_in=True,
    ),
    "mnist": Recipe(
        title="MNIST",
        load=mnist,
        num_classes=10,
        generator="mmd-gan",
        max_party_size=5_000,
        num_steps=8_000,
        paper="mnist",
    ),
    "fashion-mnist": Recipe(
        title="Fashion-MNIST",
        load=fashion_mnist,
        num_classes=10,
        generator="mmd-gan",
        max_party_size=5_000,
        num_steps=8_000,
        paper="mnist",
        is_stand_in=True,
    ),
    "cifar10": Recipe(
        title="CIFAR-10",
        load=cifar10,
        num_classes=10,
        generator="mmd-gan",
        max_party_size=5_000,
        num_steps=8_000,
        paper="cifar10",
    ),
    "digits": Recipe(
        title="Handwritten digits",
        load=lambda path: digits(),
        num_classes=10,
        generator="mmd-gan",
        max_party_size=None,
        num_candidates=20_000,
        num_steps=3_000,
        paper="mnist",
        is_stand_in=True,
    ),
}

IMAGE_RECIPES = "digits", "mnist", "fashion-mnist", "cifar10"
"""Those of images, which also exist in pixels."""
