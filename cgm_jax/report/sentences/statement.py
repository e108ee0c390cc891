"""What a party is told: its data, its promises, its reward, and how to check them."""

from cgm_jax.report.party_statement import GivenColumn, PartyStatement

from .numbers import number_words
from .quality import likeness_sentences
from .scoring import is_shapley, scoring_words

__all__ = ["statement_sentences"]

_MOST_NAMED = 10
_MOST_TIMES = 10  # own data, up to which a promise is so many percent more
_NUMBERS_AND_DATES = {"number", "whole number", "date or time"}
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_NUMBERS = ("no", "one", "two", "three", "four", "five")
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def statement_sentences(statement: PartyStatement) -> dict[str, list[str]]:
    """The sentences of each section of a party's statement, in its order."""
    return {
        "given": _given(statement),
        "worth": _worth(statement),
        "promised": _promised(statement),
        "kept": _kept(statement),
        "drawn": _drawn(statement),
        "quality": _quality(statement),
        "disclosed": _disclosed(statement),
        "check": _check(statement),
    }


def _given(statement: PartyStatement) -> list[str]:
    columns = statement.columns
    sentences = [
        f"You gave {_counted(statement.num_rows, 'row')} of "
        f"{_counted(len(columns), 'column')} in {statement.file}."
    ]
    whys = {
        "identifier": "Identifiers name rows and measure nothing; synthetic rows have "
        "new ones, which stand for nobody.",
        "free text": "Free text cannot be compared; it is empty in synthetic rows.",
        "left out": "The mediator left this out: it was not read, and it is empty in "
        "synthetic rows.",
        "constant": "All parties have one and the same value there, or none at all.",
        "label": "Labels are carried through: synthetic rows have those that a "
        "classifier of all parties' rows gives them.",
    }
    for kind, why in whys.items():
        names = [column.name for column in columns if column.kind == kind]
        if names:
            sentences.append(f"Not valued: {_named(names)}. {why}")
    return [*sentences, *_held_back(statement)]


def _held_back(statement: PartyStatement) -> list[str]:
    origin = statement.origin
    few = f"fewer than {origin.min_rows} rows of all parties together have it"
    if origin.only_shared_categories:
        few += ", or no other party does"
    sentences = [
        f"{column.name}: {_named(_words_held_back(column))}; no synthetic row has "
        f"this, since {few}. It was valued all the same."
        for column in statement.columns
        if column.held_back or column.holds_missing_back
    ]
    if not _NUMBERS_AND_DATES.isdisjoint(statement.kinds.values()):
        sentences.append(
            "Numbers and dates of synthetic rows stay within the range that at least "
            f"{_counted(origin.min_rows, 'row')} of all parties together reach at "
            "either end; what is more extreme is handed to nobody."
        )
    return sentences


def _words_held_back(column: GivenColumn) -> list[str]:
    missing = ["missing cells"] if column.holds_missing_back else []
    return [*column.held_back, *missing]


def _worth(statement: PartyStatement) -> list[str]:
    sentences = [
        f"Your data alone are worth {number_words(statement.own_value)}: that is how "
        "well they represent the data of all parties and the synthetic rows there were "
        "to choose from. A value has no unit and can be compared with others of this "
        "statement only.",
        f"Your contribution is {number_words(statement.contribution)}: "
        f"{_contributed(statement)}.",
    ]
    share = statement.share
    if share is not None:
        place = f"the {_place(share.rank)} of {_number(share.num_parties)}"
        if share.is_tied:
            place += ", together with another that is equal"
        sentences.append(f"It is {place}, from the largest to the smallest.")
    return sentences


def _contributed(statement: PartyStatement) -> str:
    """What a contribution is, by the scheme in use."""
    if is_shapley(statement.scoring):
        return (
            "what your data add to the value of the others', averaged over all orders "
            "in which parties could have joined (the Shapley value)"
        )
    return f"{scoring_words(statement.scoring, 'your')} ({statement.scoring})"


def _why_excluded(statement: PartyStatement) -> str:
    if is_shapley(statement.scoring):
        return "your data add nothing to the others' on average"
    return "your contribution is not above 0"


def _promised(statement: PartyStatement) -> list[str]:
    promised, own = statement.reward_value, statement.own_value
    sentences = [
        f"You are promised that your data and your synthetic rows together are worth "
        f"{number_words(promised)}{_more(promised, own)}."
    ]
    if statement.is_excluded:
        sentences.append(
            f"As {_why_excluded(statement)}, the promise is the value of what you "
            "have, and no synthetic rows are handed out."
        )
    elif statement.is_raised:
        sentences.append(
            f"Your fair share, by what you contributed, would be "
            f"{number_words(statement.fair_share)}. Nobody is promised less than the "
            "own data are worth, so the promise was raised to that."
        )
    else:
        sentences.append(
            "That is your fair share: the more a party contributes, the more it is "
            "promised, and equal contributions are promised the same."
        )
    if statement.is_at_limit and statement.num_points:
        sentences.append(
            "It is within 0.1 % of the most that you could be given, with all "
            "synthetic rows that there were to choose from."
        )
    if statement.is_relaxed:
        sentences.append(
            "With these synthetic rows not everything could be promised to everybody: "
            "what parties must get at least was lowered for all by the same part."
        )
    return sentences


def _kept(statement: PartyStatement) -> list[str]:
    final, missed = statement.final_value, statement.missed
    verdict = "were kept" if statement.is_kept else "were not all kept"
    sentences = [
        f"The promises to you {verdict}: what you hold now, your data and your "
        f"synthetic rows, is worth {number_words(final)}."
    ]
    for words, name, asked in (
        ("At least the value of your own data", "own value", statement.own_value),
        ("At least your fair share", "fair share", statement.fair_share),
        ("At least what you were promised", "reward value", statement.reward_value),
    ):
        if name == "fair share" and statement.is_excluded:
            continue
        ending = "kept" if not missed[name] else f"short by {missed[name]:.2g}"
        sentences.append(f"{words}, {number_words(asked)}: {ending}.")
    if statement.is_stable is not None:
        ending = "kept" if statement.is_stable else "not kept"
        lowered = ", lowered as said above" if statement.is_relaxed else ""
        sentences.append(
            "At least what the data of you and of all who contributed no more are "
            f"worth together{lowered}, so that little or nothing is gained by leaving "
            f"with them: {ending}."
        )
    return sentences


def _drawn(statement: PartyStatement) -> list[str]:
    origin, num = statement.origin, statement.num_points
    trained, fitted = "on the rows of all parties", "to the rows of all parties"
    if origin.is_loaded:
        trained = fitted = "before"
    sources = {
        "kde": "They are real rows of the parties with noise added, of "
        f"{origin.bandwidth or 0:g} standard deviations of each column (a kernel "
        "density estimate).",
        "mmd-gan": f"A generator that was trained {trained} made them (an MMD-GAN).",
        "product-mixture": f"They were drawn from a density that was fitted {fitted}: "
        "groups of rows, in each of which the columns are independent (a mixture of "
        "products).",
    }
    strength = f"(β = {origin.inverse_temperature:g}; at 0, all are as likely)"
    return [
        _why_so_many(statement),
        f"{'They were' if num else 'Rewards are'} drawn at random from "
        f"{_counted(origin.num_candidates, 'synthetic row')}, the same for all "
        "parties, one after the other; a row that raises the value of what a party "
        f"has more is drawn more likely {strength}.",
        sources[origin.generator],
        "The seed of all that is random stays with the mediator: who knows it could "
        "tell the noise in the rows. With another seed, the rows and their number "
        "would be others; the promise would be about the same.",
    ]


def _why_so_many(statement: PartyStatement) -> str:
    num, promised = statement.num_points, f"{number_words(statement.reward_value)}"
    if not num:
        if statement.is_excluded:
            return f"You get no synthetic rows, since {_why_excluded(statement)}."
        if not statement.missed["reward value"]:
            return (
                "You get no synthetic rows: your data alone are worth what you are "
                "promised."
            )
        return "You get no synthetic rows: none of them raised the value of your data."
    rows = f"You get {_counted(num, 'synthetic row')}: "
    if statement.stop_reason != "reached":
        end = {
            "exhausted": "there were no more to choose from",
            "stalled": "further ones did not raise the value any more",
            "max_picks": "more were not to be drawn",
        }[statement.stop_reason]
        return f"{rows}{end}, before your data with them were worth {promised}."
    sentence = (
        f"{rows}so many it took until your data with them were worth the {promised} "
        "that you were promised. Rows that show more of what your data lack raise the "
        "value faster, so that few rows are no small reward."
    )
    if statement.is_at_limit:
        sentence += (
            " So near to the most that can be given, further rows hardly change the "
            "value: with another seed there might be half or twice as many."
        )
    return sentence


def _quality(statement: PartyStatement) -> list[str]:
    if statement.quality is None:
        return ["There are no synthetic rows, or no columns, to compare with yours."]
    sentences = [
        "Your synthetic rows are compared with your own rows, the only real ones that "
        "you may see. They were chosen to add what your data lack: that they differ is "
        "what they are for, and is no fault by itself.",
        *likeness_sentences(statement.quality),
    ]
    detection = statement.quality.detection
    if detection is not None:
        sentences.append(
            "Shown one of either, boosted trees tell your own row from the synthetic "
            f"one {detection.boosted_areas.mean():.0%} of the time and logistic "
            f"regression {detection.logistic_areas.mean():.0%}; guessing is right "
            f"50% of the time ({detection.num_real:,} of your rows and "
            f"{detection.num_synthetic:,} synthetic ones)."
        )
    return sentences


def _disclosed(statement: PartyStatement) -> list[str]:
    num = statement.num_points
    sentences = []
    if num:
        equal, near = statement.num_equal, statement.num_near
        sentences = [
            f"{_some(equal)} of your {_counted(num, 'synthetic row')} "
            f"{_is_or_are(equal)} a row of yours. {_some(near)} of them "
            f"{_is_or_are(near)} near to one: within 0.05 standard deviations of your "
            "data in every number and date, and equal in every category."
        ]
    if statement.origin.generator == "kde":
        sentences.append(
            "Synthetic rows are real rows with a little noise: yours may hold data of "
            "other parties in disguise, and what others get may hold yours. Treat them "
            "as real data."
        )
    elif statement.origin.generator == "product-mixture":
        sentences.append(
            "A synthetic row follows averages over several real rows, not a single "
            "one, but it can still come close to a real one, of yours or of another "
            "party: there is no proof that nothing was memorised."
        )
    else:
        sentences.append(
            "A synthetic row is made of noise alone, but it can still come close to a "
            "real one, of yours or of another party: there is no proof that nothing "
            "was memorised."
        )
    return sentences


def _check(statement: PartyStatement) -> list[str]:
    sentences = [
        f"The SHA-256 digest of {statement.file}, as sha256sum prints it, has to be "
        f"{statement.file_sha256}: then what was valued is what you gave.",
        f"That of {statement.reward_file} has to be {statement.reward_sha256}: then "
        "it is the reward that this statement is about.",
    ]
    if statement.num_points:
        sentences.append(
            f"{statement.reward_file} has {_counted(statement.num_points, 'row')}. "
            "How near they are to yours, and how like your columns, depends on these "
            "two files and the kinds of columns only and can be computed anew, by "
            "cgm_jax.metrics.table_quality(jax.random.key(0), [yours], synthetic, "
            "kinds=kinds, max_detection_rows=2_000): yours and synthetic map the name "
            "of each column to its cells (cgm_jax.tables.read_cells of Arrow columns), "
            "and kinds to its kind in the table above."
        )
    return [
        *sentences,
        "Values and promises depend on the data of all. The mediator can repeat the "
        "audit with cgm-jax audit, and the whole run from the same files and the same "
        "seed: whoever all parties trust with their data can ask for that.",
    ]


def _more(promised: float, own: float) -> str:
    """By how much, where that is a number that says something."""
    if not own < promised < _MOST_TIMES * own:
        return ""
    return f", {promised / own - 1:.1%} more than your data alone"


def _named(names: list[str]) -> str:
    shown = names[:_MOST_NAMED]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def _some(count: int) -> str:
    return f"{count:,}" if count else "None"


def _is_or_are(count: int) -> str:
    return "is" if count <= 1 else "are"


def _place(rank: int) -> str:
    if rank <= len(_ORDINALS):
        return _ORDINALS[rank - 1]
    ending = "th" if rank % 100 in (11, 12, 13) else _ENDINGS.get(rank % 10, "th")
    return f"{rank}{ending}"


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"
