r"""What a party gains by not playing fair, under one scheme or several.

A party hands in something else than its data D_i (`manipulations`); everything is
valued and drawn anew. Three things may change: the sum of the scores φ of all it handed
in, the largest of its reward values r, and the value of its true data and all handed
out to it,

    v(D_i ∪ G_{i1} ∪ G_{i2} ∪ …),

always valued as if everybody had been honest. This is what counts.

Only sums with rows that somebody else did not hand in before are new: those of the
candidates with each other are the promises', and arrays that several data sets share
are summed over once. Schemes differ in how far a draw goes, and not in its order: one
draw, up to the largest reward value, is that of all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Key, Shaped

from cgm_jax._shared.checks import (
    as_key,
    as_keys,
    as_list,
    as_real,
    check_callable,
    check_kind,
)
from cgm_jax._shared.progress import Progress, silent
from cgm_jax._shared.workers import map_on_workers
from cgm_jax.collaboration import Promises
from cgm_jax.collaboration.promises import scalar_length_scale
from cgm_jax.gram import GramSums, gram_sums, smallest_length_scale
from cgm_jax.gram.gram_sums import as_blocks
from cgm_jax.kernels import Kernel
from cgm_jax.rewards.from_sums import scheme_from_sums
from cgm_jax.rewards.scheme import RewardScheme
from cgm_jax.sampling.stopping import Reward, enough_for
from cgm_jax.sampling.weighted_sampling import draw_rewards
from cgm_jax.scoring import HandedIn, Scoring
from cgm_jax.scoring.base import for_parties
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

from .gains import Stress, Trial
from .manipulations import (
    MANIPULATIONS,
    DataSet,
    Manipulation,
    Position,
    check_labels,
    outlier,
)
from .pieces import SumsOfPieces, merged

__all__ = ["stress"]


def stress(
    keys: Key[Array, "*keys"] | Sequence[Key[Array, ""]],
    promises: Promises,
    *,
    scorings: Sequence[Scoring] = (),
    manipulations: Sequence[Manipulation] = MANIPULATIONS,
    labels: Sequence[Shaped[np.ndarray, " _"]] | None = None,
    inverse_temperature: float = 1.0,
    search_length_scale: bool = False,
    outlier_scales: Sequence[float] = (1e3, 1e6, 1e9),
    progress: Progress = silent,
) -> Stress:
    r"""What every party would gain by every manipulation, the others being honest.

    The candidates stay the same, and so does the chance of a draw: a party's draws are
    of one key, whatever it hands in. Where no reward values keep all promises, those of
    the least relaxation are drawn for.

    Args:
        keys: a typed key, or several: as many trials of each manipulation, with chance
            of their own.
        promises: what was promised for honest data, to at most 20 parties; needs memory
            for ``8 g (n + m + 1)`` bytes, with the m arrays that a party hands in, 20
            or so.
        scorings: the schemes to try, the one in use first; by default that of the
            promises alone.
        manipulations: what is tried, by default `MANIPULATIONS`.
        labels: of every party's rows, arrays of shape ``(n_i,)``: which are rare.
        inverse_temperature: β of all draws.
        search_length_scale: whether it is searched anew where a party adds an outlier.
        outlier_scales: a party adds one row, too, so many standard deviations of the
            pool away.
        progress: called after every party's trials.

    Returns:
        The trials.

    Raises:
        ValueError: if there are more than 20 parties, not as many labels as rows, or
            two scorings or manipulations of one name.

    Example:
        >>> from cgm_jax import promise
        >>> rng = np.random.default_rng(0)
        >>> parties = [rng.normal(i, 0.5, size=(20, 1)) for i in range(2)]
        >>> promises = promise(parties, np.linspace(-1, 2, 60)[:, None])
        >>> found = stress(jax.random.key(0), promises, outlier_scales=())
        >>> [trial.strategy for trial in found.trials][3:6]
        ['hand in twice', 'copy the best other', 'withhold half']
        >>> found.trials[5].shapley_gain < 0  # withholding half
        True

    Reference: Tay et al. 2022, Sec. 2 (parties are assumed to be honest).
    """
    check_kind(promises, Promises)
    check_callable(progress, "progress")
    scorings = tuple(as_list(scorings, "scorings")) or (promises.scoring,)
    manipulations = as_list(manipulations, "manipulations")
    beta = as_real(inverse_temperature, "inverse_temperature", smallest=0.0)
    n = len(promises.parties)
    if n > MAX_TABLE_PARTIES:
        raise ValueError(f"Expected at most {MAX_TABLE_PARTIES} parties, got {n}.")
    outliers = [outlier(scale) for scale in as_list(outlier_scales, "outlier_scales")]
    _check_each(Scoring, scorings)
    _check_each(Manipulation, [*manipulations, *outliers])
    if labels is not None:
        check_labels(labels, promises.num_points)
    is_one = not isinstance(keys, list | tuple) and not getattr(keys, "shape", None)
    many = [as_key(keys)] if is_one else as_keys(keys)
    valued = promises.points_for("trials of cheating")
    points, drawn = as_blocks(valued, promises.candidates)
    trials = _Trials(
        promises,
        [np.asarray(x) for x in points],
        np.asarray(drawn),
        GramSums(*map(np.asarray, astuple(promises.sums))),
        scorings,
        beta,
    )
    honest = trials.schemes(trials.honest(0))
    phi = next(iter(honest.values())).shapley_values
    held = {name: np.full((len(many), n), np.nan) for name in honest}
    found: list[Trial] = []
    for repeat, key in enumerate(many):
        deal_key, draw_key = jax.random.split(key)
        for i in range(n):
            ranked = np.where(np.arange(n) == i, -np.inf, phi)
            at = Position(
                jax.random.fold_in(deal_key, i),
                trials.parties,
                i,
                int(np.argmax(ranked)),
                trials.candidates,
                None if labels is None else np.asarray(labels[i]),
            )
            tried = trials.submissions(at, [*manipulations, *outliers])
            if search_length_scale:
                names = {manipulation.name for manipulation in outliers}
                tried = [trials.searched(t) if t.name in names else t for t in tried]
            before, *after = map_on_workers(
                partial(trials.outcomes, jax.random.fold_in(draw_key, i)),
                [trials.honest(i), *tried],
            )
            for name, outcome in before.items():
                held[name][repeat, i] = outcome.held
                found += [
                    _trial(one, repeat, name, outcome, got.get(name))
                    for one, got in zip(tried, after, strict=True)
                ]
            done = (repeat * n + i + 1) / (len(many) * n)
            progress("what cheating would gain", done)
    return Stress(honest, held, tuple(found))


class _Submission(NamedTuple):
    """What all parties hand in where one of them cheats."""

    party: int
    name: str
    data_sets: list[DataSet]  # everybody's
    mine: list[int]  # which of them are the party's
    kernel: Kernel
    sums: GramSums | None  # None: there is no length scale


class _Outcome(NamedTuple):
    """What the party gets for it under one scheme."""

    scheme: RewardScheme
    held: float  # v(D_i ∪ G_i1 ∪ …)
    num_points: int


@dataclass(frozen=True)
class _Trials:
    """What all trials have in common."""

    promises: Promises
    parties: list[np.ndarray]
    candidates: np.ndarray
    sums: GramSums  # of honest data
    scorings: tuple[Scoring, ...]
    inverse_temperature: float

    def honest(self, party: int) -> _Submission:
        """Everybody's own data."""
        own = [(points,) for points in self.parties]
        return _Submission(
            party, "honest", own, [party], self.promises.kernel, self.sums
        )

    def submissions(
        self, at: Position, manipulations: Sequence[Manipulation]
    ) -> list[_Submission]:
        """What can be handed in, with its sums; every array is summed over once."""
        handed_in = {each.name: each.data_sets(at) for each in manipulations}
        kernel, n = self.promises.kernel, len(self.parties)
        sums = SumsOfPieces.of(
            kernel,
            self.parties,
            self.candidates,
            self.sums,
            chain(*chain(*handed_in.values())),
        )
        found = []
        for name, sets in handed_in.items():
            if not sets:
                continue
            data_sets: list[DataSet] = [(points,) for points in self.parties]
            data_sets[at.party], *more = sets
            data_sets += more
            mine = [at.party, *range(n, len(data_sets))]
            found.append(
                _Submission(
                    at.party, name, data_sets, mine, kernel, sums.between(data_sets)
                )
            )
        return found

    def searched(self, one: _Submission) -> _Submission:
        """The same at a length scale that is searched for it, if there is one."""
        points = [np.concatenate(pieces) for pieces in one.data_sets]
        try:
            scale = smallest_length_scale(one.kernel, points, self.candidates)
        except ValueError:
            return one._replace(sums=None)
        kernel = one.kernel.with_length_scale(scale)
        return one._replace(
            kernel=kernel, sums=gram_sums(kernel, points, self.candidates)
        )

    def schemes(self, one: _Submission) -> dict[str, RewardScheme]:
        """What is promised for it; a scheme's status says if nothing can be."""
        assert one.sums is not None
        handed_in = HandedIn(
            one.kernel,
            [np.concatenate(pieces) for pieces in one.data_sets],
            self.candidates,
            one.sums,
        )
        owners = [*range(len(self.parties)), *(one.party for _ in one.mine[1:])]
        return {
            scoring.name: scheme_from_sums(
                one.sums,
                scores=for_parties(scoring, owners).scores(handed_in),
                scoring=scoring.name,
                stability=self.promises.scheme.stability,
                relax=True,
                throw=False,
                solver="closed form",
            )
            for scoring in self.scorings
        }

    def outcomes(
        self, key: Key[Array, ""], one: _Submission, check: Callable[[], None]
    ) -> dict[str, _Outcome]:
        """Value it, draw for all that the party handed in, and value what it holds."""
        check()
        if one.sums is None:
            return {}
        schemes = self.schemes(one)
        targets = np.array([s.reward_values[one.mine] for s in schemes.values()])
        # All others as one data set that wants nothing: the reference is the same.
        n, k = one.sums.num_parties, len(one.mine)
        weights = np.zeros((k + 1, n))
        weights[np.arange(k), one.mine] = 1
        weights[k] = 1 - weights.sum(axis=0)
        together = merged(one.sums, weights)
        most = np.where(np.isnan(targets), -np.inf, targets).max(axis=0)
        (rewards,) = draw_rewards(
            [key],
            one.kernel,
            self.candidates,
            together,
            np.append(most, -np.inf),
            inverse_temperatures=[self.inverse_temperature],
        )
        counts = np.array(
            [
                [
                    self.count(reward, value, together, lane)
                    for lane, (reward, value) in enumerate(
                        zip(rewards[:k], target, strict=True)
                    )
                ]
                for target in targets
            ]
        )
        held = self.values_held(one.party, [r.indices for r in rewards[:k]], counts)
        return {
            name: _Outcome(scheme, float(value), int(count.sum()))
            if scheme.has_rewards
            else _Outcome(scheme, np.nan, 0)
            for (name, scheme), value, count in zip(
                schemes.items(), held, counts, strict=True
            )
        }

    def count(self, reward: Reward, target: float, sums: GramSums, lane: int) -> int:
        """How many picks a draw would have been with a smaller reward value."""
        size = sums.sizes[lane]
        terms = 2 * sums.between[lane].sum() / (size * sums.reference_size)
        terms += sums.between[lane, lane] / size**2
        eps = float(np.finfo(self.candidates.dtype).eps)
        enough = enough_for(target, float(terms), eps)
        if reward.initial_value >= enough:
            return 0
        is_enough = reward.values >= enough
        return int(is_enough.argmax()) + 1 if is_enough.any() else len(is_enough)

    def values_held(
        self,
        party: int,
        picks: list[Int[np.ndarray, " _"]],
        counts: Int[np.ndarray, "schemes lanes"],
    ) -> Float[np.ndarray, " schemes"]:
        """v(D_i ∪ the first picks of every lane) with honest data and kernel.

        It is 2C/(st) − A/s². One pass over pairs of picks is that of all counts.
        """
        ends = [np.unique(counts[:, lane]) for lane in range(len(picks))]
        parts = [
            (lane, end, picks[lane][start:end])
            for lane, of_lane in enumerate(ends)
            for start, end in zip([0, *of_lane[:-1]], of_lane, strict=True)
            if end > start
        ]
        has = np.array(
            [[end <= count[lane] for lane, end, _ in parts] for count in counts], float
        ).reshape(len(counts), len(parts))
        sums = self.sums
        rows = [sums.candidate_rows[part].sum(axis=0) for *_, part in parts]
        rows = has @ np.array(rows).reshape(len(parts), len(sums.sizes))
        size = sums.sizes[party] + has @ [float(len(part)) for *_, part in parts]
        across = sums.between[party].sum() + rows.sum(axis=1)
        within = sums.between[party, party] + 2 * rows[:, party]
        if parts:
            points = [self.candidates[part] for *_, part in parts]
            among = gram_sums(self.promises.kernel, points, points[0][:0])
            within = within + ((has @ among.between[:-1, :-1]) * has).sum(axis=1)
        return 2 * across / (size * sums.reference_size) - within / size**2


def _trial(
    one: _Submission,
    repeat: int,
    scoring: str,
    before: _Outcome,
    after: _Outcome | None,
) -> Trial:
    """A trial under one scheme, beside honest data."""
    if after is None:
        return Trial(one.party, one.name, scoring=scoring, repeat=repeat)
    scheme, honest, party = after.scheme, before.scheme, one.party
    return Trial(
        party,
        one.name,
        float(scheme.shapley_values[one.mine].sum() - honest.shapley_values[party]),
        float(scheme.reward_values[one.mine].max() - honest.reward_values[party]),
        after.held - before.held,
        scheme.rho,
        after.num_points,
        scalar_length_scale(one.kernel),
        scheme.status,
        scoring,
        repeat,
    )


def _check_each(kind: type, given: Sequence[Any]) -> None:
    for one in given:
        check_kind(one, kind)
    if len({*(names := [one.name for one in given])}) < len(names):
        several = f"{kind.__name__.lower()}s"
        raise ValueError(f"Expected {several} of different names, got {names}.")
