"""The repository at an event's commit, by real git."""
