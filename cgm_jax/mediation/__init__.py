"""A run from the parties' files to their reward files.

`run.mediate` computes everything, `publish.publish_mediation` writes it, and
`repeated_audit.audit_folder` audits the folder of a finished run.
"""

__all__: list[str] = []
