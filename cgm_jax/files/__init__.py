"""The parties' files in, reward files and reports out; every write is atomic.

CSV, Parquet and NPY files are read into one `Parties`; an `InputError` names the file
and the place, never a cell's value.
"""

from .atomic import prepare_output_dir, write_atomically, write_text
from .input_errors import FileAccessError, InputError, UsageError
from .reading import Parties, PartyFile, read_parties
from .sizes import table_sizes
from .writing import write_json, write_reward_csv, write_shapiq_game

__all__ = [
    "FileAccessError",
    "InputError",
    "Parties",
    "PartyFile",
    "UsageError",
    "prepare_output_dir",
    "read_parties",
    "table_sizes",
    "write_atomically",
    "write_json",
    "write_reward_csv",
    "write_shapiq_game",
    "write_text",
]
__dir__ = __all__.copy
