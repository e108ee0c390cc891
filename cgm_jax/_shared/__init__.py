"""What every folder uses: arrays and their precision, archives, progress, threads."""

__all__: list[str] = []
