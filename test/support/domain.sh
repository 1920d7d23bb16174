#!/bin/bash
# An Active Directory domain by Samba with one member, in a network of its own, where all names are asked of Cordon.
#
# Usage: domain.sh DIRECTORY COMMAND …, as root within namespaces of its own (unshare -n -m -u -p -f --mount-proc). COMMAND
# runs `cordon serve` with DIRECTORY/cordon.yaml. Says what it sees, a line for each.
set -u
directory=$1
shift
cd "$directory" || exit 1
domain=ad.agency.example
password=Pass-w0rd-42
hostname dc1
ip link set lo up
for address in 10.53.0.10 10.53.0.1 10.53.0.20; do ip addr add $address/24 dev lo; done
mount --make-rprivate /
mount -t tmpfs tmpfs /run
printf 'nameserver 10.53.0.1\n' > resolv.conf
printf '127.0.0.1 localhost\n10.53.0.10 dc1.%s dc1\n' $domain > hosts
mount --bind resolv.conf /etc/resolv.conf
mount --bind hosts /etc/hosts

samba-tool domain provision --realm=${domain^^} --domain=AD --server-role=dc --dns-backend=SAMBA_INTERNAL \
  --adminpass=$password --targetdir="$directory/dc" --host-name=dc1 --host-ip=10.53.0.10 \
  --option="posix:eadb=$directory/dc/eadb.tdb" --option='interfaces=10.53.0.10' \
  --option='bind interfaces only=yes' > provision.log 2>&1 || { cat provision.log; exit 1; }
samba -i -s "$directory/dc/etc/smb.conf" --debug-stdout --option='interfaces=10.53.0.10' \
  --option='bind interfaces only=yes' > samba.log 2>&1 &
samba=$!
"$@" > cordon.log 2>&1 &
cordon=$!
ask() { dig +time=2 +tries=1 +short @10.53.0.1 "$@" | tr '\n' ' '; }
for _ in $(seq 90); do
  [[ $(ask _ldap._tcp.$domain SRV) == *dc1* && -n $(ss -Hltn 'sport = :445') ]] && break
  sleep 1
done
for name in _ldap._tcp _kerberos._udp _ldap._tcp.dc._msdcs _gc._tcp; do
  echo "SRV $name: $(ask $name.$domain SRV)"
done
echo "listed: $(dig +time=2 +tries=1 @10.53.0.1 www.tiktok.com A | grep -o 'status: [A-Z]*')"

mkdir -p member/private member/lock member/state member/cache member/pid
cat > member.conf <<END
[global]
workgroup = AD
realm = ${domain^^}
security = ads
netbios name = PC7
interfaces = 10.53.0.20
bind interfaces only = yes
private dir = $directory/member/private
lock directory = $directory/member/lock
state directory = $directory/member/state
cache directory = $directory/member/cache
pid directory = $directory/member/pid
kerberos method = secrets only
END
printf '[libdefaults]\n default_realm = %s\n dns_lookup_kdc = true\n dns_lookup_realm = false\n rdns = false\n' ${domain^^} > krb5.conf
export KRB5_CONFIG="$directory/krb5.conf" KRB5CCNAME="FILE:$directory/tickets"
# The domain controller answers DNS before it knows whom to let in.
for _ in $(seq 12); do
  joined=$(timeout 60 net ads join -s member.conf -U "Administrator%$password" 2>&1 | grep -i '^joined\|^failed')
  [[ $joined == Joined* ]] && break
  sleep 3
done
echo "join: $joined"
echo "testjoin: $(timeout 30 net ads testjoin -s member.conf 2>&1 | tail -1)"
timeout 30 net ads dns register pc7.$domain 10.53.0.20 -s member.conf -P > register.log 2>&1
echo "register: $? $(ask pc7.$domain A)"
# Whoever sends an update to the resolver itself is told that it takes none.
printf 'server 10.53.0.1\nzone %s\nupdate add x.%s 60 A 10.53.0.30\nsend\n' $domain $domain | nsupdate > direct.log 2>&1
echo "to Cordon: $(tail -1 direct.log) $(ask x.$domain A)"
kill $samba $cordon
