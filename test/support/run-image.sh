#!/usr/bin/env bash
# Runs the unpacked root of an image as an engine would, and prints what it saw: run-image.sh ROOT UID:GID COMMAND…
#
# Read-only, but for a volume and the configuration that are mounted; without any capability; on port 53 by the sysctl that
# docs/packages.md names; in namespaces of its own, with which everything ends. Root only.
set -euo pipefail

if [[ ${RUN_IMAGE_INSIDE:-} != yes ]]; then
  exec env RUN_IMAGE_INSIDE=yes unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private -- "$0" "$@"
fi

readonly root=$1 user=$2 health=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
ip link set lo up
echo 53 >/proc/sys/net/ipv4/ip_unprivileged_port_start
mkdir -p "$root/proc" "$root/dev" "$root/etc/cordon" "$work/state"
chown "$user" "$work/state"
printf '%s\n' 'listen: { dns: ["127.0.0.1:53"], admin: "127.0.0.1:9153" }' 'state: /var/lib/cordon' 'upstreams: ["127.0.0.9"]' \
  >"$root/etc/cordon/cordon.yaml"
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --bind "$work/state" "$root/var/lib/cordon"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"

# A user without rights has no capability after this.
run() { exec chroot --userspec="$user" --groups="${user#*:}" "$root" "$@"; }

# Here before anybody reads it.
: >"$work/log"
(run "$@") >>"$work/log" 2>&1 &
service=$!
for _ in {1..600}; do
  grep -q '"msg":"ready"' "$work/log" && break
  kill -0 "$service" 2>/dev/null || break
  sleep 0.1
done
grep -q '"msg":"ready"' "$work/log" || { tail -n 5 "$work/log"; exit 1; }
ask() { dig @127.0.0.1 "$1" A +tries=2 +timeout=2 | sed -n 's/.*status: \([A-Z]*\),.*/\1/p'; }
printf 'answers %s %s\n' "$(ask localhost)" "$(ask www.tiktok.com)"
printf 'batched %s\n' "$(grep -c '"udp":"batched"' "$work/log" || true)"
printf 'user %s, capabilities %s\n' "$(sed -n 's/^Uid:\t\([0-9]*\).*/\1/p' "/proc/$service/status")" "$(sed -n 's/^CapEff:\t//p' "/proc/$service/status")"
(run /usr/lib/cordon/node --eval "$health") && echo 'healthy'
(run /usr/lib/cordon/node --eval "require('fs').writeFileSync('/usr/x', '')") 2>/dev/null || echo 'read-only'
kill -TERM "$service"
status=0
wait "$service" || status=$?
printf 'stopped with status %s\n' "$status"
