"""The data set by day and cluster: each window once, whatever ran before; what breaks off can be finished."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sci_batch import stored
from sci_batch.errors import SinkError, SourceError, UsageError
from sci_batch.report import Report, UnitTotal
from sci_batch.result import Result
from sci_batch.sinks import SINKS, SinkOptions
from sci_batch.sinks.dataset import newest_end_ms
from sci_batch.sinks.storage import Folder
from tests.cli import handmade

DAY = pd.Timestamp("2026-03-01T00:00:00Z")
HOUR = pd.Timedelta(hours=1)


def run(
    first: float,
    last: float,
    *,
    kwh: float = 1.0,
    hours: float = 1,
    unit: str | None = "request",
    cluster: str = "",
    **made: Any,
) -> Report:
    """A run from and to an hour of 1 March 2026, in windows of some hours with two workloads each."""
    starts = np.arange(first, last, hours)
    count = len(starts)
    row = ("Deployment", kwh, 0.0, 10.0 * kwh, kwh, 2.0, 1.0, "gap")
    each = handmade.result(((0, "shop", "web", *row), (0, "shop", "db", *row)))
    start = pd.Series([DAY + float(at) * HOUR for at in starts for _ in range(2)]).dt.as_unit("us")
    frame = pd.concat([each] * count, ignore_index=True)
    units = UnitTotal(name=unit or "", functional_units=4.0 * count, sci_gco2e_per_unit=5.5 * kwh)
    report = handmade.report(
        frame=frame.assign(window_start=start, window_end=start + hours * HOUR), unit=unit,
        rows=2 * count, energy_kwh=2 * kwh * count, node_energy_kwh=2 * kwh * count, pods_kwh=2 * kwh * count,
        unattributed_kwh=0.0, operational_gco2e=20.0 * kwh * count, embodied_gco2e=2.0 * kwh * count,
        carbon_gco2e=22.0 * kwh * count, functional_units=4.0 * count, sci_gco2e_per_unit=5.5 * kwh,
        coverage=1.0, books=count, units=(units,) if unit else (),
    )  # fmt: skip
    times = {"start": text(DAY + first * HOUR), "end": text(DAY + last * HOUR), "window": f"{hours:g}h"}
    words = dataclasses.replace(report.provenance, **{**times, "cluster": cluster, **made})
    return dataclasses.replace(report, provenance=words, flag_counts={"gap": len(frame)})


def text(time: pd.Timestamp) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def write(root: Path | str, *reports: Report, **options: Any) -> None:
    for report in reports:
        SINKS["parquet"](report, None, SinkOptions(target=f"{root}/", **options))


def contents(root: Path) -> dict[str, bytes]:
    """Every file, also those that readers pass over."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def seen(root: Path) -> dict[tuple[float, float], float]:
    """Hours of each window that a reader finds, and its energy [kWh]; each window has its two rows."""
    frame = pd.read_parquet(root)
    start, end = ((frame[name] - DAY) / HOUR for name in ("window_start", "window_end"))
    groups = frame.groupby([start, end])["energy_kwh"]
    assert (groups.size() == 2).all()
    assert (groups.min() == groups.max()).all()
    values = groups.first()
    return dict(zip(values.index, values, strict=True))


def test_a_file_for_each_day_and_cluster(tmp_path: Path) -> None:
    write(tmp_path, run(-2, 2), run(-2, 2, cluster="eu"))
    assert sorted(contents(tmp_path)) == [
        f"date={day}/cluster={cluster}/result.parquet"
        for day in ("2026-02-28", "2026-03-01")
        for cluster in ("default", "eu")
    ]


def test_pandas_and_pyarrow_read_it(tmp_path: Path) -> None:
    write(tmp_path, run(-2, 2, kwh=3.0, cluster="eu"))
    expected = run(-2, 2, kwh=3.0).result
    frame = pd.read_parquet(tmp_path)
    pd.testing.assert_frame_equal(frame.drop(columns=["date", "cluster"]), expected)
    assert frame["date"].tolist() == ["2026-02-28"] * 4 + ["2026-03-01"] * 4
    assert frame["cluster"].tolist() == ["eu"] * 8
    table = ds.dataset(tmp_path, partitioning="hive").to_table(filter=ds.field("date") == "2026-03-01")
    found = table.to_pandas().drop(columns=["date", "cluster"])
    pd.testing.assert_frame_equal(found, expected.iloc[4:].reset_index(drop=True))


def test_each_file_says_what_it_holds(tmp_path: Path) -> None:
    write(tmp_path, run(0, 3), run(3, 5, fingerprint="other"))
    metadata = pq.read_schema(tmp_path / "date=2026-03-01/cluster=default/result.parquet").metadata
    head = json.loads(metadata[b"sci_batch"])
    assert head["provenance"]["start"] == "2026-03-01T00:00:00Z"
    assert head["provenance"]["end"] == "2026-03-01T05:00:00Z"
    assert head["provenance"]["fingerprint"] == "0123456789abcdef+other"
    assert head["provenance"]["notes"][-1].startswith("made by 2 methods (0123456789abcdef, other)")
    assert head["totals"]["rows"] == 10
    assert head["totals"]["node_energy_kwh"] == 10.0
    assert head["flags"]["gap"]["rows"] == 10
    assert len(json.loads(metadata[b"sci_batch_runs"])["runs"]) == 2


def test_one_run_of_a_day_is_stored_as_in_one_file(tmp_path: Path) -> None:
    report = run(0, 24)
    write(tmp_path / "set", report)
    SINKS["parquet"](report, tmp_path / "file", SinkOptions())
    (content,) = contents(tmp_path / "set").values()
    assert content == (tmp_path / "file").read_bytes()


def test_hourly_runs_grow_the_day(tmp_path: Path) -> None:
    for hour in (0, 1, 3, 2):
        write(tmp_path, run(hour, hour + 1, kwh=1.0 + hour))
    assert seen(tmp_path) == {(hour, hour + 1): 1.0 + hour for hour in range(4)}
    totals = stored.read(tmp_path).totals
    assert (totals.energy_kwh, totals.books, totals.node_energy_kwh) == (20.0, 4, 20.0)
    assert totals.functional_units == 16.0
    assert totals.sci_gco2e_per_unit == pytest.approx(11 * 20.0 / 16.0)


@given(
    st.lists(
        st.tuples(st.integers(-30, 40), st.integers(1, 50), st.sampled_from([1, 2, 24, 36])),
        min_size=2,
        max_size=5,
    )
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_runs_in_any_order_leave_each_moment_at_most_once(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[int, int, int]]
) -> None:
    """Against a dictionary of windows; a run that would cover one in part is refused and changes nothing."""
    root = tmp_path_factory.mktemp("set")
    expected: dict[tuple[float, float], float] = {}
    for number, (first, length, hours) in enumerate(runs, start=1):
        start, end = first // hours * hours, -(-(first + length) // hours) * hours
        windows = {(float(at), float(at + hours)) for at in range(start, end, hours)}
        before = contents(root)
        try:
            write(root, run(start, end, hours=hours, kwh=float(number)))
        except SinkError as refused:
            assert "would count a part twice" in refused.what
            assert contents(root) == before
            assert any(in_part(old, windows) for old in expected)
            continue
        assert not any(in_part(old, windows) for old in expected)
        expected = {old: value for old, value in expected.items() if not overlaps(old, windows)}
        expected |= dict.fromkeys(windows, float(number))
        assert seen(root) == expected


def overlaps(old: tuple[float, float], windows: Iterable[tuple[float, float]]) -> bool:
    return any(start < old[1] and old[0] < end for start, end in windows)


def in_part(old: tuple[float, float], windows: Iterable[tuple[float, float]]) -> bool:
    """Hour by hour: whether some of a window is covered, and not all of it by windows of its day."""
    hours = range(int(old[0]), int(old[1]))
    whose = [[(start, end) for start, end in windows if start <= hour < end] for hour in hours]
    of_day = [bool(found) and found[0][0] // 24 == old[0] // 24 for found in whose]
    return any(whose) and not all(of_day)


def test_a_run_again_gives_the_same_files(tmp_path: Path) -> None:
    write(tmp_path, run(-5, 10), run(5, 20), run(8, 9))
    before = contents(tmp_path)
    write(tmp_path, run(8, 9))
    assert contents(tmp_path) == before
    write(tmp_path, run(5, 20), run(8, 9))
    assert contents(tmp_path) == before


@pytest.mark.parametrize("done", [0, 1, 2])
def test_what_breaks_off_is_finished_by_running_again(
    tmp_path: Path, done: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier, report = run(-24, 30), run(-12, 40, kwh=2.0)
    write(tmp_path / "whole", earlier, report)
    write(tmp_path / "broken", earlier)
    old = contents(tmp_path / "broken")
    written: list[str] = []
    put = Folder.write

    def breaks_off(self: Folder, name: str, content: bytes) -> None:
        if len(written) == done:
            raise SystemExit(143)
        put(self, name, content)
        written.append(name)

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "write", breaks_off)
        with pytest.raises(SystemExit):
            write(tmp_path / "broken", report)
    new = contents(tmp_path / "whole")
    assert contents(tmp_path / "broken") == {**old, **{name: new[name] for name in written}}
    write(tmp_path / "broken", report)
    assert contents(tmp_path / "broken") == new


def test_other_days_and_clusters_stay_as_they_are(tmp_path: Path) -> None:
    write(tmp_path, run(-24, 48), run(-24, 48, cluster="eu"))
    before = contents(tmp_path)
    write(tmp_path, run(0, 24, kwh=7.0, cluster="eu"))
    after = contents(tmp_path)
    changed = [name for name in before if after[name] != before[name]]
    assert changed == ["date=2026-03-01/cluster=eu/result.parquet"]
    assert after.keys() == before.keys()


def test_what_a_run_has_no_rows_for_stays(tmp_path: Path) -> None:
    """A server that has forgotten the first day says nothing of it."""
    write(tmp_path, run(-24, 24))
    late = run(0, 24, kwh=2.0, start="2026-02-28T00:00:00Z")
    write(tmp_path, late)
    assert seen(tmp_path) == {(hour, hour + 1): 2.0 if hour >= 0 else 1.0 for hour in range(-24, 24)}


def test_a_longer_window_takes_the_place_of_those_inside_it(tmp_path: Path) -> None:
    write(tmp_path, run(-1, 24), run(0, 24, hours=24, kwh=5.0))
    assert seen(tmp_path) == {(-1.0, 0.0): 1.0, (0.0, 24.0): 5.0}
    write(tmp_path, run(0, 24))
    assert seen(tmp_path) == {(hour, hour + 1): 1.0 for hour in range(-1, 24)}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (run(0, 24, hours=24), run(5, 6)),  # an hour of a stored day
        (run(5, 7, hours=2), run(6, 7)),
        (run(-1, 23, hours=24, tz="Europe/Paris"), run(0, 1)),  # a day of Paris begins on the day before
        (run(0, 1), run(-1, 23, hours=24, tz="Europe/Paris")),
        (run(-100, 68, hours=168), run(60, 61)),  # a week, whose file is days away
        (run(60, 61), run(-100, 68, hours=168)),
    ],
)
def test_time_is_never_counted_twice(first: Report, second: Report, tmp_path: Path) -> None:
    write(tmp_path, first)
    before = contents(tmp_path)
    with pytest.raises(SinkError, match="would count a part twice") as caught:
        write(tmp_path, second)
    assert "--window" in caught.value.cure
    assert contents(tmp_path) == before


def test_rows_of_another_kind_do_not_join_a_day(tmp_path: Path) -> None:
    write(tmp_path, run(0, 3))
    before = contents(tmp_path)
    with pytest.raises(SinkError, match="rows of request and of user do not fit together"):
        write(tmp_path, run(3, 4, unit="user"))
    pods = run(3, 4, group_by=("namespace", "pod"))
    with pytest.raises(SinkError, match="rows of namespace,pod and of namespace,workload"):
        write(
            tmp_path,
            dataclasses.replace(pods, rows=Result.of(pods.result.rename(columns={"workload": "pod"}))),
        )
    assert contents(tmp_path) == before
    write(tmp_path, run(0, 3, unit="user"))  # nothing of the others stays
    assert stored.read(tmp_path).provenance.functional_unit == "user"


def test_a_column_that_some_runs_lack_is_unknown_there(tmp_path: Path) -> None:
    gpu = run(1, 2, known=("gpu_kwh",))
    gpu.result.insert(list(gpu.result.columns).index("energy_kwh") + 1, "gpu_kwh", 0.5)
    write(tmp_path, run(0, 1), gpu)
    assert pd.read_parquet(tmp_path)["gpu_kwh"].fillna(-1).tolist() == [-1, -1, 0.5, 0.5]
    assert stored.read(tmp_path).provenance.known == ("gpu_kwh",)


def test_grouping_by_cluster_is_no_second_column(tmp_path: Path) -> None:
    report = run(0, 1, group_by=("cluster", "namespace", "workload"), cluster="eu")
    report.result.insert(2, "cluster", pd.Series(["eu", "eu"], dtype="str"))
    write(tmp_path, report)
    assert pd.read_parquet(tmp_path)["cluster"].tolist() == ["eu", "eu"]
    pd.testing.assert_frame_equal(stored.read(tmp_path).result, report.result)
    (file,) = tmp_path.rglob("*.parquet")
    pd.testing.assert_frame_equal(stored.read(file).result, report.result)


@pytest.mark.parametrize("name", ["eu/west 1", "a=b%2F", "ü", "..", "x?y#z"])
def test_any_name_of_a_cluster(name: str, tmp_path: Path) -> None:
    write(tmp_path, run(0, 1, cluster=name), run(0, 1))
    assert sorted(pd.read_parquet(tmp_path)["cluster"].unique()) == sorted([name, "default"])
    assert stored.read(tmp_path, cluster=name).provenance.cluster == name
    assert newest_end_ms(f"{tmp_path}/", name) == newest_end_ms(f"{tmp_path}/")


def test_the_newest_end_is_that_of_the_cluster(tmp_path: Path) -> None:
    target = f"{tmp_path / 'set'}/"
    assert newest_end_ms(target) is None
    assert not (tmp_path / "set").exists()
    write(target, run(-24, 5), run(20, 30, cluster="eu"))
    assert newest_end_ms(target) == (DAY + 5 * HOUR).timestamp() * 1000
    assert newest_end_ms(target, "eu") == (DAY + 30 * HOUR).timestamp() * 1000
    assert newest_end_ms(target, "us") is None


def test_no_clobber_adds_and_does_not_replace(tmp_path: Path) -> None:
    write(tmp_path, run(0, 3))
    before = contents(tmp_path)
    with pytest.raises(SinkError, match="holds the window of 2026-03-01T02:00:00Z, and --no-clobber"):
        write(tmp_path, run(2, 5), no_clobber=True)
    assert contents(tmp_path) == before
    write(tmp_path, run(3, 5), no_clobber=True)
    assert len(seen(tmp_path)) == 5


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", None])
def test_a_file_of_others_is_not_replaced(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "date=2026-03-01/cluster=default/result.parquet"
    path.parent.mkdir(parents=True)
    if content is None:
        pd.DataFrame({"a": [1]}).to_parquet(path)
    else:
        path.write_bytes(content)
    before = contents(tmp_path)
    with pytest.raises(SinkError, match=r"result\.parquet is no file of a sci-batch data set"):
        write(tmp_path, run(0, 1))
    assert contents(tmp_path) == before


def test_two_at_once_lose_nothing(tmp_path: Path) -> None:
    failures: list[Exception] = []

    def hour(at: int) -> None:
        try:
            write(tmp_path, run(at, at + 1))
        except Exception as failed:
            failures.append(failed)

    threads = [threading.Thread(target=hour, args=(at,)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(seen(tmp_path)) == [(hour, hour + 1) for hour in range(8)]


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError, match=r"file/ cannot be used: .*exists"):
        write(tmp_path / "file", run(0, 1))


def test_a_data_set_comes_back_as_one_report(tmp_path: Path) -> None:
    report = run(0, 24)
    write(tmp_path, report, run(24, 48, kwh=2.0))
    found = stored.read(tmp_path)
    pd.testing.assert_frame_equal(
        found.result, pd.concat([report.result, run(24, 48, kwh=2.0).result], ignore_index=True)
    )
    assert (found.provenance.start, found.provenance.end) == ("2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z")
    assert found.totals.carbon_gco2e == 22.0 * 24 * 3
    assert found.flag_counts == {"gap": 96}
    day = stored.read(tmp_path / "date=2026-03-01")
    assert (day.totals, day.provenance) == (report.totals, report.provenance)


def test_a_run_that_is_cut_says_only_what_its_rows_hold(tmp_path: Path) -> None:
    write(tmp_path, run(0, 4), run(3, 5, kwh=2.0))
    totals = stored.read(tmp_path).totals
    assert (totals.energy_kwh, totals.functional_units) == (2.0 * 3 + 4.0 * 2, 20.0)
    assert (totals.node_energy_kwh, totals.books) == (None, 2)


def test_units_that_rows_share_are_unknown_in_a_part(tmp_path: Path) -> None:
    shared = run(-2, 2)
    sums = dataclasses.replace(shared.totals, functional_units=2.0 * 4)  # the two rows of a window share 2
    write(tmp_path, dataclasses.replace(shared, totals=sums))
    assert stored.read(tmp_path).totals.functional_units is None


def test_days_that_were_added_up_are_kept(tmp_path: Path) -> None:
    days = {"2026-02-28": run(-2, 0).totals, "2026-03-01": run(0, 2).totals}
    write(tmp_path, dataclasses.replace(run(-2, 2), days=days))
    assert stored.read(tmp_path).totals == run(-2, 2).totals


class NeverWhole(Result):
    """Rows that nobody may ask for in one frame."""

    def whole(self) -> pd.DataFrame:
        raise AssertionError("all rows at once")


@pytest.mark.parametrize("rows", [1, 5, 8, 1000])
def test_a_day_at_a_time_is_in_memory(tmp_path: Path, rows: int) -> None:
    """The frames of a long run, of any length, give the files of the same run in one frame."""
    days = {
        "2026-02-28": run(-3, 0).totals,
        "2026-03-01": run(0, 24).totals,
        "2026-03-02": run(24, 26).totals,
    }
    at_once, frame = dataclasses.replace(run(-3, 26), days=days), run(-3, 26).result
    frames = [frame.iloc[at : at + rows].reset_index(drop=True) for at in range(0, len(frame), rows)]
    bit_by_bit = dataclasses.replace(at_once, rows=NeverWhole(lambda: iter(frames)))
    for folder in ("at-once", "bits"):
        write(tmp_path / folder, run(23, 24, kwh=7.0), run(26, 27, kwh=7.0))
    write(tmp_path / "at-once", at_once)
    write(tmp_path / "bits", bit_by_bit)
    assert contents(tmp_path / "bits") == contents(tmp_path / "at-once")
    assert seen(tmp_path / "bits") == {(hour, hour + 1): 1.0 for hour in range(-3, 26)} | {(26, 27): 7.0}


def test_what_cannot_be_read_back_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no data set"):
        stored.read(f"{tmp_path}/none/")
    write(tmp_path, run(0, 1, cluster="eu"), run(0, 1))
    with pytest.raises(UsageError, match="holds the clusters default, eu") as caught:
        stored.read(tmp_path)
    assert "--cluster-label" in caught.value.cure
    with pytest.raises(UsageError, match="holds no data set of cluster us"):
        stored.read(tmp_path, cluster="us")
    write(tmp_path, run(24, 25, unit="user"))
    with pytest.raises(SourceError, match="do not fit together"):
        stored.read(tmp_path, cluster="default")


def test_another_selection_does_not_take_the_place_of_rows(tmp_path: Path) -> None:
    """Seen: a run with --namespace deleted the rows of all others of the same windows."""
    write(tmp_path, run(0, 1))
    before = contents(tmp_path)
    with pytest.raises(SinkError, match="all namespaces, and these are of shop"):
        write(tmp_path, run(0, 1, namespace=("shop",)))
    assert contents(tmp_path) == before
    with pytest.raises(SinkError, match="all namespaces"):
        newest_end_ms(f"{tmp_path}/", namespace=("shop",))
