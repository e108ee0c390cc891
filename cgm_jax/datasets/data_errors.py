"""What can go wrong with the files of a data set, in one line for a person."""

from pathlib import Path

__all__ = ["DamagedDataError", "DataNotFoundError", "DownloadError"]


class DataNotFoundError(FileNotFoundError):
    """A data set is in none of the places looked at."""


class DownloadError(OSError):
    """A data set could not be fetched."""


class DamagedDataError(ValueError):
    """A file is not what it should be: cut off, altered or of another format.

    Args:
        file: the file's path.
        sentence: what was expected, what was found, what to do.
    """

    def __init__(self, file: Path, sentence: str):
        self.file, self.sentence = file, sentence
        super().__init__(f"{file}: {sentence}")
