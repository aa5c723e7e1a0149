"""The functions of the example are functions: a test calls them."""

import struct
import unittest

from market_spread import (
    MarketData,
    Order,
    Rejection,
    SymbolChange,
    SymbolData,
    check_order,
    market_decoder,
    nanoseconds,
    order_decoder,
    rejection_encoder,
    symbol_encoder,
    update_symbol,
)

TIME = "20151204-14:30:00.000"
ORDER = Order(1, 1007, "000042", "ELM", 300.0, 17.5, TIME)


class MarketSpreadTest(unittest.TestCase):
    def test_orders_are_rejected_until_there_is_market_data(self) -> None:
        symbol = SymbolData()
        self.assertEqual(check_order(ORDER, symbol), (Rejection(ORDER, 0.0, 0.0), False))
        update_symbol(MarketData("ELM", TIME, 17.48, 17.5), symbol)
        self.assertEqual(check_order(ORDER, symbol), (None, False))

    def test_a_wide_spread_rejects(self) -> None:
        for bid, offer, rejects in [
            (17.48, 17.50, False),
            (17.48, 17.52, False),
            (17.48, 17.54, True),
            (0.50, 0.52, False),
            (0.50, 0.54, True),  # less than 5 cents, but more than 5 % of the price
        ]:
            symbol = SymbolData()
            update_symbol(MarketData("ELM", TIME, bid, offer), symbol)
            self.assertEqual(symbol.rejects, rejects, (bid, offer))

    def test_only_a_change_is_told(self) -> None:
        symbol = SymbolData()
        told = [update_symbol(MarketData("ELM", TIME, 17.0, offer), symbol)[0] for offer in (17.1, 17.01, 17.02, 17.1)]
        self.assertEqual(
            told, [None, SymbolChange("ELM", False, 17.0, 17.01), None, SymbolChange("ELM", True, 17.0, 17.1)]
        )

    def test_messages_are_those_of_the_original(self) -> None:
        order = struct.pack(">BBI6s4sdd21s", 1, 1, 1007, b"000042", b"ELM ", 300.0, 17.5, TIME.encode())
        self.assertEqual(order_decoder(order), ORDER)
        market_data = struct.pack(">B4s21sdd", 2, b"ELM ", TIME.encode(), 17.48, 17.5)
        self.assertEqual(market_decoder(market_data), MarketData("ELM", TIME, 17.48, 17.5))
        for wrong in (order_decoder, market_decoder):
            with self.assertRaises((ValueError, struct.error)):
                wrong(b"\x03" + order[1:])

    def test_results(self) -> None:
        encoded = rejection_encoder(Rejection(ORDER, 17.4, 17.5))
        assert isinstance(encoded, bytes)
        fields = struct.unpack(">HI6s4sddddQ", encoded)
        self.assertEqual(fields, (1, 1007, b"000042", b"ELM\0", 300.0, 17.5, 17.4, 17.5, 1449239400000000000))
        self.assertEqual(
            symbol_encoder(SymbolChange("ELM", True, 17.0, 17.1)), "ELM rejects orders at bid 17.00 offer 17.10\n"
        )

    def test_times(self) -> None:
        self.assertEqual(nanoseconds("19700101-00:00:01.500"), 1_500_000_000)


if __name__ == "__main__":
    unittest.main()
