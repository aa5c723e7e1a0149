"""Counts words: lines come in over TCP, and for every word its count so far goes out.

wallaroo run word_count.py --in 127.0.0.1:7010 --out 127.0.0.1:7002
"""

from __future__ import annotations

import string

import wallaroo


def application_setup(args: list[str]) -> wallaroo.Application:
    in_host, in_port = wallaroo.tcp_parse_input_addrs(args)[0]
    out_host, out_port = wallaroo.tcp_parse_output_addrs(args)[0]

    word_partitions = list(string.ascii_lowercase)

    ab = wallaroo.ApplicationBuilder("Word Count Application")
    ab.new_pipeline("Split and Count", wallaroo.TCPSourceConfig(in_host, in_port, decoder))
    ab.to_parallel(split)
    ab.to_state_partition(count_word, WordTotals, "word totals", partition, word_partitions)
    ab.to_sink(wallaroo.TCPSinkConfig(out_host, out_port, encoder))
    return ab.build()


class WordTotals:
    def __init__(self) -> None:
        self.word_totals: dict[str, int] = {}

    def update(self, word: str) -> None:
        if word in self.word_totals:
            self.word_totals[word] = self.word_totals[word] + 1
        else:
            self.word_totals[word] = 1

    def get_count(self, word: str) -> WordCount:
        return WordCount(word, self.word_totals[word])


@wallaroo.partition
def partition(data: str) -> str:
    if data[0] >= "a" and data[0] <= "z":
        return data[0]
    else:
        return "!"


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decoder(bs: bytes) -> str:
    return bs.decode("utf-8")


@wallaroo.computation_multi(name="split into words")
def split(data: str) -> list[str]:
    punctuation = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

    words = []

    for line in data.split("\n"):
        clean_line = line.lower().strip(punctuation)
        for word in clean_line.split(" "):
            clean_word = word.strip(punctuation)
            if clean_word:
                words.append(clean_word)

    return words


@wallaroo.state_computation(name="Count Word")
def count_word(word: str, word_totals: WordTotals) -> tuple[WordCount, bool]:
    word_totals.update(word)
    return (word_totals.get_count(word), True)


class WordCount:
    def __init__(self, word: str, count: int) -> None:
        self.word = word
        self.count = count


@wallaroo.encoder
def encoder(data: WordCount) -> str:
    return data.word + " => " + str(data.count) + "\n"
