"""Samples that are doubled, in disorder, at other times, or no numbers."""

from __future__ import annotations

from typing import Any

from tests.hostile import faults as f
from tests.hostile.proxy import Fault
from tests.hostile.scenario import (
    EDGES,
    NO_DATA,
    SOURCE,
    STORED,
    Scenario,
    in_group,
)


def samples() -> list[Scenario]:
    one = in_group("Samples")

    def value(new: Any) -> Fault:
        return f.where(STORED, f.samples(lambda pairs: [[at, new] for at, _ in pairs]))

    def time(new: Any) -> Fault:
        return f.where(STORED, f.samples(lambda pairs: [[new, text] for _, text in pairs]))

    def again(whole: dict[str, Any]) -> dict[str, Any]:
        twice = [one for one in whole["data"]["result"] for _ in "ab"]
        return {**whole, "data": {**whole["data"], "result": twice[::-1]}}

    broken = "something broken"
    left_out = "not finite (NaN, infinite)"
    return [
        one("numbers", "sends values as numbers",
            f.samples(lambda pairs: [[at, float(text)] for at, text in pairs])),
        one("numbers-of-edges", "sends edges as numbers, twice, and in reverse",
            f.samples(lambda pairs: [[at, float(text)] for at, text in pairs[::-1] for _ in "ab"]),
            flags=EDGES),
        one("longer-numbers", "sends times as texts, and writes numbers with exponents",
            f.samples(lambda pairs: [[str(at), f"{float(text):.17e}"] for at, text in pairs])),
        one("backwards", "sends samples in reverse", f.samples(lambda pairs: pairs[::-1])),
        one("twice", "sends every sample twice",
            f.samples(lambda pairs: [pair for pair in pairs for _ in "ab"])),
        one("series-twice", "sends every series twice, and in reverse", f.changed(again)),
        one("series-twice-edges", "sends every series of edges twice", f.changed(again), flags=EDGES),
        one("two-values", "sends two values of one series at one time",
            f.where("query_range", f.samples(lambda pairs: [*pairs, [pairs[-1][0], "99"]])), SOURCE,
            "two values"),
        one("not-finite", "has a NaN and an infinite value in each counter",
            f.where(STORED, f.samples(lambda pairs: _with(pairs, "NaN", "+Inf"))), words=left_out),
        one("nan-literal", "has a bare `NaN`, which is no JSON, in each counter",
            f.where(STORED, f.samples(lambda pairs: _with(pairs, float("nan")))), words=left_out),
        one("all-nan", "sends NaN only", value("NaN"), NO_DATA, ""),
        one("all-inf", "sends `-Inf` only", value("-Inf"), NO_DATA, ""),
        one("histograms", "sends native histograms only",
            f.where(STORED, f.series(lambda one: {"metric": one["metric"], "histograms": [[1, {}]]})),
            NO_DATA, ""),
        one("true", "sends `true` as value", value(True), SOURCE, broken),
        one("null", "sends `null` as value", value(None), SOURCE, broken),
        one("object", "sends an object as value", value({"v": 1}), SOURCE, broken),
        one("underscore", "sends `1_000` as value", value("1_000"), SOURCE, broken),
        one("arabic", "sends a number in Arabic digits", value("١٢"), SOURCE, broken),
        one("comma", "sends a decimal comma", value("1,5"), SOURCE, broken),
        one("hex", "sends a number in hexadecimal digits", value("0x1p4"), SOURCE, broken),
        one("unit", "sends a value with its unit", value("5 J"), SOURCE, broken),
        one("huge-whole", "sends a whole number of 400 digits", value(10**400), SOURCE, broken),
        one("no-value", "sends pairs without a value", f.where(STORED, f.samples(lambda pairs: [[at] for at,
            _ in
            pairs])), SOURCE, broken),
        one("triples", "sends three of what should be two",
            f.where(STORED, f.samples(lambda pairs: [[*pair, "1"] for pair in pairs])), SOURCE, broken),
        one("no-values", "sends series without values",
            f.where(STORED, f.series(lambda one: {"metric": one["metric"]})), SOURCE, broken),
        one("misspelt-values", "sends `value` for `values`", f.where(STORED, f.series(
            lambda one: {"metric": one["metric"], "value": one["values"][0]})), SOURCE, broken),
        one("time-null", "sends `null` as time", time(None), SOURCE, broken),
        one("time-nan", "sends NaN as time", time(float("nan")), SOURCE, broken),
        one("time-huge", "sends 1e300 as time", time(1e300), SOURCE, broken),
        one("time-words", "sends a date as time", time("2026-03-02"), SOURCE, broken),
        one("time-in-ms", "sends times in milliseconds",
            f.where(STORED, f.samples(lambda pairs: [[at * 1000, text] for at, text in pairs])), SOURCE, ""),
        one("an-hour-off", "sends samples an hour too late",
            f.where(STORED, f.samples(lambda pairs: [[at + 3600, text] for at, text in pairs])), SOURCE,
            "other times"),
        one("off-the-grid", "moves edges to other moments (a front end that aligns queries)",
            f.where("query_range", f.samples(lambda pairs: [[at - 7, text] for at, text in pairs])), SOURCE,
            "other times", flags=EDGES),
    ]  # fmt: skip


def _with(pairs: list[Any], *values: Any) -> list[Any]:
    """Values far from the edges of the windows, so that no energy moves from one to the other."""
    if len(pairs) < 60:
        return pairs
    new = list(pairs)
    for number, value in enumerate(values, len(pairs) // 3):
        new[number] = [pairs[number][0], value]
    return new
