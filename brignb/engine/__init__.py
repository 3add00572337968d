"""Executes a notebook and journals what was seen."""
