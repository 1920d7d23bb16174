#!/usr/bin/env python3
"""Counts refusals again from exported records (one JSON a line), and knows nothing of the program.

Usage: recompute-refusals.py FROM UNTIL STEP_SECONDS [GROUP [LIST]] < records.jsonl
FROM and UNTIL are RFC 3339. Prints JSON: by list and step, by name, by type, by network; and by step with signs of a way around,
which are refused as well. Steps are of UTC.
"""
import json
import sys
from collections import Counter
from datetime import datetime

SIGNS = {"canary", "private-relay", "foreign-doh"}


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def main():
    start, end, step = seconds(sys.argv[1]), seconds(sys.argv[2]), int(sys.argv[3])
    group = sys.argv[4] if len(sys.argv) > 4 else ""
    wanted = sys.argv[5] if len(sys.argv) > 5 else ""
    steps, names, types, groups, refused = Counter(), Counter(), Counter(), Counter(), Counter()
    for line in sys.stdin:
        record = json.loads(line)
        if record.get("kind") != "refusal" or "list" not in record:
            continue
        at = seconds(record["time"])
        if not start <= at < end:
            continue
        if (group and record["group"] != group) or (wanted and record["list"] != wanted):
            continue
        count = record.get("count", 1)
        refused[int((at - start) // step)] += count
        if record.get("category") in SIGNS:
            continue
        steps[f"{record['list']} {int((at - start) // step)}"] += count
        groups[record["group"]] += count
        named = "summary" not in record
        names[record["qname"] if named else ""] += count
        types[record["qtype"] if named else ""] += count
    sums = {"steps": steps, "names": names, "types": types, "groups": groups, "refused": refused}
    json.dump(sums, sys.stdout, sort_keys=True)


main()
