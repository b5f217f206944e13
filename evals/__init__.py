"""Evaluations: programs that attack the service, score it, and print what they found."""
