"""Fitting a mixture of products to rows, and drawing from it."""

from collections.abc import Iterator

import jax
import numpy as np

from cgm_jax.generators import ProductMixture

from .data import clusters
from .rows import Baseline, Row, relative_error
from .timing import measure

__all__ = ["rows"]

_NUM_DIMS = 4
_NUM_CLASSES = 5


def rows(*, small: bool) -> Iterator[Row]:
    """Rows per second fitted, with every choice that a fit makes, and drawn.

    Args:
        small: whether to run at a size that only shows that all works.

    Yields:
        Two rows.
    """
    # Scikit-learn takes a second to import.
    from sklearn.mixture import GaussianMixture

    party_size, num_drawn = (40, 500) if small else (4_000, 200_000)
    problem = clusters(_NUM_DIMS, _NUM_CLASSES, party_size, num_drawn)
    pool, others = np.concatenate(problem.parties), problem.candidates[:10_000]
    generator = ProductMixture(max_steps=3) if small else ProductMixture()
    fit_key, draw_key = jax.random.split(jax.random.key(0))
    fit = measure(lambda: generator.fit(fit_key, pool), runs=1)
    gaussians = measure(
        lambda: GaussianMixture(_NUM_CLASSES, random_state=0).fit(pool), runs=1
    )
    size = {"t": len(pool), "d": _NUM_DIMS}
    loss = gaussians.result.score(others) - np.mean(fit.result.log_density(others))
    yield Row(
        name="product mixture, fit",
        size=size,
        seconds=fit.seconds,
        compile_seconds=fit.compile_seconds,
        runs=fit.runs,
        throughput=len(pool) / fit.seconds,
        unit="rows/s",
        error=float(loss),
        error_against="nats by which a new row is less likely than under the baseline, "
        "whose form the rows have",
        baseline=Baseline("Gaussian mixture of scikit-learn", gaussians.seconds, None),
    )
    drawn = measure(lambda: generator.sample(draw_key, fit.result, num_drawn), runs=3)
    theirs = measure(lambda: gaussians.result.sample(num_drawn), runs=3)
    yield Row(
        name="product mixture, draw",
        size={**size, "g": num_drawn},
        seconds=drawn.seconds,
        compile_seconds=drawn.compile_seconds,
        runs=drawn.runs,
        throughput=num_drawn / drawn.seconds,
        unit="rows/s",
        error=relative_error(
            np.cov(np.asarray(drawn.result, float).T), np.cov(pool.astype(float).T)
        ),
        error_against="the covariance of the rows fitted",
        baseline=Baseline("Gaussian mixture of scikit-learn", theirs.seconds, None),
    )
