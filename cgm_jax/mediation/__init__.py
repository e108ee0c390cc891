"""A run from the parties' files to their reward files."""

from .publish import publish_mediation as publish_mediation
from .repeated_audit import AuditedDraw as AuditedDraw
from .repeated_audit import audit_folder as audit_folder
from .run import Mediation as Mediation
from .run import Settings as Settings
from .run import mediate as mediate

__all__ = [
    "AuditedDraw",
    "Mediation",
    "Settings",
    "audit_folder",
    "mediate",
    "publish_mediation",
]
