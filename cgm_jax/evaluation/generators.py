r"""Generators compared on the rows of one table, by one protocol, beside yardsticks.

A share of the pooled rows, a fifth by default, is held out: no generator sees it. Every
one learns the same other rows, the training rows, and draws as many as they are. The
share is that of each part of the pool (``generators/held_out.py``): for all that is
compared, MMD² to such rows is lower than to rows that chance alone chooses.

- Shape, trend and detection by boosted trees put drawn rows beside the training rows,
  as SDMetrics and the papers that print these figures do. A copier is best at all
  three.
- Use: boosted trees learn drawn rows and predict one column of the held-out rows.
- Copying: whether drawn rows are nearer to training rows than to held-out ones
  (``copying.py``).
- MMD²_u to the held-out rows, at the median distance ℓ of training rows and at ℓ/4.

Three yardsticks are always beside them, for no figure can be read alone: columns drawn
independently, rows of the data drawn with replacement, and fresh real rows, which are
one half of the held-out rows, put beside the other half. They are not made rows that
may be handed out, which all others are.

Kinds and scales of columns and the categories that exist are the codec's, which has
seen all rows.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key

from cgm_jax._shared.arrays import ArrayLike, as_points
from cgm_jax._shared.checks import check_callable
from cgm_jax._shared.progress import Progress, silent
from cgm_jax._shared.results import Result
from cgm_jax._shared.some_rows import some_rows
from cgm_jax.generators import Generator, TableGenerator
from cgm_jax.generators.baselines import BootstrapRows, IndependentColumns
from cgm_jax.generators.held_out import split_rows
from cgm_jax.generators.quality import likeness
from cgm_jax.gram import median_length_scale
from cgm_jax.metrics import table_quality
from cgm_jax.metrics.train_on_synthetic import TargetScore, train_on_synthetic
from cgm_jax.tables import Cells, TableCodec

from .copying import Copying, copying

__all__ = [
    "GeneratorChoice",
    "GeneratorComparison",
    "GeneratorFigures",
    "compare_generators",
]

YARDSTICKS = "independent columns", "copied rows", "fresh real rows"
LEAST_ROWS = 100  # of fewer, a fifth says nothing
MAX_DRAWN = 50_000  # rows of each generator
MAX_NEAREST = 2_000  # drawn rows of which distances are measured
MAX_COMPARED = 5_000  # drawn rows of which MMD² is estimated
AS_GOOD = 0.02  # detection scores that differ by less are equal


@dataclass(frozen=True, eq=False, repr=False)
class GeneratorFigures(Result):
    """One row of a comparison.

    Attributes:
        name: of the generator or yardstick.
        num_drawn: rows that it drew.
        shape: mean over columns, as in `TableQuality`.
        trend: mean over pairs of columns.
        detection: score of boosted trees; NaN with fewer than 30 rows.
        utility: what drawn rows teach of the target, as in `train_on_synthetic`; NaN
            without a target.
        copying: how near drawn rows are to the training rows.
        mmd2: MMD²_u to the held-out rows, at ℓ and at ℓ/4, signed.
        fit_seconds: to learn the training rows.
        draw_seconds: to draw.
        model: what was learned; None of yardsticks.
    """

    name: str
    num_drawn: int
    shape: float
    trend: float
    detection: float
    utility: float
    copying: Copying
    mmd2: tuple[float, float]
    fit_seconds: float
    draw_seconds: float
    model: Any = None


@dataclass(frozen=True, eq=False, repr=False)
class GeneratorComparison(Result):
    """Generators side by side, and yardsticks.

    Attributes:
        generators: in the order given.
        yardsticks: independent columns, copied rows, fresh real rows.
        num_training: rows that were learned.
        held_out: rows of the pool that no generator saw, from 0.
        length_scale: ℓ, the median distance of training rows.
        target: the column that is predicted.
        measure: by which predictions are measured.
        real_utility: what the training rows teach of the target.
    """

    generators: tuple[GeneratorFigures, ...]
    yardsticks: tuple[GeneratorFigures, ...]
    num_training: int
    held_out: Int[np.ndarray, " h"]
    length_scale: float
    target: str | None
    measure: Literal["AUC", "R²"] | None
    real_utility: float

    @property
    def best(self) -> GeneratorFigures:
        """The generator that the figures defend.

        Copiers are ruled out, unless all are. Among the others the highest detection
        score counts, and below a difference of .02 the smaller MMD²_u at ℓ/4. How long
        they took has no part in it.
        """
        kept = [each for each in self.generators if not each.copying.is_copier]
        scored = [(_score(each), each) for each in kept or self.generators]
        least = max(score for score, _ in scored) - AS_GOOD
        good = [each for score, each in scored if score >= least]
        return min(good, key=lambda each: each.mmd2[1])

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary a row, for a table and for JSON, the yardsticks last."""
        rows = []
        for each in (*self.generators, *self.yardsticks):
            row = {field.name: getattr(each, field.name) for field in fields(each)}
            del row["model"], row["copying"]
            row["mmd2"], row["mmd2_at_quarter"] = each.mmd2
            row["nearer_share"] = each.copying.nearer_share
            row["copied_share"] = each.copying.copied_share
            row["copied_share_error"] = each.copying.error
            row["is_copier"] = each.copying.is_copier
            row["is_yardstick"] = each in self.yardsticks
            rows.append(row)
        return rows


@dataclass(frozen=True, eq=False, repr=False)
class GeneratorChoice(Result):
    """The generator that is used where none was named, and why.

    Attributes:
        name: of the generator.
        num_rows: of the pool.
        comparison: what was compared; None if nothing could be.
        obstacle: why not: too few rows, or columns in which hardly any rows exist but
            the real ones.
    """

    name: str
    num_rows: int
    comparison: GeneratorComparison | None = None
    obstacle: Literal["few rows", "coarse columns"] | None = None


def compare_generators(
    key: Key[Array, ""],
    codec: TableCodec,
    points: Float[ArrayLike, "n d"],
    generators: Mapping[str, Generator],
    *,
    held_out: int | float = 0.2,
    target: str | None = None,
    progress: Progress = silent,
) -> GeneratorComparison:
    """Compare generators on the same rows, beside yardsticks.

    Args:
        key: a typed key: which rows are held out, and all draws.
        codec: of the table.
        points: its rows as points, float64 as `TableCodec.encode` gives them, at least
            100, shape ``(n, d)``.
        generators: of the codec's points, by name, at least one. Those that hold rows
            out to judge themselves by hold them out of the training rows.
        held_out: share of the rows that none of them sees, the same of each part of
            the pool, so that what is learned has the pool's shares.
        target: a column that is predicted, to measure of what use drawn rows are.
        progress: called with what is compared, and the share of it that is done.

    Returns:
        The figures. Seconds are those of this machine, compilation included.

    Raises:
        ValueError: for too few rows, no generator, or a target that is no column that
            varies; and what the generators raise.
        CoarseTableError: if a generator draws hardly any rows but real ones.
        ModuleNotFoundError: without scikit-learn.

    Example:
        >>> import pyarrow as pa
        >>> from cgm_jax.generators import KernelDensity
        >>> from cgm_jax.tables import encode_frames
        >>> rng = np.random.default_rng(0)
        >>> table = pa.table({"x": rng.normal(size=200), "y": rng.normal(size=200)})
        >>> (points,), codec = encode_frames([table])
        >>> found = compare_generators(
        ...     jax.random.key(0), codec, points, {"kde": KernelDensity(0.05)}
        ... )
        >>> found.best.name, found.num_training, len(found.held_out)
        ('kde', 160, 40)

    Reference: H. Zhang et al., *Mixed-type tabular data synthesis with score-based
    diffusion in latent space* (TabSyn), 2024; Platzer and Reutterer 2021.
    """
    check_callable(progress, "progress")
    real = np.asarray(as_points(points, "points"), np.float64)
    if len(real) < LEAST_ROWS or not generators:
        raise ValueError(
            f"Expected at least {LEAST_ROWS} rows, a fifth of which no generator sees, "
            f"and a generator, got {len(real)} and {len(generators)}."
        )
    if not 0.1 <= held_out <= 0.5:
        raise ValueError(
            f"Expected held_out to be a share in [0.1, 0.5], got {held_out!r}."
        )
    split_key, judge_key, *keys = jax.random.split(key, 4 + len(generators))
    split_key, halves_key = jax.random.split(split_key)
    chosen, others = split_rows(split_key, real, held_out)
    held_out_rows, training = real[chosen], real[others]
    judge = _judge(judge_key, codec, training, held_out_rows, target)
    baseline: TargetScore | None = judge.utility(judge.tables[0])
    rows = []
    yardsticks = IndependentColumns(codec), BootstrapRows()
    contenders = [*generators.items(), *zip(YARDSTICKS, yardsticks, strict=False)]
    for i, (name, generator) in enumerate(contenders):
        progress(f"comparing, {name}", i / (len(contenders) + 1))
        learned, is_yardstick = training, i >= len(generators)
        if not is_yardstick:
            generator = TableGenerator(generator, codec)
            learned = training.astype(np.float32)
        fit_key, draw_key = jax.random.split(keys[i])
        start = time.perf_counter()
        model = generator.fit(fit_key, learned)
        fitted = time.perf_counter()
        num = min(len(training), MAX_DRAWN)
        drawn = np.asarray(generator.sample(draw_key, model, num))
        seconds = fitted - start, time.perf_counter() - fitted
        kept = None if is_yardstick else model.model
        rows.append(judge.figures(name, drawn, seconds, kept))
    progress(f"comparing, {YARDSTICKS[-1]}", len(contenders) / (len(contenders) + 1))
    halves = split_rows(halves_key, held_out_rows, 0.5)
    test, fresh = (held_out_rows[half] for half in halves)
    judge = _judge(judge_key, codec, training, test, target)
    rows.append(judge.figures(YARDSTICKS[-1], fresh, (0.0, 0.0), None))
    return GeneratorComparison(
        tuple(rows[: len(generators)]),
        tuple(rows[len(generators) :]),
        len(training),
        np.sort(chosen),
        judge.length_scale,
        target,
        None if baseline is None else baseline.measure,
        np.nan if baseline is None else baseline.score,
    )


@dataclass(frozen=True, eq=False)
class _Judge:
    """What all are judged by: the same rows, and the same keys."""

    codec: TableCodec
    training: Float[np.ndarray, "n d"]
    test: Float[np.ndarray, "t d"]
    tables: tuple[Mapping[str, Cells], Mapping[str, Cells]]  # the same, decoded
    target: str | None
    length_scale: float
    keys: Key[Array, " 3"]

    @property
    def kinds(self) -> dict[str, str]:
        return {facts.name: facts.kind for facts in self.codec.facts}

    def figures(
        self,
        name: str,
        points: Float[np.ndarray, "m d"],
        seconds: tuple[float, float],
        model: Any,
    ) -> GeneratorFigures:
        quality_key, _, some_key = self.keys
        training, drawn = self.tables[0], self.codec.decode(points)
        quality = table_quality(quality_key, [training], drawn, kinds=self.kinds)
        found = self.utility(drawn)
        some = points[some_rows(some_key, len(points), MAX_COMPARED)]
        return GeneratorFigures(
            name=name,
            num_drawn=len(points),
            shape=quality.shape,
            trend=quality.trend,
            detection=getattr(quality.detection, "boosted", np.nan),
            utility=np.nan if found is None else found.score,
            copying=copying(some[:MAX_NEAREST], self.training, self.test),
            mmd2=likeness(
                some.astype(np.float32),
                self.test.astype(np.float32),
                length_scale=self.length_scale,
            ),
            fit_seconds=seconds[0],
            draw_seconds=seconds[1],
            model=model,
        )

    def utility(self, table: Mapping[str, Cells]) -> TargetScore | None:
        """What a table teaches of the target in the test rows, if there is one."""
        if self.target is None:
            return None
        return train_on_synthetic(
            self.keys[1], table, self.tables[1], self.target, kinds=self.kinds
        )


def _judge(
    key: Key[Array, ""],
    codec: TableCodec,
    training: Float[np.ndarray, "n d"],
    test: Float[np.ndarray, "t d"],
    target: str | None,
) -> _Judge:
    tables = codec.decode(training), codec.decode(test)
    length_scale = float(median_length_scale(training.astype(np.float32)))
    keys = jax.random.split(key, 3)
    return _Judge(codec, training, test, tables, target, length_scale, keys)


def _score(figures: GeneratorFigures) -> float:
    """Detection; what cannot be measured counts as nothing."""
    return 0.0 if math.isnan(figures.detection) else figures.detection
