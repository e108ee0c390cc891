"""Parties, candidates and a kernel beside its formula, for the tests of sampling."""

from dataclasses import dataclass

import jax
import numpy as np
import oracles

from cgm_jax.gram import GramSums, gram_sums
from cgm_jax.kernels import Kernel, SquaredExponential
from cgm_jax.sampling import Reward, lanes, pick_many, weighted_sampling

KEY = jax.random.key(0)


@dataclass
class Pool:
    """Parties, candidates, a kernel and its formula; sums and matrices made of them."""

    parties: list[np.ndarray]
    candidates: np.ndarray
    kernel: Kernel
    plain: oracles.KernelFunction

    def __post_init__(self) -> None:
        self.sums = gram_sums(self.kernel, self.parties, self.candidates)
        self.reference = np.concatenate([*self.parties, self.candidates]).astype(float)

    @property
    def num_candidates(self) -> int:
        return len(self.candidates)

    def draw(
        self, reward_values=np.inf, *, key=KEY, beta=1.0, **options
    ) -> list[Reward]:
        return weighted_sampling(
            key,
            self.kernel,
            self.candidates,
            self.sums,
            np.broadcast_to(np.asarray(reward_values, float), len(self.parties)),
            inverse_temperature=beta,
            **options,
        )

    def subset(self, party: int, indices: np.ndarray) -> np.ndarray:
        return np.concatenate([self.parties[party], self.candidates[indices]])

    def values_again(self, party: int, indices: np.ndarray) -> np.ndarray:
        """v(D_i), and v after each pick, every one by its definition."""
        subset, own = self.subset(party, indices), len(self.parties[party])
        across, within = self.plain(subset, self.reference), self.plain(subset, subset)
        sizes = range(own, len(subset) + 1)
        return np.array([2 * across[:s].mean() - within[:s, :s].mean() for s in sizes])


def pool_of(
    sizes: tuple[int, ...] = (3, 9, 5),
    g: int = 40,
    d: int = 2,
    dtype: type = np.float64,
    scale: float = 0.7,
    seed: int = 0,
) -> Pool:
    rng = np.random.default_rng([seed, d])
    parties = [rng.normal(rng.normal(), 0.7, size=(n, d)) for n in sizes]
    return Pool(
        [party.astype(dtype) for party in parties],
        rng.normal(size=(g, d)).astype(dtype),
        SquaredExponential(scale),
        oracles.squared_exponential(scale),
    )


def identical_parties(num: int, candidates: np.ndarray | None = None) -> Pool:
    """Parties with the same points: as many independent draws from one start."""
    rng = np.random.default_rng(0)
    party, others = rng.normal(size=(3, 2)), rng.normal(size=(12, 2))
    return Pool(
        [party] * num,
        others if candidates is None else candidates,
        SquaredExponential(0.7),
        oracles.squared_exponential(0.7),
    )


def draws(pool: Pool, beta: float, num_draws: int = 1_600) -> np.ndarray:
    """The first party's first eleven picks, with each of many keys: one program."""
    keys = jax.random.split(KEY, num_draws)
    with jax.enable_x64(True):
        picks = _first_picks(
            keys, pool.kernel, pool.candidates, pool.sums, np.float32(beta)
        )
    return np.asarray(picks)


@jax.jit
def _first_picks(
    keys: jax.Array,
    kernel: Kernel,
    candidates: jax.Array,
    sums: GramSums,
    beta: jax.Array,
) -> jax.Array:
    drawn_from, all_lanes = lanes(kernel, candidates, sums)
    lane = jax.tree.map(lambda leaf: leaf[0], all_lanes)

    def draw(key: jax.Array) -> jax.Array:
        start = np.int32(0)
        return pick_many(key, kernel, drawn_from, lane, beta, start, num_picks=11)[1]

    return jax.vmap(draw)(keys)
