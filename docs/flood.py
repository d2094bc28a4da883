#!/usr/bin/env python3
"""Writes a capture of a flood, for measuring: half-open TCP conversations or tiny UDP ones, each of its own host.

    docs/flood.py tcp|udp COUNT flood.pcap
"""

import struct
import sys


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("tcp", "udp"):
        sys.exit(__doc__.strip())
    kind, count, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with open(out, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for n in range(count):
            mixed = n * 2654435761 & 0xFFFFFFFF
            if kind == "tcp":
                body = struct.pack(">HHIIBBHHH", 40000, 22, mixed, 0, 0x50, 2, 1024, 0, 0)
            else:
                body = struct.pack(">HHHHI", 40000, 50000, 12, 0, mixed)
            source = 10 << 24 | n & 0xFFFFFF
            header = struct.pack(
                ">BBHHHBBHII", 0x45, 0, 20 + len(body), 0, 0, 64, 6 if kind == "tcp" else 17, 0, source, 0xCB007107
            )
            frame = bytes.fromhex("00005e005301") + b"\2" + struct.pack(">IB", n, 1) + b"\x08\x00" + header + body
            file.write(struct.pack("<IIII", 1_700_000_000 + n // 1000, n % 1000 * 1000, len(frame), len(frame)) + frame)


if __name__ == "__main__":
    main()
