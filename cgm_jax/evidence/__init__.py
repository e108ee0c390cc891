"""What rows say of how they were made: copies, noise, other parties' resamples.

For the mediator, who sees all rows; nothing here is for a party's eyes. A finding is
evidence, not proof: it says what chance would hardly do.

- `near_duplicates`: rows that two parties share, exactly or nearly;
- `clusters_by_evidence`: parties whose rows are each other's, numbered as one.
"""

from .clusters import clusters_by_evidence
from .near_duplicates import NearDuplicates, near_duplicates

__all__ = ["NearDuplicates", "clusters_by_evidence", "near_duplicates"]
__dir__ = __all__.copy
