"""Runs an example: starts its receivers and the application, sends its input, and compares what comes with what should.

examples/run celsius
examples/run go/celsius
examples/run word_count --executors 4

It does by real processes what the example's README does by hand, each at a port that is free, and shows the commands.

Results are compared per key. The results of one key come in the order in which its messages went in, whatever else
happens. Results of different keys may overtake one another where several executors share the keys. So a result is right
if it is the next one that is expected for its key. `Output.key` says what the key of a result is.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import re
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from example_processes import Failed, Process

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = Path(os.path.relpath(ROOT / "examples" / "python"))
WALLAROO = Path(os.path.relpath(ROOT / "bin" / "wallaroo"))
GO = "go/"
"""What stands before the name of an example in Go, which has the data of that in Python."""
LOCAL = "127.0.0.1:0"  # port 0: one that is free
LENGTH = 4  # bytes that lead a record
SHOWN = 10
GRACE = 5.0


@dataclass(frozen=True)
class Input:
    """A file that is sent to the source of a pipeline."""

    pipeline: str
    file: str
    framing: str = "u32be"
    """As ``wallaroo send`` takes it: u32be makes a frame of each line, raw sends a file of frames as it is."""
    until: int | None = None
    """The output whose expected results must all have come before the next input is sent."""


@dataclass(frozen=True)
class Output:
    """What comes from a sink."""

    key: str = ""
    """A pattern that finds the key in a result; the empty one finds the same everywhere: all is in one order."""
    record: str = ""
    """How the module struct calls a result that is not a line of text; its first field is the length of the others."""
    file: str = "expected.txt"
    """What is expected, a line for each result; the fields of a record stand with spaces between."""
    json: bool = False
    """Whether a result is an object of JSON, which may be written in several ways."""

    def count(self, received: bytes) -> int:
        """Return how many whole results have come."""
        return len(received) // struct.calcsize(self.record) if self.record else received.count(b"\n")

    def read(self, received: bytes) -> list[str]:
        """Return the results as lines."""
        try:
            if not self.record:
                *lines, rest = received.decode("utf-8").split("\n")
                lines += [rest] * (rest != "")
                return [json.dumps(json.loads(line)) for line in lines] if self.json else lines
            length = struct.calcsize(self.record) - LENGTH
            records = list(struct.iter_unpack(self.record, received))
            if wrong := [announced for announced, *_ in records if announced != length]:
                raise ValueError(f"a frame announces {wrong[0]} bytes and has {length}")
            return [line_of(fields) for _, *fields in records]
        except (ValueError, struct.error) as error:
            raise Failed(f"what the application sends are no results: {error}") from None


def line_of(fields: Sequence[object]) -> str:
    """Return the fields of a record as a line of text."""
    return " ".join(field.decode().rstrip("\0 ") if isinstance(field, bytes) else str(field) for field in fields)


@dataclass(frozen=True)
class Example:
    """What goes in, one input after the other, and what comes out, in the order of the addresses behind ``--out``."""

    inputs: list[Input]
    outputs: list[Output]


EXAMPLES = {
    "celsius": Example([Input("Convert", "temperatures.msg", "raw")], [Output(record=">If")]),
    "reverse": Example([Input("Reverse", "texts.txt")], [Output()]),
    "alphabet": Example([Input("Count Votes", "votes.msg", "raw")], [Output(r"^\w", ">IsQ")]),
    "word_count": Example([Input("Split and Count", "text.txt")], [Output(r"^\S+")]),
    "market_spread": Example(
        [Input("Market Data", "market.msg", "raw", until=1), Input("Orders", "orders.msg", "raw")],
        [Output(r"[A-Z]+", ">IHI6s4sddddQ", "expected_rejections.txt"), Output(r"^\S+", file="expected_symbols.txt")],
    ),
    "alerts": Example([Input("Transactions", "transactions.jsonl")], [Output(r'"user": "[^"]*"', json=True)]),
}


NAMES = [*EXAMPLES, *(GO + name for name in EXAMPLES)]


def frames_of(content: bytes, framing: str) -> list[bytes]:
    """Return the frames that ``wallaroo send`` makes of a file, each for itself."""
    if framing == "u32be":
        return [struct.pack(">I", len(line)) + line for line in content.removesuffix(b"\n").split(b"\n")]
    frames = []
    while content:
        end = LENGTH + int.from_bytes(content[:LENGTH], "big")
        frames.append(content[:end])
        content = content[end:]
    return frames


def build(name: str, folder: str) -> str:
    """Build an example in Go into a folder, and return the program."""
    words = ["go", "build", "-o", folder + os.sep, f"./examples/go/{name}"]
    print("$", shlex.join(words), flush=True)
    try:
        # Any Go since 1.21 can fetch the one that go.mod names.
        built = subprocess.run(
            words, cwd=ROOT, env={**os.environ, "GOTOOLCHAIN": "auto"}, stderr=subprocess.PIPE, text=True, check=False
        )
    except FileNotFoundError:
        raise Failed("go/" + name + " is built by Go, which is not there: https://go.dev") from None
    if built.returncode != 0:
        raise Failed(f"go build fails:\n{built.stderr}".rstrip())
    return os.path.join(folder, name)


class Run:
    """The processes of one example."""

    def __init__(self, wallaroo: str, name: str, built: str, flags: Sequence[str], rate: float | None) -> None:
        self.wallaroo = wallaroo
        self.rate = rate
        self.folder = FOLDER / name.removeprefix(GO)
        self.example = EXAMPLES[self.folder.name]
        if name.startswith(GO):
            self.application = [build(self.folder.name, built), "run"]
        else:
            self.application = [wallaroo, "run", str(self.folder / f"{name}.py")]
        self.flags = flags
        self.processes: list[Process] = []
        self.expected = [(self.folder / output.file).read_text("utf-8").splitlines() for output in self.example.outputs]

    def start(self, *words: str, stdin: int = subprocess.DEVNULL) -> Process:
        """Start a command."""
        process = Process(words, stdin)
        self.processes.append(process)
        return process

    def results(self) -> list[list[str]]:
        """Run the example and return what comes from each sink."""
        receivers = []
        for output in self.example.outputs:
            framing = "raw" if output.record else "lines"
            receivers.append(self.start(self.wallaroo, "receive", "--listen", LOCAL, "--framing", framing))
        addresses = [receiver.wait_for(r"listening on (\S+)") for receiver in receivers]
        application = self.start(
            *self.application,
            "--in",
            ",".join([LOCAL] * len(self.example.inputs)),
            "--out",
            ",".join(addresses),
            "--http",
            "off",
            "--log-format",
            "json",
            *self.flags,
        )
        for input_ in self.example.inputs:
            self.send(input_, application)
            if input_.until is not None:
                self.await_all(input_.until, receivers[input_.until])
        # Ended in this order, nothing is lost: the application delivers what has arrived, the receivers write it.
        application.end()
        for receiver in receivers:
            receiver.end()
        return [
            output.read(receiver.stdout.whole())
            for output, receiver in zip(self.example.outputs, receivers, strict=True)
        ]

    def send(self, input_: Input, application: Process) -> None:
        """Send a file, once the application listens; what was sent has arrived when this returns."""
        address = application.wait_for(rf'"msg":"ready".*"{input_.pipeline}":"([^"]+)"')
        file = self.folder / input_.file
        if self.rate is None:
            self.start(self.wallaroo, "send", "--to", address, "--file", str(file), "--framing", input_.framing).wait()
            return
        sender = self.start(self.wallaroo, "send", "--to", address, "--framing", "raw", stdin=subprocess.PIPE)
        sender.feed(frames_of(file.read_bytes(), input_.framing), self.rate)
        sender.wait()

    def await_all(self, number: int, receiver: Process) -> None:
        """Wait until an output has as many results as are expected."""
        output, wanted = self.example.outputs[number], len(self.expected[number])
        if not receiver.stdout.wait_until(lambda received: output.count(received) >= wanted):
            came = output.count(receiver.stdout.so_far())
            raise Failed(f"{came} of {wanted} results came, and then none; the application's log:\n{self.log()}")

    def log(self) -> str:
        """Return what all processes have written to standard error."""
        return b"".join(process.stderr.so_far() for process in self.processes).decode(errors="replace")

    def close(self) -> None:
        """Leave no process behind."""
        deadline = time.monotonic() + GRACE
        for process in reversed(self.processes):
            process.kill(deadline)


def differences(expected: Sequence[str], results: Sequence[str], key: str) -> list[str]:
    """Compare results with what is expected, per key, and say for each key where the first difference is."""
    wanted, got = by_key(expected, key), by_key(results, key)
    found = []
    for name in sorted(wanted.keys() | got.keys()):
        ours, theirs = wanted[name], got[name]
        for place in range(max(len(ours), len(theirs))):
            want, have = ours[place : place + 1], theirs[place : place + 1]
            if want != have:
                where = f"result {place + 1} of {name}" if name else f"result {place + 1}"
                found.append(f"{where}: expected {want[0] if want else 'none'}, received {have[0] if have else 'none'}")
                break
    return found


def by_key(results: Sequence[str], key: str) -> defaultdict[str, list[str]]:
    """Return the results of each key in their order; one without a key is its own."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for result in results:
        match = re.search(key, result)
        groups[match[0] if match else result].append(result)
    return groups


def run(name: str, options: argparse.Namespace, flags: Sequence[str]) -> None:
    """Run an example and show its results. Raises Failed if they are not as expected."""
    with tempfile.TemporaryDirectory(prefix="examples-") as built:
        running = Run(options.wallaroo, name, built, flags, options.rate)
        try:
            results = running.results()
        finally:
            running.close()
    wrong = []
    for output, expected, lines in zip(running.example.outputs, running.expected, results, strict=True):
        show(lines, len(lines) if options.all_results else SHOWN)
        wrong += differences(expected, lines, output.key)
    if wrong:
        show(wrong, SHOWN)
        raise Failed(f"{name}: the results are not as expected; the application's log:\n{running.log()}")
    print(f"{name}: {sum(map(len, results))} results, all as expected")


def show(lines: Sequence[str], most: int) -> None:
    """Print the first lines and how many there are more."""
    print()
    for line in lines[:most]:
        print(f"    {line}")
    if len(lines) > most:
        print(f"    … and {len(lines) - most} more")
    print()


def positive(text: str) -> float:
    """Read a number above 0. Raises ValueError for another."""
    number = float(text)
    if not 0 < number < math.inf:
        raise ValueError
    return number


def parse(args: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Read the command line; what is not known here are flags of the application."""
    parser = argparse.ArgumentParser(
        prog="examples/run",
        allow_abbrev=False,
        description="Run an example, show its results and compare them with what is expected.",
        epilog="All other flags go to the application, as in: examples/run word_count --executors 4",
    )
    choices = [*NAMES, "all"]
    listed = ", ".join([*EXAMPLES, f"{GO}NAME for the one in Go, or all"])
    parser.add_argument("example", choices=choices, help=listed, metavar="EXAMPLE")
    parser.add_argument("--all-results", action="store_true", help=f"show all results, not the first {SHOWN}")
    parser.add_argument("--rate", type=positive, metavar="N", help="send N messages a second, not as many as possible")
    parser.add_argument("--wallaroo", default=str(WALLAROO), metavar="FILE", help="the program (default bin/wallaroo)")
    return parser.parse_known_args(args)


def stop(number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does, so that the processes end too."""
    raise KeyboardInterrupt


def main(args: Sequence[str]) -> int:
    """Run what the command line names and return the exit code: 1 if it failed, 2 if it could not begin."""
    options, flags = parse(args)
    if not os.access(options.wallaroo, os.X_OK):
        print(f'examples/run: there is no {options.wallaroo}: build it by "make build"', file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, stop)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # for terminals that cannot show all characters
    try:
        for name in NAMES if options.example == "all" else [options.example]:
            run(name, options, flags)
    except Failed as failure:
        print(f"examples/run: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("examples/run: interrupted", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Nobody reads on, as behind "| head".
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
