"""Pull counters into DataFrames with another library, as its documentation shows.

Run by the Python of `.venv/peers`, which holds these libraries and nothing of ours:
`peer_pull.py LIBRARY URL START END`, times in Unix seconds. Prints the number of samples.
"""

import sys
from datetime import datetime, timedelta

METRICS = (
    "kepler_pod_cpu_joules_total",
    "kepler_node_cpu_active_joules_total",
    "kepler_node_cpu_idle_joules_total",
)


def api_client(url: str, start: int, end: int) -> int:
    """`prometheus-api-client`: stored samples, one row each."""
    from prometheus_api_client import MetricRangeDataFrame, PrometheusConnect

    server = PrometheusConnect(url=url, disable_ssl=True)
    rows = 0
    for metric in METRICS:
        data = server.get_metric_range_data(
            metric,
            start_time=datetime.fromtimestamp(start),  # noqa: DTZ006 -- the library takes local times
            end_time=datetime.fromtimestamp(end),  # noqa: DTZ006
            chunk_size=timedelta(seconds=end - start),
        )
        rows += len(MetricRangeDataFrame(data))
    return rows


def pandas_query(url: str, start: int, end: int) -> int:
    """`prometheus-pandas`: values on a grid of 30 s, one column for each series."""
    from prometheus_pandas import query

    server = query.Prometheus(url)
    return sum(int(server.query_range(metric, start, end, "30s").count().sum()) for metric in METRICS)


LIBRARIES = {"prometheus-api-client": api_client, "prometheus-pandas": pandas_query}

if __name__ == "__main__":
    library, url, start, end = sys.argv[1:]
    print(LIBRARIES[library](url, int(start), int(end)))
