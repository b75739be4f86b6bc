"""`make load`: a large cluster, a Prometheus at its limits, and a sum worked out beside the tool."""
