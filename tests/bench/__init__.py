"""Timings, printed as ratios against a peer in the same run: `make bench`. Nothing here asserts a time."""
