"""Listens to all packets of this node and tells whether a text was seen in them. Standard library only; needs root.

Prints one JSON object: packets and bytes of TCP, TLS records, and how often each text was seen. The control is a text
that is sent in plaintext on purpose: if it is not seen either, the capture is broken and a missing marker proves
nothing.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import time

ALL_PROTOCOLS = 0x0003
TLS_APPLICATION_DATA = (b"\x17\x03\x03", b"\x17\x03\x01")
TCP = 6
LOOPBACK_TYPE = 772


def payload(packet: bytes) -> bytes | None:
    """Of a TCP segment over IPv4 (from the IP header on); None for anything else."""
    if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != TCP:
        return None
    header = (packet[0] & 0x0F) * 4
    total = int.from_bytes(packet[2:4], "big") or len(packet)
    offset = header + (packet[header + 12] >> 4) * 4
    return packet[offset:total]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--marker", required=True, help="must not be seen")
    parser.add_argument("--control", required=True, help="is sent in plaintext: should be seen where it passes by")
    options = parser.parse_args()
    marker, control = options.marker.encode(), options.control.encode()
    seen = {"packets": 0, "bytes": 0, "tlsPackets": 0, "marker": 0, "control": 0, "dropped": 0}
    # SOCK_DGRAM: the packet begins with its IP header on every kind of interface
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL_PROTOCOLS)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        listener.settimeout(0.5)
        deadline = time.monotonic() + options.seconds
        while time.monotonic() < deadline:
            try:
                packet, address = listener.recvfrom(65535)
            except TimeoutError:
                continue
            data = payload(packet) if address[3] != LOOPBACK_TYPE else None
            if not data:
                continue
            seen["packets"] += 1
            seen["bytes"] += len(data)
            seen["tlsPackets"] += data.startswith(TLS_APPLICATION_DATA)
            seen["control"] += control in data
            # the control's own text may hold the marker
            seen["marker"] += marker in data.replace(control, b"")
        statistics = listener.getsockopt(263, 6, 8)  # SOL_PACKET, PACKET_STATISTICS
        seen["dropped"] = int.from_bytes(statistics[4:8], sys.byteorder)
    print(json.dumps(seen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
