"""What can go wrong with the parties' files and with the output folder.

Each exception says in one line what was expected, what was found and what to do. It
never holds a cell of a party's file: at most its kind and place. The first data are in
row 2 of a CSV file, and in row 1 of others; columns have their name, or their position,
from 1, where the header itself is at fault.
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "FileAccessError",
    "InputError",
    "Problem",
    "UsageError",
    "access_error",
    "one_line",
]

_LONGEST_NAME = 60


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a party's file, and where.

    Args:
        sentence: what was expected, what was found, what to do; no cell's value.
        file: path of the file, as the user gave it.
        column: name or position of the column.
        row: row as a person counts it in the file.

    Example:
        >>> str(Problem("expected a name; add one", Path("a.csv"), column=2, row=1))
        'a.csv, column 2, row 1: expected a name; add one'
    """

    sentence: str
    file: Path
    column: str | int | None = None
    row: int | None = None

    def __str__(self) -> str:
        place = str(self.file)
        if self.column is not None:
            name = str(self.column)
            cut = name[: _LONGEST_NAME - 1] + "…" if len(name) > _LONGEST_NAME else name
            place += f", column {cut}"
        if self.row is not None:
            place += f", row {self.row}"
        return one_line(f"{place}: {self.sentence}")


class UsageError(ValueError):
    """A usage error: options that do not fit together (exit code 2)."""

    def __init__(self, sentence: str):
        super().__init__(one_line(sentence))


class FileAccessError(OSError):
    """A file or folder cannot be read or written (exit code 6)."""

    def __init__(self, sentence: str):
        super().__init__(one_line(sentence))


class InputError(ValueError):
    """A party's file does not hold what it should (exit code 3).

    Its text is ``FILE, column C, row R: what was expected, what to do``, as far as the
    parts apply; they are attributes, too. Where more is wrong than that, ``problems``
    has all of it, this first.

    Args:
        sentence: what was expected, what was found, what to do; no cell's value.
        file: path of the file, as the user gave it.
        column: name or position of the column.
        row: row as a person counts it in the file.
        more: what else is wrong, in this file or in others.
    """

    def __init__(
        self,
        sentence: str,
        *,
        file: Path,
        column: str | int | None = None,
        row: int | None = None,
        more: Sequence[Problem] = (),
    ):
        self.sentence, self.file, self.column, self.row = sentence, file, column, row
        first = Problem(sentence, file, column, row)
        self.problems = (first, *more)
        super().__init__(str(first))

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> "InputError":
        """The first of the problems, and more."""
        first, *more = problems
        return cls(
            first.sentence,
            file=first.file,
            column=first.column,
            row=first.row,
            more=more,
        )


def access_error(path: str | Path, doing: str, error: OSError) -> FileAccessError:
    """The system's error, as one line that says what to do."""
    reason = error.strerror or type(error).__name__
    advice = _ADVICE.get(error.errno or 0, "check the path and the disk and try again")
    return FileAccessError(f"{path}: could not be {doing} ({reason}); {advice}")


def one_line(text: str) -> str:
    """The text with everything that a terminal does not print as it is escaped."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


_FULL = errno.ENOSPC, errno.EDQUOT, errno.EFBIG
_ADVICE = {
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR), "check the path"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "check the permissions"),
    errno.EISDIR: "give a file, not a folder",
    errno.EROFS: "choose a folder that can be written to",
    **dict.fromkeys(_FULL, "free some space, and run again with --overwrite"),
}
