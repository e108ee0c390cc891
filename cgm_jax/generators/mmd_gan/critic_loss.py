r"""What the MMD-GAN's critic is trained on: kernels of features, MMD² and a penalty.

With features φ of the critic, b real points x and b generated points y,

    MMD²_u = mean_{i≠j} k(φx_i, φx_j) − 2 mean k(φx, φy) + mean_{i≠j} k(φy_i, φy_j)

and the witness, the direction in which the two differ most at a point t,

    f(t) = mean_i k(φ(t), φx_i) − mean_j k(φ(t), φy_j).

The critic raises MMD² and pays for (‖∇f‖ − 1)² between real and generated points, the
norm taken over all numbers of a point. Nothing here knows what a network is.

Reference: Bińkowski, Sutherland, Arbel and Gretton 2018, Sec. 2.1 and 3.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jaxtyping import Array, Float

from cgm_jax._shared.arrays import ArrayLike
from cgm_jax._shared.data_parallel import split_by_rows, whole
from cgm_jax.kernels import Kernel, RationalQuadratic, SquaredExponential
from cgm_jax.kernels.stationary import Stationary

CriticKernel = Literal[
    "rational-quadratic-dot", "rational-quadratic", "rbf", "distance"
]
ALPHAS = (0.2, 0.5, 1.0, 2.0, 5.0)
SIGMAS = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0)


@dataclass(frozen=True)
class Mixture(Kernel):
    """Sum of kernels of the distance, which is computed once for all of them."""

    parts: tuple[Stationary, ...]

    def embed(self, points: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """The points."""
        return points

    def pairwise(
        self, x: Float[Array, "m d"], y: Float[Array, "n d"]
    ) -> Float[Array, "m n"]:
        """The sum of all parts."""
        r2 = product_distances(x, y)
        scales = [jnp.asarray(part.length_scale, r2.dtype) for part in self.parts]
        blocks = [
            part.of_squared_distance(r2 / scale**2)
            for part, scale in zip(self.parts, scales, strict=True)
        ]
        return sum(blocks[1:], start=blocks[0])

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        """The number of parts."""
        return jnp.full(points.shape[0], len(self.parts), points.dtype)

    def with_length_scale(self, length_scale: Float[ArrayLike, "..."]) -> "Mixture":
        """All parts at the same length scale."""
        return Mixture(
            tuple(replace(part, length_scale=length_scale) for part in self.parts)
        )


@dataclass(frozen=True)
class _OfScaledPoints(Kernel):
    """A kernel of points in units of a length scale; a subclass gives the formula."""

    length_scale: Float[ArrayLike, "..."] = 1.0

    def embed(self, points: Float[Array, "n d"]) -> Float[Array, "n d"]:
        """Points in units of the length scale."""
        return points / jnp.asarray(self.length_scale, points.dtype).reshape(1, -1)

    def with_length_scale(self, length_scale: Float[ArrayLike, "..."]) -> Kernel:
        """The same at another length scale."""
        return replace(self, length_scale=length_scale)


@dataclass(frozen=True)
class Dot(_OfScaledPoints):
    """⟨x, x'⟩ / ℓ²: compares means, and keeps a gradient where others are flat."""

    def pairwise(
        self, x: Float[Array, "m d"], y: Float[Array, "n d"]
    ) -> Float[Array, "m n"]:
        """All dot products."""
        return jnp.matmul(x, y.T, precision=jax.lax.Precision.HIGHEST)

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        """Squared norms."""
        return jnp.sum(self.embed(points) ** 2, axis=1)


@dataclass(frozen=True)
class Distance(_OfScaledPoints):
    """(‖x‖ + ‖x'‖ − ‖x − x'‖) / 2ℓ, whose MMD² is half of the energy distance.

    Reference: Sejdinovic et al. 2013, Sec. 3.
    """

    def pairwise(
        self, x: Float[Array, "m d"], y: Float[Array, "n d"]
    ) -> Float[Array, "m n"]:
        """k of every pair of scaled points."""
        between = safe_root(product_distances(x, y))
        to_x, to_y = (safe_root(jnp.sum(points**2, axis=1)) for points in (x, y))
        return (to_x[:, None] + to_y[None] - between) / 2

    def diagonal(self, points: Float[Array, "n d"]) -> Float[Array, " n"]:
        """Norms."""
        return safe_root(jnp.sum(self.embed(points) ** 2, axis=1))


def critic_kernel(name: CriticKernel) -> Kernel:
    """The kernels of the original paper, on the critic's features."""
    if name == "rbf":
        return Mixture(tuple(map(SquaredExponential, SIGMAS)))
    if name == "distance":
        return Distance()
    mixture = Mixture(tuple(RationalQuadratic(1.0, alpha) for alpha in ALPHAS))
    return mixture + Dot() if name == "rational-quadratic-dot" else mixture


def critic_mmd2(
    kernel: Kernel,
    x: Float[Array, "m f"],
    y: Float[Array, "n f"],
    *,
    mesh: Mesh | None = None,
) -> Float[Array, ""]:
    """`cgm_jax.valuation.mmd2_unbiased` of small sets, dense and differentiable.

    With a mesh, a device has some rows of the kernel's blocks.
    """
    m, n = len(x), len(y)
    x, y = split_by_rows(mesh, (kernel.embed(x), kernel.embed(y)))
    all_x, all_y = whole(mesh, (x, y))
    pairs = (x, all_x), (y, all_y), (x, all_y)
    blocks = [kernel.pairwise(*pair) for pair in pairs]
    within_x, within_y, between = split_by_rows(mesh, blocks)
    return (
        (jnp.sum(within_x) - jnp.trace(within_x)) / (m * (m - 1))
        + (jnp.sum(within_y) - jnp.trace(within_y)) / (n * (n - 1))
        - 2 * jnp.mean(between)
    )


def witness_penalty(
    kernel: Kernel,
    critic: Callable[[Float[Array, "n d"]], Float[Array, "n f"]],
    between: Float[Array, "b d"],
    real_features: Float[Array, "m f"],
    fake_features: Float[Array, "n f"],
    *,
    mesh: Mesh | None = None,
) -> Float[Array, ""]:
    """Mean (‖∇f(t)‖ − 1)² at the points t ``between``; the critic treats each alone."""
    real, fake = kernel.embed(real_features), kernel.embed(fake_features)
    real, fake = whole(mesh, (real, fake))

    def sum_of_witness(points: Float[Array, "b d"]) -> Float[Array, ""]:
        features = kernel.embed(critic(points))
        to_real = jnp.mean(kernel.pairwise(features, real), axis=1)
        return jnp.sum(to_real - jnp.mean(kernel.pairwise(features, fake), axis=1))

    # Every point has its own term, so the gradient of the sum is that of each.
    slopes = jax.grad(sum_of_witness)(between)
    return jnp.mean((safe_root(jnp.sum(slopes**2, axis=1)) - 1) ** 2)


def product_distances(
    x: Float[Array, "m d"], y: Float[Array, "n d"]
) -> Float[Array, "m n"]:
    """Squared distances by one matrix product.

    The choice of a form in `cgm_jax.kernels.distances`, differentiated twice, takes
    three times as long to compile; gradients of batches need no more digits than these.
    """
    norms = jnp.sum(x * x, axis=1)[:, None] + jnp.sum(y * y, axis=1)[None]
    across = jnp.matmul(x, y.T, precision=jax.lax.Precision.HIGHEST)
    return jnp.maximum(norms - 2 * across, 0)


def safe_root(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Square root of numbers >= 0, with derivative 0 at 0, where it has none."""
    positive = x > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, x, 1)), 0)
