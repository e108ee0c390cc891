"""An audit, and what cheating gains, for people who are not mathematicians."""

import math
from dataclasses import dataclass

import numpy as np

from cgm_jax.audit import Audit, Check, SchemeComparison, Stress
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

from .names import Names, party_names
from .scoring import is_shapley, promise_difference, scheme_sentence

_WHERE = {"assigned": "as assigned", "realised": "by what was handed out"}
_WITHOUT_MARGIN = ("R3", "F1", "F2")  # what is left of them says nothing

PROMISES = {
    "R1": "Nobody is left with less than nothing",
    "R2": "Nobody is promised more than all synthetic rows can give them",
    "R3": "Somebody gets the largest reward value there is",
    "R4": "Nobody gets less than the value of their own data",
    "R6": "No group does better on its own: its most useful member gets at least what "
    "the group's data are worth",
    "F1": "Who adds nothing to any group gets nothing",
    "F2": "Who adds the same as another to every group gets the same",
    "F3": "Who adds more than another to some group, and less to none, gets more",
    "F4": "Who would add more would get more",
    "F6": "Who takes nothing from a group would not get less, had they joined as early",
    "F7": "Who adds something to those who joined before would get more, had they "
    "joined as early",
    "F8": "Had all joined at once, their joining times would change nothing",
    "delivery": "Everyone was handed what they were promised",
}


@dataclass(frozen=True)
class Verdict:
    """Whether a promise was kept, and for whom it was tightest.

    Attributes:
        words: "kept", "kept exactly", "broken", "nothing to keep" or "not kept, and not
            promised".
        is_broken: whether it was promised and does not hold.
        margin: what is left of it; negative: what is missing; None where that says
            nothing.
        tightest: the party or the pair, and the group that shows it.
    """

    words: str
    is_broken: bool = False
    margin: float | None = None
    tightest: str = ""


@dataclass(frozen=True)
class PromiseRow:
    """One promise: in words, by its name in the paper, as assigned and handed out."""

    promise: str
    name: str
    assigned: Verdict | None
    realised: Verdict | None


def promise_rows(audit: Audit, names: Names = None) -> list[PromiseRow]:
    """What an audit found, one row a promise."""
    rows = []
    for name in PROMISES:
        kinds = ("assigned", audit.assigned), ("realised", audit.realised)
        assigned, realised = (
            _verdict(checks[name], kind, audit, names) if name in checks else None
            for kind, checks in kinds
        )
        if assigned or realised:
            rows.append(PromiseRow(_titled(name), name, assigned, realised))
    return rows


def audit_sentences(audit: Audit, names: Names = None) -> list[str]:
    """What an audit found, one sentence a promise, the broken ones first."""
    failed, kept = [], []
    for kind, checks in (("assigned", audit.assigned), ("realised", audit.realised)):
        for check in checks.values():
            if check.name in PROMISES and (kind, check) not in audit.broken:
                group = kept if check.holds else failed
                group.append(_sentence(check, kind, audit, names))
    return [
        audit_summary(audit),
        *broken_sentences(audit, names),
        *failed,
        *kept,
        *audit_remarks(audit),
    ]


def broken_sentences(
    audit: Audit, names: Names = None, *, with_delivery: bool = True
) -> list[str]:
    """One sentence for each promise that was not kept, as assigned or handed out."""
    found: dict[str, list[str]] = {}
    for kind, check in audit.broken:
        if with_delivery or check.name != "delivery":
            where = f"{_WHERE[kind]}, this is broken {_for_whom(check, audit, names)}"
            found.setdefault(check.name, []).append(where)
    return [f"{_titled(name)}: {'; '.join(where)}." for name, where in found.items()]


def stress_sentence(stress: Stress, names: Names = None) -> str:
    """How many trials of cheating would have paid, and which the most."""
    num = len(stress.trials_in_use)
    if not stress.profitable:
        return f"None of the {num} manipulations tried was profitable."
    best = max(stress.profitable, key=stress.relative_gain)
    return (
        f"{len(stress.profitable)} of the {num} manipulations tried would have been "
        f"profitable; the most for {party_names([best.party], names)}, by "
        f'"{best.strategy}": what it holds would be worth '
        f"{stress.relative_gain(best):.1%} more."
    )


def other_scheme_sentence(stress: Stress) -> str:
    """Under which other schemes the worst manipulation would not have paid, if any."""
    if len(stress.honest) == 1 or not stress.profitable:
        return ""
    table = stress.table()
    worst = int(np.argmax(np.nan_to_num(table.most[0], nan=-np.inf)))
    others = range(1, len(table.schemes))
    found = []
    for i in others:
        if table.most[i, worst] <= 0:
            best = int(np.argmax(np.nan_to_num(table.most[i], nan=-np.inf)))
            words = "no other way of those tried pays there"
            if table.most[i, best] > 0:
                most = f"{table.most[i, best]:.1%}"
                words = f'there "{table.manipulations[best]}" pays the most, {most}'
            found.append(f"{table.schemes[i]} ({words})")
    which = f'"{table.manipulations[worst]}" would have paid'
    names = ", ".join(table.schemes[i] for i in others)
    sentence = f"{which} somebody under every other scheme tried, too: {names}."
    if found:
        sentence = f"{which} nobody under {'; '.join(found)}."
    if "robust" in table.schemes[1:]:
        most = table.worst[table.schemes.index("robust")]
        sentence += f" Under robust, none of those tried gains more than {most:.1%}."
    return sentence


def comparison_sentence(comparison: SchemeComparison, names: Names = None) -> str:
    """Who would be worse off under the older scheme of Sim et al. (2020)."""
    start = (
        "Under an older rule, which pays by contribution alone (ρ-Shapley fairness), "
    )
    if not comparison.worse_off:
        return start + "nobody would be worse off than alone either."
    who = party_names(comparison.worse_off, names)
    return f"{start}these would have less than their own data alone are worth: {who}."


def audit_summary(audit: Audit) -> str:
    """Whether all promises were kept, and which were not."""
    if audit.is_kept:
        return "All promises were kept."
    count = len(audit.broken)
    were = "promise was" if count == 1 else "promises were"
    which = ", ".join(f"{check.name} ({kind})" for kind, check in audit.broken)
    return f"{count} {were} not kept: {which}."


def _titled(name: str) -> str:
    return PROMISES[name] + (f" ({name})" if name != "delivery" else "")


def _verdict(check: Check, kind: str, audit: Audit, names: Names) -> Verdict:
    if not check.num_cases:
        return Verdict("nothing to keep")
    is_broken = audit.is_promised(kind, check.name) and not check.holds
    words = "broken" if is_broken else "not kept, and not promised"
    margin, is_exact = check.margin, abs(check.margin) <= audit.tolerance
    if check.holds:
        words = "kept exactly" if is_exact else "kept"
    if is_exact or (check.holds and check.name in _WITHOUT_MARGIN):
        margin = None
    tightest = party_names(check.parties, names)
    if check.coalition and len(check.coalition) > 1:
        tightest += f" (by the group of {party_names(check.coalition, names)})"
    return Verdict(words, is_broken, margin, tightest)


def _sentence(check: Check, kind: str, audit: Audit, names: Names) -> str:
    start = f"{_titled(check.name)}: {_WHERE[kind]}, "
    if not check.num_cases:
        return start + "there was nothing to keep."
    if not check.holds:
        verdict = "which was not promised, fails"
        return f"{start}this, {verdict} {_for_whom(check, audit, names)}."
    who = party_names(check.parties, names)
    if abs(check.margin) <= audit.tolerance:
        text = f"{start}this holds; exactly, up to rounding, for {who}"
    else:
        text = f"{start}this holds; tightest for {who}"
        if check.name not in _WITHOUT_MARGIN:
            text += f", with {check.margin:.3g} to spare"
    return f"{text}{_shown_by(check, names)}."


def _for_whom(check: Check, audit: Audit, names: Names) -> str:
    """For whom a condition fails, by how much, and which group shows it."""
    by = f"by {-check.margin:.3g}"
    if abs(check.margin) <= audit.tolerance:
        by = "where more is asked and the same is given"
    who = party_names(check.parties, names)
    return f"for {who}, {by}{_shown_by(check, names)}"


def _shown_by(check: Check, names: Names) -> str:
    if check.coalition is None:
        return ""
    if not check.coalition:
        return ", as its data alone show"
    return f", as the data of {party_names(check.coalition, names)} show"


def audit_remarks(audit: Audit) -> list[str]:
    """What else an audit found."""
    realised = audit.realised_welfare
    have = "" if math.isnan(realised) else f", and have {realised:.1%}"
    found = [
        f"Together the parties are promised {audit.assigned_welfare:.1%} of the most "
        f"that they could get{have}."
    ]
    if not is_shapley(audit.scoring):
        found += [scheme_sentence(audit.scoring), *promise_difference(audit)]
    if audit.negative_marginals:
        found.append(
            f"In {audit.negative_marginals:.1%} of all cases a party that joins a "
            "group lowers the value of the group's data, so the paper's proofs, which "
            "exclude this, do not apply; the promises were checked one by one."
        )
    elif audit.conditions.guaranteed:
        found.append(
            "What was assigned keeps these promises by proof, too: "
            f"{', '.join(audit.conditions.guaranteed)}"
            f"{' (Proposition 3)' if is_shapley(audit.scoring) else ''}."
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
