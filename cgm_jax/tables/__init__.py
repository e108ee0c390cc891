"""Tables as parties have them: cells that are read, kinds of columns, rows as points.

`read_cells` reads a column of an Arrow table; `infer` says what kind it is;
`TableCodec` makes points of the rows of all parties, and rows of points. Numbers, dates
and times are one coordinate each, in standard deviations; a category is one coordinate
for each of its values, so high that two rows of different categories are as far apart
as two values of a number usually are. The squared exponential of such points is a
product over columns: characteristic, as on numbers.
"""

from .cells import CellProblem, Cells, Spelling, as_text
from .codec import TableCodec
from .columns import ColumnChoice, columns_json, read_columns
from .frames import encode_frames
from .kinds import ColumnFacts, infer
from .reading import read_cells

__all__ = [
    "CellProblem",
    "Cells",
    "ColumnChoice",
    "ColumnFacts",
    "Spelling",
    "TableCodec",
    "as_text",
    "columns_json",
    "encode_frames",
    "infer",
    "read_cells",
    "read_columns",
]
__dir__ = __all__.copy
