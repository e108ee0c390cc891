"""A run from the parties' files to their reward files."""

__all__: list[str] = []
