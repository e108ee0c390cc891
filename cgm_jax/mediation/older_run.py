"""What an older run left in an output folder: its files go when the new ones are there.

A run's ``mediator/report.json`` lists its files. Only those are ever removed, and of
them none that was changed since: what else is in the folder is the user's.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from cgm_jax._shared.digests import digest_of_file
from cgm_jax.files.input_errors import access_error

__all__ = ["ListedFile", "listed_files", "other_folders", "remove_older"]

LISTS = "reward_files", "statements", "pages"  # in a report, of {"file", "sha256"}


class ListedFile(NamedTuple):
    """A file that a report lists: its path, and its digest if that is listed, too."""

    path: Path
    sha256: str | None

    @property
    def is_unchanged(self) -> bool:
        """Whether it is there, as the run wrote it."""
        return self.path.is_file() and (
            self.sha256 is None or digest_of_file(self.path) == self.sha256
        )


def listed_files(folder: Path) -> list[ListedFile]:
    """The files that the report in a folder lists; none if it is damaged."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        report = json.loads((folder / "mediator" / "report.json").read_text("utf-8"))
        return list(_listed(report, folder.resolve()))
    return []


def remove_older(folder: Path, older: Collection[ListedFile]) -> None:
    """Remove files of an older run that the new one did not replace."""
    new = {_identity(file.path) for file in listed_files(folder)}
    for file in older:
        try:
            if file.is_unchanged and _identity(file.path) not in new:
                file.path.unlink()
                if file.path.parent != folder.resolve():
                    with suppress(OSError):  # other files are in it
                        file.path.parent.rmdir()
        except OSError as error:
            raise access_error(file.path, "removed", error) from None


def other_folders(folder: Path, names: Collection[str]) -> tuple[str, ...]:
    """Folders that are neither a party's of this run nor the mediator's."""
    known = {_identity(folder / name) for name in (*names, "mediator")}
    return tuple(
        path.name
        for path in sorted(folder.iterdir())
        if path.is_dir()
        and not path.name.startswith(".")
        and _identity(path) not in known
    )


def _listed(report: Any, folder: Path) -> Iterator[ListedFile]:
    for name in LISTS:
        for entry in report.get(name, []):
            path = (folder / entry["file"]).resolve()
            if path.is_relative_to(folder):  # also where folders became links
                yield ListedFile(path, entry.get("sha256"))


def _identity(path: Path) -> tuple[int, int] | None:
    """The same for all spellings of a name that the file system takes for one."""
    with suppress(OSError):
        status = path.stat()
        return status.st_dev, status.st_ino
    return None
