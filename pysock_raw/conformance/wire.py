"""A network whose only other host is the case itself: it reads the packets that the kernel sends and answers them
by hand, at the moment and in the way that the case wants (a tun device, tuntap.rst, in a network namespace).

    wire = Wire(box)                     # needs=["netns", "tun"]
    c.connect(fd, *inet(c, THERE, 9))    # the SYN is on the wire, and nobody has answered
    syn = wire.read()
    wire.answer(syn, SYN | ACK)          # now the connection is established
"""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass

from pysock_raw.conformance import machine
from pysock_raw.conformance.box import Box

HERE, THERE = 0xC0000201, 0xC0000202  # 192.0.2.1 is the kernel, 192.0.2.2 the case (RFC 5737)
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
ICMP, TCP = 1, 6
UNREACHABLE, PARAMETER_PROBLEM = 3, 12  # ICMP types

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000  # linux/if_tun.h


@dataclass(frozen=True)
class Segment:
    """A TCP segment that the kernel sent, or that it is to receive."""

    source: int
    port: int
    destination: int
    to_port: int
    seq: int
    ack: int
    flags: int
    length: int = 0

    @property
    def next(self) -> int:
        """The sequence number after it."""
        return (self.seq + self.length + bool(self.flags & (SYN | FIN))) & 0xFFFFFFFF


class Wire:
    def __init__(self, box: Box) -> None:
        machine.network()
        self._tun = os.open("/dev/net/tun", os.O_RDWR)
        box.keep(self._tun)
        fcntl.ioctl(self._tun, TUNSETIFF, struct.pack("16sH22x", b"wire", IFF_TUN | IFF_NO_PI))
        machine.setting("ipv6/conf/wire/disable_ipv6", "1")  # it would talk by itself
        machine.ip("addr add 192.0.2.1/24 dev wire", "link set wire up")

    def read(self) -> Segment:
        """The next TCP segment from the kernel; waits for one."""
        while True:
            packet = os.read(self._tun, 65536)
            if packet[9] == TCP:
                return _parsed(packet)

    def send(self, segment: Segment) -> None:
        """The kernel has taken the segment in when this returns."""
        os.write(self._tun, _packet(segment.source, segment.destination, TCP, _tcp(segment)))

    def answer(self, segment: Segment, flags: int) -> Segment:
        """Answer a segment of the kernel's; returns the answer."""
        seq = segment.ack if segment.flags & ACK else 1000
        answer = Segment(segment.destination, segment.to_port, segment.source, segment.port, seq, segment.next, flags)
        self.send(answer)
        return answer

    def complain(self, segment: Segment, type: int, code: int) -> None:
        """An ICMP error about a segment that the kernel sent."""
        about = _packet(segment.source, segment.destination, TCP, _tcp(segment))[:28]  # RFC 792: header + 8 bytes
        message = struct.pack("!BBHI", type, code, 0, 0) + about
        message = message[:2] + _checksum(message) + message[4:]
        os.write(self._tun, _packet(segment.destination, segment.source, ICMP, message))

    def client(self, to_port: int, port: int = 5000) -> Segment:
        """Connect to the kernel's port; returns an empty segment that the kernel may send next."""
        self.send(Segment(THERE, port, HERE, to_port, 1000, 0, SYN))
        accepted = self.read()
        self.answer(accepted, ACK)
        return Segment(HERE, to_port, THERE, port, accepted.next, accepted.ack, ACK)


def _parsed(packet: bytes) -> Segment:
    header = (packet[0] & 0xF) * 4
    source, destination = struct.unpack_from("!II", packet, 12)
    port, to_port, seq, ack, offset, flags = struct.unpack_from("!HHIIBB", packet, header)
    length = len(packet) - header - (offset >> 4) * 4
    return Segment(source, port, destination, to_port, seq, ack, flags, length)


def _tcp(segment: Segment) -> bytes:
    header = struct.pack(
        "!HHIIBBHHH", segment.port, segment.to_port, segment.seq, segment.ack, 5 << 4, segment.flags, 65535, 0, 0
    )
    pseudo = struct.pack("!IIHH", segment.source, segment.destination, TCP, len(header))
    return header[:16] + _checksum(pseudo + header) + header[18:]


def _packet(source: int, destination: int, protocol: int, payload: bytes) -> bytes:
    header = struct.pack("!BBHIBBHII", 0x45, 0, 20 + len(payload), 0, 64, protocol, 0, source, destination)
    return header[:10] + _checksum(header) + header[12:] + payload


def _checksum(data: bytes) -> bytes:
    """RFC 1071."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)
