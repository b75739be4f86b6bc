"""The Prometheus HTTP API: session, login, retries, errors, answers."""
