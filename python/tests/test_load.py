"""What is said of an application that cannot be loaded, in exact words, and with the user's lines."""

from __future__ import annotations

import sys
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from wallaroo._load import LoadFailed, load


@dataclass(frozen=True)
class Unloadable:
    """A module, what is said of it, and the lines of the user's that are told. It stands in APP, and gets `args`."""

    source: str
    says: str
    lines: str = ""
    code: int = 2
    args: tuple[str, ...] = ()


MINIMAL = """
import wallaroo
@wallaroo.decoder(header_length=1, length_fmt="B")
def decode(data):
    return data
def application_setup(args):
    return wallaroo.ApplicationBuilder("m").new_pipeline("p", wallaroo.TCPSourceConfig("", 0, decode)).done().build()
"""

SETUP = (
    "application_setup(args): Wallaroo calls it with the command line's arguments and runs the application that it "
    "returns"
)
MISPLACED = (
    "the computation of to_parallel() must be a function decorated by @wallaroo.computation or "
    "@wallaroo.computation_multi, not key, a @wallaroo.partition; key belongs in "
    'to_state_partition(STATE_COMPUTATION, STATE_CLASS, "STATE NAME", key)'
)
BOTH = (
    "define both serialize(object), which returns bytes, and deserialize(bytes), which returns the object, or neither"
)

DEF = sys.version_info < (3, 11)
"""Whether the line of a decorator is that of the function below it, as it was in older Pythons."""

NEEDS_A_NAME = '@wallaroo.computation needs a name; write @wallaroo.computation(name="split") above "def split"'
NO_NAME = """
import wallaroo
@wallaroo.computation
def split(data):
    return data.split()
"""

DECORATORS = [
    Unloadable(NO_NAME, "loading APP failed:", f"  APP:{3 + DEF}: {NEEDS_A_NAME}\n  APP: it has no function {SETUP}"),
    Unloadable(NO_NAME + MINIMAL, "loading APP failed:", f"  APP:{3 + DEF}: {NEEDS_A_NAME}"),
    Unloadable(
        NO_NAME + "split('a b')",
        "loading APP failed:",
        f"  APP:{3 + DEF}: {NEEDS_A_NAME}",
    ),
    Unloadable(
        NO_NAME
        + """
@wallaroo.decoder(header_length=4, length_fmt=">H")
def decode(data):
    return data
@wallaroo.encoder
class Encoder:
    def encode(self, data):
        return data
@wallaroo.partition
def key(data, more):
    return data
def serialize(value):
    return b""
def application_setup(args):
    ab = wallaroo.ApplicationBuilder("x")
    ab.new_pipeline("p", wallaroo.TCPSourceConfig("", "http", decode))
    ab.to(split)
    ab.to_parallel(key)
    ab.to_parallel(key)
    ab.to_sink(wallaroo.TCPSinkConfig("", 0, Encoder))
    return ab.build()
""",
        "loading APP failed:",
        f"  APP:{3 + DEF}: {NEEDS_A_NAME}\n"
        f"  APP:{7 + DEF}: @wallaroo.decoder: header_length is 4, but length_fmt '>H' describes 2 bytes; write for "
        'example @wallaroo.decoder(header_length=4, length_fmt=">I")\n'
        f"  APP:{10 + DEF}: @wallaroo.encoder decorates a function, not the class Encoder; write "
        '@wallaroo.encoder above "def Encoder"\n'
        f"  APP:{14 + DEF}: @wallaroo.partition calls key(data), but the function is key(data, more); write "
        '"def key(data)"\n'
        f"  APP:17: deserialize is missing; {BOTH}\n"
        "  APP:21: pipeline 'p', source: port must be a number from 0 to 65535, not the str 'http'\n"
        f"  APP:23: pipeline 'p', step 'key': {MISPLACED}\n"
        f"  APP:24: pipeline 'p', step 'key': {MISPLACED}",
    ),
    Unloadable(
        NO_NAME + "def application_setup(args):\n    return wallaroo.ApplicationBuilder('x').to(split())",
        "loading APP failed:",
        f"  APP:{3 + DEF}: {NEEDS_A_NAME}",
    ),
    Unloadable(
        NO_NAME + "def application_setup(args):\n    return wallaroo.tcp_parse_input_addrs(args)[0]",
        "loading APP failed:",
        f"  APP:{3 + DEF}: {NEEDS_A_NAME}\n  APP:7: the argument --in is missing; give for example --in 127.0.0.1:7010",
    ),
    Unloadable(
        NO_NAME + "def application_setup(args):\n    return int('no number')",
        "loading APP failed:",
        f"  APP:{3 + DEF}: {NEEDS_A_NAME}\n"
        "Traceback (most recent call last):\n"
        '  File "APP", line 7, in application_setup\n'
        "    return int('no number')\n"
        "ValueError: invalid literal for int() with base 10: 'no number'",
    ),
]

IN, OUT = "the argument --in has ", "the argument --out has "
ONE_IN, ONE_OUT = "--in 127.0.0.1:7010", "--out 127.0.0.1:7002"
TWO_IN, TWO_OUT = f"{ONE_IN},127.0.0.1:7011", f"{ONE_OUT},127.0.0.1:7003"


def takes(line: str, says: str, *args: str) -> Unloadable:
    """An application that takes its addresses by a line, and what is said of that."""
    return Unloadable(
        f"import wallaroo\ndef application_setup(args):\n    {line}",
        "loading APP failed:",
        f"  APP:3: {says}",
        args=args,
    )


def takes_from_elsewhere(line: str, says: str) -> Unloadable:
    """A line that takes apart what is no list of the command line's addresses: Python's own words are all."""
    return Unloadable(
        f"import wallaroo\ndef application_setup(args):\n    other = ['--in', ':1,:2,:3']\n    {line}",
        "loading APP failed:",
        "Traceback (most recent call last):\n"
        f'  File "APP", line 4, in application_setup\n    {line}\nValueError: {says}',
        args=("--in", ":1"),
    )


ADDRESSES = [
    takes(
        "host, port = wallaroo.tcp_parse_input_addrs(args)[1]",
        f"{IN}1 address, but the application asks for number 2; give for example {TWO_IN}",
        "--in",
        ":1",
    ),
    takes(
        "host, port = wallaroo.tcp_parse_output_addrs(args)[1]",
        f"{OUT}1 address, but the application asks for number 2; give for example {TWO_OUT}",
        "--out=h:1",
    ),
    takes(
        "host, port = wallaroo.tcp_parse_input_addrs(args)[0]",
        f"the argument --in is missing; give for example {ONE_IN}",
    ),
    takes(
        "one, two = wallaroo.tcp_parse_output_addrs(args)",
        f"the argument --out is missing; give for example {ONE_OUT}",
        "--in",
        ":1",
    ),
    takes(
        "one, two = wallaroo.tcp_parse_input_addrs(args)  # of orders, of market data",
        f"{IN}1 address, but this line takes 2; give for example {TWO_IN}; if it wants the host and the port of one, "
        "write tcp_parse_input_addrs(args)[0]",
        "--in",
        ":1",
    ),
    takes(
        "one, two, *more = wallaroo.tcp_parse_output_addrs(args)",
        f"{OUT}1 address, but this line takes 2; give for example {TWO_OUT}; if it wants the host and the port of one, "
        "write tcp_parse_output_addrs(args)[0]",
        "-o",
        ":1",
    ),
    takes(
        "(host, port), = wallaroo.tcp_parse_input_addrs(args)",
        f"{IN}3 addresses, but this line takes 1; give for example {ONE_IN}",
        "--in",
        ":1,:2,:3",
    ),
    takes_from_elsewhere(
        "one, two, three, four = wallaroo.tcp_parse_input_addrs(other)",
        "not enough values to unpack (expected 4, got 3)",
    ),
    takes_from_elsewhere(
        "one, two, three = wallaroo.tcp_parse_input_addrs(args)[0]",
        "not enough values to unpack (expected 3, got 2)",
    ),
]

TABLE = [
    *DECORATORS,
    *ADDRESSES,
    Unloadable(
        "x = 1",
        "loading APP failed:",
        f"  APP: it has no function {SETUP}",
    ),
    Unloadable(
        "def application_setup():\n    pass",
        "loading APP failed:",
        "  APP:1: application_setup must take one argument, the command line's arguments: "
        'write "def application_setup(args)"',
    ),
    Unloadable(
        "def application_setup(args):\n    pass",
        "loading APP failed:",
        "  APP:1: application_setup returned None, not an application: end it with `return ab.build()`",
    ),
    Unloadable(
        "import wallaroo\ndef application_setup(args):\n    return wallaroo.ApplicationBuilder('x')",
        "loading APP failed:",
        "  APP:2: application_setup returned an object of class ApplicationBuilder, not an application: "
        "end it with `return ab.build()`",
    ),
    Unloadable("import sys\nsys.exit('no licence')", "APP ended itself while it was loaded: no licence"),
    Unloadable("import sys\nsys.exit(3)", "APP ended itself with code 3 while it was loaded"),
    Unloadable("import sys\nsys.exit()", "", code=0),
    Unloadable(
        "def application_setup(args):\n    return 1 / 0",
        "loading APP failed:",
        "Traceback (most recent call last):\n"
        '  File "APP", line 2, in application_setup\n'
        "    return 1 / 0\n"
        "ZeroDivisionError: division by zero",
    ),
    Unloadable(
        "import wallaroo\ndef application_setup(args):\n    return wallaroo.ApplicationBuilder('x').build()",
        "loading APP failed:",
        "  APP:3: application 'x': it has no pipeline; write new_pipeline(NAME, SOURCE_CONFIG) first",
    ),
    Unloadable(
        "def serialize(value):\n    return b''\n" + MINIMAL,
        "loading APP failed:",
        f"  APP:1: deserialize is missing; {BOTH}",
    ),
    Unloadable(
        "serialize = 1\ndef deserialize(data):\n    return None\n" + MINIMAL,
        "loading APP failed:",
        f"  APP:2: serialize is the int 1; {BOTH}",
    ),
    Unloadable(
        "serialize = 1\n" + MINIMAL,
        "loading APP failed:",
        f"  APP: serialize is the int 1 and deserialize is missing; {BOTH}",
    ),
    Unloadable(
        "import wallaroo\ndef application_setup(args):\n    return wallaroo.ApplicationBuilder('x').build()\n"
        "def serialize(value):\n    return b''",
        "loading APP failed:",
        f"  APP:4: deserialize is missing; {BOTH}\n"
        "  APP:3: application 'x': it has no pipeline; write new_pipeline(NAME, SOURCE_CONFIG) first",
    ),
    Unloadable(
        "def application_setup(args):\n    return 1 / 0\ndef deserialize(data):\n    return None",
        "loading APP failed:",
        f"  APP:3: serialize is missing; {BOTH}\n"
        "Traceback (most recent call last):\n"
        '  File "APP", line 2, in application_setup\n'
        "    return 1 / 0\n"
        "ZeroDivisionError: division by zero",
    ),
]


class Texts(unittest.TestCase):
    def test_each(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for number, each in enumerate(TABLE):
                app = str(Path(folder, f"app_{number}.py"))
                Path(app).write_text(each.source, encoding="utf-8")
                with self.subTest(each.source):
                    failed = self.failure(app, each.args)
                    self.assertEqual(failed.message.replace(app, "APP"), each.says)
                    self.assertEqual(failed.traceback.replace(app, "APP"), each.lines)
                    self.assertEqual(failed.code, each.code)

    def failure(self, app: str, args: tuple[str, ...]) -> LoadFailed:
        with (
            patch.multiple(sys, path=sys.path[:], argv=sys.argv),
            patch.dict(sys.modules),
            self.assertRaises(LoadFailed) as caught,
        ):
            load({"app": app, "args": list(args)})
        return caught.exception


if __name__ == "__main__":
    unittest.main()
