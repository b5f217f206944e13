"""Research: a lead plans sub-questions about a record, workers look them up side by side, every claim is checked."""
