"""Checks orders against the market: orders come in at one source, bids and offers (NBBO) at another.

An order for a symbol whose bid and offer are too far apart is rejected, and the rejection goes out at the first sink.
Each time that bids and offers change whether a symbol can be traded, a line goes out at the second.

wallaroo run market_spread.py --in 127.0.0.1:7010,127.0.0.1:7011 --out 127.0.0.1:7002,127.0.0.1:7003
"""

from __future__ import annotations

import struct
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

import wallaroo

MOST_SPREAD = 0.05
"""Between bid and offer, both in money and as a share of the price in the middle; from there on orders are rejected."""


def application_setup(args: list[str]) -> wallaroo.Application:
    order_source, market_source = wallaroo.tcp_parse_input_addrs(args)
    rejection_sink, symbol_sink = wallaroo.tcp_parse_output_addrs(args)

    ab = wallaroo.ApplicationBuilder("Market Spread")
    ab.new_pipeline("Orders", wallaroo.TCPSourceConfig(*order_source, order_decoder))
    ab.to_state_partition(check_order, SymbolData, "symbol data", symbol_of_order)
    ab.to_sink(wallaroo.TCPSinkConfig(*rejection_sink, rejection_encoder))

    ab.new_pipeline("Market Data", wallaroo.TCPSourceConfig(*market_source, market_decoder))
    ab.to_state_partition(update_symbol, SymbolData, "symbol data", symbol_of_market_data)
    ab.to_sink(wallaroo.TCPSinkConfig(*symbol_sink, symbol_encoder))
    return ab.build()


class Order(NamedTuple):
    side: int
    account: int
    order_id: str
    symbol: str
    quantity: float
    price: float
    time: str


class MarketData(NamedTuple):
    symbol: str
    time: str
    bid: float
    offer: float


class SymbolData:
    """What is known of a symbol; both pipelines meet the same one. Orders are rejected until there is market data."""

    def __init__(self) -> None:
        self.bid = 0.0
        self.offer = 0.0
        self.rejects = True


class Rejection(NamedTuple):
    order: Order
    bid: float
    offer: float


class SymbolChange(NamedTuple):
    symbol: str
    rejects: bool
    bid: float
    offer: float


@wallaroo.partition
def symbol_of_order(order: Order) -> str:
    return order.symbol


@wallaroo.partition
def symbol_of_market_data(data: MarketData) -> str:
    return data.symbol


@wallaroo.state_computation(name="check order")
def check_order(order: Order, symbol: SymbolData) -> tuple[Rejection | None, bool]:
    if not symbol.rejects:
        return (None, False)
    return (Rejection(order, symbol.bid, symbol.offer), False)


@wallaroo.state_computation(name="update symbol")
def update_symbol(data: MarketData, symbol: SymbolData) -> tuple[SymbolChange | None, bool]:
    spread = data.offer - data.bid
    middle = (data.bid + data.offer) / 2
    rejected = symbol.rejects
    symbol.bid, symbol.offer = data.bid, data.offer
    symbol.rejects = spread >= MOST_SPREAD or spread >= MOST_SPREAD * middle
    if symbol.rejects == rejected:
        return (None, True)
    return (SymbolChange(data.symbol, symbol.rejects, data.bid, data.offer), True)


ORDER = 1
MARKET_DATA = 2
"""The first byte of a message says what it is, as a message of the FIX protocol does."""


@wallaroo.decoder(header_length=4, length_fmt=">I")
def order_decoder(bs: bytes) -> Order:
    kind, side, account, order_id, symbol, quantity, price, time = struct.unpack(">BBI6s4sdd21s", bs)
    if kind != ORDER:
        raise ValueError(f"not an order, but a message of kind {kind}")
    return Order(side, account, text(order_id), text(symbol), quantity, price, text(time))


@wallaroo.decoder(header_length=4, length_fmt=">I")
def market_decoder(bs: bytes) -> MarketData:
    kind, symbol, time, bid, offer = struct.unpack(">B4s21sdd", bs)
    if kind != MARKET_DATA:
        raise ValueError(f"not market data, but a message of kind {kind}")
    return MarketData(text(symbol), text(time), bid, offer)


@wallaroo.encoder(header_length=4, length_fmt=">I")
def rejection_encoder(rejection: Rejection) -> bytes:
    order, bid, offer = rejection
    return struct.pack(
        ">HI6s4sddddQ",
        order.side,
        order.account,
        order.order_id.encode("ascii"),
        order.symbol.encode("ascii"),
        order.quantity,
        order.price,
        bid,
        offer,
        nanoseconds(order.time),
    )


@wallaroo.encoder
def symbol_encoder(change: SymbolChange) -> str:
    verb = "rejects" if change.rejects else "accepts"
    return f"{change.symbol} {verb} orders at bid {change.bid:.2f} offer {change.offer:.2f}\n"


def text(field: bytes) -> str:
    return field.decode("ascii").rstrip("\0 ")


def nanoseconds(time: str) -> int:
    """Turn a time of FIX, as 20180131-14:30:00.000, into nanoseconds since 1970."""
    moment = datetime.strptime(time, "%Y%m%d-%H:%M:%S.%f").replace(tzinfo=timezone.utc)
    since = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return since // timedelta(microseconds=1) * 1000
