"""Where messages come from and where they go: TCP sources and sinks, and their addresses on the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ._codec import Decoder, Encoder
from ._function import describe
from ._mistakes import misplaced
from .errors import WallarooParameterError

LOOPBACK = "127.0.0.1"
"""The host that an empty one stands for: nothing listens beyond this machine unless told to."""

_ADDRESS = re.compile(r"(?:\[([^][\s]*)\]|([^][:\s]*)):([^:]*)")
_DIGITS = re.compile(r"[0-9]{1,9}")
_LARGEST_PORT = 65535


@dataclass(frozen=True)
class _TCPConfig:
    host: str
    port: str | int

    @property
    def address(self) -> tuple[str, int]:
        """The host and the port as the engine takes them; only for one without `mistakes`."""
        return self.host or LOOPBACK, int(self.port)

    def mistakes(self) -> Iterator[str]:
        """Yield what is wrong, a phrase each."""
        if not isinstance(self.host, str):
            yield f"host must be a str, not {describe(self.host)}"
        elif not self.host.isprintable() or any(character in " []" for character in self.host):
            yield f"host must be a name or an address (IPv6 without brackets), not {describe(self.host)}"
        if _port_number(self.port) is None:
            yield f"port must be a number from 0 to {_LARGEST_PORT}, not {describe(self.port)}"


@dataclass(frozen=True)
class TCPSourceConfig(_TCPConfig):
    """A source that listens for TCP connections and makes a message of each frame that comes.

    A wrong value is reported by `ApplicationBuilder.build`, which knows the pipeline.

    Args:
        host: the address to listen on; empty for 127.0.0.1.
        port: 0 to 65535, as int or str; 0 lets the operating system choose, and the log says which.
        decoder: a function decorated by ``@wallaroo.decoder``, which also says how frames are told apart.
    """

    decoder: Decoder[Any]

    def mistakes(self) -> Iterator[str]:
        """Yield what is wrong, a phrase each."""
        yield from super().mistakes()
        yield from misplaced("the decoder of TCPSourceConfig", self.decoder, Decoder)


@dataclass(frozen=True)
class TCPSinkConfig(_TCPConfig):
    """A sink that connects to a TCP receiver and writes what the encoder makes of each message.

    A wrong value is reported by `ApplicationBuilder.build`, which knows the pipeline.

    Args:
        host: the receiver's address; empty for 127.0.0.1.
        port: 0 to 65535, as int or str.
        encoder: a function decorated by ``@wallaroo.encoder``.
    """

    encoder: Encoder[Any]

    def mistakes(self) -> Iterator[str]:
        """Yield what is wrong, a phrase each."""
        yield from super().mistakes()
        yield from misplaced("the encoder of TCPSinkConfig", self.encoder, Encoder)


def tcp_parse_input_addrs(args: Sequence[str]) -> list[tuple[str, str]]:
    """Find the addresses of the sources in the arguments of ``application_setup``.

    Args:
        args: holds ``--in HOST:PORT[,HOST:PORT...]``, or ``-i`` for short; the value may also follow after ``=``, and
            the last one wins. An IPv6 host stands in brackets; an empty host is 127.0.0.1.

    Returns:
        A (host, port) pair of str for each address, in order; an IPv6 host without its brackets.

    Raises:
        WallarooParameterError: there is no ``--in``, or its value does not parse.
    """
    return _parse_addresses(args, "--in", "-i", "127.0.0.1:7010")


def tcp_parse_output_addrs(args: Sequence[str]) -> list[tuple[str, str]]:
    """Find the addresses of the sinks in the arguments of ``application_setup``.

    Args:
        args: holds ``--out HOST:PORT[,HOST:PORT...]``, or ``-o`` for short; otherwise as for `tcp_parse_input_addrs`.

    Returns:
        A (host, port) pair of str for each address, in order; an IPv6 host without its brackets.

    Raises:
        WallarooParameterError: there is no ``--out``, or its value does not parse.
    """
    return _parse_addresses(args, "--out", "-o", "127.0.0.1:7002")


def _parse_addresses(args: Sequence[str], flag: str, short: str, example: str) -> list[tuple[str, str]]:
    if isinstance(args, str) or not isinstance(args, Sequence):
        raise WallarooParameterError(
            f"{flag} is read from the args of application_setup(args), not from {describe(args)}"
        )
    value = None
    for index, arg in enumerate(args):
        name, equals, rest = arg.partition("=")
        if name in (flag, short):
            value = rest if equals else "".join(args[index + 1 : index + 2])
    if value is None:
        raise WallarooParameterError(f"the argument {flag} is missing; give for example {flag} {example}")
    return [_parse_address(part, flag, example) for part in value.split(",")]


def _parse_address(text: str, flag: str, example: str) -> tuple[str, str]:
    match = _ADDRESS.fullmatch(text)
    if match is None:
        reason = "is not HOST:PORT or [IPV6]:PORT"
    elif (port := _port_number(match[3])) is None:
        reason = f"has a port that is not a number from 0 to {_LARGEST_PORT}"
    else:
        return match[1] or match[2] or LOOPBACK, str(port)
    raise WallarooParameterError(f"the address {text!r} of {flag} {reason}; give for example {flag} {example}")


def _port_number(port: object) -> int | None:
    """The port as an int, or None if it is none."""
    number = int(port) if isinstance(port, str) and _DIGITS.fullmatch(port) else port
    return number if type(number) is int and 0 <= number <= _LARGEST_PORT else None
