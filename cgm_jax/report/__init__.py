"""What people read: the page of a run, its numbers, its pictures, its sentences.

A `ReportSection` is one collaboration and its names; `report_page` is the page of
several, `report_data` their numbers as JSON. Every sentence is made in `sentences`.
"""

from .data import audit_data as audit_data
from .data import report_data as report_data
from .page import report_page as report_page
from .pictures import Picture as Picture
from .pictures import draw_pictures as draw_pictures
from .sections import CandidateOrigin as CandidateOrigin
from .sections import ReportSection as ReportSection

__all__ = [
    "CandidateOrigin",
    "Picture",
    "ReportSection",
    "audit_data",
    "draw_pictures",
    "report_data",
    "report_page",
]
