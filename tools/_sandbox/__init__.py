"""Runs code that nobody has checked, in a process that can do nothing but compute."""
