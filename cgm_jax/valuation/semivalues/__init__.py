"""Shapley values and other semivalues of ratio games, in polynomial time."""

__all__: list[str] = []
