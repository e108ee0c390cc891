"""What a run from files to files holds and does besides, counted as in ``stages``."""

import math

from cgm_jax.evidence.pool_neighbors import ENTRIES_AT_ONCE
from cgm_jax.valuation.coalitions import MAX_TABLE_PARTIES

from .stages import Task, Work, drawing, one_pass

__all__ = [
    "audit",
    "cheating",
    "evidence",
    "files",
    "generators",
    "nearest_rows",
    "quality",
    "report",
]

NUM_SAMPLED = 2**16  # values of coalitions, of more than 20 parties
NUM_PIECES = 20  # arrays that a party hands in where cheating is tried out
ROWS_OF_PIECES = 10  # for every row of the party
# Seconds of one core, measured: neither is a program that `Rates` times.
NEAREST_PAIR = 3e-7  # of a reward's row and a real one: distances and the attack
QUALITY_TABLE, QUALITY_CELL = 0.4, 3.5e-6  # of two tables, and of each of their cells
MOST_JUDGED, MOST_OF_STATEMENT = 10_000, 2_000  # rows that classifiers get
# Bytes of the libraries that a step loads and of the programs that it compiles,
# measured with 2,000 to 33,000 rows: to read, to fit, for distances, and for pictures.
READING, READ = 130e6, 4.8  # JAX's threads included; for each byte of the files
FITTING = 46e6  # for each doubling of the rows
ROWS_OF_COMPONENT = 5
COPIES = 200  # drawn rows whose distances to all are looked at at once
DISTANCES, PICTURES = 70e6, 164e6
DRAWS = 25  # of every party: honest, and for all that it hands in by 17 ways


def files(task: Task) -> Work:
    """The files as cells of tables."""
    kept = READING + READ * task.file_bytes
    return Work(kept, kept)


def generators(task: Task) -> Work:
    """Fits of more and more components, and distances that tell copies."""
    num_doublings = math.log2(max(2, task.num_rows / ROWS_OF_COMPONENT))
    programs = FITTING * num_doublings
    distances = 3 * 8 * min(COPIES, task.num_rows) * task.num_rows
    rows = 4 * 8 * task.num_columns * task.num_rows
    return Work(programs, programs + max(distances, rows))


def evidence(task: Task) -> Work:
    """Rows of other parties that are nearest to each: copies, and noise."""
    rows = 4 * 8 * task.num_columns * task.num_rows
    return Work(host=rows + 4 * 8 * min(ENTRIES_AT_ONCE, task.num_rows**2))


def report(task: Task) -> Work:
    """Pages and pictures."""
    del task
    return Work(PICTURES, PICTURES)


def audit(task: Task) -> Work:
    """Conditions on the values of all coalitions, or of a sample of them."""
    n = task.num_parties
    if n <= MAX_TABLE_PARTIES:
        return Work(host=32 * 2**n, flops=64 * n**2 * 2**n)
    num = max(NUM_SAMPLED // n, 64)
    return Work(host=40 * num * n, flops=4 * num * n**3)


def nearest_rows(task: Task, num_picks: int) -> Work:
    """Distances of rewards to the real rows, beside a control, and an attack."""
    num_picks = min(num_picks, task.num_candidates)
    num_pairs = float(task.num_parties) * num_picks * task.num_rows
    host = 8 * task.num_columns * (3 * task.num_rows + 3 * num_picks)
    return Work(host=host + DISTANCES, seconds=NEAREST_PAIR * num_pairs)


def quality(task: Task, num_picks: int) -> Work:
    """Candidates and rewards beside real rows, for the report and for statements."""
    n, num_rows, g = task.num_parties, task.num_rows, task.num_candidates
    num_picks = min(num_picks, g)
    each = max(1_000, MOST_JUDGED // n)
    num_judged = (
        min(num_rows, MOST_JUDGED)
        + min(g, MOST_JUDGED)
        + n * (min(num_rows, each) + min(num_picks, each))
        + min(num_rows, n * MOST_OF_STATEMENT)
        + n * min(num_picks, MOST_OF_STATEMENT)
    )
    seconds = QUALITY_TABLE * (1 + 2 * n)
    seconds += QUALITY_CELL * task.num_columns * num_judged
    kept = 9 * task.num_columns * g  # the candidates as cells
    at_once = min(num_rows, MOST_JUDGED) + min(g, MOST_JUDGED)
    rows = 8 * task.num_columns * (2 * num_rows + 4 * at_once)
    return Work(kept, kept + rows, seconds=seconds)


def cheating(task: Task, num_picks: int) -> Work:
    """Trials of cheating of up to 20 parties: a pass for each, and many draws."""
    n = task.num_parties
    one = task._replace(
        num_parties=NUM_PIECES,
        num_rows=max(NUM_PIECES, ROWS_OF_PIECES * task.num_rows // n),
        num_candidates=task.num_candidates + task.num_rows,
    )
    sums = one_pass(one, among_candidates=False)
    draws = drawing(task, num_picks)
    kept = 8 * task.num_candidates * (n + NUM_PIECES + 1)
    merged = 2 * task.num_workers * 8 * task.num_candidates * (n + 1)
    return Work(
        host=2 * kept + max(sums.host, merged + draws.host),
        device=max(sums.device, draws.device),
        pairs=n * sums.pairs,
        cross=n * sums.cross,
        starts=DRAWS * draws.starts,
        picks=DRAWS * draws.picks,
    )
