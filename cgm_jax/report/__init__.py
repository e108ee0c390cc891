"""What people read: the page of a run, its numbers, its sentences."""

__all__: list[str] = []
