"""Each turns one sender's HTTP request into events or a refusal."""
