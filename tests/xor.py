"""XOR chunks by the word of their description, one bit after the other: the slow twin of `xor_chunks`."""

from __future__ import annotations

import struct
from collections.abc import Sequence

Sample = tuple[int, int]
"""Time [ms] and the 64 bits of the value."""
WIDTHS = ((14, "10"), (17, "110"), (20, "1110"))


def bits_of(value: float) -> int:
    """The 64 bits of a number."""
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])


def _signed(number: int) -> int:
    """As Go's int64 wraps."""
    number &= (1 << 64) - 1
    return number - (1 << 64) if number >> 63 else number


def _binary(number: int, width: int) -> str:
    return f"{number & ((1 << width) - 1):0{width}b}"


def _varint(number: int) -> str:
    out = ""
    while number > 0x7F:
        out += _binary(number & 0x7F | 0x80, 8)
        number >>= 7
    return out + _binary(number, 8)


def encode(samples: Sequence[Sample]) -> bytes:
    """One chunk."""
    out = _binary(len(samples), 16)
    step = time = value = 0
    zeros: tuple[int, int] | None = None
    for number, (now, bits) in enumerate(samples):
        if number == 0:
            out += _varint(((now << 1) ^ (now >> 63)) & ((1 << 64) - 1)) + _binary(bits, 64)
        else:
            change = _signed(now - time - step)
            step = now - time
            out += _varint(step & ((1 << 64) - 1)) if number == 1 else _step(change)
            text, zeros = _value(bits ^ value, zeros)
            out += text
        time, value = now, bits
    out += "0" * (-len(out) % 8)
    return bytes(int(out[at : at + 8], 2) for at in range(0, len(out), 8))


def _step(change: int) -> str:
    if change == 0:
        return "0"
    for width, prefix in WIDTHS:
        if -((1 << (width - 1)) - 1) <= change <= 1 << (width - 1):
            return prefix + _binary(change, width)
    return "1111" + _binary(change, 64)


def _value(change: int, zeros: tuple[int, int] | None) -> tuple[str, tuple[int, int] | None]:
    if change == 0:
        return "0", zeros
    leading = min(64 - change.bit_length(), 31)
    trailing = (change & -change).bit_length() - 1
    if zeros is not None and leading >= zeros[0] and trailing >= zeros[1]:
        return "10" + _binary(change >> zeros[1], 64 - sum(zeros)), zeros
    width = 64 - leading - trailing
    return (
        "11" + _binary(leading, 5) + _binary(width % 64, 6) + _binary(change >> trailing, width),
        (leading, trailing),
    )


class _Bits:
    def __init__(self, chunk: bytes) -> None:
        self.text = "".join(f"{byte:08b}" for byte in chunk)
        self.at = 0

    def take(self, width: int) -> int:
        self.at += width
        if self.at > len(self.text):
            raise ValueError("it ends too early")
        return int(self.text[self.at - width : self.at] or "0", 2)

    def varint(self) -> int:
        """As Go reads it: of 64 bits, and no more."""
        out = 0
        for shift in range(0, 70, 7):
            byte = self.take(8)
            out |= (byte & 0x7F) << shift
            if byte < 0x80 and out < 1 << 64:
                return out
        raise ValueError("a number that is too long")


def decode(chunk: bytes) -> list[Sample]:
    """The samples of one chunk; `ValueError` where Prometheus would not have written it so."""
    bits = _Bits(chunk)
    out: list[Sample] = []
    time = step = value = 0
    leading, trailing = 0, 0
    for number in range(bits.take(16)):
        if number == 0:
            zigzag = bits.varint()
            time, value = _signed((zigzag >> 1) ^ -(zigzag & 1)), bits.take(64)
        else:
            step = _signed(bits.varint()) if number == 1 else _signed(step + _read_step(bits))
            time = _signed(time + step)
            if bits.take(1):
                if bits.take(1):
                    leading = bits.take(5)
                    trailing = 64 - leading - (bits.take(6) or 64)
                    if trailing < 0:
                        raise ValueError("more bits than a value has")
                value ^= bits.take(64 - leading - trailing) << trailing
        out.append((time, value))
    if len(bits.text) - bits.at > 8:
        raise ValueError("bytes behind its samples")
    return out


def _read_step(bits: _Bits) -> int:
    ones = 0
    while ones < 4 and bits.take(1):
        ones += 1
    if ones == 4:
        return _signed(bits.take(64))
    if ones == 0:
        return 0
    width = WIDTHS[ones - 1][0]
    change = bits.take(width)
    return change - (1 << width) if change > 1 << (width - 1) else change
