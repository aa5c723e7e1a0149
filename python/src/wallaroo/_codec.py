"""The functions between bytes and messages: decoders with the framing of their source, and encoders."""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, overload

from ._function import Decorated, describe, explained, label_of

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)
Codec = TypeVar("Codec", bound=Decorated)

_EXAMPLE = 'header_length=4, length_fmt=">I"'

LONGEST_HEADER = 4096
"""Bytes that a header may have, its pad bytes included."""

_INTEGERS = "bBhHiIlLqQnN"
_FORMAT = re.compile(rf"([@=<>!]?)((?:[0-9]*x|\s)*)1?([{_INTEGERS}])((?:[0-9]*x|\s)*)", re.ASCII)
_BYTE_ORDERS: dict[str, Literal["big", "little"]] = {"<": "little", ">": "big", "!": "big"}
"""The byte orders that do not follow the machine."""
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
"""The codes of integers without a sign, by their width."""


@dataclass(frozen=True)
class Framing:
    """How a frame says its length: an integer of `width` bytes at `offset` in a header of `header` bytes.

    The length counts the payload that follows the header, without the header itself.
    """

    header: int
    offset: int
    width: int
    order: Literal["big", "little"]
    signed: bool

    @property
    def longest(self) -> int:
        """Bytes of the longest payload of which the header can tell the length."""
        return (1 << (8 * self.width - self.signed)) - 1

    def packer(self) -> Callable[[int], bytes]:
        """A function that makes the header of a payload from its length, and raises struct.error beyond `longest`."""
        order = "<" if self.order == "little" else ">"
        code = _CODES[self.width].lower() if self.signed else _CODES[self.width]
        return struct.Struct(f"{order}{self.offset}x{code}{self.header - self.offset - self.width}x").pack


class Decoder(Decorated, Generic[Out]):
    """A function from the payload of a frame to a message, made by `decoder`; `framing` tells the frames apart."""

    decorator: ClassVar[str] = "decoder"
    example: ClassVar[str] = f"@wallaroo.decoder({_EXAMPLE})"
    place: ClassVar[str] = "TCPSourceConfig(HOST, PORT, {0})"
    arguments: ClassVar[tuple[str, ...]] = ("bs",)

    function: Callable[[bytes], Out]
    framing: Framing

    if TYPE_CHECKING:

        def __call__(self, bs: bytes) -> Out: ...


class Encoder(Decorated, Generic[In]):
    """A function from a message to the bytes that a sink writes, made by `encoder`.

    Where its decorator describes a header, `framing` says how, and the sink writes one before what it returns.
    """

    decorator: ClassVar[str] = "encoder"
    example: ClassVar[str] = "@wallaroo.encoder"
    place: ClassVar[str] = "TCPSinkConfig(HOST, PORT, {0})"

    function: Callable[[In], bytes | str | None]
    framing: Framing | None = None

    if TYPE_CHECKING:

        def __call__(self, data: In) -> bytes | str | None: ...


@explained(Decoder, "header_length and length_fmt")
def decoder(header_length: int, length_fmt: str) -> Callable[[Callable[[bytes], Out]], Decoder[Out]]:
    """Decorate a function from the bytes of one frame, without its header, to a message.

    Args:
        header_length: bytes of the header that leads each frame, from 1 to 4096.
        length_fmt: how the header holds the length of what follows: a format of the module struct with exactly one
            integer and any pad bytes, as in ``">I"`` or ``"<H2x"``. It must describe exactly `header_length` bytes.

    Returns:
        A decorator that makes a `Decoder` of the function, which stays callable.

    Raises:
        WallarooParameterError: not here, but by `build` and by a call: the header is not described as said, or the
            function does not take exactly the bytes, yields or is async.
    """
    return _framed(Decoder, header_length, length_fmt)


@overload
def encoder(function: Callable[[In], bytes | str | None], /) -> Encoder[In]: ...


@overload
def encoder(header_length: int, length_fmt: str) -> Callable[[Callable[[In], bytes | str | None]], Encoder[In]]: ...


def encoder(*args: Any, **kwargs: Any) -> Any:
    """Decorate a function from a message to what the sink writes.

    The function takes the message and returns bytes, or a str that is encoded as UTF-8, or None, which writes nothing.
    There are two forms::

        @wallaroo.encoder
        @wallaroo.encoder(header_length=4, length_fmt=">I")

    By the first the sink writes what the function returns: if the receiver needs a line end, the function adds it. By
    the second the sink writes a header before it that holds its length in bytes; the arguments are those of `decoder`.
    No bytes, or an empty str, are a frame of length zero then, and what is too long for the header is a failure of its
    message. Who calls the function gets what it returns, without a header.

    Returns:
        An `Encoder`, which stays callable; with a header a decorator that makes one.

    Raises:
        WallarooParameterError: not here, but by `build` and by a call: the header is not described as said, or the
            function does not take exactly one message, yields or is async.
    """
    if len(args) == 1 and not kwargs and callable(args[0]):
        return Encoder(label_of(args[0]), args[0])
    return _encoder_with_header(*args, **kwargs)


@explained(Encoder, "header_length and length_fmt", f"@wallaroo.encoder, or @wallaroo.encoder({_EXAMPLE}),")
def _encoder_with_header(header_length: int, length_fmt: str) -> Callable[[Callable[..., Any]], Encoder[Any]]:
    return _framed(Encoder, header_length, length_fmt)


def _framed(kind: type[Codec], header_length: object, length_fmt: object) -> Callable[[Callable[..., Any]], Codec]:
    """A decorator that describes a header. What is wrong with that is a mistake of what it makes."""
    try:
        framing, wrong = _framing(header_length, length_fmt), []
    except ValueError as error:
        framing, wrong = None, [f": {error}; write for example @wallaroo.{kind.decorator}({_EXAMPLE})"]
    return lambda function: kind(label_of(function), function, *wrong, framing=framing)


def _framing(header_length: object, length_fmt: object) -> Framing:
    """Where the format puts its integer. Raises ValueError unless it is one."""
    if type(header_length) is not int or not 1 <= header_length <= LONGEST_HEADER:
        raise ValueError(f"header_length must be an int from 1 to {LONGEST_HEADER}, not {describe(header_length)}")
    if not isinstance(length_fmt, str):
        raise ValueError(f"length_fmt must be a str, not {describe(length_fmt)}")
    match = _FORMAT.fullmatch(length_fmt)
    if not match:
        raise ValueError(
            f"length_fmt {length_fmt!r} must be a format of the module struct with exactly one integer, "
            f"one of {_INTEGERS}, and for the rest pad bytes (x)"
        )
    order, before, code, after = match.groups()
    try:
        width = struct.calcsize(order + code)
        end = struct.calcsize(order + before + code)  # Native formats align the integer, so not the sum of the parts.
        size = struct.calcsize(order + before + code + after)
    except struct.error as error:
        raise ValueError(f"length_fmt {length_fmt!r} is not a format of the module struct: {error}") from None
    if size != header_length:
        raise ValueError(f"header_length is {header_length}, but length_fmt {length_fmt!r} describes {size} bytes")
    return Framing(size, end - width, width, _BYTE_ORDERS.get(order, sys.byteorder), code.islower())
