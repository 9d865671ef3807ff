#!/bin/bash
# Runs Ceph RADOS Gateway on loopback, an S3 server that nobody here wrote: one monitor, one OSD that keeps everything in
# memory, one gateway. Says so with one line of JSON on stdout, then waits for the end of stdin (or SIGTERM) and stops
# what it started. All state lies in DIR and is the caller's to remove.
#
#   ceph_rgw.sh DIR S3_PORT MONITOR_PORT ACCESS_KEY_ID SECRET_ACCESS_KEY
#
# Needs Debian's ceph-mon, ceph-osd, radosgw and ceph-common; scripts/bootstrap installs them.
set -euo pipefail
dir=$1 s3_port=$2 monitor_port=$3 access_key=$4 secret_key=$5
conf=$dir/ceph.conf keyring=$dir/keyring
daemons=()

for tool in ceph ceph-mon ceph-osd radosgw radosgw-admin; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: run scripts/bootstrap" >&2; exit 1; }
done

# The gateway first: a client of the others, it waits for them when they are gone. None of them has anything to save.
stop() {
  trap - EXIT TERM INT
  local i
  for ((i = ${#daemons[@]} - 1; i >= 0; i--)); do kill -KILL "${daemons[i]}" 2>/dev/null || true; done
  wait 2>/dev/null || true
}
trap stop EXIT
trap 'exit 0' TERM INT

run() { # NAME COMMAND…: a daemon in the foreground, as our child
  local name=$1
  shift
  "$@" -f -c "$conf" >"$dir/$name.out" 2>&1 </dev/null &
  daemons+=($!)
}

until_true() { # COMMAND…: at most 60 s, as long as all daemons live
  local pid
  for ((i = 0; i < 600; i++)); do
    "$@" >/dev/null 2>&1 && return
    for pid in "${daemons[@]}"; do
      kill -0 "$pid" 2>/dev/null || { tail -n 5 "$dir"/*.out "$dir"/*.log >&2; exit 1; }
    done
    sleep 0.1
  done
  echo "not ready after 60 s: $*" >&2
  exit 1
}

ceph_cli() { ceph -c "$conf" --connect-timeout 30 "$@"; }
osd_is_up() { ceph_cli osd stat | grep -q '1 up'; }
port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$s3_port") 2>/dev/null; }

mkdir -p "$dir"/{mon,osd,rgw}
cat >"$conf" <<END
[global]
fsid = $(</proc/sys/kernel/random/uuid)
mon host = [v2:127.0.0.1:$monitor_port]
public network = 127.0.0.0/8
ms bind msgr1 = false
ms bind ipv6 = false
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
keyring = $keyring
run dir = $dir
admin socket =
log file = $dir/\$name.log
# one copy, few groups: there is one OSD
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
# a nearly full disk is no concern of a server that writes to memory
mon data avail warn = 1
mon data avail crit = 1
[mon]
mon data = $dir/mon
[osd]
osd data = $dir/osd
osd objectstore = memstore
memstore device bytes = 4G
osd memory target = 1G
[client.rgw.a]
rgw data = $dir/rgw
# without tcp_nodelay every GET takes 40 ms
rgw frontends = beast endpoint=127.0.0.1:$s3_port tcp_nodelay=1
rgw thread pool size = 64
rgw dns name = localhost
END

{
  ceph-authtool --create-keyring "$keyring" --gen-key -n mon. --cap mon 'allow *'
  ceph-authtool "$keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
  ceph-authtool "$keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' --cap mgr 'allow *'
  ceph-authtool "$keyring" --gen-key -n client.rgw.a --cap mon 'allow rw' --cap osd 'allow rwx' --cap mgr 'allow rw'
  monmaptool --create --fsid "$(sed -n 's/^fsid = //p' "$conf")" --addv a "[v2:127.0.0.1:$monitor_port]" "$dir/monmap"
  ceph-mon --mkfs -i a --monmap "$dir/monmap" --keyring "$keyring" -c "$conf"
} >"$dir/prepare.out" 2>&1 || { cat "$dir/prepare.out" >&2; exit 1; }

run mon ceph-mon -i a
osd_uuid=$(</proc/sys/kernel/random/uuid)
until_true ceph_cli osd new "$osd_uuid"
ceph-osd -i 0 --mkfs --osd-uuid "$osd_uuid" -c "$conf" >>"$dir/prepare.out" 2>&1
run osd ceph-osd -i 0
until_true osd_is_up
run rgw radosgw -n client.rgw.a
until_true port_answers
radosgw-admin -c "$conf" user create --uid=ferry --display-name=ferry \
  --access-key="$access_key" --secret-key="$secret_key" >"$dir/user.out" 2>&1 || { cat "$dir/user.out" >&2; exit 1; }

echo "{\"s3\":\"http://127.0.0.1:$s3_port\"}"
cat >/dev/null
