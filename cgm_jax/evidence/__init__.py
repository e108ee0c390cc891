"""What rows say of how they were made: copies, noise, other parties' moved rows.

For the mediator, who sees all rows; nothing here is for a party's eyes. A finding is
evidence, not proof: it says what chance would hardly do. Of two parties with the same
rows it does not say who had them first.

- `near_duplicates`: rows that two parties share, exactly or nearly;
- `noise_rows`: rows that look like noise, not like anybody's rows;
- `resamples`: parties whose data are more alike than independent samples;
- `clusters_by_evidence`: parties whose rows are each other's, numbered as one;
- `find_evidence`: the first three together.
"""

from .clusters import clusters_by_evidence
from .evidence import Evidence, find_evidence
from .near_duplicates import NearDuplicates, near_duplicates
from .noise_rows import NoiseRows, noise_rows
from .resamples import Resamples, resamples

__all__ = [
    "Evidence",
    "NearDuplicates",
    "NoiseRows",
    "Resamples",
    "clusters_by_evidence",
    "find_evidence",
    "near_duplicates",
    "noise_rows",
    "resamples",
]
__dir__ = __all__.copy
