#!/bin/sh
# Writes the seeds of every target into fuzz/corpus: what the fixtures hold, in each target's form.
set -eu
cd "$(dirname "$0")/.."
SEKISHO_SEEDS=fuzz/corpus cargo test --quiet --test hostile every_target_survives_its_seeds
