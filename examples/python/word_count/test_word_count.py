"""The functions of the example are functions: a test calls them."""

import unittest

from word_count import WordCount, WordTotals, count_word, decoder, encoder, partition, split


class WordCountTest(unittest.TestCase):
    def test_split_takes_off_case_and_punctuation(self) -> None:
        self.assertEqual(split('The cat, "and" the hat.'), ["the", "cat", "and", "the", "hat"])
        self.assertEqual(split("twenty-seven words\nin two lines"), ["twenty-seven", "words", "in", "two", "lines"])
        self.assertEqual(split(" ... "), [])

    def test_the_key_is_the_first_letter(self) -> None:
        self.assertEqual([partition(word) for word in ("cat", "zoo", "42", "éclair")], ["c", "z", "!", "!"])

    def test_each_word_has_a_count(self) -> None:
        totals = WordTotals()
        results = [count_word(word, totals) for word in ("the", "tea", "the")]
        self.assertEqual(
            [(out.word, out.count, changed) for out, changed in results],
            [("the", 1, True), ("tea", 1, True), ("the", 2, True)],
        )

    def test_bytes_to_text_and_back(self) -> None:
        self.assertEqual(decoder(b"the cat"), "the cat")
        self.assertEqual(encoder(WordCount("the", 2)), "the => 2\n")


if __name__ == "__main__":
    unittest.main()
