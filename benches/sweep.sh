#!/usr/bin/env bash
# SYNs a second of `sekisho sweep --rate 0` beside masscan and zmap, over a veth pair between two network namespaces of
# its own; then answers lost when the far end answers, and peak memory from /16 to /8.
#
#   cargo build --release && sudo benches/sweep.sh [ROUNDS]
#
# Needs the right to make network namespaces, iproute2 and python3; masscan and zmap are left out where they are missing.
# Nothing leaves the namespaces. NAME=… names them otherwise, SEKISHO=… another binary, FAR=/10 another size.
set -euo pipefail

rounds=${1:-3}
name=${NAME:-sekisho-sweep}
sekisho=${SEKISHO:-$(dirname "$0")/../target/release/sekisho}
size=${FAR:-/10}
near=$name-near far=$name-far
# Frames to nobody's address cost the far end least, and the sender is what is measured.
near_mac=02:00:00:00:00:01 far_mac=02:00:00:00:00:02 nobody=02:00:00:00:00:03
desk=$(mktemp -d)

clean() {
    ip netns del "$near" 2>/dev/null || true
    ip netns del "$far" 2>/dev/null || true
    rm -rf "$desk"
}
trap clean EXIT
trap 'exit 1' INT TERM

ip netns add "$near"
ip netns add "$far"
ip -n "$near" link add near address $near_mac type veth peer name far netns "$far" address $far_mac
for end in near far; do
    space=$name-$end
    ip netns exec "$space" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv4.ip_forward=0
    ip -n "$space" link set lo up
    ip -n "$space" link set $end up
done
ip -n "$near" address add 10.0.0.1/8 dev near
ip -n "$far" address add 10.0.0.2/8 dev far
ip -n "$near" neighbour add 10.0.0.2 lladdr $far_mac dev near
ip -n "$far" neighbour add 10.0.0.1 lladdr $near_mac dev far
# What the far end answers for. Everything else it drops.
ip -n "$far" route add local 10.64.0.0/14 dev lo
: >"$desk/nobody"

# Runs a command in the near namespace; prints packets a second in its steady part (5 % to 95 % of what it sent), packets
# sent, and its peak memory in MiB.
cat >"$desk/measure.py" <<'PY'
import os, signal, subprocess, sys, time

counter = "/sys/class/net/near/statistics/tx_packets"
read = lambda: int(open(counter).read())
began = read()
samples = [(time.monotonic(), 0)]
child = subprocess.Popen(sys.argv[2:], stdout=open(sys.argv[1] + ".out", "w"), stderr=open(sys.argv[1] + ".err", "w"))
still = 0
while True:
    time.sleep(0.01)
    samples.append((time.monotonic(), read() - began))
    # Some wait for ever when nothing comes back.
    still = still + 1 if samples[-1][1] == samples[-2][1] else 0
    if still > 500:
        os.kill(child.pid, signal.SIGKILL)
    pid, status, usage = os.wait4(child.pid, os.WNOHANG)
    if pid:
        break
sent = samples[-1][1]
moment = lambda share: next(at for at, count in samples if count >= share * sent)
took = moment(0.95) - moment(0.05)
print(f"{0.9 * sent / took if took else 0:.0f} {sent} {usage.ru_maxrss // 1024}")
PY
measure() {
    local label=$1
    shift
    ip netns exec "$near" python3 "$desk/measure.py" "$desk/$label" "$@" || {
        cat "$desk/$label.err" >&2
        exit 1
    }
}

sweep=("$sekisho" sweep --interface near --profile lab --rate 0 --ports 80 --yes --seed 1)

echo "SYNs a second, far end silent, 10.128.0.0$size"
for round in $(seq "$rounds"); do
    read -r rate sent memory < <(measure sekisho "${sweep[@]}" --gateway-mac $nobody --wait 1 "10.128.0.0$size")
    echo "  $round sekisho  $rate  ($sent sent, $memory MiB)"
    if command -v zmap >/dev/null; then
        read -r rate sent memory < <(measure zmap zmap -q -i near -p 80 -r 0 -T 2 --cooldown-time=1 -G $nobody \
            -S 10.0.0.1 -b "$desk/nobody" -o "$desk/zmap.csv" "10.128.0.0$size")
        echo "  $round zmap -T 2 $rate  ($sent sent, $memory MiB)"
    fi
    if command -v masscan >/dev/null; then
        read -r rate sent memory < <(measure masscan masscan -e near --adapter-ip 10.0.0.1 --adapter-mac $near_mac \
            --router-mac $nobody --rate 100000000 --wait 1 -p 80 "10.128.0.0$size")
        echo "  $round masscan  $rate  ($sent sent, $memory MiB)"
    fi
done

echo "answers, the far end answers for all of 10.64.0.0/14 (262144 addresses)"
for round in $(seq "$rounds"); do
    read -r rate sent memory < <(measure answers "${sweep[@]}" --gateway-mac $far_mac --wait 3 10.64.0.0/14)
    addresses=$(grep -o '"address":"[^"]*"' "$desk/answers.out" | sort -u | wc -l)
    echo "  $round $addresses addresses in $(wc -l <"$desk/answers.out") answers, $rate SYNs a second, $memory MiB"
    echo "    $(grep "sent " "$desk/answers.err")"
done

echo "peak memory, far end silent"
for prefix in 10.128.0.0/16 10.128.0.0/12 10.0.0.0/8; do
    read -r rate sent memory < <(measure memory "${sweep[@]}" --gateway-mac $nobody --wait 1 --exclude 10.64.0.0/14 $prefix)
    echo "  $prefix  $memory MiB  ($rate SYNs a second, $sent sent)"
done
