"""What an application means, as one: a pipeline for each kind of behaviour, and a table of rows.

Each row says what is sent, what comes, and what fails with which words. test_semantics.py runs it by the stages alone;
internal/command/semantics_test.go by the program, for which the application writes the table to the file that
``--table`` names.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import dumps, loads

import wallaroo
from semantics_parts import (
    ENCODERS,
    PIPELINES,
    check,
    count,
    decode,
    difficult,
    endless_recursion,
    give,
    give_bytes,
    give_frame,
    give_itself,
    give_pair,
    give_several,
    give_several_and_bool,
    given_key,
    midway,
    show,
)


@dataclass(frozen=True)
class Fails:
    """A failure: the identity of its step, the exact text, the key where there is one, and the function it names."""

    step: str
    error: str
    key: str = ""
    names: str = ""


@dataclass(frozen=True)
class Row:
    """Messages for one pipeline, one after another, and what comes of them, as lines (but for those of `ENCODERS`)."""

    says: str
    pipeline: str
    sends: Sequence[str | bytes]
    comes: Sequence[str] = ()
    fails: Sequence[Fails] = ()


def told(step: str, function: Callable[..., object], error: str, *keyed: object) -> Fails:
    """A failure at a step, which names the line of a function."""
    return Fails(step, error, repr(keyed[0]) if keyed else "", function.__name__)


def not_many(came: str) -> Fails:
    expected = "a computation with several results returns a list of them, another iterable, or None"
    return told("several/give several", give_several, f"got {came}; {expected}: return [result] if there is one")


def not_outputs(came: str) -> Fails:
    expected = (
        "a state computation with several results returns a tuple (outputs, changed), where outputs is a list, another "
        "iterable, or None"
    )
    text = f"got {came} for the outputs; {expected}: return ([output], True) if there is one"
    return told("several pairs/give several and a bool", give_several_and_bool, text, None)


def not_a_pair(word: str, came: str) -> Fails:
    expected = "a state computation returns a tuple (output, changed), where changed is True or False"
    return told("pairs/give a pair", give_pair, f"got {came}; {expected}: return (output, True)", word)


def not_bytes(pipeline: str, came: str) -> Fails:
    expected = "an encoder returns bytes, a str (written as UTF-8), or None to write nothing"
    return told(f"{pipeline}/sink", ENCODERS[pipeline].function, f"got {came}; {expected}")


def no_key(pipeline: str, came: str, key: object) -> Fails:
    return told(f"{pipeline}/count key", given_key, f"got {came}", key)


U64 = "cannot be a key of to_state_partition_u64: make it"

ROWS: list[Row] = [
    Row("a decoder that returns None filters", "decoder", ["a", "drop", "b"], ["a", "b"]),
    Row(
        "a decoder that raises costs its message alone",
        "decoder",
        ["a", b"\xff", "b"],
        ["a", "b"],
        [
            told(
                "decoder/source",
                decode,
                "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
            )
        ],
    ),
    Row("None from a computation filters", "results", ["text", "none", "int"], ["ab", "5"]),
    Row("what Python takes for false is a result", "results", ["zero", "false", "no list"], ["0", "False", "[]"]),
    Row("None inside a multi result is dropped", "several", ["list"], ["a", "b"]),
    Row("a multi result may be any iterable", "several", ["tuple", "keys", "set"], ["a", "b", "a", "b", "a"]),
    Row("a multi result may be a generator", "several", ["generator"], ["a", "b"]),
    Row("a multi result may be nothing", "several", ["none", "no list"]),
    Row(
        "a multi result is nothing whose parts nobody means",
        "several",
        ["text", "bytes", "bytearray", "dict", "named", "int"],
        [],
        [
            not_many("str 'ab'"),
            not_many(r"bytes b'ab\n'"),
            not_many(r"bytearray bytearray(b'ab\n')"),
            not_many("dict {'a': 1}"),
            not_many("Named Named(first='a', second='b')"),
            not_many("int 5"),
        ],
    ),
    Row(
        "a generator that raises midway yields nothing",
        "several",
        ["list", "midway", "list"],
        ["a", "b", "a", "b"],
        [told("several/give several", midway, "ValueError: midway")],
    ),
    Row(
        "whatever is raised costs its message alone",
        "results",
        ["SystemExit", "MemoryError", "KeyboardInterrupt", "StopIteration", "ValueError", "text"],
        ["ab"],
        [
            told("results/give", give, f"{kind}: on purpose")
            for kind in ("SystemExit", "MemoryError", "KeyboardInterrupt", "StopIteration", "ValueError")
        ],
    ),
    Row(
        "so does endless recursion",
        "results",
        ["recursion", "text"],
        ["ab"],
        [told("results/give", endless_recursion, "RecursionError: maximum recursion depth exceeded")],
    ),
    Row("a state computation returns an output and a bool", "pairs", ["pair", "unchanged"], ["a", "a"]),
    Row("an output that is None filters", "pairs", ["filters"]),
    Row(
        "nothing else will do",
        "pairs",
        ["text", "list for a pair", "one for a bool", "none for a bool", "three", "none", "no list"],
        [],
        [
            not_a_pair("text", "str 'ab'"),
            not_a_pair("list for a pair", "list ['a', True]"),
            not_a_pair("one for a bool", "tuple ('a', 1)"),
            not_a_pair("none for a bool", "tuple ('a', None)"),
            not_a_pair("three", "tuple ('a', True, 1)"),
            not_a_pair("none", "None"),
            not_a_pair("no list", "list []"),
        ],
    ),
    Row(
        "a state computation that raises tells the key",
        "pairs",
        ["ValueError"],
        [],
        [told("pairs/give a pair", give_pair, "ValueError: on purpose", "ValueError")],
    ),
    Row(
        "a state computation may have several results",
        "several pairs",
        ["pair of list", "pair of generator", "filters"],
        ["a", "b", "a", "b"],
    ),
    Row(
        "they are an iterable as those of a computation",
        "several pairs",
        ["pair of text", "pair of named", "pair of midway"],
        [],
        [
            not_outputs("str 'ab'"),
            not_outputs("Named Named(first='a', second='b')"),
            told("several pairs/give several and a bool", midway, "ValueError: midway", None),
        ],
    ),
    Row(
        "an encoder returns bytes, text or nothing",
        "encoder",
        ["bytes", "accent", "bytearray", "memoryview", "none"],
        ["ab\n", "\u00e9\n", "ab\n", "ab\n"],
    ),
    Row("no bytes count as a result", "encoder", ["no bytes", "no text"], ["", ""]),
    Row(
        "an encoder returns nothing else",
        "encoder",
        ["int", "bytes", "surrogate"],
        ["ab\n"],
        [
            not_bytes("encoder", "int 5"),
            told(
                "encoder/sink",
                give_bytes,
                r"got str '\ud800', which has no UTF-8 form (surrogates not allowed); return other text, or bytes",
            ),
        ],
    ),
    Row(
        "a header goes before what an encoder returns",
        "frames",
        ["bytes", "accent", "bytearray", "none", "memoryview"],
        ["\x03ab\n", "\x03\u00e9\n", "\x03ab\n", "\x03ab\n"],
    ),
    Row(
        "unless it is too long for it",
        "frames",
        ["long", "bytes", "int"],
        ["\x03ab\n"],
        [
            told(
                "frames/sink",
                give_frame,
                "got 300 bytes; the header that @wallaroo.encoder describes can tell of at most 255: return less, or "
                "describe one with more",
            ),
            not_bytes("frames", "int 5"),
        ],
    ),
    Row(
        "keys that Python takes for equal are apart",
        "keys",
        ["key 1", "key True", "key '1'", "key b'1'", "key (1,)", "key (True,)", "none"] * 2,
        [
            *("key 1 1", "key True 1", "key '1' 1", "key b'1' 1", "key (1,) 1", "key (True,) 1", "none 1"),
            *("key 1 2", "key True 2", "key '1' 2", "key b'1' 2", "key (1,) 2", "key (True,) 2", "none 2"),
        ],
    ),
    Row(
        "what cannot be a key is refused",
        "keys",
        ["key 1.0", "key (1, 1.0)", "key []", "surrogate"],
        [],
        [
            no_key(
                "keys",
                "float 1.0, which cannot be a key: make it a str or an int, since floats that look alike need not be "
                "equal",
                1.0,
            ),
            no_key(
                "keys",
                "tuple (1, 1.0), in which float 1.0 cannot be a part of a key: make it a str or an int, since "
                "floats that look alike need not be equal",
                (1, 1.0),
            ),
            no_key(
                "keys",
                "list [], which cannot be a key: make it a tuple of str, bytes, int, bool and None, as in tuple(key)",
                [],
            ),
            no_key(
                "keys",
                r"str '\ud800', which cannot be a key: it holds a lone surrogate and has no UTF-8 form",
                "\ud800",
            ),
        ],
    ),
    Row(
        "a partition function that raises is named",
        "keys",
        ["ValueError"],
        [],
        [told("keys/count key", given_key, "ValueError: on purpose")],
    ),
    Row(
        "u64 keys are ints of 64 bits without a sign",
        "u64",
        ["zero", "key 2**64-1", "key 2**64", "key -1", "key True", "key '1'", "zero"],
        ["zero 1", "key 2**64-1 1", "zero 2"],
        [
            no_key("u64", f"int 18446744073709551616, which {U64} one from 0 to 2**64 - 1", 1 << 64),
            no_key("u64", f"int -1, which {U64} one from 0 to 2**64 - 1", -1),
            no_key("u64", f"bool True, which {U64} an int, as in int(key)", True),
            no_key("u64", f"str '1', which {U64} an int, as in int(key)", "1"),
        ],
    ),
    Row(
        "named keys exist from the start, others when they first come",
        "named",
        ["a", "b", "c", "d", "e", "e"],
        ["early", "early", "early", "early", "late", "late"],
    ),
    Row("a state class with one required parameter gets the key", "of key", ["a", "b"], ["a!", "b!"]),
    Row(
        "a state class that raises, or makes nothing, is told",
        "difficult",
        ["raises", "nothing", "easy"],
        ["easy 1"],
        [
            told("difficult/count", difficult, "ValueError: no entity today", "raises"),
            told("difficult/count", difficult, "got None from the state class, which makes a state entity", "nothing"),
        ],
    ),
    Row("a state of one name is shared", "shared", ["a", "b", "a"], ["a 1", "b 1", "a 2"]),
    Row("across pipelines, whose partition functions differ", "sharing", ["a:x", "b:x"], ["a:x 3", "b:x 2"]),
    Row(
        "and one without a sink",
        "done",
        ["a:y", "b:y", "a:bad"],
        [],
        [told("done/count", count, "ValueError: a bad word", "a")],
    ),
    Row("which has changed it", "shared", ["a"], ["a 5"]),
    Row("to_stateful has one entity", "one", ["a", "b"], ["a 1 2", "b 3 4"]),
    Row(
        "a computation may be used twice",
        "twice",
        ["a", "bad", "bad!"],
        ["a!!"],
        [
            told("twice/check#2", check, "ValueError: a bad word"),
            told("twice/check", check, "ValueError: a bad word"),
        ],
    ),
    Row("a result that is its entity is copied", "entity", ["a", "b"], ["a spoilt", "a b spoilt"]),
    Row(
        "also among several",
        "entities",
        ["a", "b"],
        ["a spoilt", "apart spoilt", "a b spoilt", "apart spoilt"],
    ),
    Row(
        "if it can be",
        "locked",
        ["a"],
        [],
        [
            told(
                "locked/give itself",
                give_itself,
                "got the state entity itself, Locked of semantics; what follows gets a copy of it, and there can be "
                "none (TypeError: cannot pickle '_thread.lock' object): return what the next step needs of it",
                None,
            )
        ],
    ),
    Row("what is to travel may", "travel", ["to a", "to b", "to a"], ["to a", "to b", "to a"]),
]
"""In this order: some go on with the state that others have left."""


def application(inputs: Sequence[tuple[str, str]], outputs: Sequence[tuple[str, str]]) -> wallaroo.Application:
    """All pipelines, each with a source of its own, and a sink unless it has none."""
    builder = wallaroo.ApplicationBuilder("semantics")
    for number, (name, add) in enumerate(PIPELINES.items()):
        builder.new_pipeline(name, wallaroo.TCPSourceConfig(*inputs[number], decode))
        add(builder)
        if name != "done":
            builder.to_sink(wallaroo.TCPSinkConfig(*outputs[number], ENCODERS.get(name, show)))
    return builder.build()


def own_serialize(value: object) -> bytes:
    return b"own " + dumps(value)


def own_deserialize(data: bytes) -> object:
    return loads(data.removeprefix(b"own "))


def application_setup(args: list[str]) -> wallaroo.Application:
    """Takes beside the addresses ``--table FILE``, and ``--own`` to serialize in its own way."""
    print("loaded")
    print("loaded", file=sys.stderr)
    logging.getLogger("semantics").warning("loaded")
    if "--own" in args:
        globals().update(serialize=own_serialize, deserialize=own_deserialize)
    if "--table" in args:
        rows = [{**asdict(row), "sends": [_hexadecimal(message) for message in row.sends]} for row in ROWS]
        table = json.dumps({"pipelines": list(PIPELINES), "rows": rows})
        Path(args[args.index("--table") + 1]).write_text(table, encoding="utf-8")
    return application(wallaroo.tcp_parse_input_addrs(args), wallaroo.tcp_parse_output_addrs(args))


def _hexadecimal(message: str | bytes) -> str:
    return (message.encode() if isinstance(message, str) else message).hex()
