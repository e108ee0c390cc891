"""An audit, and what cheating gains, for people who are not mathematicians."""

import math

import numpy as np

from cgm_jax.audit import Audit, Check, SchemeComparison, Stress, Trial
from cgm_jax.metrics import SharedRows
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

from .names import Names, party_names

_LEAST_SHARE = 0.01  # of nearly shared rows that is worth a sentence

_PROMISES = {
    "R1": "No party is left with less than nothing",
    "R2": "No party is promised more than its data and all synthetic points are worth",
    "R3": "Some party gets the largest reward value there is",
    "R4": "No party is worse off than with its own data alone",
    "R6": "No group of parties does better on its own: its most useful member gets at "
    "least what the group's data are worth",
    "R7": "Everyone gets everything there is",
    "F1": "A party whose data add nothing to any group gets nothing",
    "F2": "Parties whose data add the same to every group get the same",
    "F3": "A party whose data add more than another's to some group, and less to none, "
    "gets more",
    "F4": "A party that would add more would get more",
    "delivery": "Every party was handed what it was promised",
}


def audit_sentences(audit: Audit, names: Names = None) -> list[str]:
    """What an audit found, one sentence a promise, the broken ones first."""
    broken, failed, kept = [], [], []
    for kind, checks in (("assigned", audit.assigned), ("realised", audit.realised)):
        for check in checks.values():
            if check.name != "R7":
                is_promise = audit.is_promised(kind, check.name)
                group = kept if check.holds else broken if is_promise else failed
                group.append(_sentence(check, kind, audit, names))
    return [_summary(audit), *broken, *failed, *kept, *_remarks(audit)]


def stress_sentence(stress: Stress, names: Names = None) -> str:
    """How many trials of cheating would have paid, and which the most."""
    num = len(stress.trials)
    if not stress.profitable:
        return f"None of the {num} manipulations tried was profitable."

    def gain_of(trial: Trial) -> float:
        return trial.joint_gain / abs(stress.joint_values[trial.party])

    best = max(stress.profitable, key=gain_of)
    return (
        f"{len(stress.profitable)} of the {num} manipulations tried would have been "
        f"profitable; the most for {party_names([best.party], names)}, by "
        f'"{best.strategy}": what it holds would be worth {gain_of(best):.1%} more.'
    )


def comparison_sentence(comparison: SchemeComparison, names: Names = None) -> str:
    """Who would be worse off under the scheme of Sim et al."""
    start = "Under the scheme of Sim et al. (2020), at the same rho, "
    if not comparison.worse_off:
        return start + "nobody would be worse off than alone either."
    who = party_names(comparison.worse_off, names)
    return (
        f"{start}these would be worse off than with their own data alone (R4): {who}."
    )


def shared_rows_sentences(shared: SharedRows, names: Names = None) -> list[str]:
    """One sentence per pair of parties that share rows, or nearly share 1 % of them."""
    sentences = []
    is_worth_it = shared.near > _LEAST_SHARE * shared.sizes[:, None]
    pairs = np.argwhere((shared.near > 0) & ((shared.exact > 0) | is_worth_it))
    for i, j in pairs.tolist():
        who, other = (names[k] if names is not None else f"party {k}" for k in (i, j))
        sentences.append(
            f"{shared.exact[i, j]:,} of {shared.sizes[i]:,} rows of {who} are rows of "
            f"{other}, too, and {shared.near[i, j] - shared.exact[i, j]:,} more are "
            "nearly so."
        )
    return sentences


def _summary(audit: Audit) -> str:
    if audit.is_kept:
        return "All promises were kept."
    count = len(audit.broken)
    were = "promise was" if count == 1 else "promises were"
    which = ", ".join(f"{check.name} ({kind})" for kind, check in audit.broken)
    return f"{count} {were} not kept: {which}."


def _sentence(check: Check, kind: str, audit: Audit, names) -> str:
    where = "as assigned" if kind == "assigned" else "by what was handed out"
    start = f"{_PROMISES[check.name]}: {where}, "
    if not check.num_cases:
        return start + "there was nothing to keep."
    who = party_names(check.parties, names)
    if not check.holds:
        is_promise = audit.is_promised(kind, check.name)
        verdict = " is broken" if is_promise else ", which was not promised, fails"
        text = f"{start}this{verdict} for {who}, by {-check.margin:.3g}"
    elif abs(check.margin) <= audit.tolerance:
        text = f"{start}this holds; exactly, up to rounding, for {who}"
    else:
        text = f"{start}this holds; tightest for {who}"
        if check.name not in ("R3", "F1", "F2"):
            text += f", with {check.margin:.3g} to spare"
    if check.coalition:
        text += f", as the data of {party_names(check.coalition, names)} show"
    elif check.coalition is not None:
        text += ", as its data alone show"
    return text + "."


def _remarks(audit: Audit) -> list[str]:
    realised = audit.realised_welfare
    have = "" if math.isnan(realised) else f", and have {realised:.1%}"
    found = [
        f"Together the parties are promised {audit.assigned_welfare:.1%} of the most "
        f"that they could get{have}."
    ]
    if audit.negative_marginals:
        found.append(
            f"In {audit.negative_marginals:.1%} of all cases a party that joins a "
            "group lowers the value of the group's data, so the paper's proofs, which "
            "exclude this, do not apply; the promises were checked one by one."
        )
    elif audit.conditions.guaranteed:
        found.append(
            "What was assigned keeps these promises by proof, too: "
            f"{', '.join(audit.conditions.guaranteed)} (Proposition 3)."
        )
    if audit.negative_picks > 0:
        found.append(
            f"{audit.negative_picks:.1%} of the points handed out lowered the value of "
            "what their party had at that moment."
        )
    equal = f"{audit.tolerance:.2g}"
    found.append(f"Two values count as equal if they differ by no more than {equal}.")
    if not audit.is_exact:
        found.append(
            f"With more than {MAX_TABLE_PARTIES} parties not all groups were looked "
            "at, but a sample: a promise about groups may be broken for one that is "
            "not in it."
        )
    return found
