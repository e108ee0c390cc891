"""The report of a run: one page for people, one file of numbers for programs.

The page is a single file without scripts or links to anything outside; its pictures are
in it. Its numbers are those of `report_data`, rounded. No mathematics here.
"""

import base64
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cgm_jax import plots
from cgm_jax.audit import audit_sentences
from cgm_jax.audit.review import Scrutiny
from cgm_jax.collaboration.collaboration import Collaboration
from cgm_jax.collaboration.uncertainty import Uncertainty
from cgm_jax.datasets import PaperResults
from cgm_jax.evaluation.evaluate import Evaluation
from cgm_jax.rewards import RewardScheme
from cgm_jax.sampling import Reward

from .rendering import render_page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cgm_jax.generators import MMDGANModel  # Flax is slow to import

__all__ = [
    "CandidateOrigin",
    "Picture",
    "ReportSection",
    "draw_pictures",
    "plain",
    "render",
    "report_data",
    "report_page",
]

# Of a table of 2**n values, more is of no use to a reader.
MAX_TABULATED_PARTIES = 10
# Of more parties, pictures show this many: a panel each would take minutes.
MAX_SHOWN_PARTIES = 24

_DOTS_PER_INCH = 160


@dataclass(frozen=True, eq=False)
class ReportSection:
    """One set of promises, and one draw or several that keep them.

    Attributes:
        title: of the section.
        collaborations: at least one; they differ in β and in what was drawn only, as
            those of `Collaboration.redraw` do.
        names: the parties' names.
        columns: names of the columns of the points.
        warnings: sentences besides those of the collaborations, such as those on files.
        printed: what the paper prints for it, to stand beside.
        evaluation: metrics of what each party holds.
        embedding: where the points stand in pictures; by default as in `plane_of`.
        candidate_labels: the class of every candidate, for the pictures.
        uncertainty: how far values and promises would differ for other data.
        scrutiny: whether the promises were kept, why they are what they are, and what
            cheating would gain.
    """

    title: str
    collaborations: Sequence[Collaboration]
    names: Sequence[str]
    columns: Sequence[str] | None = None
    warnings: Sequence[str] = ()
    printed: PaperResults | None = None
    evaluation: Evaluation | None = None
    embedding: plots.Embedding | None = None
    candidate_labels: np.ndarray | None = None
    uncertainty: Uncertainty | None = None
    scrutiny: Scrutiny | None = None


@dataclass(frozen=True, eq=False)
class Picture:
    """A drawn figure.

    Attributes:
        png: the file.
        width: on the page, in pixels.
        height: on the page, in pixels.
    """

    png: bytes
    width: int
    height: int

    @property
    def data(self) -> str:
        """The file as text, for the page."""
        return base64.b64encode(self.png).decode("ascii")


@dataclass(frozen=True, eq=False)
class CandidateOrigin:
    """What the candidates imitate, and the trained generator that made them.

    Attributes:
        real: the parties' pooled rows, shape ``(n, d)``, in scaled columns or, of
            images, in pixels.
        generated: the candidates, in the same columns, shape ``(m, d)``.
        columns: names of the columns.
        model: the trained generator, if one was.
    """

    real: np.ndarray
    generated: np.ndarray
    columns: Sequence[str] | None = None
    model: "MMDGANModel | None" = None

    @property
    def shape(self) -> tuple[int, int, int] | None:
        """Height, width and channels, where the rows are images."""
        return None if self.model is None else self.model.options.shape


def report_page(
    sections: Sequence[ReportSection],
    *,
    title: str,
    settings: Mapping[str, Any],
    generator_note: str = "",
    origin: CandidateOrigin | None = None,
    pictures: Sequence[Mapping[str, Picture]] | None = None,
) -> str:
    """The page as HTML: what was valued, promised and handed out, with pictures.

    Args:
        sections: at least one.
        title: of the page.
        settings: what the run can be repeated with: options, seeds, versions, digests
            of the inputs; text, numbers, and lists and dicts of them.
        generator_note: a sentence on where the candidates come from.
        origin: what the candidates imitate, for a section of its own.
        pictures: what `draw_pictures` drew of every section; drawn if not given.

    Returns:
        One self-contained page, for `files.write_text`.

    Raises:
        ValueError: if there is not one name a party.

    Example:
        >>> import jax, cgm_jax
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = cgm_jax.collaborate(jax.random.key(0), parties, grid)
        >>> section = ReportSection("Two banks", [result], ["bank A", "bank B"])
        >>> report_page([section], title="Rewards", settings={"seed": 0})[:15]
        '<!doctype html>'
    """
    return render_page(
        "report.html.j2",
        title=title,
        sections=[
            {
                "data": report_data(section, settings={}),
                "printed": section.printed,
                "uncertainty": section.uncertainty,
                "scrutiny": _scrutiny(section),
                "num_shown": len(_shown(section.collaborations[0].scheme)),
                "pictures": drawn,
            }
            for section, drawn in zip(
                sections, pictures or map(draw_pictures, sections), strict=True
            )
        ],
        settings=list(_rows(settings)),
        generator_note=generator_note,
        origin=origin,
        origin_pictures={} if origin is None else _origin_pictures(origin),
        max_dots=plots.MAX_DOTS,
    )


def report_data(
    section: ReportSection,
    *,
    settings: Mapping[str, Any],
    origin: CandidateOrigin | None = None,
) -> dict[str, Any]:
    """All numbers of a section in full, as plain objects for `files.write_json`.

    Args:
        section: what was valued, promised and handed out.
        settings: what the run can be repeated with.
        origin: what the candidates imitate; its figures, if a generator was trained.

    Returns:
        Dicts with text keys, lists, text and finite numbers. NaN is None, an infinite β
        the text "inf". Coalition values, by bitmask, and how sure it is which of two
        parties contributed more, only for 10 parties or fewer.

    Raises:
        ValueError: if there is not one name a party.

    Example:
        >>> import jax, cgm_jax
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = cgm_jax.collaborate(jax.random.key(0), parties, grid)
        >>> section = ReportSection("Two banks", [result], ["bank A", "bank B"])
        >>> data = report_data(section, settings={"seed": 0})
        >>> [(party["name"], party["rows"]) for party in data["parties"]]
        [('bank A', 2), ('bank B', 3)]
    """
    promised = section.collaborations[0]
    scheme, num_parties = promised.scheme, len(promised.parties)
    if len(section.names) != num_parties:
        raise ValueError(
            f"Expected {num_parties} names, one a party, got {len(section.names)}: "
            f"{list(section.names)}."
        )
    columns = {
        "name": section.names,
        "rows": [len(points) for points in promised.parties],
        "shapley_value": scheme.shapley,
        "normalized_shapley": scheme.normalized_shapley,
        "own_value": scheme.own_values,
        "own_value_pool_only": promised.pool_own_values,
        "lower_value": scheme.lower_values,
        "reward_value": scheme.reward_values,
        "upper_value": scheme.upper_values,
        "at_limit": scheme.is_at_limit,
    }
    data = {
        "title": section.title,
        "settings": settings,
        "shapley_method": promised.shapley_method,
        "length_scale": promised.length_scale,
        "dimension": promised.candidates.shape[1],
        "num_candidates": len(promised.candidates),
        "max_reward_value": scheme.max_reward_value,
        "rho": scheme.rho,
        "stability": promised.stability,
        "dtype": str(promised.candidates.dtype),
        "fairness_weight": scheme.fairness_weight,
        "limiting_lower_party": scheme.limiting_lower_party,
        "limiting_upper_party": scheme.limiting_upper_party,
        "parties": [
            dict(zip(columns, row, strict=True))
            for row in zip(*columns.values(), strict=True)
        ],
        "draws": [
            {
                "inverse_temperature": drawn.inverse_temperature,
                "rewards": [_reward_data(reward) for reward in drawn.rewards],
            }
            for drawn in section.collaborations
        ],
        "warnings": list(_warnings(section)),
        # Of the kernel: all values above follow from them.
        "sums": {
            "between": promised.sums.between,
            "sizes": promised.sums.sizes,
        },
    }
    if num_parties <= MAX_TABULATED_PARTIES:
        data["coalition_values"] = promised.coalition_values
        data["coalition_values_pool_only"] = promised.pool_values
    if section.uncertainty is not None:
        data["uncertainty"] = _uncertainty_data(section.uncertainty)
    if section.scrutiny is not None:
        data |= section.scrutiny.data(section.names)
    if origin is not None and origin.model is not None:
        data["generator"] = _generator_data(origin.model)
    if section.evaluation is not None:
        data["evaluation"] = _evaluation_data(section.evaluation)
    return plain(data)


def draw_pictures(section: ReportSection) -> dict[str, Picture]:
    """All pictures of a section, as the page shows them.

    Args:
        section: what was valued, promised and handed out.

    Returns:
        The pictures by name, in the order of the page.

    Raises:
        ValueError: if there is not one name a party.

    Example:
        >>> import jax, cgm_jax
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = cgm_jax.collaborate(jax.random.key(0), parties, grid)
        >>> section = ReportSection("Two banks", [result], ["bank A", "bank B"])
        >>> list(draw_pictures(section))
        ['contributions', 'region', 'values', 'rewards']
    """
    first, names = section.collaborations[0], section.names
    shown = _shown(first.scheme)
    plane = section.embedding or plots.plane_of(
        np.concatenate(first.parties), section.columns
    )
    figures = {
        "contributions": plots.plot_contributions(first, names, parties=shown),
        "region": plots.plot_feasible_region(first.scheme, names),
        "values": plots.plot_values(first, names, parties=shown),
        "rewards": plots.plot_rewards(first, names, parties=shown, plane=plane),
    }
    if section.uncertainty is not None:
        figures["uncertainty"] = plots.plot_uncertainty(
            section.uncertainty, names, parties=shown
        )
    if section.scrutiny is not None:
        figures["margins"] = plots.plot_margins(section.scrutiny.audit, names)
    if len(section.collaborations) > 1:
        figures["temperatures"] = plots.plot_reward_over_temperatures(
            section.collaborations,
            0,
            names=names,
            plane=plane,
            candidate_labels=section.candidate_labels,
        )
    if section.evaluation is not None:
        correlations = section.evaluation.alpha_correlations
        figures["correlations"] = plots.plot_correlations(
            {section.title: {"correlation over the parties, mean over β": correlations}}
        )
    return {name: render(figure) for name, figure in figures.items()}


def _evaluation_data(evaluation: Evaluation) -> dict[str, Any]:
    """Metrics of every party before and after, and what they are correlated with."""
    return {
        "before": asdict(evaluation.before),
        "after": asdict(evaluation.after),
        "alpha_correlations": {
            name: asdict(summary)
            for name, summary in evaluation.alpha_correlations.items()
        },
        "beta_correlations": {
            name: asdict(summary)
            for name, summary in evaluation.beta_correlations.items()
        },
    }


def _reward_data(reward: Reward) -> dict[str, Any]:
    return {
        "num_points": len(reward.indices),
        "num_negative_steps": reward.num_negative_steps,
        "final_value": reward.final_value,
        "shortfall": reward.shortfall,
        "stop_reason": reward.stop_reason,
    }


def _scrutiny(section: ReportSection) -> dict[str, Any]:
    """The sentences of the page, and what cheating gains as a table."""
    found = section.scrutiny
    if found is None:
        return {}
    kept, *sentences = audit_sentences(found.audit, section.names)
    return {
        "kept": kept,
        "sentences": sentences,
        "reasons": found.reasons(section.names),
        "gains": {} if found.stress is None else found.stress.relative_gains(),
        "gain_sentence": ""
        if found.stress is None
        else found.stress.sentence(section.names),
        "inverse_temperature": found.inverse_temperature,
    }


def _uncertainty_data(found: Uncertainty) -> dict[str, Any]:
    data = {
        "num_resamples": found.num_resamples,
        "num_without_rewards": found.num_without_rewards,
        "ranking": found.ranking,
        "above_next": found.above_next,
        "own_value_errors": found.own_value_errors,
        "shapley_errors": found.shapley_errors,
        "normalized_shapley_errors": found.normalized_shapley_errors,
        "reward_value_errors": found.reward_value_errors,
    }
    if len(found.ranking) <= MAX_TABULATED_PARTIES:
        data["ranked_alike"] = found.ranked_alike
    return data


def _generator_data(model: "MMDGANModel") -> dict[str, Any]:
    names = ("step", "loss", "mmd2", "mmd2_at_quarter", "learning_rate")
    return {
        "quality": None if model.quality is None else asdict(model.quality),
        "stop_reason": model.stop_reason,
        "history": dict(zip(names, model.history.T, strict=True)),
    }


def _warnings(section: ReportSection) -> Iterator[str]:
    """Every sentence once, with the β of the draws that it is about unless of all."""
    yield from section.warnings
    if section.scrutiny is not None:
        yield from section.scrutiny.warnings(section.names)
    if section.uncertainty is not None:
        yield from section.uncertainty.warnings
    betas: dict[str, list[str]] = {}
    for drawn in section.collaborations:
        for sentence in drawn.warnings_for(section.names):
            betas.setdefault(sentence, []).append(f"{drawn.inverse_temperature:g}")
    for sentence, about in betas.items():
        of_all = len(about) == len(section.collaborations)
        yield sentence if of_all else f"β = {', '.join(about)}: {sentence}"


def _shown(scheme: RewardScheme) -> list[int]:
    """All parties; of too many, some from the largest contribution to the smallest."""
    num_parties = len(scheme.shapley)
    if num_parties <= MAX_SHOWN_PARTIES:
        return list(range(num_parties))
    places = np.linspace(0, num_parties - 1, MAX_SHOWN_PARTIES).round().astype(int)
    return np.argsort(-scheme.shapley, kind="stable")[places].tolist()


def _origin_pictures(origin: CandidateOrigin) -> dict[str, Picture]:
    figures = {
        "samples": plots.plot_samples(
            origin.real, origin.generated, shape=origin.shape, columns=origin.columns
        )
    }
    if origin.model is not None and len(origin.model.history):
        figures["training"] = plots.plot_training(origin.model)
    return {name: render(figure) for name, figure in figures.items()}


def render(figure: "Figure") -> Picture:
    """A figure as the page shows it."""
    stream = io.BytesIO()
    # Without the version of the library, which would change the file.
    figure.savefig(stream, dpi=_DOTS_PER_INCH, metadata={"Software": None})
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return Picture(stream.getvalue(), width, height)


def _rows(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Settings as rows of a table: one for each entry of a dict and each dict."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}: {inner}", text) for inner, text in _rows(value))
        elif isinstance(value, (list, tuple)) and any(
            isinstance(item, Mapping) for item in value
        ):
            for item in value:
                yield name, ", ".join(f"{inner} {text}" for inner, text in _rows(item))
        elif isinstance(value, (list, tuple)):
            yield name, ", ".join(map(_words, value))
        else:
            yield name, _words(value)


def _words(value: Any) -> str:
    if value is None:
        return "–"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def plain(value: Any) -> Any:
    """Arrays and their scalars as Python's; NaN as None, infinities as text."""
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
