#!/usr/bin/env python3
"""Repeats the packets of captures up to a size, for measuring.

    docs/merge-captures.py 400M big.pcap FILE-OR-FOLDER...

Takes pcap and pcapng files (pcapng, compressed and other formats through Wireshark's `editcap`, if that is installed)
and keeps the Ethernet ones. Each round through them gives the IPv4 and IPv6 hosts other addresses, so that
conversations are new ones, and lets time go on. The same arguments give the same bytes.
"""

import pathlib
import struct
import subprocess
import sys
import tempfile

HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
UNITS = {"K": 10**3, "M": 10**6, "G": 10**9}
LAST_TYPES = (b"\x08\x00", b"\x86\xdd")


def packets(path):
    """The packets of an Ethernet capture, each as time in microseconds, length on the wire, and bytes."""
    data = path.read_bytes()
    if data[:4] not in (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4"):
        with tempfile.NamedTemporaryFile(suffix=".pcap") as converted:
            command = ["editcap", "-F", "pcap", str(path), converted.name]
            try:
                subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
            except (OSError, subprocess.CalledProcessError):
                return
            data = pathlib.Path(converted.name).read_bytes()
    order = "<" if data[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    if len(data) < 24 or struct.unpack(order + "I", data[20:24])[0] & 0x03FFFFFF != 1:
        return
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, length, wire = struct.unpack(order + "IIII", data[at : at + 16])
        if at + 16 + length > len(data):
            return
        yield seconds * 1_000_000 + fraction, wire, data[at + 16 : at + 16 + length]
        at += 16 + length


def elsewhere(frame, turn):
    """The frame between other hosts: the second byte of IPv4 addresses and the fourth of IPv6 ones differ by turn."""
    frame = bytearray(frame)
    at = 12
    while frame[at : at + 2] == b"\x81\x00":
        at += 4
    kind, at = bytes(frame[at : at + 2]), at + 2
    if kind not in LAST_TYPES:
        return frame
    first, size, place = (12, 4, 1) if kind == b"\x08\x00" else (8, 16, 3)
    for start in (at + first, at + first + size):
        # Groups and broadcasts stay what they are.
        if start + size <= len(frame) and frame[start] < 224:
            frame[start + place] ^= turn * 37 & 0xFF
    return frame


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__.strip())
    text, out = sys.argv[1], sys.argv[2]
    size = int(text[:-1]) * UNITS[text[-1]] if text[-1] in UNITS else int(text)
    paths = [pathlib.Path(name) for name in sys.argv[3:]]
    files = sorted(f for p in paths for f in (p.rglob("*") if p.is_dir() else [p]) if f.is_file())
    once = []
    for path in files:
        before = None
        for moment, wire, frame in packets(path):
            # Between files, and wherever a capture goes back, a second passes.
            step = 1_000_000 if before is None else max(0, min(moment - before, 1_000_000))
            once.append((step, wire, frame))
            before = moment
    if not once:
        sys.exit("no Ethernet captures there")
    now, written, turn = 1_700_000_000_000_000, len(HEADER), 0
    with open(out, "wb") as file:
        file.write(HEADER)
        while written < size:
            for step, wire, frame in once:
                now += step
                frame = elsewhere(frame, turn)
                file.write(struct.pack("<IIII", now // 1_000_000, now % 1_000_000, len(frame), wire))
                file.write(frame)
                written += 16 + len(frame)
            turn += 1
    print(f"{out}: {written} bytes, {turn} times {len(once)} packets of {len(files)} files")


if __name__ == "__main__":
    main()
