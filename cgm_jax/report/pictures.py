"""The pictures of a report, drawn and encoded."""

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cgm_jax import plots
from cgm_jax.evaluation import GeneratorComparison
from cgm_jax.generators import ProductMixtureModel

from .party_statement import PartyStatement
from .sections import CandidateOrigin, ReportSection, shown_parties

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "Picture",
    "draw_comparison",
    "draw_origin",
    "draw_pictures",
    "draw_statement",
    "render",
]

_DOTS_PER_INCH = 160


@dataclass(frozen=True, eq=False)
class Picture:
    """A drawn figure: the file, and its size on the page in pixels."""

    png: bytes
    width: int
    height: int

    @property
    def data(self) -> str:
        """The file as text, for the page."""
        return base64.b64encode(self.png).decode("ascii")


def draw_pictures(section: ReportSection) -> dict[str, Picture]:
    """All pictures of a section, as the page shows them.

    Args:
        section: what was valued, promised and handed out.

    Returns:
        The pictures by name, in the order of the page.

    Example:
        >>> import jax, cgm_jax
        >>> from cgm_jax.report import ReportSection
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = cgm_jax.collaborate(jax.random.key(0), parties, grid)
        >>> section = ReportSection("Banks", result.promises, [result.draw], ["A", "B"])
        >>> list(draw_pictures(section))
        ['contributions', 'region', 'values', 'rewards']
    """
    promises, first, names = section.promises, section.first, section.names
    shown = shown_parties(promises.scheme)
    plane = section.embedding or plots.plane_of(
        np.concatenate(promises.points_for("a picture of them")), section.columns
    )
    figures = {
        "contributions": plots.plot_contributions(promises, names, parties=shown),
        "region": plots.plot_feasible_region(promises.scheme, names),
        "values": plots.plot_values(first.draw, names, parties=shown),
        "rewards": plots.plot_rewards(first, names, parties=shown, plane=plane),
    }
    if section.uncertainty is not None:
        figures["uncertainty"] = plots.plot_uncertainty(
            section.uncertainty, names, parties=shown
        )
    if section.review is not None:
        figures["margins"] = plots.plot_margins(section.review.audit, names)
        stress = section.review.stress
        if stress is not None and len(stress.honest) > 1:
            figures["gains"] = plots.plot_gains(stress.table())
    if len(section.draws) > 1:
        figures["temperatures"] = plots.plot_reward_over_temperatures(
            promises,
            section.draws,
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


def draw_origin(origin: CandidateOrigin) -> dict[str, Picture]:
    """Real rows beside candidates, and how the training went."""
    figures = {
        "samples": plots.plot_samples(
            origin.real, origin.generated, shape=origin.shape, columns=origin.columns
        )
    }
    model = origin.model
    if isinstance(model, ProductMixtureModel):
        model = None  # it is not trained step by step
    if model is not None and len(model.history):
        figures["training"] = plots.plot_training(model)
    return {name: render(figure) for name, figure in figures.items()}


def draw_comparison(comparison: GeneratorComparison) -> Picture:
    """Generators side by side."""
    return render(plots.plot_generators(comparison))


def draw_statement(statement: PartyStatement) -> dict[str, Picture]:
    """A party's own data and its reward, and column by column: nothing of others."""
    figures = {}
    if len(statement.coordinates):
        figures["rows"] = plots.plot_own_and_reward(
            statement.own_points, statement.reward_points, statement.coordinates
        )
    if statement.quality is not None:
        figures["columns"] = plots.plot_columns(
            [statement.own], statement.reward, kinds=statement.kinds
        )
    return {name: render(figure) for name, figure in figures.items()}


def render(figure: "Figure") -> Picture:
    """A figure as the page shows it."""
    stream = io.BytesIO()
    # Without the version of the library, which would change the file.
    figure.savefig(stream, dpi=_DOTS_PER_INCH, metadata={"Software": None})
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return Picture(stream.getvalue(), width, height)
