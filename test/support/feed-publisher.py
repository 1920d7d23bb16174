# Publishes a feed with python3-tuf, the second implementation beside our own: one JSON object a line on standard input, one on
# standard output. `now` is a time in seconds since 1970, so that a test's clock decides.
#
#   {"do": "init", "directory": …, "now": …, "keys": {"root": [2, 3], "targets": [1, 1], …}, "days": {"timestamp": 14, …}}
#   {"do": "publish", "now": …, "targets": {"tiktok.yaml": "text"}, "signers": {"targets": 1}, "versions": {"timestamp": 900}}
#   {"do": "rotate", "now": …, "roles": ["root", …]}
#   {"do": "read", "url": …, "root": …, "target": …, "directory": …}: as a client
import hashlib
import json
import os
import shutil
import sys
from datetime import datetime, timedelta, timezone

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import Updater

ROLES = ["root", "targets", "snapshot", "timestamp"]
DAYS = {"root": 365, "targets": 90, "snapshot": 90, "timestamp": 14}


class Publisher:
    def __init__(self, request):
        self.directory = request["directory"]
        self.days = {**DAYS, **request.get("days", {})}
        self.counts = {role: request.get("keys", {}).get(role, [1, 1]) for role in ROLES}
        os.makedirs(os.path.join(self.directory, "targets"), exist_ok=True)
        self.now = request["now"]
        self.signers = {}
        self.root = Root(version=1, expires=self.expiry("root"), consistent_snapshot=True)
        for role in ROLES:
            self.renew(role)
        self.versions = {"targets": 0, "snapshot": 0, "timestamp": 0}
        self.write_root(self.signers["root"])

    def expiry(self, role):
        return datetime.fromtimestamp(self.now, timezone.utc).replace(microsecond=0) + timedelta(days=self.days[role])

    def renew(self, role):
        threshold, count = self.counts[role]
        for keyid in list(self.root.roles[role].keyids):
            self.root.revoke_key(keyid, role)
        self.signers[role] = [CryptoSigner.generate_ed25519() for _ in range(count)]
        for signer in self.signers[role]:
            self.root.add_key(signer.public_key, role)
        self.root.roles[role].threshold = threshold

    def sign(self, signed, signers):
        metadata = Metadata(signed)
        for signer in signers:
            metadata.sign(signer, append=True)
        return metadata.to_bytes()

    def write(self, name, data):
        with open(os.path.join(self.directory, name), "wb") as file:
            file.write(data)
        return data

    def write_root(self, signers):
        data = self.write(f"{self.root.version}.root.json", self.sign(self.root, signers))
        self.root_sha256 = hashlib.sha256(data).hexdigest()

    def rotate(self, request):
        self.now = request["now"]
        before = list(self.signers["root"])
        for role in request["roles"]:
            self.renew(role)
        self.root.version += 1
        self.root.expires = self.expiry("root")
        signers = self.signers["root"]
        self.write_root(signers + (before if "root" in request["roles"] else []))

    def publish(self, request):
        self.now = request["now"]
        for role in self.versions:
            self.versions[role] += 1
        self.versions.update(request.get("versions", {}))
        some = request.get("signers", {})
        signers = {role: self.signers[role][: some.get(role, len(self.signers[role]))] for role in ROLES}
        targets = Targets(version=self.versions["targets"], expires=self.expiry("targets"))
        for path, text in request["targets"].items():
            data = text.encode()
            digest = hashlib.sha256(data).hexdigest()
            self.write(os.path.join("targets", f"{digest}.{path}"), data)
            targets.targets[path] = TargetFile(len(data), {"sha256": digest}, path)
        data = self.write(f"{targets.version}.targets.json", self.sign(targets, signers["targets"]))
        meta = {"targets.json": MetaFile(targets.version, len(data), {"sha256": hashlib.sha256(data).hexdigest()})}
        snapshot = Snapshot(version=self.versions["snapshot"], expires=self.expiry("snapshot"), meta=meta)
        data = self.write(f"{snapshot.version}.snapshot.json", self.sign(snapshot, signers["snapshot"]))
        length = request.get("snapshot-length", len(data))
        meta = MetaFile(snapshot.version, length, {"sha256": hashlib.sha256(data).hexdigest()})
        timestamp = Timestamp(version=self.versions["timestamp"], expires=self.expiry("timestamp"), snapshot_meta=meta)
        self.write("timestamp.json", self.sign(timestamp, signers["timestamp"]))


def read(request):
    os.makedirs(request["directory"], exist_ok=True)
    trusted = os.path.join(request["directory"], "root.json")
    if not os.path.exists(trusted):
        shutil.copyfile(request["root"], trusted)
    url = request["url"]
    updater = Updater(request["directory"], url, request["directory"], f"{url}targets/")
    updater.refresh()
    info = updater.get_targetinfo(request["target"])
    path = updater.download_target(info)
    with open(path, encoding="utf8") as file:
        return file.read()


def main():
    publisher = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {}
            if request["do"] == "init":
                publisher = Publisher(request)
            elif request["do"] == "read":
                answer["text"] = read(request)
            else:
                getattr(publisher, request["do"])(request)
            if publisher is not None:
                answer["root"] = publisher.root_sha256
        except Exception as error:  # the test says what it expected
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
