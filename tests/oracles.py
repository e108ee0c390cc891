"""The paper's quantities by their definitions, in plain NumPy float64.

Nothing here is clever: matrices are dense, sums are sums, and what could be updated is
computed again. A kernel is a function of two sets of points that returns the matrix.
"""

from collections.abc import Callable, Sequence

import numpy as np

KernelFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]


def squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    difference = np.asarray(x, float)[:, None] - np.asarray(y, float)[None]
    return (difference**2).sum(-1)


def squared_exponential(length_scale: float | np.ndarray) -> KernelFunction:
    """Eq. 9, with ℓ² where the paper prints ℓ."""
    return lambda x, y: np.exp(-_scaled(x, y, length_scale) / 2)


def laplace(length_scale: float | np.ndarray) -> KernelFunction:
    return lambda x, y: np.exp(-np.sqrt(_scaled(x, y, length_scale)))


def rational_quadratic(
    length_scale: float | np.ndarray, alpha: float
) -> KernelFunction:
    return lambda x, y: (1 + _scaled(x, y, length_scale) / (2 * alpha)) ** -alpha


def matern(length_scale: float | np.ndarray, smoothness: float) -> KernelFunction:
    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        r = np.sqrt(2 * smoothness * _scaled(x, y, length_scale))
        return (1 + r + (smoothness == 2.5) * r**2 / 3) * np.exp(-r)

    return kernel


def polynomial(length_scale: float, offset: float, degree: int) -> KernelFunction:
    return lambda x, y: (x @ y.T / length_scale**2 + offset) ** degree


def energy(length_scale: float) -> KernelFunction:
    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        far_x, far_y = (np.linalg.norm(z, axis=1) for z in (x, y))
        apart = np.sqrt(_scaled(x, y, 1.0))
        return (far_x[:, None] + far_y[None] - apart) / (2 * length_scale)

    return kernel


def softplus_network(
    layers: Sequence[tuple[np.ndarray, np.ndarray]],
) -> Callable[[np.ndarray], np.ndarray]:
    """Weights (inputs, outputs) and bias of every layer, log(1 + e^x) between them."""

    def features(x: np.ndarray) -> np.ndarray:
        x = np.asarray(x, float)
        for weights, bias in layers[:-1]:
            x = np.log1p(np.exp(x @ weights + bias))
        weights, bias = layers[-1]
        return x @ weights + bias

    return features


def deep(
    base: KernelFunction,
    network: Callable[[np.ndarray], np.ndarray],
    q: KernelFunction | None = None,
    epsilon: float = 0.0,
) -> KernelFunction:
    """Liu et al. 2020, Eq. 1; without q, the kernel of features alone."""

    def k(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        block = base(network(x), network(y))
        return block if q is None else ((1 - epsilon) * block + epsilon) * q(x, y)

    return k


def _scaled(
    x: np.ndarray, y: np.ndarray, length_scale: float | np.ndarray
) -> np.ndarray:
    x, y = np.asarray(x, float), np.asarray(y, float)
    differences = (x[:, None] - y[None]) / np.asarray(length_scale, float)
    return (differences**2).sum(axis=-1)


def value(k: KernelFunction, subset: np.ndarray, reference: np.ndarray) -> float:
    """Eq. 2."""
    return 2 * k(subset, reference).mean() - k(subset, subset).mean()


def mmd2_biased(k: KernelFunction, x: np.ndarray, y: np.ndarray) -> float:
    """Eq. 1."""
    return k(x, x).mean() - 2 * k(x, y).mean() + k(y, y).mean()


def mmd2_unbiased(k: KernelFunction, x: np.ndarray, y: np.ndarray) -> float:
    def mean_of_others(gram: np.ndarray) -> float:
        return gram[~np.eye(len(gram), dtype=bool)].mean()

    return mean_of_others(k(x, x)) - 2 * k(x, y).mean() + mean_of_others(k(y, y))


def power_terms(k: KernelFunction, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """MMD²_u and the variance under H1 of Liu et al. 2020, Eq. 2 and 5, without λ."""
    n = len(x)
    h = k(x, x) + k(y, y) - k(x, y) - k(x, y).T
    mmd2 = h[~np.eye(n, dtype=bool)].sum() / (n * (n - 1))
    return mmd2, 4 / n**3 * (h.sum(1) ** 2).sum() - 4 / n**4 * h.sum() ** 2


def power_criterion(k: KernelFunction, x: np.ndarray, y: np.ndarray) -> float:
    mmd2, variance = power_terms(k, x, y)
    return mmd2 / np.sqrt(variance + 1e-8)


def block_sums(
    k: KernelFunction, blocks: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """R[x, j], the sum over block j of k(x, ·), and B[i, j], that between blocks."""
    points = np.concatenate(blocks)
    block_of = np.repeat(np.arange(len(blocks)), [len(block) for block in blocks])
    member = (block_of[:, None] == np.arange(len(blocks))[None]).astype(float)
    rows = k(points, points) @ member
    return rows, member.T @ rows


def embedding_sums(features: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """R of the last block, and B, of the features of every block's points."""
    totals = np.stack([np.asarray(phi, float).sum(axis=0) for phi in features])
    return features[-1] @ totals.T, totals @ totals.T


def waves(x: np.ndarray, frequencies: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """√w cos(ω·x) of all frequencies, then √w sin(ω·x)."""
    phases = np.asarray(x, float) @ np.asarray(frequencies, float).T
    both = np.concatenate([np.cos(phases), np.sin(phases)], axis=1)
    return both * np.sqrt(np.tile(weights, 2))


def marginal_values(
    k: KernelFunction, subset: np.ndarray, points: np.ndarray, reference: np.ndarray
) -> np.ndarray:
    """Δ_x = v(S ∪ {x}) − v(S) for every x of ``points``, each from scratch."""
    before = value(k, subset, reference)
    joined = [np.concatenate([subset, point[None]]) for point in points]
    return np.array([value(k, after, reference) - before for after in joined])


def draw_probabilities(marginals: np.ndarray, beta: float) -> np.ndarray:
    """Softmax of β times the min–max normalised Δ (Sec. 4.2)."""
    spread = np.ptp(marginals)
    if spread == 0 or beta == 0:
        return np.full(len(marginals), 1 / len(marginals))
    if np.isinf(beta):
        weights = (marginals == marginals.max()).astype(float)
    else:
        weights = np.exp(beta * (marginals - marginals.min()) / spread)
    return weights / weights.sum()


def weighted_sampling(
    rng: np.random.Generator,
    k: KernelFunction,
    party: np.ndarray,
    candidates: np.ndarray,
    reference: np.ndarray,
    reward_value: float,
    beta: float,
) -> tuple[list[int], list[float]]:
    """Algorithm 1 for one party: indices drawn, and v after each."""
    left = list(range(len(candidates)))
    subset, indices, values = party, [], []
    current = value(k, party, reference)
    while current < reward_value and left:
        marginals = marginal_values(k, subset, candidates[left], reference)
        at = rng.choice(len(left), p=draw_probabilities(marginals, beta))
        indices.append(left.pop(at))
        subset = np.concatenate([subset, candidates[indices[-1:]]])
        current = value(k, subset, reference)
        values.append(current)
    return indices, values


def smallest_length_scale(
    kernel_of: Callable[[float], KernelFunction],
    parties: Sequence[np.ndarray],
    candidates: np.ndarray,
    low: float = 0.01,
    high: float = 1000.0,
    num_halvings: int = 20,
) -> float:
    """Bisection for min_i v(D_i) = 0 that keeps the upper end."""
    reference = np.concatenate([*parties, candidates])
    for _ in range(num_halvings):
        middle = (low + high) / 2
        k = kernel_of(middle)
        if min(value(k, party, reference) for party in parties) >= 0:
            high = middle
        else:
            low = middle
    return high


def chi_square(counts: np.ndarray, probabilities: np.ndarray) -> tuple[float, int]:
    """Pearson's statistic and its degrees of freedom, rare outcomes taken together."""
    expected = counts.sum() * probabilities
    rare = expected < 5
    counts = np.append(counts[~rare], counts[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    if expected[-1] < 5:  # still rare: with the last of the others
        counts = np.append(counts[:-2], counts[-2:].sum())
        expected = np.append(expected[:-2], expected[-2:].sum())
    return float(((counts - expected) ** 2 / expected).sum()), len(counts) - 1


def of_mixed_rows(
    k: KernelFunction,
    numbers: tuple[np.ndarray, np.ndarray],
    categories: tuple[np.ndarray, np.ndarray],
    *,
    mismatch: float,
) -> np.ndarray:
    """A kernel of numbers times exp(−mismatch² / 2) for each category that differs."""
    x, y = categories
    differ = (x[:, None] != y[None]).sum(-1)  # Hamming distance
    return k(*numbers) * np.exp(-(mismatch**2) * differ / 2)


def product_mixture(weights: np.ndarray, factors: Sequence[np.ndarray]) -> np.ndarray:
    """Σ_c w_c ∏_j f_cj(x_j); densities f of each column are (rows, components)."""
    return (weights * np.prod(factors, axis=0)).sum(-1)


def normal_density(x: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    return np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
