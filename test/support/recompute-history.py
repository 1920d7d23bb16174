"""Recomputes what the charts of the service's history show, from the readings themselves: python3 recompute-history.py < JSON

In: {"from", "stepSec", "steps", "now", "boundsMs", "readings": [[wall ms, monotonic ms, reading], ...]}, where a reading is what the
program saw. Out: for each step null, or what every chart has for it. Knows nothing of the program's own tables.
"""
import json
import sys
from datetime import datetime, timezone
from fractions import Fraction


def grown(before, now):
    return now if before is None or now < before else now - before


def moment(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp() * 1000)


def share(part, whole):
    return None if whole <= 0 else float(Fraction(part) / Fraction(whole))


def quantile(times, bounds, wanted):
    # By the sorted answers, not by a running sum over buckets.
    answers = [bounds[min(i, len(bounds) - 1)] for i, count in enumerate(times) for _ in range(count)]
    if not answers:
        return None
    rank = -(-Fraction(wanted) * len(answers) // 1)
    return answers[max(0, int(-rank if rank < 0 else rank) - 1)]


def main():
    given = json.load(sys.stdin)
    start = moment(given["from"][:-1])
    step_ms = given["stepSec"] * 1000
    steps = [None] * given["steps"]
    before = {}
    before_mono = given["startedMono"]
    for wall, mono, reading in given["readings"]:
        observed, before_mono = mono - before_mono, mono
        flat = {("counts", name): value for name, value in reading["counts"].items()}
        flat.update({("times", i): value for i, value in enumerate(reading["times"])})
        for kind in ("upstreams", "outputs"):
            for row in reading[kind]:
                flat.update({(kind, row["name"], i): value for i, value in enumerate(row["counts"])})
        growth = {key: grown(before.get(key), value) for key, value in flat.items()}
        before = flat
        at = (wall - start) // step_ms
        if not 0 <= at < len(steps):
            continue
        if steps[at] is None:
            steps[at] = {"sums": {}, "observed": 0, "alive": [], "free": []}
        step = steps[at]
        step["observed"] += observed
        for key, value in growth.items():
            step["sums"][key] = step["sums"].get(key, 0) + value
        step["alive"].append(reading["workers"]["alive"])
        if reading.get("freeBytes") is not None:
            step["free"].append(reading["freeBytes"])
        step["last"] = reading
    out = []
    for index, step in enumerate(steps):
        if step is None:
            out.append(None)
            continue
        sums = step["sums"]
        count = lambda name: sums[("counts", name)]
        seconds = Fraction(step["observed"]) / 1000
        times = [sums[("times", i)] for i in range(len(given["boundsMs"]) + 1)]
        names = sorted({key[1] for key in sums if key[0] == "upstreams"})
        ends = step["last"].get("certificateEndMs")
        at = min(start + (index + 1) * step_ms, moment(given["now"][:-1]))
        out.append({
            "queries": share(count("queries"), seconds),
            "refusals": share(count("refusals"), seconds),
            "median": quantile(times, given["boundsMs"], Fraction(1, 2)),
            "p95": quantile(times, given["boundsMs"], Fraction(95, 100)),
            "servfail": share(count("servfail"), count("answers")),
            "cache": share(count("cacheHits"), count("cacheHits") + count("cacheMisses")),
            "upstreamMs": {name: share(sums[("upstreams", name, 2)], sums[("upstreams", name, 0)]) for name in names},
            "upstreamFailures": {name: sums[("upstreams", name, 1)] for name in names},
            "lost": {
                "records": count("recordsLost"),
                **{key[1]: value for key, value in sums.items() if key[0] == "outputs" and key[2] == 1},
            },
            "workers": min(step["alive"]),
            "free": min(step["free"]) if step["free"] else None,
            "certificate": None if ends is None else (ends - at) / 86_400_000,
        })
    json.dump(out, sys.stdout)


main()
