"""The functions and pipelines of semantics.py: a pipeline for each kind of behaviour."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import wallaroo


def midway() -> Iterator[str]:
    yield "first"
    raise ValueError("midway")


def raises(error: type[BaseException]) -> Callable[[], object]:
    def do_raise() -> object:
        raise error("on purpose")

    return do_raise


def endless_recursion() -> object:
    return endless_recursion()


class Named(NamedTuple):
    first: str
    second: str


GIVES: dict[str, Callable[[], object]] = {
    "none": lambda: None,
    "zero": lambda: 0,
    "false": lambda: False,
    "no text": lambda: "",
    "no list": list,
    "text": lambda: "ab",
    "bytes": lambda: b"ab\n",
    "no bytes": lambda: b"",
    "bytearray": lambda: bytearray(b"ab\n"),
    "memoryview": lambda: memoryview(b"ab\n"),
    "dict": lambda: {"a": 1},
    "int": lambda: 5,
    "accent": lambda: "\u00e9\n",
    "long": lambda: 300 * "x",
    "surrogate": lambda: "\ud800",
    "list": lambda: ["a", None, "b"],
    "tuple": lambda: ("a", None, "b"),
    "named": lambda: Named("a", "b"),
    "pair of named": lambda: (Named("a", "b"), True),
    "set": lambda: {"a"},
    "keys": {"a": 1, "b": 2}.keys,
    "generator": lambda: (letter for letter in ("a", None, "b")),
    "midway": midway,
    "SystemExit": raises(SystemExit),
    "MemoryError": raises(MemoryError),
    "KeyboardInterrupt": raises(KeyboardInterrupt),
    "StopIteration": raises(StopIteration),
    "ValueError": raises(ValueError),
    "recursion": endless_recursion,
    "pair": lambda: ("a", True),
    "unchanged": lambda: ("a", False),
    "filters": lambda: (None, True),
    "pair of list": lambda: (["a", None, "b"], True),
    "pair of generator": lambda: (iter(["a", None, "b"]), False),
    "pair of text": lambda: ("ab", True),
    "pair of midway": lambda: (midway(), True),
    "list for a pair": lambda: ["a", True],
    "one for a bool": lambda: ("a", 1),
    "none for a bool": lambda: ("a", None),
    "three": lambda: ("a", True, 1),
    "key 1": lambda: 1,
    "key True": lambda: True,
    "key '1'": lambda: "1",
    "key b'1'": lambda: b"1",
    "key (1,)": lambda: (1,),
    "key (True,)": lambda: (True,),
    "key 1.0": lambda: 1.0,
    "key (1, 1.0)": lambda: (1, 1.0),
    "key []": list,
    "key -1": lambda: -1,
    "key 2**64-1": lambda: 2**64 - 1,
    "key 2**64": lambda: 2**64,
}
"""What a function gives for a word; each row asks for some."""


class Count:
    def __init__(self) -> None:
        self.n = 0


class OfKey(Count):
    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


class Early(Count):
    """Knows whether it was there before the first message came."""

    first_message = threading.Event()

    def __init__(self) -> None:
        super().__init__()
        self.early = not self.first_message.is_set()


class Locked:
    def __init__(self) -> None:
        self.lock = threading.Lock()

    def __repr__(self) -> str:
        return "of semantics"


def difficult(key: str) -> Count:
    """A state class that does not always do what one does."""
    if key == "raises":
        raise ValueError("no entity today")
    entity: Any = None if key == "nothing" else Count()
    return entity  # type: ignore[no-any-return]


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decode(data: bytes) -> str | None:
    Early.first_message.set()
    return None if data == b"drop" else data.decode("utf-8")


@wallaroo.computation(name="give")
def give(word: str) -> object:
    return GIVES[word]()


@wallaroo.computation_multi(name="give several")
def give_several(word: str) -> Any:
    return GIVES[word]()


@wallaroo.state_computation(name="give a pair")
def give_pair(word: str, state: Count) -> Any:
    state.n += 1
    return GIVES[word]()


@wallaroo.state_computation_multi(name="give several and a bool")
def give_several_and_bool(word: str, state: Count) -> Any:
    return GIVES[word]()


@wallaroo.computation(name="check")
def check(word: str) -> str:
    if word == "bad!":
        raise ValueError("a bad word")
    return word + "!"


@wallaroo.state_computation(name="count")
def count(word: str, state: Count) -> tuple[str, bool]:
    if word.endswith("bad"):
        raise ValueError("a bad word")
    state.n += 1
    return f"{word} {state.n}", True


@wallaroo.state_computation(name="tell the key")
def tell_key(word: str, state: OfKey) -> tuple[str, bool]:
    return state.key + "!", False


@wallaroo.state_computation(name="tell the birth")
def tell_birth(word: str, state: Early) -> tuple[str, bool]:
    return "early" if state.early else "late", False


@wallaroo.state_computation(name="keep")
def keep(word: str, state: list[str]) -> tuple[list[str], bool]:
    state.append(word)
    return state, True


@wallaroo.state_computation_multi(name="keep in a list")
def keep_in_list(word: str, state: list[str]) -> tuple[list[list[str]], bool]:
    state.append(word)
    return [state, ["apart"]], True


@wallaroo.computation(name="spoil")
def spoil(words: list[str]) -> str:
    words.append("spoilt")
    return " ".join(words)


@wallaroo.state_computation(name="give itself")
def give_itself(word: str, state: Locked) -> tuple[Locked, bool]:
    return state, True


@wallaroo.partition
def word_itself(word: str) -> str:
    return word


@wallaroo.partition
def before_colon(word: str) -> str:
    return word.partition(":")[0]


@wallaroo.partition
def given_key(word: str) -> Any:
    return GIVES[word]()


@wallaroo.encoder
def show(value: object) -> str:
    return f"{value!r}\n" if not isinstance(value, str) else f"{value}\n"


@wallaroo.encoder
def give_bytes(word: str) -> Any:
    return GIVES[word]()


@wallaroo.encoder(header_length=1, length_fmt="B")
def give_frame(word: str) -> Any:
    return GIVES[word]()


ENCODERS: dict[str, wallaroo.Encoder[Any]] = {"encoder": give_bytes, "frames": give_frame}
"""By pipeline, those that return what a message says; the others show what came."""


class Traveller:
    """A message that cannot leave its process, or cannot be read in another one, if its words say so."""

    def __init__(self, words: str) -> None:
        self.words = words
        self.lock = threading.Lock() if "cannot leave" in words else None

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "cannot be read" in state["words"]:
            raise ValueError("not in this process")
        self.__dict__.update(state)


@wallaroo.computation(name="pack up")
def pack_up(word: str) -> Traveller:
    return Traveller(word)


@wallaroo.partition
def destination(traveller: Traveller) -> str:
    return traveller.words


@wallaroo.state_computation(name="arrive")
def arrive(traveller: Traveller, state: Count) -> tuple[str, bool]:
    return traveller.words, True


PIPELINES: dict[str, Callable[[wallaroo.ApplicationBuilder], object]] = {
    "decoder": lambda builder: builder,
    "results": lambda builder: builder.to(give),
    "several": lambda builder: builder.to(give_several),
    "pairs": lambda builder: builder.to_state_partition(give_pair, Count, "pairs", word_itself),
    "several pairs": lambda builder: builder.to_stateful(give_several_and_bool, Count, "several pairs"),
    "encoder": lambda builder: builder,
    "frames": lambda builder: builder,
    "keys": lambda builder: builder.to_state_partition(count, Count, "keys", given_key),
    "u64": lambda builder: builder.to_state_partition_u64(count, Count, "u64", given_key),
    "named": lambda builder: builder.to_state_partition(tell_birth, Early, "named", word_itself, ["a", "b", "c", "d"]),
    "of key": lambda builder: builder.to_state_partition(tell_key, OfKey, "of key", word_itself),
    "difficult": lambda builder: builder.to_state_partition(count, difficult, "difficult", word_itself),
    "shared": lambda builder: builder.to_state_partition(count, Count, "shared", word_itself),
    "sharing": lambda builder: builder.to_state_partition(count, Count, "shared", before_colon),
    "done": lambda builder: builder.to_state_partition(count, Count, "shared", before_colon).done(),
    "one": lambda builder: builder.to_stateful(count, Count, "one").to_stateful(count, Count, "one"),
    "twice": lambda builder: builder.to(check).to(check),
    "entity": lambda builder: builder.to_stateful(keep, list, "entity").to(spoil),
    "entities": lambda builder: builder.to_stateful(keep_in_list, list, "entities").to(spoil),
    "locked": lambda builder: builder.to_stateful(give_itself, Locked, "locked"),
    "travel": lambda builder: builder.to(pack_up).to_state_partition(arrive, Count, "travel", destination),
}
