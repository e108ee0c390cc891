"""All numbers of a report in full, as plain objects for programs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cgm_jax.audit import Audit, Check, Review, Stress
from cgm_jax.evaluation import GeneratorComparison
from cgm_jax.evidence import Evidence
from cgm_jax.features.labels import LabelShares
from cgm_jax.generators import ProductMixtureModel
from cgm_jax.scoring.saving import describe_scoring

from .handing_out import before_handing_out
from .sections import CandidateOrigin, ReportSection
from .sentences import (
    Names,
    choice_sentences,
    column_rows,
    comparison_sentence,
    evidence_sentences,
    explanation_sentences,
    scheme_sentence,
)

if TYPE_CHECKING:
    from cgm_jax.generators import MMDGANModel  # Flax is slow to import

__all__ = [
    "audit_data",
    "comparison_data",
    "plain",
    "quality_rows",
    "reasons",
    "report_data",
    "trial_rows",
]

# Of a table of 2**n values, more is of no use to a reader.
MAX_TABULATED_PARTIES = 10

_UNCERTAINTY_FACTS = (
    "num_resamples",
    "num_without_rewards",
    "ranking",
    "above_next",
    "own_value_errors",
    "shapley_errors",
    "normalized_shapley_errors",
    "reward_value_errors",
)
_SHARES = "assigned_welfare", "realised_welfare", "negative_marginals", "negative_picks"
_REWARD_FACTS = "num_negative_steps", "final_value", "shortfall", "stop_reason"
_EVALUATION_FACTS = ("before", "after", "alpha_correlations", "beta_correlations")


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
        the text "inf". What there is of every coalition, by bitmask, or pair of parties
        is there for up to 10 parties.

    Example:
        >>> import jax, cgm_jax
        >>> from cgm_jax.report import ReportSection
        >>> parties = [np.zeros((2, 1)), np.ones((3, 1))]
        >>> grid = np.linspace(-1, 2, 50)[:, None]
        >>> result = cgm_jax.collaborate(jax.random.key(0), parties, grid)
        >>> section = ReportSection("Banks", result.promises, [result.draw], ["A", "B"])
        >>> data = report_data(section, settings={"seed": 0})
        >>> [(party["name"], party["rows"]) for party in data["parties"]]
        [('A', 2), ('B', 3)]
    """
    promises, scheme = section.promises, section.promises.scheme
    num_parties = len(promises.parties)
    columns = {
        "name": section.names,
        "rows": promises.num_points,
        "shapley_value": scheme.shapley_values,
        "normalized_shapley": scheme.normalized_shapley,
        "own_value": scheme.own_values,
        "own_value_pool_only": promises.pool_own_values,
        "lower_value": scheme.lower_values,
        "reward_value": scheme.reward_values,
        "upper_value": scheme.upper_values,
        "at_limit": scheme.is_at_limit,
    }
    data = {
        "title": section.title,
        "settings": settings,
        "scheme": {
            "name": scheme.scoring,
            "words": scheme_sentence(scheme.scoring),
            "proved": promises.scoring.proved,
            "scoring": describe_scoring(promises.scoring),
        },
        "shapley_method": promises.shapley_method,
        "length_scale": promises.length_scale,
        "dimension": promises.candidates.shape[1],
        "num_candidates": len(promises.candidates),
        "max_reward_value": scheme.max_reward_value,
        "rho": scheme.rho,
        "status": str(scheme.status),
        "relaxation": scheme.relaxation,
        "stability": scheme.stability,
        "dtype": str(promises.candidates.dtype),
        "fairness_weight": scheme.fairness_weight,
        "limiting_lower_party": scheme.limiting_lower_party,
        "limiting_upper_party": scheme.limiting_upper_party,
        "parties": [
            dict(zip(columns, row, strict=True))
            for row in zip(*columns.values(), strict=True)
        ],
        "draws": [
            {
                "inverse_temperature": draw.inverse_temperature,
                "rewards": [
                    {
                        "num_points": len(reward.indices),
                        **_facts(reward, *_REWARD_FACTS),
                    }
                    for reward in draw.rewards
                ],
            }
            for draw in section.draws
        ],
        "warnings": [
            sentence
            for sentences in before_handing_out(section, origin).values()
            for sentence in sentences
        ],
        # All values above follow from these sums of the kernel.
        "sums": _facts(promises.sums, "between", "sizes"),
    }
    if num_parties <= MAX_TABULATED_PARTIES:
        data["coalition_values"] = promises.coalition_values
        data["coalition_values_pool_only"] = promises.pool_values
    if section.uncertainty is not None:
        data["uncertainty"] = _facts(section.uncertainty, *_UNCERTAINTY_FACTS)
        if num_parties <= MAX_TABULATED_PARTIES:
            data["uncertainty"]["ranked_alike"] = section.uncertainty.ranked_alike
    if section.tables is not None:
        data["columns"] = column_rows(section.tables.codec)
        data["likeness"] = quality_rows(section)
    if section.labels is not None:
        data["labels"] = _label_data(section.labels, section.names)
    if section.review is not None:
        data |= _review_data(section.review, section.names)
    if origin is not None and origin.model is not None:
        data["generator"] = _generator_data(origin.model)
    if origin is not None and origin.choice is not None:
        choice = origin.choice
        data["generator_choice"] = {
            "name": choice.name,
            "reasons": choice_sentences(choice),
            "comparison": choice.comparison and comparison_data(choice.comparison),
        }
    if section.evaluation is not None:
        data["evaluation"] = _facts(section.evaluation, *_EVALUATION_FACTS)
    return plain(data)


def _generator_data(model: "MMDGANModel | ProductMixtureModel") -> dict[str, Any]:
    """The figures of a trained generator."""
    if isinstance(model, ProductMixtureModel):
        names = ("components", "components_kept", "smoothing", "log_density")
        facts = _facts(model, "quality", "num_components", "held_out_log_density")
    else:
        names = ("step", "loss", "mmd2", "mmd2_at_quarter", "learning_rate")
        facts = _facts(model, "quality", "stop_reason")
    return {**facts, "history": dict(zip(names, model.history.T, strict=True))}


def audit_data(audit: Audit, names: Names = None) -> dict[str, Any]:
    """An audit as dictionaries, lists, strings and numbers, ready for JSON.

    Args:
        audit: the audit.
        names: the parties' names; their numbers from 0 if left out.

    Returns:
        The fields of the audit. What has no number (a condition that asks for nothing)
        is None; JSON knows neither infinity nor NaN.

    Example:
        >>> from cgm_jax.audit import audit_promises
        >>> from cgm_jax.rewards import solve_reward_scheme
        >>> phi, own, upper = np.array([[1.5, 2.5], [1.0, 2.0], [4.0, 4.0]])
        >>> scheme = solve_reward_scheme(phi, own, upper)
        >>> data = audit_data(audit_promises(np.array([0.0, 1.0, 2.0, 4.0]), scheme))
        >>> data["kept"], data["assigned"]["F1"]["margin"], data["broken"]
        (True, None, [])
    """

    def named(parties: Sequence[int]) -> list:
        return [names[i] if names is not None else i for i in parties]

    def check_data(kind: str, check: Check) -> dict[str, Any]:
        return {
            "holds": check.holds,
            "margin": _number(check.margin),
            "parties": named(check.parties),
            "coalition": None if check.coalition is None else named(check.coalition),
            "cases": check.num_cases,
            "promised": audit.is_promised(kind, check.name),
        }

    return {
        "kept": audit.is_kept,
        "broken": [[kind, check.name] for kind, check in audit.broken],
        **{
            kind: {name: check_data(kind, check) for name, check in checks.items()}
            for kind, checks in _facts(audit, "assigned", "realised").items()
        },
        **{name: _number(getattr(audit, name)) for name in _SHARES},
        "proposition_3": audit.conditions._asdict()
        | {"guaranteed": list(audit.conditions.guaranteed)},
        "tolerance": audit.tolerance,
        "all_coalitions": audit.is_exact,
    }


def quality_rows(section: ReportSection) -> list[dict[str, Any]]:
    """How like the parties' rows are the candidates, and every reward: for a table."""
    facts = section.tables
    if facts is None:
        return []
    found = [
        ("All candidates", facts.candidate_quality),
        *zip(section.names, facts.reward_quality, strict=True),
    ]
    return plain(
        [
            {
                "rows": name,
                "shape": quality.shape,
                "trend": quality.trend,
                "logistic": getattr(quality.detection, "logistic", None),
                "boosted": getattr(quality.detection, "boosted", None),
            }
            for name, quality in found
            if quality is not None
        ]
    )


def comparison_data(comparison: GeneratorComparison) -> dict[str, Any]:
    """Generators side by side, ready for JSON; seconds are those of the machine."""
    facts = ("num_training", "length_scale", "target", "measure", "real_utility")
    return plain(
        {
            "best": comparison.best.name,
            "num_held_out": len(comparison.held_out),
            **_facts(comparison, *facts),
            "generators": comparison.rows(),
        }
    )


def _label_data(labels: LabelShares, names: Sequence[str]) -> dict[str, Any]:
    return {
        "labels": labels.labels,
        "rows_of_parties": labels.pool,
        "rows_of_rewards": dict(zip(names, labels.rewards, strict=True)),
        "accuracy": labels.accuracy,
        "right": labels.right,
        "right_by_reward": dict(zip(names, labels.right_by_reward, strict=True)),
    }


def reasons(review: Review, names: Names) -> list[str]:
    """Why the reward values are what they are, in sentences."""
    sentences = explanation_sentences(review.explanation, names)
    if review.comparison is not None:
        sentences.append(comparison_sentence(review.comparison, names))
    return sentences


def stakes_rows(review: Review, names: Names = None) -> list[dict[str, Any]]:
    """What bounded stakes cost every party, for a table; none if there are none."""
    without, scheme = review.unbounded, review.explanation.scheme
    if without is None or not without.has_rewards:
        return []
    change = scheme.reward_values / without.reward_values - 1
    return [
        {
            "party": names[i] if names is not None else i,
            "without": float(without.reward_values[i]),
            "reward_value": float(scheme.reward_values[i]),
            "change": float(change[i]),
        }
        for i in range(len(change))
    ]


def trial_rows(stress: Stress, names: Names = None) -> list[dict[str, Any]]:
    """One dictionary per trial of cheating, for a table."""
    return [
        {
            **asdict(trial),
            "party": names[trial.party] if names is not None else trial.party,
            "status": str(trial.status),
        }
        for trial in stress.trials
    ]


def _review_data(review: Review, names: Sequence[str]) -> dict[str, Any]:
    data = {
        "audit": audit_data(review.audit, names),
        "reasons": reasons(review, names),
        "stakes": stakes_rows(review, names),
        "evidence": _evidence_data(review.evidence, names),
    }
    if review.stress is not None:
        data["stress"] = {
            "inverse_temperature": review.inverse_temperature,
            "joint_values": {
                name: values[0] for name, values in review.stress.joint_values.items()
            },
            "trials": trial_rows(review.stress, names),
            "table": review.stress.table().to_dict(),
        }
    return data


def _evidence_data(evidence: Evidence, names: Sequence[str]) -> dict[str, Any]:
    """Sentences and numbers by party; of pairs of parties, for up to 10 of them."""
    near, noise = evidence.near, evidence.noise
    data = {
        "sentences": evidence_sentences(evidence, names),
        "contested_rows": [int(mask.sum()) for mask in near.contested_rows],
        "noise_rows": _facts(noise, "noise_shares", "p_values"),
    }
    if len(names) <= MAX_TABULATED_PARTIES:
        facts = ("exact", "contested", "num_copied", "expected", "p_values")
        data["near_duplicates"] = _facts(near, *facts)
        data["resamples"] = _facts(evidence.resamples, "p_values")
    return data


def _facts(result: Any, *names: str) -> dict[str, Any]:
    """Fields and properties of a result by their names."""
    return {name: getattr(result, name) for name in names}


def plain(value: Any) -> Any:
    """Results and arrays as Python's objects; NaN as None, infinities as text."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def _number(x: float) -> float | None:
    return float(x) if math.isfinite(x) else None
