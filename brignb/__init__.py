"""Event-driven pipelines, written, run and debugged in a notebook."""
