"""The functions of the example are functions: a test calls them."""

import unittest

from reverse import decoder, encoder, reverse


class ReverseTest(unittest.TestCase):
    def test_it_reverses_characters_not_bytes(self) -> None:
        self.assertEqual(reverse("hello"), "olleh")
        self.assertEqual(reverse(decoder("Köln".encode())), "nlöK")
        self.assertEqual(reverse(""), "")

    def test_a_result_is_a_line(self) -> None:
        self.assertEqual(encoder("olleh"), "olleh\n")


if __name__ == "__main__":
    unittest.main()
