#!/usr/bin/env bash
# Installs, runs, upgrades and purges the Debian package in a root of its own, and prints a line for each thing it saw.
#
#   fresh-root.sh overlay OLD.deb NEW.deb SMALL.deb        over this system: what is left shows to the byte; for the gate
#   fresh-root.sh debootstrap OLD.deb NEW.deb SMALL.deb    in a minimal Debian that debootstrap makes: as a new machine
#
# Root only. Runs itself in namespaces of its own (files, network, processes), so that nothing outlives it: port 53 is that of
# a network without a way out, and processes end with the script. There is no systemd in there: the unit's command is started
# as the unit's user, with the unit's capability and its view of /proc, by setpriv(1).
set -euo pipefail

if [[ ${FRESH_ROOT_INSIDE:-} != yes ]]; then
  exec env FRESH_ROOT_INSIDE=yes unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private -- "$0" "$@"
fi

readonly kind=$1 old=$2 new=$3 small=$4
work=$(mktemp -d)
readonly work root=$work/root upper=$work/disk/upper
# The mounts would go with the namespace; without them the directory can be removed.
trap 'umount --recursive --lazy "$root" "$work/disk" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
mkdir -p "$root" "$work/disk"
mount -t tmpfs -o mode=0755,size=4g tmpfs "$work/disk"
mkdir "$upper" "$work/disk/work"
ip link set lo up

say() { printf '%s\n' "$*"; }
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }

case $kind in
  overlay) mount -t overlay overlay -o "lowerdir=/,upperdir=$upper,workdir=$work/disk/work" "$root" ;;
  debootstrap)
    mount --bind "$work/disk/upper" "$root"
    # Made outside of this network: FRESH_ROOT_BASE is a tar file of `debootstrap --variant=minbase`.
    tar -xf "$FRESH_ROOT_BASE" -C "$root"
    ;;
esac
mount -t proc -o subset=pid proc "$root/proc"
mount --rbind /dev "$root/dev"
mkdir -p "$root/tmp/packages"
# As the packages before were: with a configuration that dpkg knows, and another than that of today.
dpkg-deb --raw-extract "$old" "$work/disk/old"
mkdir -p "$work/disk/old/etc/cordon"
sed 's/^# Cordon on a production host/# Of an earlier version/' "$(dirname "$0")/../../deploy/cordon.yaml" >"$work/disk/old/etc/cordon/cordon.yaml"
echo /etc/cordon/cordon.yaml >"$work/disk/old/DEBIAN/conffiles"
dpkg-deb --build --root-owner-group -Zgzip -z1 "$work/disk/old" "$root/tmp/packages/old.deb" >/dev/null
rm -r "$work/disk/old"
cp "$new" "$root/tmp/packages/new.deb"
cp "$small" "$root/tmp/packages/small.deb"
[[ $kind == overlay ]] || (cd "$root" && find . -xdev | sort) >"$work/before"

# The unit's ExecStart, as its user, with its capability.
start_service() {
  local command
  command=$(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/cordon.service")
  install -d -o "$(inside id -u cordon)" -g "$(inside id -g cordon)" -m 0750 "$root/var/lib/cordon" "$root/var/cache/cordon"
  # shellcheck disable=SC2086
  exec {log}>>"$work/log"
  # One process, which becomes the program: its status is that of the service.
  (
    exec chroot "$root" /usr/bin/env -i PATH=/usr/bin NODE_ENV=production NODE_COMPILE_CACHE=/var/cache/cordon \
      setpriv --reuid=cordon --regid=cordon --init-groups --no-new-privs --inh-caps=-all,+net_bind_service \
      --ambient-caps=-all,+net_bind_service --bounding-set=-all,+net_bind_service \
      sh -c 'cd /var/lib/cordon && exec "$@"' sh $command
  ) >&"$log" 2>&1 &
  service=$!
  for _ in {1..600}; do
    # Queries are answered before the service can be asked about itself.
    grep -q '"msg":"ready"' "$work/log" && [[ -S $root/var/lib/cordon/control.sock ]] && return 0
    kill -0 "$service" 2>/dev/null || break
    sleep 0.1
  done
  say 'the service did not become ready:'
  tail -n 5 "$work/log"
  return 1
}

stop_service() {
  local status=0
  kill -TERM "$service"
  wait "$service" || status=$?
  say "stopped with status $status"
  : >"$work/log"
}

# What a client gets: RCODE and the number of answers.
ask() { dig @127.0.0.1 "$1" A +tries=2 +timeout=2 | sed -n 's/.*status: \([A-Z]*\),.*/\1/p'; }

begin=$SECONDS
inside dpkg --install /tmp/packages/old.deb 2>&1 | sed -n 's/^cordon: /told: /p'
say "user $(inside getent passwd cordon | cut -d: -f1,6,7)"
say "version $(inside cordon --version)"
# What the guide says to do: name upstreams and networks.
sed -i 's/^upstreams: .*/upstreams: ["192.0.2.9"]/' "$root/etc/cordon/cordon.yaml"
inside cordon check --config /etc/cordon/cordon.yaml >/dev/null && say 'check passes'
start_service
say "ready after $((SECONDS - begin)) s"
say "answers $(ask localhost) $(ask www.tiktok.com)"
say "batched $(grep -c '"udp":"batched"' "$work/log" || true)"
say "rights $(sed -n 's/^CapEff:\t//p' "/proc/$service/status") $(sed -n 's/^NoNewPrivs:\t/no-new-privs /p' "/proc/$service/status")"
inside setpriv --reuid=cordon --regid=cordon --init-groups cordon records status --config /etc/cordon/cordon.yaml >/dev/null && say 'records are kept'
# systemctl would be told to restart by the package. Nobody is there to be asked.
inside dpkg --install /tmp/packages/new.deb </dev/null >"$work/upgrade" 2>&1 || { cat "$work/upgrade"; exit 1; }
say "upgraded to $(inside cordon --version) $(inside dpkg-query --show --showformat='${Status}' cordon-dns)"
grep -q 192.0.2.9 "$root/etc/cordon/cordon.yaml" && say 'the configuration is kept'
say "answers before the restart $(ask localhost) $(ask www.tiktok.com)"
stop_service
start_service
# With a wrong key in the installed file, and without the file, commands go on.
configuration=$root/etc/cordon/cordon.yaml
cp "$configuration" "$work/good.yaml"
echo 'cache: { sze: 1 }' >>"$configuration"
say "with a wrong key: $(inside cordon pause 2>"$work/told") $(grep -c ': cache.sze: .*the service runs with what it took before' "$work/told")"
rm "$configuration"
say "without the file: $(inside cordon pause 2>"$work/told") $(grep -c '/etc/cordon/cordon.yaml: there is no such file .*took before' "$work/told")"
cp "$work/good.yaml" "$configuration"
say "answers $(ask localhost) $(ask www.tiktok.com)"
inside setpriv --reuid=cordon --regid=cordon --init-groups cordon records verify --config /etc/cordon/cordon.yaml >"$work/verified" 2>&1 && say 'records verify'
stop_service

inside dpkg --install --force-downgrade /tmp/packages/old.deb >/dev/null 2>&1
start_service
say "answers after the way back $(ask localhost) $(ask www.tiktok.com)"
stop_service

inside dpkg --purge cordon-dns 2>&1 | sed -n 's/^cordon: /told: /p'
# What was written and was not there before. dpkg's own books, and what its triggers keep, are not the package's.
left() {
  if [[ $kind == overlay ]]; then
    (cd "$upper" && find . -mindepth 1 ! -type c | while read -r path; do [[ -e /$path || -L /$path ]] || echo "$path"; done)
  else
    (cd "$root" && find . -xdev | sort | comm -13 "$work/before" -)
  fi | sed 's/^\.//' | sort |
    grep -vE '^/(tmp/|var/lib/dpkg|var/log|var/cache/(man|ldconfig)|etc/(passwd|group|shadow|gshadow)-|etc/\.pwd\.lock)' || true
}
say "left by purge: $(left | grep -v '^/var/lib/cordon/' | tr '\n' ' ')"
rm -rf "$root/var/lib/cordon"
inside dpkg --install /tmp/packages/new.deb >/dev/null 2>&1
say "configuration $(inside stat --format='%a %U:%G' /etc/cordon/cordon.yaml)"

# The small package takes the place of the whole one while the service runs; what dpkg still knows of that one is then purged.
cp "$work/good.yaml" "$configuration"
start_service
inside dpkg --install /tmp/packages/small.deb >"$work/swapped" 2>&1 || { cat "$work/swapped"; exit 1; }
say "in its place $(inside dpkg-query --show --showformat='${Package} ${Status}, ' 'cordon-*' | sed 's/, $//')"
say "answers before the restart $(ask localhost) $(ask www.tiktok.com)"
stop_service
inside dpkg --purge cordon-dns >/dev/null 2>&1
start_service
say "answers without what can be left out $(ask localhost) $(ask www.tiktok.com)"
say "$(inside cordon status 2>/dev/null | sed -n 's/^left out *//p')"
stop_service
echo 'feeds: [{ id: own, url: "https://lists.example.com/", root: "'"$(printf '0%.0s' {1..64})"'" }]' >>"$configuration"
say "a feed is $(inside cordon check --config /etc/cordon/cordon.yaml | grep -o 'ERR_CONFIG_NOT_INSTALLED')"
rm -rf "$root/var/lib/cordon"
inside dpkg --purge cordon-resolver >/dev/null 2>&1
say "left by purge without records: $(left | tr '\n' ' ')$(inside getent passwd cordon || true)"
