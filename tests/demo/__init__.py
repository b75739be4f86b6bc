"""The bundled recording: a small simulated cluster, scraped into a real Prometheus, recorded by the tool."""
