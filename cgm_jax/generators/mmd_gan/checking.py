"""Options and points that an MMD-GAN cannot be trained with are refused."""

import math
from typing import TYPE_CHECKING, get_args

import numpy as np
from jaxtyping import Float

from cgm_jax.kernels import Kernel

from .critic_loss import CriticKernel
from .loop import LearningRateRule
from .networks import Latent

if TYPE_CHECKING:
    from .mmd_gan import MMDGAN

LEAST_POINTS = 20
STEPS = "num_steps", "critic_steps", "evaluate_every", "patience"
SIZES = "latent_size", "width", "depth", "channels", "feature_size"
NAMES = {"latent": get_args(Latent), "learning_rate_rule": get_args(LearningRateRule)}
CRITIC_OPTIONS = "critic_steps", "gradient_penalty", "feature_size"


def check_options(options: "MMDGAN") -> None:
    """Refuse numbers and names that an option cannot have."""
    penalty, (low, high) = options.gradient_penalty, options.value_range or (0, 1)
    height, width, channels = options.shape or (4, 4, 1)
    sides_fit = min(height, width) >= 4 and height % 4 == width % 4 == 0
    is_ordered = -math.inf < low < high < math.inf
    known_range = options.shape is None or options.value_range is not None
    has_codec = options.codec is not None
    counts = {name: getattr(options, name) for name in (*STEPS, *SIZES)}
    sides = "to be (height, width, channels), sides multiples of 4; pad the images"
    bounded = "beside shape, such as (0, 255): the numbers of an image are bounded"
    for name, expected, holds in (
        *((name, "of at least 1", n is None or n >= 1) for name, n in counts.items()),
        *(
            (name, f"to be one of {', '.join(known)}", getattr(options, name) in known)
            for name, known in NAMES.items()
        ),
        ("batch_size", "of at least 2", options.batch_size >= 2),
        ("learning_rate", "positive and finite", 0 < options.learning_rate < math.inf),
        ("gradient_penalty", "finite and at least 0", 0 <= penalty < math.inf),
        ("average", "in [0, 1)", 0 <= options.average < 1),
        ("held_out", "to be a share in (0, 0.5]", 0 < options.held_out <= 0.5),
        ("value_range", "finite, lowest below highest", is_ordered),
        ("shape", sides, sides_fit and channels >= 1),
        ("value_range", bounded, known_range),
        *(
            (name, "left out beside a codec", not has_codec or n is None)
            for name, n in (
                ("shape", options.shape),
                ("value_range", options.value_range),
            )
        ),
    ):
        if not holds:
            raise ValueError(
                f"Expected {name} {expected}; got {getattr(options, name)!r}."
            )


def check_kernel(options: "MMDGAN") -> None:
    """Refuse what is no kernel, and options without effect beside a fixed one."""
    names = ", ".join(get_args(CriticKernel))
    if isinstance(options.kernel, str) and options.kernel in get_args(CriticKernel):
        return
    if not isinstance(options.kernel, Kernel):
        error = ValueError if isinstance(options.kernel, str) else TypeError
        raise error(
            f"Expected kernel to be one of {names}, or a kernel of cgm_jax.kernels, as "
            "SquaredExponential(0.5) or the .kernel of what fit_kernel returned; got "
            f"{options.kernel!r}."
        )
    for name in CRITIC_OPTIONS:
        if getattr(options, name) != getattr(type(options), name):
            raise ValueError(
                f"Expected no {name} beside a fixed kernel, where there is no critic; "
                f"got {getattr(options, name)}: leave it out, or name the kernel on a "
                f"critic's features ({names})."
            )


def check_points(options: "MMDGAN", points: Float[np.ndarray, "n d"]) -> None:
    """Refuse points that are too few, all alike, or not those of the options."""
    if len(points) < LEAST_POINTS:
        raise ValueError(
            f"Expected at least {LEAST_POINTS} points to train on, got {len(points)}; "
            "KernelDensity takes fewer."
        )
    if (points == points[:1]).all():
        raise ValueError(
            "Expected points that differ, got the same row everywhere: there is "
            "nothing to learn."
        )
    codec = options.codec
    if codec is not None and codec.num_dimensions != points.shape[1]:
        raise ValueError(
            f"Expected points of the codec's {codec.num_dimensions} coordinates, got "
            f"{points.shape[1]}."
        )
    if options.shape is not None and math.prod(options.shape) != points.shape[1]:
        raise ValueError(
            f"Expected images of shape {options.shape} as rows of "
            f"{math.prod(options.shape)} numbers, got {points.shape[1]} columns."
        )
    if options.value_range is not None:
        low, high = options.value_range
        if points.min() < low or points.max() > high:
            raise ValueError(
                f"Expected points in value_range={options.value_range}, got numbers "
                f"from {points.min():g} to {points.max():g}."
            )
