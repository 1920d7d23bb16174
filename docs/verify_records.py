#!/usr/bin/env python3
"""Checks the records of a resolver without Cordon: Python's standard library and a public key.

    verify_records.py RECORDS-DIRECTORY VERIFIER-KEY [CHECKPOINT-FILE]

RECORDS-DIRECTORY is STATE/records or a copy of it. VERIFIER-KEY is what "cordon records key" printed, kept elsewhere.
CHECKPOINT-FILE is one that was kept elsewhere, such as what a witness serves: the records have to go on from there.
Signatures and hashes are those of verify_proof.py, which has to lie beside this file.

Every block is hashed again, every chain followed, every leaf of the Merkle tree (RFC 6962) found, counts and estimates derived
again, and signed ends and the last checkpoint (C2SP signed-note) checked with Ed25519 (RFC 8032). Days that were packed (.zst)
have to be unpacked first (zstd -d). Prints what it found, one thing a line; ends with 0 when that is nothing.
"""
import base64
import collections
import datetime
import hashlib
import json
import os
import re
import sqlite3
import struct
import sys

from verify_proof import BROKEN, CLASSES, hash_of, is_signed, leaf_of, node, read_checkpoint, read_key, sha256, utc

META = ("class", "ordinal", "day", "previous", "first", "resolver", "version", "created")
HEAD = ("number", "previous", "resolver", "class", "ordinal", "day", "state", "first", "last", "count", "from", "until", "hash")
COLUMNS = ("kind", "group", "list", "category", "trigger", "signal", "exemption")
SCHEMA = "e80ce993333b52de936ce83d75f876ce9f2c18e6f681af36982098ec9c841d08"
# A crash leaves records of no more milliseconds behind the last sign of life.
CRASH_MS = 10_000


def root_of(leaves):
    """Root of RFC 6962, from complete subtrees at the right edge."""
    edge = []
    for index, leaf in enumerate(leaves):
        while index & 1:
            leaf = node(edge.pop(), leaf)
            index >>= 1
        edge.append(leaf)
    root = edge.pop() if edge else sha256()
    while edge:
        root = node(edge.pop(), root)
    return root


def read_leaves(path):
    """Leaves of the file `tree`: behind each stand the hashes of the subtrees that it completes."""
    with open(path, "rb") as file:
        data = file.read()
    leaves, at = [], 0
    while (at + 1) * 32 <= len(data):
        leaves.append(data[at * 32 : (at + 1) * 32])
        # One hash for the leaf, and one for each one at the end of its index.
        at += 1 + (~(len(leaves) - 1) & len(leaves)).bit_length() - 1
    return leaves


def milliseconds(time):
    at = datetime.datetime.fromisoformat(time.replace("Z", "+00:00"))
    return round(at.timestamp() * 1000)


def time_text(ms):
    at = datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03}Z"


class Records:
    """The records of a directory while they are read; `problems` is what was found."""

    def __init__(self, directory, key, leaves, signed):
        self.directory, self.key, self.problems, self.signed = directory, key, 0, signed
        self.places = {leaf: index for index, leaf in enumerate(leaves)}
        self.ends, self.files, self.deleted, self.seen, self.begun = {}, {}, set(), set(), {}
        # Of each end of a block: what a signed end says of it.
        self.positions = {}
        # Leaves of blocks of changes since the last start, what starts took up, and how the last run ended.
        self.stop, self.alive, self.size, self.is_stopped, self.started, self.recent, self.taken = None, None, 0, False, 0, [], []

    def find(self, text):
        self.problems += 1
        print(text)

    def chain(self, name):
        """Follows a chain over its files."""
        place, before, self.files[name] = os.path.join(self.directory, name), ("0" * 64, 0), {}
        for file in sorted(os.listdir(place)) if os.path.isdir(place) else []:
            found = re.fullmatch(r"(\d{6,})-(\d{4}-\d\d-\d\d)\.sqlite", file)
            if not found:
                if not file.endswith(("-wal", "-shm", "-journal")):
                    self.find(f"{name}/{file}: not looked into")
                continue
            ordinal = int(found[1])
            self.files[name][ordinal] = None
            follows = before if ordinal == 1 or ordinal - 1 in self.files[name] else None
            try:
                database = sqlite3.connect(f"file:{os.path.join(place, file)}?mode=ro", uri=True)
                before = self.partition(name, ordinal, found[2], follows, database)
                database.close()
            except (sqlite3.Error, *BROKEN) as error:
                self.find(f"{name}/{file}: cannot be read: {error}")
                before = None
        self.ends[name] = before
        if not self.files[name]:
            self.find(f"{name}: no file is there")

    def partition(self, name, ordinal, day, before, database):
        find = lambda text: self.find(f"{name} {ordinal}: {text}")
        schema = sorted(f"{row[0]} {row[1]}" for row in database.execute("SELECT name, sql FROM sqlite_schema WHERE sql NOTNULL"))
        if sha256("\n".join(schema).encode()).hex() != SCHEMA:
            find("its tables are not those that the program makes")
        meta = dict(database.execute("SELECT name, value FROM meta"))
        if (meta["class"], int(meta["ordinal"]), meta["day"]) != (name, ordinal, day):
            find("it says that it is another one")
        first = int(meta["first"])
        if before is not None and (meta["previous"], first) != (before[0], before[1] + 1):
            find("it does not go on where the file before ended")
        previous = sha256(b"cordon records partition 1\n", "".join(f"{one} {meta[one]}\n" for one in META).encode())
        counts, estimates = collections.Counter(), {}
        number, total, from_ms, until_ms = first, 0, None, None
        positions = self.positions[name, ordinal] = {}
        note = lambda: positions.update({number - 1: (day, first, total, from_ms, until_ms, previous.hex())})
        note()
        for at, count, least, most, body, stored in database.execute("SELECT * FROM blocks ORDER BY first"):
            if at != number or hash_of(previous, at, count, body) != stored:
                find(f"the block of record {at} is not what was written, or records before it are missing")
            number, previous = at + count, stored
            leaf = self.places.get(leaf_of(name, at, count, stored))
            if leaf is not None:
                self.begun.setdefault(name, leaf)
                self.seen.add(leaf)
            try:
                records = json.loads(body)
                times = [milliseconds(one["time"]) for one in records]
            except BROKEN:
                find(f"the block of record {at} holds no records")
                continue
            if (len(records), min(times), max(times)) != (count, least, most):
                find(f"the block of record {at} says another count or other times than its records")
            total += count
            from_ms, until_ms = min(from_ms or least, *times), max(until_ms or most, *times)
            note()
            self.mark(name, leaf, at, number, most)
            for index, record in enumerate(records):
                if name == "changes":
                    self.change(record, at + index, leaf)
                elif record["kind"] == "sketch":
                    registers = estimates.setdefault((record["day"], record["group"]), bytearray(4096))
                    for place, rank in struct.iter_unpack(">HB", base64.b64decode(record["registers"])):
                        registers[place] = max(registers[place], rank)
                else:
                    words = (one if isinstance(one := record.get(word), str) else "" for word in COLUMNS)
                    counts[(times[index] // 3_600_000 * 3_600_000, *words)] += record.get("count", 1)
        if dict(counts) != {row[:-1]: row[-1] for row in database.execute("SELECT * FROM rollup")}:
            find("its counts are not those of its records")
        if estimates != {row[:2]: row[2] for row in database.execute("SELECT day, grp, registers FROM sketches")}:
            find("its estimates are not those of its records")
        return previous.hex(), number - 1

    def mark(self, name, leaf, first, after, until_ms):
        """A block that a start took up is no evidence; one that no crash leaves was put there."""
        if name == "changes":
            self.recent.append((leaf, first, after, until_ms))
            return
        for start in list(self.taken):
            self.take_up(start, leaf, until_ms)

    def take_up(self, start, leaf, until_ms):
        low, high, time, alive, is_stop = start
        if leaf is not None and low <= leaf < high and (is_stop or (alive is not None and until_ms > alive + CRASH_MS)):
            self.find(f"blocks were put behind the last signature before the start of {time}")
            self.taken.remove(start)

    def change(self, record, number, leaf):
        kind, event = record.get("kind"), record.get("event")
        if (kind, event) == ("records", "deleted"):
            self.deleted.update(re.findall(r"^\w+/\d+", record.get("file", "")))
        if (kind, event) in (("service", "start"), ("records", "restored")) and "logSize" in record:
            alive = milliseconds(record["until"]) if "until" in record else self.alive
            size, unsigned = record["logSize"], record.get("unsigned", 0)
            if size < self.size:
                self.find(f"at the start of {record['time']} the log had {size} blocks, and {self.size} before")
            self.size = size
            if unsigned:
                stops = [one[0] for one in self.recent if self.stop and one[1] <= self.stop < one[2]]
                is_stop = any(one is not None and one < size - unsigned for one in stops)
                start = (size - unsigned, size, record["time"], alive, is_stop)
                self.taken.append(start)
                print(f"the start of {record['time']} found {unsigned} blocks that nobody had signed: they are no evidence")
                for one in self.recent:
                    if start in self.taken:
                        self.take_up(start, one[0], one[3])
            self.recent = self.recent[-1:]
        if kind != "service":
            return
        if event == "stop":
            self.is_stopped, self.stop = True, number
        elif event == "unclean-end":
            self.alive = milliseconds(record["lastWritten"])
        elif event == "start":
            self.is_stopped, self.started, self.stop, self.alive = False, number, None, None

    def heads(self):
        """Signed ends, against the chains."""
        path, hashed, number, last, closed, highest = os.path.join(self.directory, "heads.jsonl"), "0" * 64, 0, {}, set(), {}
        key_id = sha256(bytes.fromhex("302a300506032b6570032100"), self.key).hex()[:16]
        lines = open(path, encoding="utf-8").read().split("\n")[:-1] if os.path.exists(path) else []
        for at, line in enumerate(lines, 1):
            try:
                head = json.loads(line)
                values = ["-" if head[one] is None else head[one] for one in HEAD] + [head["signedAt"], head["keyId"]]
                signature = base64.b64decode(head["signature"])
            except BROKEN:
                self.find(f"heads.jsonl:{at} holds no signed end")
                continue
            names = (*HEAD, "signed-at", "key")
            text = "cordon records head 1\n" + "".join(f"{one} {value}\n" for one, value in zip(names, values))
            if head["keyId"] != key_id or not is_signed(self.key, text.encode(), signature):
                self.find(f"heads.jsonl:{at} is not signed by the key")
            if (head["number"], head["previous"]) != (number + 1, hashed):
                self.find(f"heads.jsonl:{at} does not follow the one before")
            number, hashed = head["number"], sha256(text.encode()).hex()
            name, ordinal = place = head["class"], head["ordinal"]
            last[name] = max(last.get(name, 0), head["last"])
            highest[name] = max(highest.get(name, 0), ordinal)
            if head["state"] == "closed":
                closed.add(place)
            says = tuple(head[one] for one in ("day", "first", "count", "from", "until", "hash"))
            if place in self.positions:
                day, first, total, from_ms, until_ms, digest = self.positions[place].get(head["last"], (None,) * 6)
                times = [None if ms is None else time_text(ms) for ms in (from_ms, until_ms)]
                is_end = head["state"] == "running" or head["last"] == max(self.positions[place])
                if says != (day, first, total, *times, digest) or not is_end:
                    self.find(f"heads.jsonl:{at}: {name} {ordinal} is not what was signed")
        self.gaps(closed, highest)
        for name, end in self.ends.items():
            if end is not None and self.is_stopped and last.get(name) != end[1]:
                self.find(f"{name}: the program was stopped, and no signed end of its last record is there")
        if last.get("changes", 0) < self.started:
            self.find(f"the program was started with record {self.started}, and no end that it signed then is there")

    def gaps(self, closed, highest):
        """Files that are not there, and files without their signed end."""
        for name, files in self.files.items():
            known = [int(one.split("/")[1]) for one in self.deleted if one.startswith(name)]
            # Records of deletions are deleted themselves in the end: what is before one of them went before it.
            forgotten = min(known, default=0) if min(self.files["changes"], default=1) > 1 else 0
            top = max([highest.get(name, 0), *files])
            for ordinal in range(1, top + 1):
                is_deleted = ordinal in known or ordinal < forgotten
                if ordinal not in files and not (is_deleted and (name, ordinal) in closed):
                    self.find(f"{name}: file {ordinal} is not there, and no deletion is recorded")
                elif ordinal in files and ordinal != max(files) and (name, ordinal) not in closed:
                    self.find(f"{name}: file {ordinal} is closed, and no signed end of it is there")

    def position(self):
        """The recorder's own note of how far it had come: what it names has to be there, and it proves nothing."""
        try:
            with open(os.path.join(self.directory, "position"), encoding="utf-8") as file:
                noted = json.load(file)
            for name, end in self.ends.items():
                number, digest = noted[name]["sequence"], noted[name]["hash"]
                if end is not None and (number > end[1] or (number == end[1] and digest != end[0])):
                    self.find(f"{name}: the recorder had noted record {number}, and it is not there")
                elif end is not None and number < end[1] and noted["changes"]["sequence"] == self.stop:
                    self.find(f"{name}: records stand behind the one that was noted and signed as the last")
        except (OSError, *BROKEN):
            self.find("the recorder's own note of how far it had come (position) is not there")

    def missing(self):
        """What was signed and is not there."""
        missing = [index for index in range(max(self.begun.values(), default=0), self.signed) if index not in self.seen]
        if missing:
            self.find(f"{len(missing)} blocks that were signed are not there, or not as they were signed")


def verify_directory(directory, name, key, kept=None):
    problems, signed = 0, 0
    tree = os.path.join(directory, "tree")
    leaves = read_leaves(tree) if os.path.exists(tree) else []
    for path in [os.path.join(directory, "checkpoint")] + ([kept] if kept else []):
        try:
            with open(path, encoding="utf-8") as file:
                size, root, second = read_checkpoint(file.read(), name, key)
            if size > len(leaves):
                raise ValueError(f"{size} blocks were signed, and the log has {len(leaves)}")
            if root_of(leaves[:size]) != root:
                raise ValueError(f"the first {size} blocks of the log are not those that were signed")
            signed = signed or size
            print(f"{path}: {size} blocks, signed at {utc(second)}")
        except (OSError, *BROKEN) as error:
            problems += 1
            print(f"{path}: counts for nothing: {error}")
    records = Records(directory, key, leaves, signed)
    for chain in CLASSES:
        records.chain(chain)
    records.heads()
    records.position()
    records.missing()
    problems += records.problems
    print(f"{problems} findings" if problems else "nothing was changed")
    return 1 if problems else 0


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    sys.exit(verify_directory(sys.argv[1], *read_key(sys.argv[2]), *sys.argv[3:]))
