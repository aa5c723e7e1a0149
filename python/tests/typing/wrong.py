"""Mistakes that mypy finds: each line that ends in an "error" comment has an error of that text, no other has one."""

from __future__ import annotations

import wallaroo


class Totals:
    pass


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


@wallaroo.partition
def letter(data: str) -> str:
    return data[0]


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

ab.to(count)  # error: incompatible type "StateComputation[str, Totals, int]"; expected
ab.to(plain)  # error: incompatible type "Callable[[str], str]"; expected
ab.to_parallel(count)  # error: incompatible type "StateComputation[str, Totals, int]"; expected
ab.to_stateful(upper, Totals, "totals")  # error: incompatible type "Computation[str, str]"; expected
ab.to_stateful(count, PerNumber, "totals")  # error: incompatible type "type[PerNumber]"; expected
ab.to_stateful(count, Totals)  # error: Missing positional argument "state_name"
ab.to_state_partition(upper, Totals, "totals", letter)  # error: incompatible type "Computation[str, str]"; expected
ab.to_state_partition(count, Totals, "totals", plain)  # error: expected "Partition[
ab.to_state_partition(count, Totals, "totals")  # error: Missing positional argument "partition_function"
ab.to_state_partition(count, Totals(), "totals", letter)  # error: incompatible type "Totals"; expected
ab.to_state_partition(count, dict, "totals", letter)  # error: incompatible type "type[dict[
ab.to_state_partition(count, PerNumber, "totals", letter)  # error: incompatible type "type[PerNumber]"; expected
ab.to_state_partition(count, Totals, "totals", letter, [0.5])  # error: type variable "PartitionKey"
ab.to_state_partition_u64(count, Totals, "totals", letter)  # error: expected "Partition[str, int]"


@wallaroo.computation  # error: expected "str"
def no_parentheses(data: str) -> str:
    return data


@wallaroo.computation(name="two")  # error: incompatible type "Callable[[str, str], str]"
def two_arguments(data: str, more: str) -> str:
    return data + more


@wallaroo.computation_multi(name="one")  # error: type variable "Outs"
def one_result(data: str) -> int:
    return len(data)


@wallaroo.state_computation(name="no pair")  # error: incompatible type "Callable[[str, Totals], int]"
def no_pair(data: str, totals: Totals) -> int:
    return len(data) + bool(totals)


@wallaroo.partition  # error: type variable "PartitionKey"
def no_key(data: str) -> float:
    return float(data)


@wallaroo.encoder  # error: incompatible type "Callable[[str], int]"
def no_bytes(data: str) -> int:
    return len(data)


@wallaroo.decoder(header_length=4)  # error: Missing positional argument "length_fmt"
def no_format(bs: bytes) -> bytes:
    return bs
