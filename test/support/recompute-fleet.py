"""Counts the queries of resolvers from their own records, without any code of Cordon: FROM_MS UNTIL_MS DIRECTORY...

Every block of every partition is read as JSON, and each record counted by kind, list and group. Prints JSON.
"""
import glob
import json
import sqlite3
import sys
from datetime import datetime


def main():
    first, last = int(sys.argv[1]), int(sys.argv[2])
    counts = {}
    for directory in sys.argv[3:]:
        for path in sorted(glob.glob(directory + "/queries/*.sqlite")):
            database = sqlite3.connect("file:" + path + "?mode=ro", uri=True)
            for (body,) in database.execute("SELECT body FROM blocks"):
                for record in json.loads(body):
                    if record["kind"] == "sketch":
                        continue
                    at = datetime.fromisoformat(record["time"].replace("Z", "+00:00")).timestamp() * 1000
                    hour = at // 3600000 * 3600000
                    if not first <= hour < last:
                        continue
                    key = (record["kind"], record.get("list", ""), record["group"])
                    counts[key] = counts.get(key, 0) + record.get("count", 1)
    rows = [{"kind": k, "list": l, "group": g, "count": c} for (k, l, g), c in sorted(counts.items())]
    print(json.dumps(rows))


main()
