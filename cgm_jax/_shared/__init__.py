"""What every folder uses and nobody else needs: arrays, precision, files, threads."""

__all__: list[str] = []
