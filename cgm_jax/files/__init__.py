"""The parties' files in, reward files and reports out; every write is atomic.

CSV, Parquet and NPY files are read into one `Parties`: the cells of all tables, and how
each party writes them. `check_parties` lists everything that is wrong with the files,
each a `Problem`; an `InputError` names the file and the place, never a cell's value.
"""

from .atomic import check_output_dir, prepare_output_dir, write_atomically, write_text
from .input_errors import FileAccessError, InputError, Problem, UsageError
from .parties import OwnFormat, Parties, PartyFile, plain_format
from .reading import CheckedFiles, check_parties, read_tables
from .spelling import OwnColumn
from .writing import write_json, write_rewards, write_shapiq_game

__all__ = [
    "CheckedFiles",
    "FileAccessError",
    "InputError",
    "OwnColumn",
    "OwnFormat",
    "Parties",
    "PartyFile",
    "Problem",
    "UsageError",
    "check_output_dir",
    "check_parties",
    "plain_format",
    "prepare_output_dir",
    "read_tables",
    "write_atomically",
    "write_json",
    "write_rewards",
    "write_shapiq_game",
    "write_text",
]
__dir__ = __all__.copy
