"""One file for each revision. They are history: a table of today may differ from the one that a revision made."""
