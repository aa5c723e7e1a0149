"""Makes the data of this example: market.msg and orders.msg, which are sent in this order, and what comes of each.

python3 make_market.py
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

SYMBOLS = ["ACME", "BOLT", "CORK", "DUNE", "ELM", "FERN", "GLOW", "HIVE", "INK", "JADE", "KELP", "LOFT"]
SILENT = "MUTE"  # has orders and no market data
PENNIES = "KELP"  # so cheap that a spread of a few cents is a large share of the price
UPDATES = 30  # market data of each symbol
ORDERS = 300
OPENING = 14 * 3600 + 30 * 60

# Far enough from the limit of 0.05 that the last bit of a float decides nothing.
NARROW = [0.01, 0.02, 0.03, 0.04]
WIDE = [0.06, 0.08, 0.1]


Choice = TypeVar("Choice")


@dataclass
class Market:
    bid: float = 0.0
    offer: float = 0.0
    rejects: bool = True


def main() -> None:
    folder = Path(__file__).parent
    chance = random.Random(2018)
    markets = {symbol: Market() for symbol in [*SYMBOLS, SILENT]}
    sent, changes = make_market(chance, markets)
    (folder / "market.msg").write_bytes(b"".join(sent))
    (folder / "expected_symbols.txt").write_text("".join(changes))
    sent, rejections = make_orders(chance, markets)
    (folder / "orders.msg").write_bytes(b"".join(sent))
    (folder / "expected_rejections.txt").write_text("".join(rejections))


def make_market(chance: random.Random, markets: dict[str, Market]) -> tuple[list[bytes], list[str]]:
    """Make market data. The last of each symbol changes whether it can be traded, so whoever sees that has seen all."""
    frames, changes = [], []
    middles = {symbol: 0.5 if symbol == PENNIES else 10 + 100 * chance.random() for symbol in SYMBOLS}
    for round_ in range(UPDATES):
        for symbol in SYMBOLS:
            market = markets[symbol]
            middles[symbol] *= 0.995 + 0.01 * chance.random()
            wide = chance.random() < 0.5
            if round_ == UPDATES - 1:
                wide = not market.rejects
            spread = pick(chance, WIDE if wide else NARROW)
            if symbol == PENNIES:
                spread = 0.04 if wide else 0.01
            bid = round(middles[symbol], 2)
            offer = round(bid + spread, 2)
            if wide != market.rejects:
                verb = "rejects" if wide else "accepts"
                changes.append(f"{symbol} {verb} orders at bid {bid:.2f} offer {offer:.2f}\n")
            market.bid, market.offer, market.rejects = bid, offer, wide
            time = fix_time(OPENING + round_)[0]
            frames.append(framed(struct.pack(">B4s21sdd", 2, padded(symbol, 4), padded(time, 21), bid, offer)))
    return frames, changes


def make_orders(chance: random.Random, markets: dict[str, Market]) -> tuple[list[bytes], list[str]]:
    frames, rejections = [], []
    for number in range(ORDERS):
        symbol = pick(chance, [*SYMBOLS, SILENT])
        market = markets[symbol]
        side, account, order_id = 1 + number % 2, 1000 + int(50 * chance.random()), f"{number:06d}"
        quantity, price = (
            100.0 * (1 + int(20 * chance.random())),
            round(market.offer * (0.99 + 0.02 * chance.random()), 2),
        )
        time, nanoseconds = fix_time(OPENING + UPDATES + number)
        fields = (side, account, order_id.encode(), padded(symbol, 4), quantity, price, padded(time, 21))
        frames.append(framed(struct.pack(">BBI6s4sdd21s", 1, *fields)))
        if market.rejects:
            what = f"{side} {account} {order_id} {symbol} {quantity} {price} {market.bid} {market.offer}"
            rejections.append(f"{what} {nanoseconds}\n")
    return frames, rejections


def pick(chance: random.Random, of: list[Choice]) -> Choice:
    """Choose one, the same in every version of Python, which Random.choice does not promise."""
    return of[int(len(of) * chance.random())]


def fix_time(second: int) -> tuple[str, int]:
    """Write a second of 4 December 2015 as FIX does, and as nanoseconds since 1970."""
    midnight = 1449187200
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    return f"20151204-{clock}.000", (midnight + second) * 10**9


def padded(text: str, length: int) -> bytes:
    return text.encode().ljust(length)


def framed(payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + payload


if __name__ == "__main__":
    main()
