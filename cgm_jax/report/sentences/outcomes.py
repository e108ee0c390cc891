"""Why the draw of a reward ended, in the same words wherever it is said."""

_WORDS = {
    "reached": "reached",
    "exhausted": "no candidates left",
    "stalled": "value stopped rising",
    "max_picks": "limit on points",
}


def outcome(stop_reason: str, num_points: int) -> str:
    """What a party's reward came to."""
    if stop_reason == "reached" and not num_points:
        return "own data suffice"
    return _WORDS[stop_reason]
