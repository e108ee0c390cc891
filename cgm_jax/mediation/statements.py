"""A statement for each party, from its own rows, its reward, and its own values.

Whatever it shows is a function of these, of the kinds of columns and of the mediator's
settings: lengths are standard deviations of the party's own rows, where those of the
pool would tell of the others' rows.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Bool, Float

from cgm_jax._shared.digests import digest_of_file
from cgm_jax.evaluation.reidentification import TOLERANCE, is_near
from cgm_jax.features.labels import accuracy_by_label
from cgm_jax.files import write_json, write_text
from cgm_jax.generators.table_rows import is_among
from cgm_jax.metrics import table_quality
from cgm_jax.report.party_statement import (
    GivenColumn,
    Origin,
    OwnLabel,
    PartyStatement,
    Share,
    ShowShares,
)
from cgm_jax.report.pictures import Picture
from cgm_jax.report.statement import statement_data, statement_page
from cgm_jax.tables import Cells, TableCodec
from cgm_jax.tables.category_columns import CategoryColumn
from cgm_jax.tables.kinds import Kind
from cgm_jax.tables.number_columns import NumberColumn

from .run import Mediation
from .tables import labels_to_give

__all__ = ["party_statements", "write_statement"]

_ROUNDING = 1e-9  # of coordinates, which are about 1
_DETECTION_ROWS = 2_000  # of either table: there is a statement for each party


def party_statements(
    mediation: Mediation, show_shares: ShowShares = "ranks"
) -> list[PartyStatement]:
    """What each party may know; digests of rewards are missing until these are files.

    Args:
        mediation: what was computed.
        show_shares: of contributions a party sees nothing ("none"), its own rank
            ("ranks"), or α of all by name ("all").
    """
    parties, codec = mediation.parties, mediation.tables.codec
    promises, draw = mediation.collaboration.promises, mediation.collaboration.draw
    scheme, tolerance = promises.scheme, mediation.review.audit.tolerance
    candidates, settings = np.asarray(promises.candidates), mediation.settings
    kinds: dict[str, Kind] = {facts.name: facts.kind for facts in codec.facts}
    options = mediation.tables.options
    origin = Origin(
        mediation.source.kind,
        settings.bandwidth if mediation.source.model is None else None,
        len(candidates),
        settings.inverse_temperature,
        options.min_rows,
        options.only_shared_categories,
        is_loaded=settings.generator_model is not None,
    )
    shares = _shares(scheme.shapley_values, parties.names, tolerance, show_shares)

    def of(i: int) -> PartyStatement:
        reward, given = draw.rewards[i], mediation.tables.points[i]
        picked = candidates[reward.indices]
        drawn = picked.astype(np.float64)
        own, rows = codec.decode(given), mediation.rewards[i]
        own_points, reward_points, coordinates = _in_own_units(codec, given, drawn)
        limit = np.full(len(coordinates), TOLERANCE)
        is_excluded = i in scheme.excluded_parties
        is_stable = None
        if scheme.stability and not is_excluded:
            least = scheme.relaxation * float(scheme.lower_values[i])
            is_stable = least - reward.final_value <= tolerance
        quality = None
        if len(drawn):
            quality = table_quality(
                jax.random.key(0),  # the mediator's seed is for the mediator
                [own],
                rows,
                kinds=kinds,
                max_detection_rows=_DETECTION_ROWS,
            )
        return PartyStatement(
            party=parties.names[i],
            file=parties.files[i].path.name,
            file_sha256=parties.files[i].sha256,
            reward_file=f"reward{parties.formats[i].extension}",
            reward_sha256="",
            num_rows=len(given),
            columns=_given_columns(mediation, i, own),
            contribution=float(scheme.shapley_values[i]),
            own_value=float(scheme.own_values[i]),
            fair_share=float(scheme.fair_shares[i]),
            reward_value=float(scheme.reward_values[i]),
            final_value=reward.final_value,
            tolerance=float(tolerance),
            is_excluded=is_excluded,
            is_at_limit=bool(scheme.is_at_limit[i]),
            is_stable=is_stable,
            is_relaxed=scheme.is_relaxed,
            num_points=len(drawn),
            stop_reason=reward.stop_reason,
            origin=origin,
            share=shares[i],
            own=own,
            reward=rows,
            kinds=kinds,
            own_points=own_points,
            reward_points=reward_points,
            coordinates=coordinates,
            quality=quality if quality is not None and quality.columns else None,
            num_equal=int(is_among(picked, given.astype(picked.dtype)).sum()),
            num_near=int(is_near(reward_points, own_points, limit).sum()),
            labels=_own_labels(mediation, i, own, kinds),
            scoring=scheme.scoring,
        )

    return [of(i) for i in range(len(parties.names))]


def write_statement(
    folder: Path, statement: PartyStatement, pictures: dict[str, Picture]
) -> list[Path]:
    """Write a party's statement beside its reward, which is there; and say where."""
    digest = digest_of_file(folder / statement.reward_file)
    statement = replace(statement, reward_sha256=digest)
    paths = [folder / f"statement.{ending}" for ending in ("json", "html")]
    write_json(paths[0], statement_data(statement))
    write_text(paths[1], statement_page(statement, pictures))
    return paths


def _shares(
    contributions: Float[np.ndarray, " n"],
    names: Sequence[str],
    tolerance: float,
    show_shares: ShowShares,
) -> list[Share | None]:
    if show_shares == "none":
        return [None] * len(names)
    alphas = None
    if show_shares == "all":
        alphas = dict(
            zip(names, (contributions / contributions.max()).tolist(), strict=True)
        )
    gaps = contributions[None] - contributions[:, None]
    ranks = 1 + (gaps > tolerance).sum(axis=1)
    is_tied = (np.abs(gaps) <= tolerance).sum(axis=1) > 1
    return [
        Share(int(rank), len(names), bool(tied), alphas)
        for rank, tied in zip(ranks, is_tied, strict=True)
    ]


def _given_columns(
    mediation: Mediation, party: int, own: dict[str, Cells]
) -> tuple[GivenColumn, ...]:
    """The columns of a party's file, with what of its own no reward has."""
    parties = mediation.parties
    codecs = {column.facts.name: column for column in mediation.tables.codec.columns}
    columns = []
    for name, as_written in parties.formats[party].columns.items():
        if name == parties.label_column:
            held_back = _labels_held_back(mediation, party)
            columns.append(GivenColumn(as_written.name, "label", 0, held_back))
            continue
        cells, codec, held_back, lets_missing = own[name], codecs[name], (), True
        if isinstance(codec, CategoryColumn):
            held = np.isin(codec.values, np.unique(cells.present))
            is_back = held & ~codec.is_allowed[: len(codec.values)]
            held_back = _words(codec, is_back)
            lets_missing = bool(codec.is_allowed[-1])
        elif isinstance(codec, NumberColumn):
            lets_missing = codec.hands_out_missing
        num_missing = int(parties.tables[party][name].is_missing.sum())
        if codec.facts.kind == "left out":  # nobody looked
            num_missing = 0
        columns.append(
            GivenColumn(
                as_written.name,
                codec.facts.kind,
                num_missing,
                held_back,
                num_missing > 0 and not lets_missing,
            )
        )
    return tuple(columns)


def _words(codec: CategoryColumn, is_chosen: Bool[np.ndarray, " c"]) -> tuple[str, ...]:
    """Some categories as a person reads them."""
    values = codec.values[is_chosen]
    if codec.facts.form == "time":
        values = values.astype(f"M8[{codec.facts.resolution}]").astype(str)
    return tuple(map(str, values.tolist()))


def _labels_held_back(mediation: Mediation, party: int) -> tuple[str, ...]:
    labels, is_given = mediation.parties.labels, labels_to_give(mediation.tables)
    assert labels is not None and is_given is not None
    start = sum(map(len, labels[:party]))
    is_back = ~is_given[start : start + len(labels[party])]
    return tuple(map(str, np.unique(labels[party][is_back]).tolist()))


def _own_labels(
    mediation: Mediation,
    party: int,
    own: dict[str, Cells],
    kinds: dict[str, Kind],
) -> tuple[OwnLabel, ...]:
    """The labels of a party's rows and of its synthetic rows, and what these teach."""
    given, forest = mediation.parties.labels, mediation.labels
    if given is None or forest is None:
        return ()
    mine = given[party]
    theirs = forest.labels[mediation.collaboration.draw.rewards[party].indices]
    rows = mediation.rewards[party]
    right = accuracy_by_label(rows, theirs, [own], mine, kinds=kinds)
    by_label = dict(zip(np.unique(mine).tolist(), right.tolist(), strict=True))
    return tuple(
        OwnLabel(
            str(label),
            int((mine == label).sum()),
            int((theirs == label).sum()),
            by_label.get(label),
        )
        for label in np.unique(np.concatenate([mine, theirs])).tolist()
    )


def _in_own_units(
    codec: TableCodec,
    own: Float[np.ndarray, "n d"],
    reward: Float[np.ndarray, "m d"],
) -> tuple[Float[np.ndarray, "n c"], Float[np.ndarray, "m c"], tuple[str, ...]]:
    """Points with numbers in standard deviations of the party's own rows from its mean.

    Nothing is left of how the pool is scaled: a missing number is at 0 where the codec
    has the median of all, and what is the same in all of these rows is left out.
    """
    scaled, start = np.concatenate([own, reward]), 0
    for column in codec.columns:
        width = len(column.coordinates)
        if isinstance(column, NumberColumn):
            is_there = np.ones(len(scaled), bool)
            if width > 1:
                is_there = scaled[:, start + 1] < column.missing / 2
            numbers = scaled[is_there, start]
            mine = scaled[: len(own), start][is_there[: len(own)]]
            # Of a party whose cells are all alike, or missing, those of its reward.
            mine = mine if len(mine) and mine.std() > _ROUNDING else numbers
            is_constant = not len(mine) or mine.std() <= _ROUNDING
            scaled[~is_there, start] = 0
            scaled[is_there, start] = (
                0 if is_constant else (numbers - mine.mean()) / mine.std()
            )
        start += width
    is_shown = np.ptp(scaled, axis=0) > 0
    names = zip(codec.coordinates, is_shown, strict=True)
    scaled = scaled[:, is_shown]
    return (
        scaled[: len(own)],
        scaled[len(own) :],
        tuple(name for name, shown in names if shown),
    )
