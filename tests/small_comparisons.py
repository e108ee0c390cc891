"""A comparison of generators as figures alone."""

import numpy as np

from cgm_jax.evaluation import GeneratorComparison, GeneratorFigures
from cgm_jax.evaluation.copying import Copying
from cgm_jax.evaluation.generators import YARDSTICKS

COPY, NO_COPY = Copying(0.62, 0.97, 0.1), Copying(0.5, 0.04, 0.1)


def figures(name: str, **changes) -> GeneratorFigures:
    facts = {
        "name": name,
        "num_drawn": 80,
        "shape": 0.98,
        "trend": 0.95,
        "detection": 0.8,
        "utility": 0.75,
        "copying": NO_COPY,
        "mmd2": (0.001, 0.002),
        "fit_seconds": 3.25,
        "draw_seconds": 0.5,
    }
    return GeneratorFigures(**{**facts, **changes})


def comparison(
    *generators: GeneratorFigures, target: str | None = "job"
) -> GeneratorComparison:
    """A comparison of these, or of a copier and a mixture that does not copy."""
    return GeneratorComparison(
        generators
        or (
            figures("kde", detection=0.99, copying=COPY),
            figures("product-mixture", detection=0.7),
        ),
        (
            figures(YARDSTICKS[0], detection=0.1, trend=0.6),
            figures(YARDSTICKS[1], detection=1.0, copying=COPY),
            figures(YARDSTICKS[2], detection=np.nan, mmd2=(-0.001, -0.002)),
        ),
        80,
        np.arange(20),
        1.5,
        target,
        "AUC" if target else None,
        0.79 if target else np.nan,
    )
