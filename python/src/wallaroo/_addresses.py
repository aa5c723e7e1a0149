"""Addresses on the command line of an application: HOST:PORT, and what to write where one is wrong or missing."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, SupportsIndex, overload

from ._called import called_as
from ._function import describe
from .errors import WallarooParameterError

LOOPBACK = "127.0.0.1"
"""The host that an empty one stands for: nothing listens beyond this machine unless told to."""

LARGEST_PORT = 65535

_ADDRESS = re.compile(r"(?:\[([^][\s]*)\]|([^][:\s]*)):([^:]*)")
_DIGITS = re.compile(r"[0-9]{1,9}")
_MOST_SHOWN = 4  # addresses in an example

_UNPACKING = re.compile(r"=\s*(?:\w+\.)*(tcp_parse_(?:in|out)put_addrs)\(\w+\)\s*(?:#.*)?$")
_UNPACKED = re.compile(r"(not enough|too many) values to unpack \(expected (?:at least )?(\d+)(?:, got (\d+))?\)")


@dataclass(frozen=True)
class _Flag:
    """A flag that takes addresses; the ports of examples count from `port`."""

    name: str
    short: str
    port: int

    def example(self, count: int = 1) -> str:
        """The flag with so many addresses, as one writes it."""
        shown = [f"{LOOPBACK}:{self.port + number}" for number in range(min(count, _MOST_SHOWN))]
        return f"{self.name} {','.join(shown)}{',...' if count > _MOST_SHOWN else ''}"


_FLAGS = {
    "tcp_parse_input_addrs": _Flag("--in", "-i", 7010),
    "tcp_parse_output_addrs": _Flag("--out", "-o", 7002),
}


class TooFewAddresses(WallarooParameterError, IndexError):
    """The application asks for an address that is not there. It is an IndexError too, as of any list."""


class Addresses(list[tuple[str, str]]):
    """The addresses of a flag. Who asks for one that is not there is told what to write."""

    def __init__(self, flag: _Flag, addresses: Iterable[tuple[str, str]]) -> None:
        super().__init__(addresses)
        self._flag = flag

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> tuple[str, str]: ...

    @overload
    def __getitem__(self, index: slice, /) -> list[tuple[str, str]]: ...

    def __getitem__(self, index: Any, /) -> Any:
        try:
            return super().__getitem__(index)
        except IndexError:
            number = index.__index__()
            wanted = number + 1 if number >= 0 else -number
            asked = f"asks for number {wanted}{'' if number >= 0 else ' from the end'}"
            raise TooFewAddresses(self.wrong_count(f"the application {asked}", wanted)) from None

    def wrong_count(self, use: str, wanted: int) -> str:
        """What to say where so many are wanted, and others are there."""
        many = f"{len(self)} address{'' if len(self) == 1 else 'es'}"
        return f"the argument {self._flag.name} has {many}, but {use}; give for example {self._flag.example(wanted)}"


@called_as("tcp_parse_input_addrs(args)")
def tcp_parse_input_addrs(args: Sequence[str]) -> list[tuple[str, str]]:
    """Find the addresses of the sources in the arguments of ``application_setup``.

    Args:
        args: holds ``--in HOST:PORT[,HOST:PORT...]``, or ``-i`` for short; the value may also follow after ``=``, and
            the last one wins. An IPv6 host stands in brackets; an empty host is 127.0.0.1.

    Returns:
        A (host, port) pair of str for each address, in order; an IPv6 host without its brackets. An index beyond them
        raises a WallarooParameterError, which is an IndexError too and says how many to give.

    Raises:
        WallarooParameterError: there is no ``--in``, or its value does not parse.
    """
    return _parse_addresses(args, _FLAGS["tcp_parse_input_addrs"])


@called_as("tcp_parse_output_addrs(args)")
def tcp_parse_output_addrs(args: Sequence[str]) -> list[tuple[str, str]]:
    """Find the addresses of the sinks in the arguments of ``application_setup``.

    Args:
        args: holds ``--out HOST:PORT[,HOST:PORT...]``, or ``-o`` for short; otherwise as for `tcp_parse_input_addrs`.

    Returns:
        As `tcp_parse_input_addrs`.

    Raises:
        WallarooParameterError: there is no ``--out``, or its value does not parse.
    """
    return _parse_addresses(args, _FLAGS["tcp_parse_output_addrs"])


def wrongly_unpacked(error: BaseException, args: Sequence[str]) -> str | None:
    """What is wrong if an exception came of a line like ``one, two = wallaroo.tcp_parse_input_addrs(args)``.

    Args:
        error: what loading an application raised.
        args: the arguments of the application.

    Returns:
        What to say; None if the exception came of something else.
    """
    raised = _UNPACKED.fullmatch(str(error)) if type(error) is ValueError else None
    line = traceback.extract_tb(error.__traceback__)[-1].line if raised else None
    call = _UNPACKING.search(line or "")
    if raised is None or call is None:
        return None
    name, wanted = call[1], int(raised[2])
    try:
        addresses = _parse_addresses(args, _FLAGS[name])
    except WallarooParameterError:
        return None
    if (len(addresses) < wanted) != (raised[1] == "not enough") or raised[3] not in (None, str(len(addresses))):
        return None  # they were of other arguments
    told = addresses.wrong_count(f"this line takes {wanted}", wanted)
    pair = f"; if it wants the host and the port of one, write {name}(args)[0]"
    return told + (pair if (len(addresses), wanted) == (1, 2) else "")


def _parse_addresses(args: Sequence[str], flag: _Flag) -> Addresses:
    if isinstance(args, str) or not isinstance(args, Sequence):
        raise WallarooParameterError(
            f"{flag.name} is read from the args of application_setup(args), not from {describe(args)}"
        )
    value = None
    for index, arg in enumerate(args):
        name, equals, rest = arg.partition("=")
        if name in (flag.name, flag.short):
            value = rest if equals else "".join(args[index + 1 : index + 2])
    if value is None:
        raise WallarooParameterError(f"the argument {flag.name} is missing; give for example {flag.example()}")
    return Addresses(flag, [_parse_address(part, flag) for part in value.split(",")])


def _parse_address(text: str, flag: _Flag) -> tuple[str, str]:
    match = _ADDRESS.fullmatch(text)
    if match is None:
        reason = "is not HOST:PORT or [IPV6]:PORT"
    elif (port := port_number(match[3])) is None:
        reason = f"has a port that is not a number from 0 to {LARGEST_PORT}"
    else:
        return match[1] or match[2] or LOOPBACK, str(port)
    raise WallarooParameterError(f"the address {text!r} of {flag.name} {reason}; give for example {flag.example()}")


def port_number(port: object) -> int | None:
    """The port as an int, or None if it is none."""
    number = int(port) if isinstance(port, str) and _DIGITS.fullmatch(port) else port
    return number if type(number) is int and 0 <= number <= LARGEST_PORT else None
