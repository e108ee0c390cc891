"""What a run would take, before it starts."""

import math

from cgm_jax.planning import Plan

WORTH_SAYING = 0.05  # seconds of a step


def plan_sentences(plan: Plan, most: Plan | None = None) -> list[str]:
    """Memory and time by steps, what a TPU makes of float64, and what growth costs.

    ``most`` is the plan of the most candidates that may be drawn.
    """
    sentences = [_memory_sentence(plan), _time_sentence(plan)]
    if plan.task.platform == "tpu" and plan.task.dtype == "float64":
        sentences.append(
            "A TPU has no float64: these points take about 14 times as long as in "
            "float32, and 2.3 GB of temporaries a tile. Hand them in as float32."
        )
    if most is not None and most.host_bytes > plan.host_bytes:
        room = "" if most.fits else ", which is more than there is"
        sentences.append(
            f"Up to {most.task.num_candidates:,} candidates are drawn where fewer "
            f"cannot keep all promises: about {_gigabytes(most.host_bytes)} of memory "
            f"then{room}."
        )
    return sentences


def _memory_sentence(plan: Plan) -> str:
    steps = ", ".join(
        f"{part.name} {_gigabytes(part.host_bytes)}" for part in plan.parts
    )
    sentence = (
        f"Memory: about {_gigabytes(plan.host_bytes)} at most, of "
        f"{_gigabytes(plan.host_capacity)} there is ({steps})."
    )
    if plan.device_bytes:
        sentence += (
            f" On the device: about {_gigabytes(plan.device_bytes)}, of "
            f"{_gigabytes(plan.device_capacity)}."
        )
    return sentence


def _time_sentence(plan: Plan) -> str:
    if math.isnan(plan.seconds):
        return (
            "Time: not estimated for so few points, of which most goes into compiling "
            "and generators; `cgm-jax plan` times this device."
        )
    steps = ", ".join(
        f"{part.name} {_duration(part.seconds)}"
        for part in plan.parts
        if part.seconds >= WORTH_SAYING
    )
    generators = ""
    if plan.task.from_files:
        generators = (
            " Fitting generators and comparing them comes before, and is not counted: "
            "it can take minutes, and training an mmd-gan many."
        )
    return (
        f"Time: about {_duration(plan.seconds)} ({steps}), with 1,000 rows for every "
        "party. How many each gets is not known beforehand; sampling takes "
        f"{_duration(plan.most_sampling_seconds)} at most.{generators}"
    )


def _gigabytes(num_bytes: float) -> str:
    if math.isinf(num_bytes):
        return "an unknown size"
    return f"{num_bytes / 1e9:,.2f} GB"


def _duration(seconds: float) -> str:
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.1f} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
