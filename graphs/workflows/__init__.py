"""Workflows: work in several steps, over days, with people at its checkpoints. One module per workflow."""
