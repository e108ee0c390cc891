"""Why there are no reward values: types for programs, sentences for people."""

from .scheme import RewardScheme, RewardStatus

__all__ = ["InfeasibleError", "NoContributionError", "RewardSchemeError", "error_of"]


class RewardSchemeError(ValueError):
    """There are no reward values: the parent of the others, or the solver failed."""

    status = RewardStatus.FAILED


class InfeasibleError(RewardSchemeError):
    """What ``lower_party`` must get leaves too little room for ``upper_party``.

    They may be the same. Least is missing at the exponent ``rho``.
    """

    status = RewardStatus.INFEASIBLE

    def __init__(
        self, message: str, *, lower_party: int, upper_party: int, rho: float
    ) -> None:
        super().__init__(message)
        self.lower_party = lower_party
        self.upper_party = upper_party
        self.rho = rho


class NoContributionError(RewardSchemeError):
    """No party has a positive Shapley value, so there is nothing to share fairly."""

    status = RewardStatus.NO_CONTRIBUTION


def error_of(scheme: RewardScheme) -> RewardSchemeError:
    """The error that says why a scheme is not optimal, and what to do."""
    if scheme.status is RewardStatus.NO_CONTRIBUTION:
        return NoContributionError(
            "Expected at least one positive Shapley value (or score of the scheme in "
            f"its place), got {scheme.shapley_values}: the pooled data are worth "
            "nothing more to anyone. Check the data, the scale of their features and "
            "the length scale."
        )
    if scheme.status is RewardStatus.FAILED:
        return RewardSchemeError(
            "The linear program of the reward scheme was not solved, for a numerical "
            f"reason. Shapley values {scheme.shapley_values}, lower values "
            f"{scheme.lower_values}, upper values {scheme.upper_values}."
        )
    region = scheme.region
    rho = region.widest_rho()
    lower, upper = region.binding_parties(rho)
    least = scheme.upper_values[region.parties].min()
    most = scheme.lower_values[region.parties].max()
    return InfeasibleError(
        "No reward values keep all bounds (parties are counted from 0): party "
        f"{lower} must get at least {scheme.lower_values[lower]:.6g}, party {upper} "
        f"can get at most {scheme.upper_values[upper]:.6g}, and no rho between 0 and 1 "
        f"is fair to all; rho = {rho:.4g} comes closest. Draw more candidates and "
        "compute everything anew, lower all that parties must get by the least factor "
        "that will do (relax=True), or give up stability, which lowers it too. It is "
        "enough if the smallest upper value is no less than the largest "
        f"lower value; now they are {least:.6g} and {most:.6g}.",
        lower_party=lower,
        upper_party=upper,
        rho=rho,
    )
