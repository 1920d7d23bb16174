#!/usr/bin/env python3
"""Checks the records of a resolver without Cordon: Python's standard library and a public key.

    verify_records.py RECORDS-DIRECTORY VERIFIER-KEY [CHECKPOINT-FILE]

RECORDS-DIRECTORY is STATE/records or a copy of it. VERIFIER-KEY is what "cordon records key" printed, kept elsewhere.
CHECKPOINT-FILE is one that was kept elsewhere, such as what a witness serves: the records have to go on from there.

Every block is hashed again, every chain followed, every leaf of the Merkle tree (RFC 6962) found, and the last checkpoint
(C2SP signed-note) checked with Ed25519 (RFC 8032). Days that were packed (.zst) have to be unpacked first (zstd -d).
Prints what it found, one thing a line; ends with 0 when that is nothing.
"""
import base64
import hashlib
import os
import re
import sqlite3
import struct
import sys

CLASSES = ("changes", "queries")
SCRATCH = b"cordon records partition 1\n"

# Ed25519 (RFC 8032 section 6), verification only.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P:
        return None
    return P - x if x & 1 != sign else x


def decode_point(raw):
    y = int.from_bytes(raw, "little")
    x = recover_x(y & ((1 << 255) - 1), y >> 255)
    y &= (1 << 255) - 1
    return None if x is None else (x, y, 1, x * y % P)


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    return ((f - e) * (h - g) % P, (h + g) * (f + e) % P, (h - g) * (h + g) % P, (f - e) * (f + e) % P)


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


BASE = (recover_x(4 * pow(5, -1, P) % P, 0), 4 * pow(5, -1, P) % P)
BASE = (BASE[0], BASE[1], 1, BASE[0] * BASE[1] % P)


def is_signed(key, message, signature):
    point, r = decode_point(key), decode_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if point is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    a, b = multiply(s, BASE), add(r, multiply(h, point))
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def key_id(name, kind, key):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def read_checkpoint(path, name, key):
    """(size, root, second) of a checkpoint that the key signed with a time; raises ValueError."""
    with open(path, encoding="utf-8") as file:
        text, lines = file.read().rsplit("\n\n", 1)
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    if origin != name:
        raise ValueError(f"it is of {origin}")
    for line in lines.splitlines():
        dash, signer, encoded = line.split(" ")
        raw = base64.b64decode(encoded)
        if dash != "\u2014" or signer != name or raw[:4] != key_id(name, 4, key):
            continue
        (second,) = struct.unpack(">Q", raw[4:12])
        message = f"cosignature/v1\ntime {second}\n{text}".encode()
        if not is_signed(key, message, raw[12:]):
            raise ValueError("its signature is not of its text")
        return int(size), base64.b64decode(root), second
    raise ValueError("the key did not sign it")


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves):
    """Root of RFC 6962, from complete subtrees at the right edge."""
    edge = []
    for index, leaf in enumerate(leaves):
        while index & 1:
            leaf = node(edge.pop(), leaf)
            index >>= 1
        edge.append(leaf)
    root = edge.pop() if edge else hashlib.sha256().digest()
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


def read_blocks(directory, name, deleted, found):
    """Leaves of all blocks of a chain, in order; what does not fit is told, and deletions that are recorded are noted."""
    leaves, before, ordinals = [], None, []
    place = os.path.join(directory, name)
    for file in sorted(os.listdir(place)):
        if not re.fullmatch(r"\d{6}-\d{4}-\d\d-\d\d\.sqlite", file):
            if not file.endswith(("-wal", "-shm", "-journal")):
                found(f"{name}/{file}: not looked into")
            continue
        ordinals.append(int(file[:6]))
        database = sqlite3.connect(f"file:{os.path.join(place, file)}?mode=ro", uri=True)
        meta = dict(database.execute("SELECT name, value FROM meta"))
        members = ("class", "ordinal", "day", "previous", "first", "resolver", "version", "created")
        lines = "".join(f"{member} {meta[member]}\n" for member in members)
        previous, next_first = hashlib.sha256(SCRATCH + lines.encode()).digest(), int(meta["first"])
        if before is not None and (meta["previous"], int(meta["first"])) != (before[0].hex(), before[1]):
            found(f"{name}/{file}: does not go on where the file before ended")
        for first, count, body, stored in database.execute(
            "SELECT first, count, body, hash FROM blocks ORDER BY first"
        ):
            computed = hashlib.sha256(previous + struct.pack(">QI", first, count) + body.encode()).digest()
            if first != next_first or computed != stored:
                found(f"{name}/{file}: the block of record {first} is not what was written, or records before it are missing")
            text = f"cordon block 1\nclass {name}\nfirst {first}\ncount {count}\nhash {stored.hex()}\n"
            leaves.append(hashlib.sha256(b"\x00" + text.encode()).digest())
            previous, next_first = stored, first + count
            if name == "changes":
                deleted.update(re.findall(r'"event":"deleted"[^}]*"file":"(\w+/\d{6})', body))
        before = (previous, next_first)
        database.close()
    known = [int(one[-6:]) for one in deleted if one.startswith(name + "/")]
    # Records of deletions are deleted themselves in the end: what is before one of them went before it.
    for ordinal in set(range(1, max(ordinals, default=0))) - set(ordinals) - set(known):
        if not known or ordinal > min(known):
            found(f"{name}: file {ordinal} is not there, and no deletion is recorded")
    return leaves


def main(directory, verifier, kept=None):
    problems = []
    found = lambda text: (problems.append(text), print(text))
    name, _, encoded = verifier.split("+", 2)
    key = base64.b64decode(encoded)[1:]
    leaves = read_leaves(os.path.join(directory, "tree"))
    size = 0
    checkpoints = [os.path.join(directory, "checkpoint")] + ([kept] if kept else [])
    for path in checkpoints:
        try:
            size, root, second = read_checkpoint(path, name, key)
        except (OSError, ValueError) as error:
            found(f"{path}: counts for nothing: {error}")
            continue
        if size > len(leaves):
            found(f"{path}: {size} blocks were signed, and the log has {len(leaves)}")
        elif root_of(leaves[:size]) != root:
            found(f"{path}: the first {size} blocks of the log are not those that were signed")
        else:
            print(f"{path}: {size} blocks, signed at second {second}")
    places = {leaf: index for index, leaf in enumerate(leaves)}
    seen, begun, deleted = set(), [], set()
    for chain in CLASSES:
        indices = [places[leaf] for leaf in read_blocks(directory, chain, deleted, found) if leaf in places]
        seen.update(indices)
        if indices:
            begun.append(indices[0])
    missing = [index for index in range(max(begun, default=0), size) if index not in seen]
    if missing:
        found(f"{len(missing)} blocks that were signed are not there, or not as they were signed")
    print(f"{len(problems)} findings" if problems else "nothing was changed")
    return 1 if problems else 0


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
