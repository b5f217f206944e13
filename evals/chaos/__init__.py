"""Kills the service's processes at random instants while it works, and counts what was lost or done twice."""
