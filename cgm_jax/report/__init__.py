"""What people read: the page of a run, its numbers, its pictures, its sentences.

A `ReportSection` is one collaboration and its names; `report_page` is the page of
several, `report_data` their numbers as JSON. Every sentence is made in `sentences`.
"""

from .data import audit_data, report_data
from .page import report_page
from .pictures import Picture, draw_pictures
from .sections import CandidateOrigin, ReportSection

__all__ = [
    "CandidateOrigin",
    "Picture",
    "ReportSection",
    "audit_data",
    "draw_pictures",
    "report_data",
    "report_page",
]
__dir__ = __all__.copy
