"""A mediator's run as what the report is made of."""

from urllib.parse import quote

import numpy as np

from cgm_jax.files import OwnFormat
from cgm_jax.report import CandidateOrigin, PartyFiles, ReportSection, TableFacts
from cgm_jax.tables.units import in_units

from .run import Mediation


def mediation_section(mediation: Mediation) -> ReportSection:
    """What was valued, promised and handed out, with all that a mediator must know."""
    parties, draw = mediation.parties, mediation.collaboration.draw
    files = [
        PartyFiles(
            f"../{quote(name)}/{reward_name(form)}",
            f"../{quote(name)}/statement.html",
        )
        for name, form in zip(parties.names, parties.formats, strict=True)
    ]
    return ReportSection(
        "Rewards",
        mediation.collaboration.promises,
        [draw],
        parties.names,
        columns=list(mediation.tables.codec.coordinates),
        warnings=parties.warnings,
        uncertainty=mediation.uncertainty,
        review=mediation.review,
        is_density=mediation.source.kind == "kde",
        is_of_other_data=mediation.source.is_of_other_data,
        nearness=mediation.nearness,
        tables=TableFacts(
            mediation.tables.codec,
            parties.tables,
            mediation.quality.table,
            mediation.quality.candidates,
            mediation.quality.rewards,
        ),
        labels=mediation.label_shares,
        files=files,
    )


def candidate_origin(mediation: Mediation) -> CandidateOrigin:
    """What the candidates imitate: as points, or as the pixels of images."""
    promises, model = mediation.collaboration.promises, mediation.source.model
    candidates, codec = np.asarray(promises.candidates), mediation.tables.codec
    pool = np.concatenate(promises.points_for("a picture of them"))
    choice = mediation.source.choice
    origin = CandidateOrigin(pool, candidates, list(codec.coordinates), model, choice)
    if origin.shape is None:
        return origin
    # Images need all of their pixels, the constant ones too, as they are.
    pixels = in_units(codec, np.concatenate(mediation.tables.points))
    return CandidateOrigin(pixels, in_units(codec, candidates), None, model, choice)


def reward_name(form: OwnFormat) -> str:
    """The name of a party's reward file, in its folder."""
    return f"reward{form.extension}"
