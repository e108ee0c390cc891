"""How contributions were scored, in plain sentences."""

from cgm_jax.audit import Audit
from cgm_jax.scoring.robust import LARGEST_RATIO

__all__ = ["is_shapley", "promise_difference", "scheme_sentence", "scoring_words"]

_ON_AVERAGE = "what {whose} data add to the others', averaged over"
_WORDS = {
    "shapley": f"{_ON_AVERAGE} all orders of joining (the Shapley value)",
    "banzhaf": f"{_ON_AVERAGE} all groups of others alike (the Banzhaf value)",
    "beta-shapley": f"{_ON_AVERAGE} all groups of others, the more the smaller they "
    "are (the Beta-Shapley value)",
    "leave-one-out": "what the data of all would be worth less without {whose} data",
    "departures": f"{_ON_AVERAGE} all orders of joining and over who may have left",
    "precedence": f"{_ON_AVERAGE} the orders in which those who joined earlier come "
    "first",
    "quotient": f"{_ON_AVERAGE} all orders of joining, parties with the same rows "
    "being taken for one and sharing by their rows",
    "distribution": "how near the distribution of {whose} data is to the mixture of "
    "all parties'",
    "distribution(pool)": "how near the distribution of {whose} data is to the pool's",
    "distribution(candidates)": "how near the distribution of {whose} data is to that "
    "of the candidates",
    "points": "what each of {whose} rows adds to all other rows, averaged over all "
    "orders, and added up",
}
_IN_TIME = (
    ", among the parties that had joined by then, in every period from the first "
    "joining time to the last, averaged over the periods"
)
_FAIR = ("F1", "F2", "F3", "F4")


def is_shapley(name: str) -> bool:
    """Whether a scheme is the paper's own."""
    return name == "shapley"


def scoring_words(name: str, whose: str = "a party's") -> str:
    """What a score is, to follow "A contribution is"."""
    first, _, inner = name.partition(" ")
    if first.startswith("robust"):
        ratio = float(first.removeprefix("robust").strip("()") or LARGEST_RATIO)
        return (
            f"{scoring_words(inner or 'shapley', whose)}, and brought within "
            f"{100 * (ratio - 1):.3g} % of the largest in the same order, so that "
            "looking like another party gains little more"
        )
    if first == "time-aware":
        return scoring_words(inner or "shapley", whose) + _IN_TIME
    kind = name.partition("(")[0]
    words = _WORDS.get(name, _WORDS.get(kind))
    if kind == "beta-shapley" and name != kind:  # which groups count more is in (α, β)
        words = f"{_ON_AVERAGE} all groups of others, weighted by their sizes as {name}"
    if words is None:
        words = f"what the rule {name} says of {{whose}} data"
    return words.format(whose=whose)


def scheme_sentence(name: str) -> str:
    """Which scheme was used."""
    return f'The scheme is "{name}": a contribution is {scoring_words(name)}.'


def promise_difference(audit: Audit) -> list[str]:
    """What another scheme than the paper's does not promise, and whether it holds."""
    left_out = [name for name in _FAIR if name not in audit.promised]
    if not left_out:
        return []
    checked = [name for name in left_out if name in audit.assigned]
    failed = [name for name in checked if not audit.assigned[name].holds]
    here = f", and here {', '.join(failed)} fails" if failed else ""
    follow = "does" if len(left_out) == 1 else "do"
    return [
        f"The scheme {audit.scoring} does not promise {', '.join(left_out)}, which "
        f"{follow} not follow from how it scores{here}."
    ]
