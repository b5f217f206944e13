"""Reads questions for a figure over many records, for any tool whose schema offers measures, splits and an order."""

from agents._offline.measuring.question import asks_for_figures, read_figures

__all__ = ["asks_for_figures", "read_figures"]
