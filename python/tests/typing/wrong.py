"""Mistakes that mypy finds: each line that ends in an "error" comment has an error of that text, no other has one."""

from __future__ import annotations

import wallaroo
from wallaroo import testing


class Totals:
    pass


class Others:
    pass


class PerWord:
    def __init__(self, word: str) -> None:
        self.word = word


class PerNumber:
    def __init__(self, number: int) -> None:
        self.number = number


@wallaroo.decoder(header_length=4, length_fmt=">I")
def decoder(bs: bytes) -> str:
    return bs.decode("utf-8")


@wallaroo.computation(name="upper")
def upper(data: str) -> str:
    return data.upper()


@wallaroo.state_computation(name="count")
def count(data: str, totals: Totals) -> tuple[int, bool]:
    return len(data), bool(totals)


@wallaroo.state_computation_multi(name="counts")
def counts(data: str, totals: Totals) -> tuple[list[int], bool]:
    return [len(data)], bool(totals)


@wallaroo.state_computation(name="per word")
def per_word(data: str, state: PerWord) -> tuple[int, bool]:
    return len(data), bool(state.word)


@wallaroo.partition
def letter(data: str) -> str:
    return data[0]


@wallaroo.partition
def number(data: str) -> int:
    return int(data)


@wallaroo.encoder
def encoder(data: str) -> str:
    return data


def plain(data: str) -> str:
    return data


source = wallaroo.TCPSourceConfig("", 0, decoder)
ab = wallaroo.ApplicationBuilder("wrong")

wallaroo.TCPSourceConfig("", 0, encoder)  # error: "Encoder[str]"; expected "Decoder
wallaroo.TCPSinkConfig("", 0, decoder)  # error: "Decoder[str]"; expected "Encoder
wallaroo.TCPSinkConfig("", 0.5, encoder)  # error: incompatible type "float"
ab.new_pipeline("no source")  # error: Missing positional argument "source_config"
ab.new_pipeline("sink for source", wallaroo.TCPSinkConfig("", 0, encoder))  # error: expected "TCPSourceConfig"
ab.to_sink(source)  # error: expected "TCPSinkConfig"
ab.to_sink()  # error: Missing positional argument "sink_config"
ab.new_pipeline(source)  # error: Missing positional argument "source_config"
wallaroo.ApplicationBuilder()  # error: Missing positional argument "name"
wallaroo.TCPSourceConfig("", 0)  # error: Missing positional argument "decoder"
wallaroo.TCPSinkConfig("", 0)  # error: Missing positional argument "encoder"
wallaroo.TCPSinkConfig("", 0, upper)  # error: "Computation[str, str]"; expected "Encoder
wallaroo.tcp_parse_input_addrs(None)  # error: incompatible type "None"

ab.to(count)  # error: incompatible type "StateComputation[str, Totals, int]"; expected
ab.to(counts)  # error: incompatible type "StateComputationMulti[str, Totals, list[int]]"; expected
ab.to(plain)  # error: incompatible type "Callable[[str], str]"; expected
ab.to(letter)  # error: incompatible type "Partition[str, str]"; expected
ab.to(encoder)  # error: incompatible type "Encoder[str]"; expected
ab.to(decoder)  # error: incompatible type "Decoder[str]"; expected
ab.to(upper, Totals)  # error: Too many arguments for "to"
ab.to_parallel(count)  # error: incompatible type "StateComputation[str, Totals, int]"; expected
ab.to_stateful(upper, Totals, "totals")  # error: incompatible type "Computation[str, str]"; expected
ab.to_stateful(count, PerNumber, "totals")  # error: incompatible type "type[PerNumber]"; expected
ab.to_stateful(count, Totals)  # error: Missing positional argument "state_name"
ab.to_stateful(count, Others, "totals")  # error: "type[Others]"; expected "Callable[[], Totals]"
ab.to_stateful(counts, Others, "totals")  # error: "type[Others]"; expected "Callable[[], Totals]"
ab.to_stateful(per_word, PerWord, "words")  # error: "type[PerWord]"; expected "Callable[[], PerWord]"
ab.to_stateful(count, Totals, "totals", letter)  # error: Too many arguments for "to_stateful"
ab.to_state_partition(upper, Totals, "totals", letter)  # error: incompatible type "Computation[str, str]"; expected
ab.to_state_partition(count, Totals, "totals", plain)  # error: expected "Partition[
ab.to_state_partition(count, Totals, "totals")  # error: Missing positional argument "partition_function"
ab.to_state_partition(count, Totals(), "totals", letter)  # error: incompatible type "Totals"; expected
ab.to_state_partition(count, Totals, letter)  # error: Missing positional argument "partition_function"
ab.to_state_partition(count, "totals", Totals, letter)  # error: incompatible type "str"; expected "Callable[[], Totals]
ab.to_state_partition(letter, Totals, "totals", count)  # error: incompatible type "Partition[str, str]"; expected
ab.to_state_partition(count, Totals, "totals", letter(""))  # error: incompatible type "str"; expected "Partition[
ab.to_state_partition(count, Totals, "totals", lambda word: word)  # error: expected "Partition[
ab.to_state_partition(count, Others, "totals", letter)  # error: "type[Others]"; expected "Callable[[], Totals]
ab.to_state_partition(counts, Others, "totals", letter)  # error: "type[Others]"; expected "Callable[[], Totals]
ab.to_state_partition(per_word, PerWord, "words", number)  # error: expected "Callable[[], PerWord] | Callable[[int]
ab.to_state_partition(count, Totals, "totals", letter, [1])  # error: type variable "PartitionKey"
ab.to_state_partition(count, Totals, "totals", number, ["1"])  # error: type variable "PartitionKey"
ab.to_state_partition(count, Totals, "totals", letter, partition_key=["a"])  # error: Unexpected keyword argument
ab.to_state_partition(count, dict, "totals", letter)  # error: incompatible type "type[dict[
ab.to_state_partition(count, PerNumber, "totals", letter)  # error: incompatible type "type[PerNumber]"; expected
ab.to_state_partition(count, Totals, "totals", letter, [0.5])  # error: type variable "PartitionKey"
ab.to_state_partition_u64(count, Totals, "totals", letter)  # error: expected "Partition[str, int]"
ab.to_state_partition_u64(count, Totals, "totals", number, ["1"])  # error: incompatible type "str"; expected "int"
ab.to_state_partition_u64(per_word, PerWord, "words", number)  # error: expected "Callable[[], PerWord] | Callable[[int]
ab.to_state_partition_u64(count, Totals, "totals")  # error: Missing positional argument "partition_function"

application = ab.build()
testing.run(ab, [b"a"])  # error: incompatible type "ApplicationBuilder"; expected "Application"
testing.run(application, [1])  # error: incompatible type
testing.run(application, [("p", 1)])  # error: incompatible type
testing.run(application, b"a")  # error: incompatible type "bytes"
testing.run(application)  # error: Missing positional argument "inputs"
testing.verify_step(plain, ["a"])  # error: No overload variant of "verify_step"
testing.verify_step(count, ["a"])  # error: No overload variant of "verify_step"
testing.verify_step(upper, [1])  # error: Cannot infer value of type parameter "In" of "verify_step"
testing.verify_step(count, ["a"], state_class=Others)  # error: "type[Others]"; expected "Callable[[], Totals]


def application_setup(args: list[str]) -> wallaroo.Application:
    return ab.to(upper)  # error: Incompatible return value type (got "ApplicationBuilder", expected "Application")


@wallaroo.computation  # error: expected "str"
def no_parentheses(data: str) -> str:
    return data


@wallaroo.computation(name="two")  # error: incompatible type "Callable[[str, str], str]"
def two_arguments(data: str, more: str) -> str:
    return data + more


@wallaroo.computation()  # error: Missing positional argument "name"
def no_name(data: str) -> str:
    return data


@wallaroo.state_computation(name="no state")  # error: incompatible type "Callable[[str], tuple[str, bool]]"
def no_state(data: str) -> tuple[str, bool]:
    return data, True


@wallaroo.state_computation(name="no bool")  # error: incompatible type "Callable[[str, Totals], tuple[str, str]]"
def no_bool(data: str, totals: Totals) -> tuple[str, str]:
    return data, "changed"


@wallaroo.computation_multi(name="one")  # error: type variable "Outs"
def one_result(data: str) -> int:
    return len(data)


@wallaroo.state_computation(name="no pair")  # error: incompatible type "Callable[[str, Totals], int]"
def no_pair(data: str, totals: Totals) -> int:
    return len(data) + bool(totals)


@wallaroo.partition  # error: type variable "PartitionKey"
def no_key(data: str) -> float:
    return float(data)


@wallaroo.partition  # error: type variable "PartitionKey"
def list_key(data: str) -> list[str]:
    return [data]


@wallaroo.decoder(header_length=4, length_fmt=">I")  # error: incompatible type "Callable[[str], str]"
def decodes_text(data: str) -> str:
    return data


@wallaroo.encoder  # error: incompatible type "Callable[[str], int]"
def no_bytes(data: str) -> int:
    return len(data)


@wallaroo.decoder(header_length=4)  # error: Missing positional argument "length_fmt"
def no_format(bs: bytes) -> bytes:
    return bs


@wallaroo.encoder(header_length=4)  # error: No overload variant of "encoder" matches argument type "int"
def no_format_of_header(data: str) -> str:
    return data


@wallaroo.encoder(header_length="4", length_fmt=">I")  # error: No overload variant of "encoder" matches argument types
def text_for_length(data: str) -> str:
    return data


@wallaroo.encoder()  # error: All overload variants of "encoder" require at least one argument
def no_header(data: str) -> str:
    return data


@wallaroo.encoder(header_length=4, length_fmt=">I")  # error: incompatible type "Callable[[str], int]"
def no_bytes_in_frames(data: str) -> int:
    return len(data)
