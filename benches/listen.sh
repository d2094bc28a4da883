#!/usr/bin/env bash
# How much of a flood `sekisho listen` loses, beside dumpcap: SYNs over a veth pair between two network namespaces of its own,
# each of another conversation, so that all of them are written.
#
#   cargo build --release && sudo benches/listen.sh [SECONDS [RATES…]]
#
# Needs the right to make network namespaces and iproute2; dumpcap is left out where it is missing. Nothing leaves the
# namespaces. NAME=… names them otherwise, SEKISHO=… another binary, DESK=… another folder for what is written.
set -euo pipefail

seconds=${1:-10}
shift || true
rates=("$@")
[ "${#rates[@]}" -gt 0 ] || rates=(50000 100000 200000 400000)
name=${NAME:-sekisho-listen}
sekisho=$(realpath "${SEKISHO:-$(dirname "$0")/../target/release/sekisho}")
near=$name-near far=$name-far nobody=02:00:00:00:00:03
desk=$(mktemp -d -p "${DESK:-/tmp}")

clean() {
    ip netns del "$near" 2>/dev/null || true
    ip netns del "$far" 2>/dev/null || true
    rm -rf "$desk"
}
trap clean EXIT
trap 'exit 1' INT TERM

ip netns add "$near"
ip netns add "$far"
ip -n "$near" link add near type veth peer name far netns "$far"
for end in near far; do
    ip netns exec "$name-$end" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    ip -n "$name-$end" link set $end up
done
ip -n "$far" address add 10.0.0.1/8 dev far

counter() { ip netns exec "$near" cat /sys/class/net/near/statistics/rx_packets; }

# SYNs for about so many seconds, at this rate: a sweep of addresses that nobody has.
flood() {
    ip netns exec "$far" timeout "$((seconds + 5))" "$sekisho" sweep --interface far --profile lab --rate "$1" \
        --ports 80,81 --yes --seed 1 --gateway-mac $nobody --wait 0 10.128.0.0/9 >"$desk/flood.out" 2>"$desk/flood.err" &
    sender=$!
    sleep "$seconds"
    kill -INT $sender
    wait $sender || true
}

# Listens by the rest of the words, floods, and says what passed and what was heard.
measure() {
    local label=$1 rate=$2
    shift 2
    rm -f "$desk"/*.pcapng
    local before
    before=$(counter)
    ip netns exec "$near" /usr/bin/time -f '%M %U %S' -o "$desk/time" "$@" >"$desk/out" 2>"$desk/err" &
    local timed=$!
    sleep 1.5
    flood "$rate"
    sleep 1
    # The listener is the child of `time`, whose process `ip` became.
    kill -INT "$(pgrep -P $timed)"
    wait $timed || true
    local passed
    passed=$(($(counter) - before))
    read -r memory user system < <(tail -n 1 "$desk/time")
    local heard lost
    case $label in
    sekisho) read -r heard lost < <(sed -n 's/.* near: \([0-9]*\) frames in .* \([0-9]*\) lost$/\1 \2/p' "$desk/err") ;;
    dumpcap) read -r heard lost < <(sed -n "s/.*interface 'near': \([0-9]*\)\/\([0-9]*\) .*/\1 \2/p" "$desk/err") ;;
    esac
    printf '  %-8s %8s asked, %9d passed, %9d heard, %8s told as lost, %6s %% lost, %4d MiB, %s s user, %s s system\n' \
        "$label" "$rate" "$passed" "$heard" "$lost" \
        "$(awk "BEGIN { printf \"%.3f\", $passed ? 100 * ($passed - $heard) / $passed : 0 }")" "$((memory / 1024))" "$user" "$system"
}

echo "$seconds seconds of SYNs, a conversation each; everything is written to $desk"
for rate in "${rates[@]}"; do
    measure sekisho "$rate" "$sekisho" listen -i near --write "$desk/heard.pcapng" --max-size 8G --exit-zero --json /dev/null
    if command -v dumpcap >/dev/null; then
        measure dumpcap "$rate" dumpcap -q -i near -w "$desk/dumpcap.pcapng"
        measure dumpcap "$rate" dumpcap -q -B 32 -i near -w "$desk/dumpcap.pcapng"
    fi
done
