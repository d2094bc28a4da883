#!/bin/sh
# Runs every target for an equal share of the seconds given (default: three minutes in all), one after another,
# each within a gigabyte and ten seconds an input. Needs cargo-fuzz and a nightly toolchain.
set -eu
cd "$(dirname "$0")/.."
targets=$(cd fuzz/fuzz_targets && ls -- *.rs | sed 's/\.rs$//')
share=$((${1:-180} / $(echo "$targets" | wc -l)))
sh fuzz/seed.sh
for target in $targets; do
    cargo +nightly fuzz run "$target" -- -max_total_time="$share" -rss_limit_mb=1024 -timeout=10 -max_len=4096 \
        -dict=fuzz/dictionary -print_final_stats=1
done
