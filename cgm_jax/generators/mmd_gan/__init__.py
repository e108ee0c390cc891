"""MMD-GAN: a generator trained against the kernel that values its points."""

from .loop import TrainingProgress
from .mmd_gan import MMDGAN
from .model import MMDGANModel

__all__ = ["MMDGAN", "MMDGANModel", "TrainingProgress"]
__dir__ = __all__.copy
