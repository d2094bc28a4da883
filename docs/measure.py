#!/usr/bin/env python3
"""Measures `sekisho replay` beside `ndpiReader` on captures: seconds, peak memory, and their ratio.

    docs/measure.py [--alone] [--rounds N] CAPTURE...

Needs GNU time as /usr/bin/time, and ndpiReader (Debian: libndpi-bin) unless --alone. The two take turns; a first round
does not count. SEKISHO names another binary than target/release/sekisho.
"""

import os
import pathlib
import re
import statistics
import subprocess
import sys
import time


def run(command):
    """Seconds and peak memory in MiB of one run."""
    began = time.monotonic()
    done = subprocess.run(["/usr/bin/time", "-v", *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    seconds = time.monotonic() - began
    # 2 says that a capture is cut.
    if done.returncode not in (0, 2):
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    memory = re.search(r"Maximum resident set size \(kbytes\): (\d+)", done.stderr)
    return seconds, int(memory[1]) / 1024


def told(values, unit):
    return f"{statistics.median(values):.2f} {unit} ({min(values):.2f}–{max(values):.2f})"


def main():
    arguments = sys.argv[1:]
    alone = "--alone" in arguments
    rounds = int(arguments[arguments.index("--rounds") + 1]) if "--rounds" in arguments else 5
    names = {str(rounds)} if "--rounds" in arguments else set()
    captures = [a for a in arguments if not a.startswith("--") and a not in names]
    if not captures:
        sys.exit(__doc__.strip())
    sekisho = os.environ.get("SEKISHO", "target/release/sekisho")
    print("| capture | program | time | throughput | peak memory |\n|---|---|---|---|---|")
    for capture in captures:
        size = pathlib.Path(capture).stat().st_size
        commands = {"sekisho": [sekisho, "replay", "--exit-zero", "--quiet", "--json", "/dev/null", capture]}
        if not alone:
            commands["ndpiReader"] = ["ndpiReader", "-q", "-i", capture]
        runs = {name: [] for name in commands}
        for turn in range(rounds + 1):
            for name, command in commands.items():
                measured = run(command)
                if turn > 0:
                    runs[name].append(measured)
        for name, measured in runs.items():
            seconds, memory = zip(*measured)
            rate = size / statistics.median(seconds) / 1e6
            print(f"| {pathlib.Path(capture).name}, {size / 1e6:.0f} MB | {name} | {told(seconds, 's')} | "
                  f"{rate:.0f} MB/s | {told(memory, 'MiB')} |")
        if not alone:
            ratios = [other / own for (own, _), (other, _) in zip(runs["sekisho"], runs["ndpiReader"])]
            print(f"| {pathlib.Path(capture).name} | ndpiReader ÷ sekisho | {told(ratios, 'times')} | | |")


if __name__ == "__main__":
    main()
