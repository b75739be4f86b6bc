"""The same as `make load` in small: a Prometheus at its limits is asked for less, and the sums are right."""

from __future__ import annotations

from pathlib import Path

import pytest

from sci_batch.cli.main import main
from tests import servers
from tests.load.__main__ import JOULES_PER_KWH
from tests.load.counting import counting
from tests.load.world import START_SECONDS, Size, Sums, cluster
from tests.simulator.series import remote_write_bodies

pytestmark = pytest.mark.live

SIZE = Size(pods=60, lives=4, nodes=4, namespaces=30, hours=3)


def test_a_server_at_its_limits(tmp_path: Path) -> None:
    import pandas as pd

    sums, result = Sums(), tmp_path / "result.csv"
    flags = ("--query.max-samples=3000", "--query.max-concurrency=2")
    with servers.prometheus(flags=flags) as server:
        servers.load_remote_write(server.url, remote_write_bodies(cluster(SIZE, sums)))
        with counting(server.url) as seen:
            code = main([
                "compute", "-q", "-p", seen.url, "--intensity", "380", "--start", str(START_SECONDS),
                "--end", str(SIZE.end_seconds), "--concurrency", "3", "-o", f"csv={result}",
            ])  # fmt: skip
    assert code == 0
    assert seen.statuses[422] > 0, "the server refused some, as too many samples"
    assert seen.statuses[200] > 0
    assert 1 < seen.most_under_way <= 3
    rows = pd.read_csv(result)
    found = rows.groupby("namespace")["active_kwh"].sum() * JOULES_PER_KWH
    assert found.to_dict() == pytest.approx(dict(sums.pods), rel=1e-9)
    assert rows["energy_kwh"].sum() * JOULES_PER_KWH == pytest.approx(sums.nodes, rel=1e-9)
