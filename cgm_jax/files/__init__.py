"""The parties' files in, reward files and reports out; every write is atomic.

CSV, Parquet and NPY files are read into one `Parties`; an `InputError` names the file
and the place, never a cell's value.
"""

from .atomic import prepare_output_dir as prepare_output_dir
from .atomic import write_atomically as write_atomically
from .atomic import write_text as write_text
from .input_errors import FileAccessError as FileAccessError
from .input_errors import InputError as InputError
from .input_errors import UsageError as UsageError
from .reading import Parties as Parties
from .reading import PartyFile as PartyFile
from .reading import read_parties as read_parties
from .writing import write_json as write_json
from .writing import write_reward_csv as write_reward_csv
from .writing import write_shapiq_game as write_shapiq_game

__all__ = [
    "FileAccessError",
    "InputError",
    "Parties",
    "PartyFile",
    "UsageError",
    "prepare_output_dir",
    "read_parties",
    "write_atomically",
    "write_json",
    "write_reward_csv",
    "write_shapiq_game",
    "write_text",
]
