"""Keys as canonical bytes: what makes two keys the same key, in both languages, in every process, for ever.

docs/format/keys.md draws them; docs/format/keys.golden.json holds the vectors.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from ._results import WrongResult, describe

_NONE, _FALSE, _TRUE, _INT, _STR, _BYTES, _TUPLE = (bytes([tag]) for tag in range(7))
_ATOMS: dict[bytes, object] = {_NONE: None, _FALSE: False, _TRUE: True}
_SHOWN = 40  # bytes in a text
_NO_U64 = "cannot be a key of to_state_partition_u64"


class WrongKey(WrongResult):
    """What came cannot be a key.

    Attributes:
        reason: what came, why it cannot be one, and what to make it: "float 1.0, which cannot be a key: ...".
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"got {reason}")


def canonical(key: object) -> bytes:
    """The canonical bytes of a key: a type tag, then UTF-8, bytes, the minimal two's complement of an int, or parts.

    ``1``, ``True`` and ``"1"`` are three keys.

    Raises:
        WrongKey: the key, or a part of it, is not exactly a str, bytes, int, bool, None or a tuple of these; or a str
            that cannot be UTF-8 (a lone surrogate).
    """
    kind = type(key)
    if kind is str:
        try:
            return _STR + str.encode(key)  # type: ignore[arg-type]
        except UnicodeEncodeError:
            raise WrongKey(_refused(key, "it holds a lone surrogate and has no UTF-8 form")) from None
    if kind is int:
        return _INT + _minimal(key)  # type: ignore[arg-type]
    if kind is bytes:
        return _BYTES + key  # type: ignore[operator]
    if key is None:
        return _NONE
    if kind is bool:
        return _TRUE if key else _FALSE
    if kind is tuple:
        try:
            return _TUPLE + b"".join(map(_part, key))  # type: ignore[call-overload]
        except WrongKey as wrong:
            part = wrong.reason.replace(", which cannot be a key:", " cannot be a part of a key:", 1)
            raise WrongKey(f"{describe(key)}, in which {part}") from None
    raise WrongKey(_refused(key, f"make it a {_instead(kind)}"))


def key_of(encoded: bytes) -> object:
    """The key that has these canonical bytes: the inverse of `canonical`.

    Raises:
        ValueError: they are no key's.
    """
    tag, rest = encoded[:1], encoded[1:]
    if tag == _STR:
        return rest.decode()
    if tag == _INT:
        number = int.from_bytes(rest, "big", signed=True)
        if _minimal(number) == rest:
            return number
    elif tag == _BYTES:
        return rest
    elif tag == _TUPLE:
        return tuple(map(key_of, _parts(rest)))
    elif encoded in _ATOMS:
        return _ATOMS[encoded]
    raise ValueError(f"bytes that are no key: {encoded[:_SHOWN].hex()}")


def check_u64(key: object) -> None:
    """Check a key of to_state_partition_u64.

    Raises:
        WrongKey: it is not exactly an int, or not one of 64 bits without a sign.
    """
    if type(key) is not int:
        raise WrongKey(f"{describe(key)}, which {_NO_U64}: make it an int, as in int(key)")
    if not 0 <= key < 1 << 64:
        raise WrongKey(f"{describe(key)}, which {_NO_U64}: make it one from 0 to 2**64 - 1")


def _refused(key: object, why: str) -> str:
    return f"{describe(key)}, which cannot be a key: {why}"


def _part(key: object) -> bytes:
    """A key inside a tuple, led by its length so that the parts cannot run into one another."""
    encoded = canonical(key)
    return len(encoded).to_bytes(4, "big") + encoded


def _parts(joined: bytes) -> Iterator[bytes]:
    """The parts of a tuple, as `_part` has put them together."""
    at = 0
    while at < len(joined):
        end = at + 4 + int.from_bytes(joined[at : at + 4], "big")
        if at + 4 > len(joined) or end > len(joined):
            raise ValueError("bytes that are no key: a tuple that is cut")
        yield joined[at + 4 : end]
        at = end


def _minimal(number: int) -> bytes:
    """The shortest big-endian two's complement; 0 is one zero byte."""
    magnitude = number if number >= 0 else ~number
    return number.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True)


def _instead(kind: type) -> str:
    """What to make of a key of this type."""
    for base, instead in (
        (bool, "bool"),
        (int, "int, as in int(key)"),
        (str, "str, as in str(key)"),
        (bytes, "bytes, as in bytes(key)"),
    ):
        if issubclass(kind, base):
            return f"plain {instead}"
    if issubclass(kind, float):
        return "str or an int, since floats that look alike need not be equal"
    if issubclass(kind, (bytearray, memoryview)):
        return "bytes, as in bytes(key)"
    if issubclass(kind, (list, tuple)):
        return "tuple of str, bytes, int, bool and None, as in tuple(key)"
    return "str, bytes, int, bool, None or a tuple of these"


def partition_of(encoded: bytes, partitions: int) -> int:
    """The partition of a key's canonical bytes: the top bits of its hash. There are a power of two of partitions."""
    return key_hash(encoded) >> (33 - partitions.bit_length())


def key_hash(encoded: bytes) -> int:
    """CRC-32 (IEEE) through a fixed finaliser, a published one with little bias: the same everywhere and for ever."""
    value = zlib.crc32(encoded)
    value ^= value >> 16
    value = value * 0x21F0AAAD & 0xFFFFFFFF
    value ^= value >> 15
    value = value * 0x735A2D97 & 0xFFFFFFFF
    return value ^ value >> 15
