#!/usr/bin/env python3
"""Checks one record or a report of a resolver without Cordon: Python's standard library and a public key.

    verify_proof.py PROOF-FILE|REPORT VERIFIER-KEY [WITNESS-KEY]

PROOF-FILE is what "cordon records proof" wrote (C2SP tlog-proof), REPORT what "cordon report --out" did, with its .sig beside it.
VERIFIER-KEY is what "cordon records key" printed, kept elsewhere. With WITNESS-KEY, that witness has to have cosigned the checkpoint.

Of a record the block is hashed, its leaf followed to the root of a Merkle tree (RFC 9162), and the checkpoint of that tree (C2SP
signed-note) checked with Ed25519 (RFC 8032). Of a report the signature is checked, and of one in JSON the checkpoint that it was
made from. Prints what is proven, and ends with 0, when all of it holds.
"""
import base64
import datetime
import hashlib
import json
import os
import struct
import sys

CLASSES = ("changes", "queries")
# What comes of reading something that the program did not write.
BROKEN = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, struct.error)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# Ed25519 (RFC 8032 section 6), verification only.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def decode_point(raw):
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


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


BASE = decode_point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def is_signed(key, message, signature):
    if len(key) != 32 or len(signature) != 64:
        return False
    point, r = decode_point(key), decode_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if point is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    a, b = multiply(s, BASE), add(r, multiply(h, point))
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def read_key(verifier):
    """Name and 32 bytes of a verifier key."""
    name, _, encoded = verifier.strip().split("+", 2)
    return name, base64.b64decode(encoded)[1:]


def read_note(note, name, key):
    """(origin, size, root, second) of a checkpoint that a key signed with a time; raises ValueError."""
    text, lines = note.rsplit("\n\n", 1)
    text += "\n"
    origin, size, root = text.split("\n")[:3]
    key_id = sha256(name.encode(), b"\n\x04", key)[:4]
    for line in lines.splitlines():
        dash, signer, encoded = line.split(" ")
        raw = base64.b64decode(encoded)
        if dash != "\u2014" or signer != name or raw[:4] != key_id:
            continue
        (second,) = struct.unpack(">Q", raw[4:12])
        if not is_signed(key, f"cosignature/v1\ntime {second}\n{text}".encode(), raw[12:]):
            raise ValueError(f"the signature of {name} is not of its text")
        return origin, int(size), base64.b64decode(root), second
    raise ValueError(f"{name} did not sign it with that key")


def read_checkpoint(note, name, key):
    origin, *checkpoint = read_note(note, name, key)
    if origin != name:
        raise ValueError(f"it is of {origin}")
    return checkpoint


def node(left, right):
    return sha256(b"\x01", left, right)


def leaf_of(chain, first, count, digest):
    return sha256(f"\0cordon block 1\nclass {chain}\nfirst {first}\ncount {count}\nhash {digest.hex()}\n".encode())


def hash_of(previous, first, count, body):
    return sha256(previous, struct.pack(">QI", first, count), body.encode())


def utc(second):
    return datetime.datetime.fromtimestamp(second, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def verify_proof(path, name, key, witness=None):
    """One record: its block, whose leaf leads to the root of a checkpoint that the key signed (RFC 9162 section 2.1.3.2)."""
    with open(path, encoding="utf-8") as file:
        lines, note = file.read().split("\n\n", 1)
    form, extra, index, *hashes = lines.split("\n")
    if form != "c2sp.org/tlog-proof@v1" or extra[:6] != "extra " or index[:6] != "index ":
        raise ValueError("it is no proof of a record")
    size, root, second = read_checkpoint(note, name, key)
    block = json.loads(base64.b64decode(extra[6:]))
    records, offset = json.loads(block["body"]), block["record"] - block["first"]
    if block["class"] not in CLASSES or not 0 <= offset < block["count"] == len(records):
        raise ValueError("the record is not in its block")
    digest = hash_of(bytes.fromhex(block["previous"]), block["first"], block["count"], block["body"])
    result = leaf_of(block["class"], block["first"], block["count"], digest)
    place, last = int(index[6:]), size - 1
    if not 0 <= place <= last:
        raise ValueError("its index is none of the checkpoint")
    for other in map(base64.b64decode, hashes):
        if last == 0:
            raise ValueError("the proof is too long")
        if place & 1 or place == last:
            result = node(other, result)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            result = node(result, other)
        place, last = place >> 1, last >> 1
    if last or result != root:
        raise ValueError("the proof does not lead from the record to the checkpoint")
    print(json.dumps(records[offset], ensure_ascii=False))
    print(f"record {block['record']} of {block['class']} is in the log of {name}: {size} blocks, signed at {utc(second)}")
    if witness is not None:
        print(f"{witness[0]} cosigned that at {utc(read_note(note, *witness)[3])}")


def verify_report(path, name, key, witness=None):
    with open(path, "rb") as file, open(path + ".sig", encoding="utf-8") as beside:
        report, signature = file.read(), beside.read().split("\nsignature ")[1]
    if not is_signed(key, report, base64.b64decode(signature)):
        raise ValueError("the report is not what the key signed")
    print(f"the report is signed by {name}")
    if not path.endswith(".json") and witness is None:
        return
    signing = json.loads(report)["signing"]
    size, _, second = read_checkpoint(signing["checkpoint"]["note"], name, key)
    print(f"it was made from the log of {name}: {size} blocks, signed at {utc(second)}")
    if witness is not None:
        note = next(one["note"] for one in signing["witnesses"]["all"] if one["name"] == witness[0])
        _, size, _, second = read_note(note, *witness)
        read_checkpoint(note, name, key)
        print(f"{witness[0]} cosigned {size} blocks of it at {utc(second)}")


def main(path, verifier, witness=None):
    try:
        verify = verify_report if os.path.exists(path + ".sig") else verify_proof
        verify(path, *read_key(verifier), witness and read_key(witness))
        return 0
    except (OSError, StopIteration, *BROKEN) as error:
        print(f"{path}: proves nothing: {error}")
        return 1


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
