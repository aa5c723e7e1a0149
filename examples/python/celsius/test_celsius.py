"""The functions of the example are functions: a test calls them."""

import struct
import unittest

from celsius import add, decoder, encoder, multiply


class CelsiusTest(unittest.TestCase):
    def test_known_temperatures(self) -> None:
        for celsius, fahrenheit in [(-40, -40), (0, 32), (37, 98.6), (100, 212)]:
            self.assertAlmostEqual(add(multiply(celsius)), fahrenheit)

    def test_a_frame_holds_a_float_of_32_bits(self) -> None:
        self.assertEqual(decoder(struct.pack(">f", 36.5)), 36.5)
        self.assertEqual(encoder(36.5), struct.pack(">f", 36.5))


if __name__ == "__main__":
    unittest.main()
