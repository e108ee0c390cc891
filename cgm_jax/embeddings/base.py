"""What features of a kernel are: points as vectors whose inner products are k."""

import abc
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from cgm_jax._shared.arrays import ArrayLike, as_points
from cgm_jax.kernels import Kernel
from cgm_jax.kernels.base import register_node, same_fields

__all__ = ["FeatureMap"]


@dataclass(frozen=True, eq=False)
class FeatureMap(abc.ABC):
    r"""A map φ of points with :math:`k(x, x') \approx \phi(x) \cdot \phi(x')`.

    A subclass is a frozen dataclass, a pytree of its fields, whose `embed` makes
    features in the dtype of the points; it stands in ``jit``, ``vmap`` and ``grad`` as
    its kernel does.

    Args:
        kernel: k, which the features stand for.
        num_groups: features that were drawn independently of each other, group after
            group and all of one size; each group by itself estimates k.
        max_error: the largest error of k for points in the range the features were made
            for; None for random features.
    """

    kernel: Kernel
    num_groups: int = field(default=1, metadata={"static": True}, kw_only=True)
    max_error: float | None = field(
        default=None, metadata={"static": True}, kw_only=True
    )

    # Whether inner products of features depend on x − x' only.
    is_stationary = False

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        cls.__eq__ = same_fields
        register_node(cls)

    @property
    @abc.abstractmethod
    def num_dimensions(self) -> int:
        """d, the number of columns of points."""

    @property
    @abc.abstractmethod
    def num_features(self) -> int:
        """D."""

    @property
    @abc.abstractmethod
    def norm(self) -> float | Float[Array, ""]:
        """‖φ(x)‖, the same for all points: the root of k(x, x), 1 for most kernels."""

    @abc.abstractmethod
    def embed(self, points: Float[Array, "n d"]) -> Float[Array, "n features"]:
        """Features of points that were checked."""

    def __call__(self, points: Float[ArrayLike, "n d"]) -> Float[Array, "n features"]:
        """Features of every point, shape ``(n, D)``, in the dtype of the points."""
        checked = as_points(points, "points")
        if checked.shape[1] != self.num_dimensions:
            raise ValueError(
                f"Expected points of {self.num_dimensions} columns for these features, "
                f"got {checked.shape[1]}."
            )
        return self.embed(jnp.asarray(checked))
