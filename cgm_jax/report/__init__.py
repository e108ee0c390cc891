"""What people read: the page of a run, its numbers, its pictures, its sentences.

A `ReportSection` is one collaboration and its names; `report_page` is the page of
several, `report_data` their numbers as JSON. Every sentence is made in `sentences`.
"""

from .data import audit_data, report_data
from .handing_out import before_handing_out
from .page import report_page
from .pictures import Picture, draw_pictures
from .sections import CandidateOrigin, PartyFiles, ReportSection, TableFacts

__all__ = [
    "CandidateOrigin",
    "PartyFiles",
    "Picture",
    "ReportSection",
    "TableFacts",
    "audit_data",
    "before_handing_out",
    "draw_pictures",
    "report_data",
    "report_page",
]
__dir__ = __all__.copy
