"""Takes pending builds in order, gives each a worker, and writes down how it ended."""
