r"""A generator that is trained on releases alone, and never sees a row.

The pool's mean embedding is known from the releases, with noise: μ̃ = Σ n_i μ̃_i / Σ n_i.
A network G makes points of noise z, and learns to have the same mean embedding,

.. math:: \min_\theta \|\bar\varphi_\theta - \tilde\mu\|^2, \qquad
          \bar\varphi_\theta = \mathbb{E}_z\, \varphi(G_\theta(z))

up to ‖μ̃‖², ‖φ̄‖² − 2⟨φ̄, μ̃⟩, of which a batch of B points gives an unbiased estimate:

.. math:: \frac{\|\sum_b \varphi_b\|^2 - \sum_b \|\varphi_b\|^2}{B (B - 1)}
          - \frac{2}{B} \sum_b \langle\varphi_b, \tilde\mu\rangle

What it makes is a function of the releases, and has their (ε, δ) (`privacy`).

Reference: Harder, Adamczewski & Park, DP-MERF, AISTATS 2021; Balog, Tolstikhin &
Schölkopf, ICML 2018, with points that are found one by one instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Key, PyTree

from cgm_jax._shared.arrays import AnyArray, ArrayLike, Points
from cgm_jax._shared.checks import as_key, as_whole
from cgm_jax._shared.precision import at_once, compiled
from cgm_jax._shared.results import Result
from cgm_jax.embeddings import FeatureMap
from cgm_jax.privacy.release import Release
from cgm_jax.privacy.release_sums import as_releases

from .base import BLOCK_SIZE, sample_in_blocks
from .mmd_gan.networks import Perceptron

__all__ = ["EmbeddingGenerator", "EmbeddingGeneratorModel"]

STEPS_AT_ONCE = 100  # of one compiled program


@dataclass(frozen=True, eq=False, repr=False)
class EmbeddingGeneratorModel(Result):
    """A network that was trained on releases."""

    parameters: PyTree
    """The network's parameters, float32."""

    losses: Float[np.ndarray, " reports"]
    """‖φ̄ − μ̃‖² less what the noise adds, every 100 steps; near 0 at the end."""


@dataclass(frozen=True, eq=False)
class EmbeddingGenerator:
    """A network whose points have the mean embedding that the parties released.

    Args:
        features: what the releases were made with.
        low: the least that every coordinate can be, shape ``(d,)``: a public number.
        high: the largest, shape ``(d,)``.
        agreement: what the releases were made with, too (`privacy.release`).
        num_steps: steps of training, a multiple of 100.
        batch_size: points made in each.
        width: units of a hidden layer.
        depth: number of hidden layers.
        learning_rate: of Adam at first; it falls to 0 as a cosine does.

    Raises:
        ValueError: if ``low`` is not below ``high`` in every coordinate, or a number
            of steps, points or units is out of range.

    Example:
        >>> from cgm_jax.embeddings import random_fourier_features
        >>> from cgm_jax.kernels import SquaredExponential
        >>> from cgm_jax.privacy import release
        >>> features_key, secret, *keys = jax.random.split(jax.random.key(0), 4)
        >>> kernel = SquaredExponential(0.5)
        >>> features = random_fourier_features(features_key, kernel, 1, 100)
        >>> rows = np.random.default_rng(0).normal(1, 0.2, size=(500, 1))
        >>> sent = release(secret, features, rows, epsilon=1, delta=1e-5)
        >>> generator = EmbeddingGenerator(
        ...     features, np.array([-3.0]), np.array([3.0]), num_steps=500
        ... )
        >>> model = generator.fit(keys[0], [sent])
        >>> bool(abs(generator.sample(keys[1], model, 1_000).mean() - 1) < 0.1)
        True

    Reference:
        Harder, Adamczewski & Park 2021.
    """

    features: FeatureMap
    low: Float[ArrayLike, " d"]
    high: Float[ArrayLike, " d"]
    agreement: str = ""
    num_steps: int = 2_000
    batch_size: int = 512
    width: int = 64
    depth: int = 2
    learning_rate: float = 3e-3

    learns_from_releases: ClassVar = True  # and not from points, as others do

    def __post_init__(self) -> None:
        for name, smallest in (
            ("num_steps", STEPS_AT_ONCE),
            ("batch_size", 2),
            ("width", 1),
            ("depth", 1),
        ):
            as_whole(getattr(self, name), name, smallest=smallest)
        low, high = self._range
        d = self.features.num_dimensions
        if self.num_steps % STEPS_AT_ONCE or not self.learning_rate > 0:
            raise ValueError(
                f"Expected num_steps that {STEPS_AT_ONCE} divides and a positive "
                f"learning_rate, got {self.num_steps} and {self.learning_rate}."
            )
        if low.shape != (d,) or high.shape != (d,) or not np.all(low < high):
            raise ValueError(
                f"Expected low < high for each of {d} coordinates, finite and public, "
                f"got {self.low} and {self.high}."
            )

    def fit(
        self, key: Key[Array, ""], points: Sequence[Release] | Points
    ) -> EmbeddingGeneratorModel:
        """Train a network on one release of each party, in the place of points."""
        sent = as_releases(points)
        for each in sent:
            each.verify(self.features, agreement=self.agreement)
        sizes = np.array([each.size for each in sent])
        share = sizes / sizes.sum()
        target = share @ np.stack([each.embedding for each in sent])
        noise = float(np.sum((share * [each.sigma for each in sent]) ** 2))
        constant = float(target @ target) - len(target) * noise
        network_key, steps_key = jax.random.split(as_key(key))
        with at_once(self.features, x64=False):
            graph, parameters = nnx.split(self._network(network_key))
            low, high = self._range
            state = _optimizer(self.learning_rate, self.num_steps).init(parameters)
            losses = []
            for chunk in range(self.num_steps // STEPS_AT_ONCE):
                parameters, state, loss = _train(
                    self._static(graph),
                    self.features,
                    (low.astype(np.float32), high.astype(np.float32)),
                    target.astype(np.float32),
                    (parameters, state),
                    jax.random.fold_in(steps_key, chunk),
                )
                losses.append(float(loss) + constant)
        model = jax.tree.map(np.asarray, nnx.to_pure_dict(parameters))
        return EmbeddingGeneratorModel(model, np.array(losses))

    def sample(
        self, key: Key[Array, ""], model: EmbeddingGeneratorModel, num: int
    ) -> Points:
        """Draw ``num`` >= 1 points; more start with fewer."""
        with at_once(x64=False):
            graph, parameters = nnx.split(self._network(jax.random.key(0)))
            nnx.replace_by_pure_dict(parameters, model.parameters)
            low, high = self._range
            edges = low.astype(np.float32), high.astype(np.float32)
            static = self._static(graph)

            def draw(block: Key[Array, ""]) -> Array:
                return _block(static, edges, parameters, block)

            return sample_in_blocks(draw, key, num)

    @property
    def _range(self) -> tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]:
        return np.asarray(self.low, np.float64), np.asarray(self.high, np.float64)

    @property
    def _latent_size(self) -> int:
        return min(max(2 * self.features.num_dimensions, 4), 16)  # as the MMD-GAN

    def _network(self, key: Key[Array, ""]) -> Perceptron:
        hidden = (self.width,) * self.depth
        sizes = self._latent_size, *hidden, self.features.num_dimensions
        return Perceptron(sizes, squash=True, rngs=nnx.Rngs(key))

    def _static(self, graph: Any) -> tuple[Any, ...]:
        """What is compiled for."""
        numbers = self.learning_rate, self.num_steps, self.batch_size
        return graph, self._latent_size, *numbers


def _optimizer(learning_rate: float, num_steps: int) -> optax.GradientTransformation:
    schedule = optax.cosine_decay_schedule(learning_rate, num_steps)
    return optax.adam(schedule, b1=0.5)


def _points(
    graph: Any, parameters: Any, noise: Array, edges: tuple[AnyArray, AnyArray]
) -> Float[Array, "n d"]:
    low, high = (edge[None] for edge in edges)
    return low + (high - low) * nnx.merge(graph, parameters)(noise)


@compiled(static_argnames="static")
def _block(
    static: tuple[Any, ...],
    edges: tuple[AnyArray, AnyArray],
    parameters: PyTree,
    key: Key[Array, ""],
) -> Float[Array, "block d"]:
    graph, latent_size, *_ = static
    noise = jax.random.normal(key, (BLOCK_SIZE, latent_size), jnp.float32)
    return _points(graph, parameters, noise, edges)


@compiled(static_argnames="static")
def _train(
    static: tuple[Any, ...],
    features: FeatureMap,
    edges: tuple[AnyArray, AnyArray],
    target: Float[AnyArray, " D"],
    start: tuple[PyTree, PyTree],
    key: Key[Array, ""],
) -> tuple[PyTree, PyTree, Float[Array, ""]]:
    """The parameters after 100 steps, and the mean loss of these."""
    graph, latent_size, learning_rate, num_steps, batch_size = static
    optimizer = _optimizer(learning_rate, num_steps)

    def loss_of(parameters: PyTree, noise: Array) -> Float[Array, ""]:
        made = features(_points(graph, parameters, noise, edges))
        total = jnp.sum(made, axis=0)
        pairs = jnp.vdot(total, total) - jnp.vdot(made, made)
        product = 2 / batch_size * jnp.vdot(total, target)
        return pairs / (batch_size * (batch_size - 1)) - product

    def step(carry: tuple[PyTree, PyTree], one: Key[Array, ""]) -> Any:
        parameters, state = carry
        noise = jax.random.normal(one, (batch_size, latent_size), jnp.float32)
        loss, gradient = jax.value_and_grad(loss_of)(parameters, noise)
        update, state = optimizer.update(gradient, state, parameters)
        return (optax.apply_updates(parameters, update), state), loss

    keys = jax.random.split(key, STEPS_AT_ONCE)
    (parameters, state), losses = jax.lax.scan(step, start, keys)
    return parameters, state, losses.mean()
