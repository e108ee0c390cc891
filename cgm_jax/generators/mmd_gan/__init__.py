"""MMD-GAN: a generator trained against the kernel that values its points."""

from .loop import TrainingProgress as TrainingProgress
from .mmd_gan import MMDGAN as MMDGAN
from .model import MMDGANModel as MMDGANModel

__all__ = ["MMDGAN", "MMDGANModel", "TrainingProgress"]
