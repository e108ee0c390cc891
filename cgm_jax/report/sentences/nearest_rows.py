"""Whether rows of others can be read off rewards, in words: a verdict a party."""

from cgm_jax.evaluation.nearest_rows import NearnessFigures
from cgm_jax.evaluation.reidentification import ReadOff, Reidentification

from .names import Names, party_names

__all__ = ["nearness_sentences", "nearness_warnings", "reidentification_sentence"]

_SHORT = {
    ReadOff.READABLE: "rows of others can be read off the reward",
    ReadOff.NOT_MEASURABLE: "whether rows of others can be read off the reward cannot "
    "be measured",
}

_DOUBTFUL = 0.05  # no proof, and no more an absence of signs
_FIT = "within 0.05 standard deviations in every number, and equal in every category"


def nearness_sentences(figures: NearnessFigures, names: Names = None) -> list[str]:
    """One sentence or more for each party that got a reward."""
    return [
        reidentification_sentence(reward.attack, party_names([party], names))
        for party, reward in enumerate(figures.rewards)
        if reward is not None
    ]


def nearness_warnings(figures: NearnessFigures, names: Names = None) -> list[str]:
    """One sentence a verdict that warns, with all parties whose reward it is about."""
    by_verdict: dict[ReadOff, list[int]] = {verdict: [] for verdict in ReadOff}
    for party, reward in enumerate(figures.rewards):
        if reward is not None:
            by_verdict[reward.attack.verdict].append(party)
    sentences = []
    for verdict, parties in by_verdict.items():
        if not parties or verdict is ReadOff.NO_SIGN:
            continue
        who, words = party_names(parties, names), _SHORT[verdict]
        if verdict is ReadOff.READABLE:
            attacks = [reward.attack for reward in figures.rewards if reward]
            worst = max(
                (each for each in attacks if each.verdict is verdict),
                key=lambda each: each.num_recovered / max(1, each.num_others),
            )
            most = "" if len(parties) == 1 else "up to "
            words += (
                f", {most}{worst.num_recovered:,} of {worst.num_others:,} by averaging:"
                " only for parties that may see each other's data"
            )
        sentences.append(f"{who}: {words}.")
    return sentences


def reidentification_sentence(attack: Reidentification, party: str) -> str:
    """The verdict on one party's reward, and the figures that it rests on."""
    never = (
        "points between them, which nobody has"
        if attack.is_between
        else ("rows that it never saw")
    )
    figures = (
        f"Averaging rows of it that lie close together gives {attack.num_recovered:,} "
        f"of the {attack.num_others:,} rows of others that are not near the party's "
        f"own, {_FIT}. As a control, the same was tried on rows that the generator saw "
        f"({attack.seen_recovered:,} of {attack.num_seen:,} found) and on {never} "
        f"({attack.unseen_recovered:,} of {attack.num_unseen:,} found)"
    )
    if attack.fresh_recovered is not None:
        figures += (
            f"; the latter, {attack.num_unseen:,} real rows, would by themselves give "
            f"{attack.fresh_recovered:,} of the {attack.num_seen:,}"
        )
    match attack.verdict:
        case ReadOff.READABLE:
            return (
                f"{party}: rows of others can be read off this reward. {figures}. Hand "
                "it out only among parties that may see each other's data."
            )
        case ReadOff.NO_SIGN:
            sign, ending = "no sign", "not more than by chance"
            if attack.p_value < _DOUBTFUL:
                sign = "no clear sign"
                ending = f"more than chance often gives (p = {attack.p_value:.1g})"
            return (
                f"{party}: {sign} that rows of others can be read off this reward. "
                f"{figures}: {ending}. Another attack may do better."
            )
    return (
        f"{party}: whether rows of others can be read off this reward cannot be "
        f"measured, since {_obstacle(attack)}."
    )


def _obstacle(attack: Reidentification) -> str:
    if not attack.num_others:
        return "every row of others is near a row of the party's own"
    if not attack.num_unseen:
        return "there are no rows that the generator never saw to compare with"
    if attack.unseen_recovered < attack.num_unseen / 2:
        return (
            f"{attack.num_seen:,} rows that the generator saw and "
            f"{attack.num_unseen:,} others are too few to compare"
        )
    return (
        "it is near everything: also of what the generator never saw, "
        f"{attack.unseen_recovered:,} of {attack.num_unseen:,} are found in it, {_FIT}"
    )
