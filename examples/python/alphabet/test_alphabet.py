"""The functions of the example are functions: a test calls them."""

import struct
import unittest

from alphabet import AllVotes, Votes, add_votes, decoder, encoder


class AlphabetTest(unittest.TestCase):
    def test_votes_add_up_for_each_letter(self) -> None:
        all_votes = AllVotes()
        self.assertEqual(add_votes(Votes("a", 5), all_votes), (Votes("a", 5), True))
        self.assertEqual(add_votes(Votes("b", 7), all_votes), (Votes("b", 7), True))
        self.assertEqual(add_votes(Votes("a", 3), all_votes), (Votes("a", 8), True))

    def test_votes_come_in_32_bits_and_totals_go_out_in_64(self) -> None:
        self.assertEqual(decoder(struct.pack(">sI", b"q", 4711)), Votes("q", 4711))
        self.assertEqual(encoder(Votes("q", 2**40)), struct.pack(">sQ", b"q", 2**40))


if __name__ == "__main__":
    unittest.main()
