"""One file per guard. Their order is written down in `trust/policy.py`."""
