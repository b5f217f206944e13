"""The `offline` chat model: plans, calls tools and writes grounded answers by rules, without key or network."""

from agents._offline.model import OfflineModel

__all__ = ["OfflineModel"]
