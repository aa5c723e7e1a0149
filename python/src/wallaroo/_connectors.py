"""Where messages come from and where they go: TCP sources and sinks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ._addresses import LARGEST_PORT, LOOPBACK, port_number
from ._called import called_as
from ._codec import Decoder, Encoder, Framing
from ._function import describe
from ._mistakes import misplaced


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
        if port_number(self.port) is None:
            yield f"port must be a number from 0 to {LARGEST_PORT}, not {describe(self.port)}"

    def _mistakes_of_resumable(self, resumable: object) -> Iterator[str]:
        if not isinstance(resumable, bool):
            yield f"resumable must be True or False, not {describe(resumable)}"


@called_as("TCPSourceConfig(HOST, PORT, DECODER)")
@dataclass(frozen=True)
class TCPSourceConfig(_TCPConfig):
    """A source that listens for TCP connections and makes a message of each frame that comes.

    A wrong value is reported by `ApplicationBuilder.build`, which knows the pipeline; a missing one, and one too many,
    raises a WallarooParameterError at once.

    Args:
        host: the address to listen on; empty for 127.0.0.1.
        port: 0 to 65535, as int or str; 0 lets the operating system choose, and the log says which.
        decoder: a function decorated by ``@wallaroo.decoder``, which also says how frames are told apart.
        resumable: whether senders speak the framing resumable, as ``wallaroo send --framing resumable`` does: each
            message of a named stream is taken once, and acknowledged. It has frames of its own: the header that the
            decoder describes is not used.
    """

    decoder: Decoder[Any]
    resumable: bool = False

    def mistakes(self) -> Iterator[str]:
        """Yield what is wrong, a phrase each."""
        yield from super().mistakes()
        yield from misplaced("the decoder of TCPSourceConfig", self.decoder, Decoder)
        yield from self._mistakes_of_resumable(self.resumable)

    @property
    def longest(self) -> int | None:
        """Bytes of the longest payload that a frame can tell of; None if the frame sets no bound."""
        return None if self.resumable else self.decoder.framing.longest


@called_as("TCPSinkConfig(HOST, PORT, ENCODER)")
@dataclass(frozen=True)
class TCPSinkConfig(_TCPConfig):
    """A sink that connects to a TCP receiver and writes what the encoder makes of each message.

    A wrong value is reported by `ApplicationBuilder.build`, which knows the pipeline; a missing one, and one too many,
    raises a WallarooParameterError at once.

    Args:
        host: the receiver's address; empty for 127.0.0.1.
        port: 0 to 65535, as int or str.
        encoder: a function decorated by ``@wallaroo.encoder``.
        resumable: whether the receiver speaks the framing resumable, as ``wallaroo receive --framing resumable`` does:
            it keeps results apart until a checkpoint has committed them, and has each once. What the encoder returns is
            a message; a header that it describes is not used.
    """

    encoder: Encoder[Any]
    resumable: bool = False

    def mistakes(self) -> Iterator[str]:
        """Yield what is wrong, a phrase each."""
        yield from super().mistakes()
        yield from misplaced("the encoder of TCPSinkConfig", self.encoder, Encoder)
        yield from self._mistakes_of_resumable(self.resumable)

    @property
    def header(self) -> Framing | None:
        """What is written before each result; None if nothing is."""
        return None if self.resumable else self.encoder.framing
