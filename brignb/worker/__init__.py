"""The worker: one process that executes one build's notebook and fires its handlers."""
