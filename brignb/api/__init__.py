"""HTTP: gateway routes, the API, health and metrics. What the outside says becomes calls of the seams; nothing is decided here."""
