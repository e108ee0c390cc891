"""A trained generator as others see it, made without training."""

import numpy as np

from cgm_jax.generators import MMDGAN, MMDGANModel
from cgm_jax.generators.quality import SampleQuality

QUALITY = SampleQuality(
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
HISTORY = np.array(
    [
        [250, 0.9, 0.1, 0.2, 1e-3],
        [500, 0.5, 0.002, 0.003, 1e-3],
        [750, 0.4, -0.0001, 0.002, 1e-3],
    ]
)


def trained(quality: SampleQuality | None = QUALITY, **options) -> MMDGANModel:
    """A model with figures and a history, and without parameters."""
    nothing = np.zeros(0)
    return MMDGANModel(
        MMDGAN(**options).facts(), {}, nothing, nothing, HISTORY, "all-steps", quality
    )
