r"""Wallaroo: streams of events, processed one at a time, by plain functions.

docs/tutorial.md of the project builds an application step by step, docs/python.md has all rules of this package, and
docs/migrating.md is for applications that were written for Wallaroo 0.4.

An application is functions under decorators, and ``application_setup``, which puts them together::

    import wallaroo

    @wallaroo.decoder(header_length=4, length_fmt=">I")
    def decoder(bs):
        return bs.decode("utf-8")

    @wallaroo.computation_multi(name="split into words")
    def split(line):
        return line.lower().split()

    class WordTotals:
        def __init__(self):
            self.counts = {}

    @wallaroo.partition
    def first_letter(word):
        return word[0]

    @wallaroo.state_computation(name="count word")
    def count_word(word, totals):
        totals.counts[word] = totals.counts.get(word, 0) + 1
        return (word, totals.counts[word]), True

    @wallaroo.encoder
    def encoder(result):
        return "%s => %d\n" % result

    def application_setup(args):
        in_host, in_port = wallaroo.tcp_parse_input_addrs(args)[0]
        out_host, out_port = wallaroo.tcp_parse_output_addrs(args)[0]
        return (
            wallaroo.ApplicationBuilder("Word Count")
            .new_pipeline("words", wallaroo.TCPSourceConfig(in_host, in_port, decoder))
            .to_parallel(split)
            .to_state_partition(count_word, WordTotals, "word totals", first_letter)
            .to_sink(wallaroo.TCPSinkConfig(out_host, out_port, encoder))
            .build()
        )

Run it by ``wallaroo run word_count.py --in 127.0.0.1:7010 --out 127.0.0.1:7002``. A decorated function stays a
function, so a test may simply call it: ``split("a b") == ["a", "b"]``. `wallaroo.testing` runs a whole application in a
test, on one executor or several.

Read in this order: `_steps` (what computations are), `_codec` (bytes to messages and back), `_connectors` (sources
and sinks), `_addresses` (of the command line), `_builder` (how they are put together), `_application` (what comes of
it), `_plan` (what the engine is told).
"""

from ._addresses import tcp_parse_input_addrs as tcp_parse_input_addrs
from ._addresses import tcp_parse_output_addrs as tcp_parse_output_addrs
from ._application import Application as Application
from ._builder import ApplicationBuilder as ApplicationBuilder
from ._codec import Decoder as Decoder
from ._codec import Encoder as Encoder
from ._codec import decoder as decoder
from ._codec import encoder as encoder
from ._connectors import TCPSinkConfig as TCPSinkConfig
from ._connectors import TCPSourceConfig as TCPSourceConfig
from ._steps import Computation as Computation
from ._steps import ComputationMulti as ComputationMulti
from ._steps import Partition as Partition
from ._steps import StateComputation as StateComputation
from ._steps import StateComputationMulti as StateComputationMulti
from ._steps import computation as computation
from ._steps import computation_multi as computation_multi
from ._steps import partition as partition
from ._steps import state_computation as state_computation
from ._steps import state_computation_multi as state_computation_multi
from .errors import WallarooParameterError as WallarooParameterError

__all__ = [
    "Application",
    "ApplicationBuilder",
    "Computation",
    "ComputationMulti",
    "Decoder",
    "Encoder",
    "Partition",
    "StateComputation",
    "StateComputationMulti",
    "TCPSinkConfig",
    "TCPSourceConfig",
    "WallarooParameterError",
    "computation",
    "computation_multi",
    "decoder",
    "encoder",
    "partition",
    "state_computation",
    "state_computation_multi",
    "tcp_parse_input_addrs",
    "tcp_parse_output_addrs",
]
