"""What the text of a compiled program says: launches, collectives, callbacks, float64.

XLA prints a program as computations, of which a loop names the one that is its body.
"""

import math
import re

__all__ = ["callbacks", "collectives", "float64_arrays", "launches_per_step"]

COLLECTIVES = (
    "all-gather",
    "all-reduce",
    "all-to-all",
    "collective-broadcast",
    "collective-permute",
    "ragged-all-to-all",
    "reduce-scatter",
)
TO_HOST = ("infeed", "outfeed", "recv", "send")
# These are names for what is there already.
FREE = {"parameter", "get-tuple-element", "tuple", "constant", "bitcast", "iota"}

_HEAD = re.compile(r"^(?:ENTRY )?%?([\w.\-]+) .*\{$")
# NAME = TYPE OPERATION(...): a type has no space but inside of its brackets.
_LINE = re.compile(
    r"^(?:ROOT )?%?[\w.\-]+ = (?P<type>\(.*?\)|\S+) (?P<name>[a-z][\w\-]*)\("
)
_FLOAT64 = re.compile(r"f64\[([\d,]+)\]")
_BODIES = "(?:body|branch_computations|true_computation|false_computation)"
_ROLES = f"(?:calls|to_apply|condition|{_BODIES})"
# What these make is made by their parts.
_PARTS = FREE | {"call", "conditional", "fusion", "while"}


def collectives(text: str) -> set[str]:
    """The kinds of exchange between devices; one that starts and ends is one kind."""
    names = {name.removesuffix("-start") for name in _operations(text)}
    return names & set(COLLECTIVES)


def callbacks(text: str) -> set[str]:
    """Operations in which the program waits for Python, or for data from the host."""
    targets = re.findall(r'custom_call_target="([^"]*)"', text)
    called = {target for target in targets if "callback" in target.lower()}
    return called | {name for name in _operations(text) if name in TO_HOST}


def launches_per_step(text: str) -> int:
    """What a step of the outermost loop starts: kernels, copies and library calls."""
    return _launches(_computations(text), _outer_body(text))


def float64_arrays(text: str, *, more_than: int = 1) -> list[str]:
    """Operations in a step of the outermost loop on more float64 numbers than some.

    Without updates in place, which write one number of a longer array.
    """
    found = []
    for line in _reached(_computations(text), _outer_body(text)):
        match = _LINE.match(line)
        if match and match["name"] not in _PARTS | {"dynamic-update-slice"}:
            sizes = _FLOAT64.findall(match["type"])
            if any(math.prod(map(int, n.split(","))) > more_than for n in sizes):
                found.append(f"{match['name']}: {match['type']}")
    return found


def _computations(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if not line.startswith(" ") and (match := _HEAD.match(line)):
            lines = found.setdefault(match[1], [])
        elif " = " in line:
            lines.append(line.strip())
    return found


def _operations(text: str) -> list[str]:
    matches = (_LINE.match(line.strip()) for line in text.splitlines())
    return [match["name"] for match in matches if match]


def _outer_body(text: str) -> str:
    """The body of the longest loop that is in no other loop."""
    computations = _computations(text)
    bodies = {
        name: _reached(computations, name)
        for lines in computations.values()
        for line in lines
        for name in _called(line, "body")
    }
    inner = {
        name
        for lines in bodies.values()
        for line in lines
        for name in _called(line, "body")
    }
    return max(bodies.keys() - inner, key=lambda name: len(bodies[name]))


def _called(line: str, role: str) -> list[str]:
    """The computations that a line calls in some role, one or a list in braces."""
    named = re.findall(rf"\b{role}=(\{{[^}}]*\}}|%?[\w.\-]+)", line)
    return re.findall(r"[\w.\-]+", " ".join(named))


def _reached(computations: dict[str, list[str]], name: str) -> list[str]:
    """The lines of a computation and of all that it calls."""
    waiting, seen = [name], {}
    while waiting:
        if (name := waiting.pop()) in seen or name not in computations:
            continue
        seen[name] = computations[name]
        waiting += [called for line in seen[name] for called in _called(line, _ROLES)]
    return [line for lines in seen.values() for line in lines]


def _launches(computations: dict[str, list[str]], name: str) -> int:
    total = 0
    for line in computations[name]:
        match = _LINE.match(line)
        if not match or match["name"] in FREE or match["name"].endswith("-done"):
            continue
        inner = [_launches(computations, called) for called in _called(line, _BODIES)]
        if match["name"] == "call":  # on a GPU, a graph of launches
            total += _launches(computations, *_called(line, "to_apply"))
        elif match["name"] == "while":
            times = re.search(r'known_trip_count":\{"n":"(\d+)"', line)
            total += sum(inner) * int(times[1] if times else 1)
        else:  # where it branches, the flag is read first
            total += 1 + max(inner, default=0)
    return total
