"""How often chores that look into every tenant come round: less often the longer they take."""


def pause_after(took_s: float, *, every_s: float, share: float, longest_s: float) -> float:
    """Seconds until the next round after one that took so long, if rounds are to take `share` of the time at most."""
    return max(every_s, min(longest_s, took_s * (1 / share - 1)))
