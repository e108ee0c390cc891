"""The data sets of Section 6 and their stand-ins, and what each does by default."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cgm_jax import datasets

from .candidates import PaperGenerator

__all__ = ["IMAGE_RECIPES", "RECIPES", "Labelled", "Recipe"]

Labelled = datasets.LabelledPoints | datasets.LabelledImages


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One data set, and how it is shared and imitated unless otherwise asked."""

    title: str
    load: Callable[[Path | None], Labelled] | None  # None where parties are given
    num_classes: int
    generator: PaperGenerator
    max_party_size: int | None = 5_000
    num_candidates: int = 100_000
    num_steps: int = 6_000  # of an MMD-GAN
    paper: str  # whose printed numbers ours are set beside
    is_stand_in: bool = False


_of_images = partial(Recipe, num_classes=10, generator="mmd-gan")

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
        load=datasets.credit_card,
        num_classes=5,
        generator="kde",
        paper="credit-card",
    ),
    "transactions": Recipe(
        title="Simulated transactions",
        load=lambda path: datasets.transactions_stand_in(),
        num_classes=5,
        generator="kde",
        paper="credit-card",
        is_stand_in=True,
    ),
    "mnist": _of_images(
        title="MNIST", load=datasets.mnist, num_steps=8_000, paper="mnist"
    ),
    "fashion-mnist": _of_images(
        title="Fashion-MNIST",
        load=datasets.fashion_mnist,
        num_steps=8_000,
        paper="mnist",
        is_stand_in=True,
    ),
    "cifar10": _of_images(
        title="CIFAR-10", load=datasets.cifar10, num_steps=8_000, paper="cifar10"
    ),
    "digits": _of_images(
        title="Handwritten digits",
        load=lambda path: datasets.digits(),
        max_party_size=None,
        num_candidates=20_000,
        num_steps=3_000,
        paper="mnist",
        is_stand_in=True,
    ),
}

IMAGE_RECIPES = "digits", "mnist", "fashion-mnist", "cifar10"
"""Those of images, which also exist in pixels."""
