"""A run from the parties' files to their reward files.

`mediate` computes, `publish_mediation` writes, and `audit_folder` repeats the audit of
a finished run from its files.
"""

__all__: list[str] = []
