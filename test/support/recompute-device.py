"""Recomputes what a device's page shows, from exported records: python3 recompute-device.py CLIENT DAY < lines of JSON

Hours of the day by kind, rows by everything that a row has with their first and last time, sums by exemption and sign. Knows nothing of references or of the program.
"""
import json
import sys
from collections import Counter

client, day = sys.argv[1:3]
hours, rows, exemptions, signs, groups = Counter(), Counter(), Counter(), Counter(), Counter()
times = {}
for line in sys.stdin:
    record = json.loads(line)
    if record.get("client") != client or not record["time"].startswith(day):
        continue
    count = record.get("count", 1)
    kind = record["kind"]
    hours[f"{kind} {int(record['time'][11:13])}"] += count
    parts = [record["qname"], record["qtype"], record["group"], record.get("list"), record.get("exemption")]
    row = " ".join([kind, *(part or "-" for part in parts)])
    rows[row] += count
    first, last = times.get(row, (record["time"], ""))
    times[row] = (min(first, record["time"]), max(last, record.get("until", record["time"])))
    groups[record["group"]] += count
    if "exemption" in record:
        exemptions[record["exemption"]] += count
    if "signal" in record:
        signs[record["signal"]] += count
json.dump({"hours": hours, "rows": rows, "times": times, "exemptions": exemptions, "signs": signs, "groups": groups}, sys.stdout)
