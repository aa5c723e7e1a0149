"""What the runner says of results, without any process."""

import struct
import unittest

from example_processes import Failed
from run_example import Output, differences, frames_of


class DifferencesTest(unittest.TestCase):
    def test_keys_may_overtake_one_another(self) -> None:
        self.assertEqual(differences(["a 1", "b 1", "a 2"], ["b 1", "a 1", "a 2"], r"^\w"), [])

    def test_a_key_keeps_its_order(self) -> None:
        self.assertEqual(
            differences(["a 1", "a 2", "b 1"], ["a 2", "a 1", "b 1"], r"^\w"),
            ["result 1 of a: expected a 1, received a 2"],
        )

    def test_without_a_key_all_is_in_one_order(self) -> None:
        self.assertEqual(differences(["a", "b"], ["b", "a"], ""), ["result 1: expected a, received b"])

    def test_what_is_missing_too_much_or_unknown(self) -> None:
        self.assertEqual(
            differences(["a 1", "b 1", "b 2"], ["a 1", "a 1", "b 1", "?"], r"^\w"),
            [
                "result 1 of ?: expected none, received ?",
                "result 2 of a: expected none, received a 1",
                "result 2 of b: expected b 2, received none",
            ],
        )


class OutputTest(unittest.TestCase):
    def test_lines(self) -> None:
        self.assertEqual(Output().read(b"a\n\nb\n"), ["a", "", "b"])
        self.assertEqual(Output().read(b"a\nhalf"), ["a", "half"])
        self.assertEqual(Output().count(b"a\nhalf"), 1)

    def test_json_may_have_spaces_or_not(self) -> None:
        self.assertEqual(Output(json=True).read(b'{"a":1}\n{"a": 1}\n'), ['{"a": 1}', '{"a": 1}'])
        with self.assertRaisesRegex(Failed, "no results"):
            Output(json=True).read(b"half\n")

    def test_records(self) -> None:
        received = struct.pack(">IsQ", 9, b"a", 3) + struct.pack(">IsQ", 9, b"b", 2**40)
        self.assertEqual(Output(record=">IsQ").read(received), ["a 3", "b 1099511627776"])
        self.assertEqual(Output(record=">IsQ").count(received + b"\0"), 2)
        with self.assertRaisesRegex(Failed, "no results"):
            Output(record=">IsQ").read(received[1:])
        with self.assertRaisesRegex(Failed, "no results"):
            Output(record=">IsQ").read(struct.pack(">IsQ", 8, b"a", 3))


class FramesTest(unittest.TestCase):
    def test_lines_become_frames_and_frames_are_cut(self) -> None:
        frames = [b"\0\0\0\1a", b"\0\0\0\0", b"\0\0\0\2bc"]
        self.assertEqual(frames_of(b"a\n\nbc\n", "u32be"), frames)
        self.assertEqual(frames_of(b"".join(frames), "raw"), frames)


if __name__ == "__main__":
    unittest.main()
