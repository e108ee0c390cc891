"""Where a data set is looked for, and the cache of what was fetched.

The order: the path that the caller names; the folder of that data set in the folder
that the environment variable ``CGM_JAX_DATA`` names; the user's cache. A fetched data
set is one file ``NAME.npz`` of arrays, with its SHA-256 in ``NAME.json`` beside it. A
cached file that does not have that digest is never read, and never removed.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from cgm_jax._shared.archive import ArchiveError, read_archive, write_archive
from cgm_jax._shared.digests import digest_of_file
from cgm_jax._shared.publishing import publish

from .data_errors import DamagedDataError, DataNotFoundError

DATA_VARIABLE = "CGM_JAX_DATA"


def cache_folder() -> Path:
    """The user's folder of fetched data sets; it need not exist."""
    home = Path.home()
    places = {
        "darwin": home / "Library" / "Caches",
        "win32": Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local"),
    }
    given = os.environ.get("XDG_CACHE_HOME")
    parent = Path(given) if given else places.get(sys.platform, home / ".cache")
    return parent / "cgm-jax"


def locate(name: str, path: str | Path | None, *, stand_in: str) -> Path:
    """An existing folder or file of a data set; a cached file has been checked.

    ``stand_in`` names, for the error, the function that generates similar data.
    """
    if path is not None:
        if Path(path).exists():
            return Path(path)
        raise DataNotFoundError(
            f"Expected {name} at {path}, found nothing there; check the path."
        )
    variable = os.environ.get(DATA_VARIABLE)
    if variable and (Path(variable) / name).exists():
        return Path(variable) / name
    cached = cached_file(name)
    if cached.exists():
        check_digest(cached)
        return cached
    first = Path(variable) / name if variable else f"${DATA_VARIABLE} (not set)"
    raise DataNotFoundError(
        f"{name} is neither at {first} nor at {cached}; fetch it once with "
        f'`cgm-jax fetch {name}` or `cgm_jax.datasets.fetch("{name}")`, or name the '
        f"path of a copy. Without any file: `cgm_jax.datasets.{stand_in}`."
    )


def cached_file(name: str) -> Path:
    """Where a fetched data set is kept, whether or not it has been fetched."""
    return cache_folder() / f"{name}.npz"


def check_digest(cached: Path) -> None:
    """Make sure that a cached file has the SHA-256 that was noted beside it."""
    note = cached.with_suffix(".json")
    advice = (
        "it is not used and was left as it is; to replace it: "
        f'`cgm_jax.datasets.fetch("{cached.stem}", replace=True)`'
    )
    try:
        expected = json.loads(note.read_text("utf-8"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedDataError(
            cached,
            f"expected its SHA-256 in {note.name}, found none that can be read; "
            f"{advice}",
        ) from error
    found = digest_of_file(cached)
    if found != expected:
        raise DamagedDataError(
            cached,
            f"expected the SHA-256 {expected} that was noted when it was fetched, "
            f"found {found}; {advice}",
        )


def store(name: str, arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> Path:
    """Put the arrays of a data set into the cache, in place of what is there."""
    cached = cached_file(name)
    # The note after the data: a file without its note is reported, never used.
    write_archive(cached, "data set", {}, arrays)
    text = json.dumps({"sha256": digest_of_file(cached)}, indent=1) + "\n"
    publish(cached.with_suffix(".json"), lambda file: file.write(text.encode()))
    return cached


def read_arrays(path: Path, *names: str) -> list[Shaped[np.ndarray, "..."]]:
    """Arrays of a file that `store` wrote, or of a copy of it, in the order named."""
    try:
        _, arrays = read_archive(
            path, "data set", advice="fetch it again with `replace=True`"
        )
    except ArchiveError as error:
        raise DamagedDataError(path, error.sentence) from error
    if missing := set(names).difference(arrays):
        raise DamagedDataError(
            path,
            f"expected the arrays {', '.join(names)} of a fetched data set, found none "
            f"named {', '.join(sorted(missing))}; is it the file of another data set?",
        )
    return [arrays[name] for name in names]
