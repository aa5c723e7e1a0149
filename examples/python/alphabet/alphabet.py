"""Counts votes for letters: a letter and its new votes come in over TCP, the letter and all its votes so far go out.

wallaroo run alphabet.py --in 127.0.0.1:7010 --out 127.0.0.1:7002
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import wallaroo


def application_setup(args: list[str]) -> wallaroo.Application:
    in_host, in_port = wallaroo.tcp_parse_input_addrs(args)[0]
    out_host, out_port = wallaroo.tcp_parse_output_addrs(args)[0]

    ab = wallaroo.ApplicationBuilder("Alphabet")
    ab.new_pipeline("Count Votes", wallaroo.TCPSourceConfig(in_host, in_port, decoder))
    ab.to_stateful(add_votes, AllVotes, "all votes")
    ab.to_sink(wallaroo.TCPSinkConfig(out_host, out_port, encoder))
    return ab.build()


class Votes(NamedTuple):
    letter: str
    votes: int


class AllVotes:
    def __init__(self) -> None:
        self.votes_by_letter: dict[str, int] = {}

    def update(self, votes: Votes) -> None:
        self.votes_by_letter[votes.letter] = self.votes_by_letter.get(votes.letter, 0) + votes.votes

    def get_votes(self, letter: str) -> Votes:
        return Votes(letter, self.votes_by_letter[letter])


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decoder(bs: bytes) -> Votes:
    letter, votes = struct.unpack(">sI", bs)
    return Votes(letter.decode("ascii"), votes)


@wallaroo.state_computation(name="add votes")
def add_votes(votes: Votes, all_votes: AllVotes) -> tuple[Votes, bool]:
    all_votes.update(votes)
    return (all_votes.get_votes(votes.letter), True)


@wallaroo.encoder(header_length=4, length_fmt=">I")
def encoder(data: Votes) -> bytes:
    return struct.pack(">sQ", data.letter.encode("ascii"), data.votes)
