"""The frames of docs/format/python-protocol.md: the golden bytes, and bytes that are wrong."""

from __future__ import annotations

import json
import random
import struct
import unittest
from array import array
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wallaroo import _protocol as protocol
from wallaroo._care import Noted, Skip, read_care
from wallaroo._encoding import read_entities
from wallaroo._letters import Letter

GOLDEN = Path(__file__).parents[2] / "docs" / "format" / "python-protocol.golden.json"


def golden() -> dict[str, Any]:
    return {case["name"]: case for case in json.loads(GOLDEN.read_text())}


def entities_of(case: dict[str, Any]) -> list[bytes]:
    """The entities of a frame, which are written one behind another."""
    data = bytes.fromhex(case["entities"])
    return [
        struct.pack("<HHII", entity.state, entity.version, len(entity.key), len(entity.value))
        + entity.key
        + entity.value
        for entity in read_entities(data)
    ]


class GoldenFrames(unittest.TestCase):
    def test_batches_are_read(self) -> None:
        case = golden()["batch"]
        frames = list(protocol.Frames().feed(bytes.fromhex(case["hex"])))
        self.assertEqual([kind for kind, _ in frames], [protocol.BATCH])
        batch = protocol.read_batch(frames[0][1])
        payloads, at = [], batch.start
        for size in batch.sizes:
            payloads.append(batch.payload[at : at + size].hex())
            at += size
        self.assertEqual(
            (batch.call, batch.stage, payloads, batch.ingest),
            (case["call"], case["target"], case["payloads"], case["ingest"]),
        )

    def test_packed_batches_are_read(self) -> None:
        for name in ("packed batch", "packed batch of one piece", "settle"):
            case = golden()[name]
            [(_, data)] = protocol.Frames().feed(bytes.fromhex(case["hex"]))
            batch = protocol.read_batch(data)
            pieces = [(piece["messages"], len(piece["hex"]) // 2) for piece in case["pieces"]]
            payload = "".join(piece["hex"] for piece in case["pieces"])
            self.assertEqual((batch.call, batch.stage, batch.ingest), (case["call"], case["target"], case["ingest"]))
            self.assertEqual((batch.pieces, batch.payload[batch.start :].hex()), (pieces, payload), name)
            self.assertEqual(batch.settles, name == "settle")

    def test_moves_are_read(self) -> None:
        cases = golden()
        frames = {name: bytes.fromhex(cases[name]["hex"])[4:] for name in ("switch", "load", "open")}
        data = {name: b"\0\0\0\0" + frame for name, frame in frames.items()}
        switch, load, opened = cases["switch"], cases["load"], cases["open"]
        moves = [(partition, owner) for partition, owner in switch["moves"]]
        self.assertEqual(protocol.read_switch(data["switch"]), (switch["call"], switch["island"], moves))
        entities = bytes.fromhex(load["entities"])
        self.assertEqual(protocol.read_load(data["load"]), (load["call"], load["island"], load["partition"], entities))
        self.assertEqual(protocol.read_open(data["open"]), (opened["call"], opened["target"], opened["partitions"]))
        for name, read in (("switch", protocol.read_switch), ("open", protocol.read_open)):
            self.assertEqual(protocol.read_call(data[name]), cases[name]["call"])
            for cut in range(5, len(data[name])):
                with self.assertRaises(protocol.ProtocolError):
                    read(data[name][:cut])
        for cut in range(5, 15):
            with self.assertRaises(protocol.ProtocolError):
                protocol.read_load(data["load"][:cut])

    def test_answers_are_written(self) -> None:
        cases = golden()
        for name in ("output", "empty output"):
            case = cases[name]
            payloads = [bytes.fromhex(payload) for payload in case["payloads"]]
            sizes, data = array("I", map(len, payloads)), b"".join(payloads)
            written = b"".join(protocol.output_frame(case["call"], case["target"], sizes, data, case["ingest"]))
            self.assertEqual(written.hex(), case["hex"], name)
        failures = [case for case in cases.values() if case["kind"] == protocol.FAILURE]
        for case in failures:
            written_alone = protocol.failure_frame(case["call"], case["index"], case["failure"])
            self.assertEqual(written_alone.hex(), case["hex"], case["name"])
        self.assertGreater(len(failures), 2)
        self.assertEqual(protocol.frame(protocol.READY).hex(), cases["ready"]["hex"])
        self.assertEqual(protocol.frame(protocol.ALIVE).hex(), cases["alive"]["hex"])
        self.assertEqual(protocol.hung_frame(cases["hung"]["hung"]).hex(), cases["hung"]["hex"])
        self.assertEqual(protocol.done_frame(cases["done"]["call"], 0, (), {}).hex(), cases["done"]["hex"])
        case = cases["done with counts"]
        counts = {step: messages for step, messages, _ in case["entered"]}
        entered = [counts.get(step, 0) for step in range(5)]
        seen = {step: looks for step, _, looks in case["entered"] if looks}
        self.assertEqual(protocol.done_frame(case["call"], 0, entered, seen).hex(), case["hex"])

    def test_what_goes_elsewhere_is_written(self) -> None:
        cases = golden()
        for name, write, target in (
            ("exchange", protocol.exchange_frame, "executor"),
            ("queued", protocol.queued_frame, "partition"),
        ):
            case = cases[name]
            pieces = [(piece["messages"], bytes.fromhex(piece["hex"])) for piece in case["pieces"]]
            parts = write(case["call"], case["target"], case[target], pieces, case["ingest"])
            self.assertEqual(b"".join(parts).hex(), case["hex"], name)
        case = cases["state"]
        parts = protocol.state_frame(case["call"], case["partition"], entities_of(case))
        self.assertEqual(b"".join(parts).hex(), case["hex"])
        for name in ("saved", "saved, and nothing is left"):
            case = cases[name]
            saved = protocol.Saved(case["left"], case["ahead"], entities_of(case))
            parts = protocol.saved_frame(case["call"], saved)
            self.assertEqual(b"".join(parts).hex(), case["hex"], name)
        case = cases["stuck"]
        self.assertEqual(protocol.stuck_frame(case["call"], case["stuck"]).hex(), case["hex"])
        case = cases["immovable"]
        self.assertEqual(protocol.immovable_frame(case["call"], case["stuck"]).hex(), case["hex"])
        case = cases["probe"]
        self.assertEqual(protocol.read_call(bytes.fromhex(case["hex"])), case["call"])

    def test_commands_about_saved_state_are_read(self) -> None:
        cases = golden()
        data = {name: b"\0\0\0\0" + bytes.fromhex(cases[name]["hex"])[4:] for name in ("mark", "save", "restore")}
        mark, save, restore = cases["mark"], cases["save"], cases["restore"]
        self.assertEqual(protocol.read_mark(data["mark"]), (mark["call"], mark["island"]))
        self.assertEqual(protocol.read_save(data["save"]), (save["call"], save["size"]))
        read = protocol.read_restore(data["restore"])
        self.assertEqual((read.call, read.number), (restore["call"], restore["count"]))
        self.assertEqual(read.data[read.start :].hex(), restore["entities"])
        for name, reads in (("mark", protocol.read_mark), ("save", protocol.read_save)):
            for wrong in (data[name][:-1], data[name] + b"\0"):
                with self.assertRaises(protocol.ProtocolError):
                    reads(wrong)
        with self.assertRaises(protocol.ProtocolError):
            protocol.read_restore(data["restore"][: protocol.BODY + 7])

    def test_care_is_read_and_notes_are_written(self) -> None:
        cases = golden()
        for name in ("care", "no care"):
            [(kind, data)] = protocol.Frames().feed(bytes.fromhex(cases[name]["hex"]))
            told = cases[name]["care"]
            skips = [
                Skip(Noted(skip["step"], skip["finding_key"], skip["digest"]), skip["why"]) for skip in told["skips"]
            ]
            self.assertEqual((kind, protocol.read_call(data)), (protocol.CARE, cases[name]["call"]))
            self.assertEqual(read_care(data), skips if told["notes"] else None)
        noted = Noted(**cases["noted"]["noted"])
        self.assertEqual(protocol.json_frame(protocol.NOTED, asdict(noted)).hex(), cases["noted"]["hex"])
        for body in (b"[]", b"{}", b'{"notes": true, "skips": [{}]}', b'{"notes": true, "skips": 1}'):
            with self.assertRaises(protocol.ProtocolError):
                read_care(b"\0" * protocol.BODY + b"\0\0\0\0" + body)

    def test_a_replay_is_read(self) -> None:
        case = golden()["replay"]
        [(kind, data)] = protocol.Frames().feed(bytes.fromhex(case["hex"]))
        fields = case["replay"]
        letter = Letter(fields["message"], fields["message_encoding"])
        replay = protocol.Replay(case["call"], fields["step"], fields["ingest"], letter)
        self.assertEqual((kind, protocol.read_replay(data)), (protocol.REPLAY, replay))
        for body in (b"{}", b'{"step":"2","ingest":1,"message":"","message_encoding":"text"}', b"[]"):
            with self.assertRaises(protocol.ProtocolError):
                protocol.read_replay(protocol.frame(protocol.REPLAY, b"\0\0\0\0", body))

    def test_json_bodies_are_read(self) -> None:
        case = golden()["start"]
        [(kind, data)] = protocol.Frames().feed(bytes.fromhex(case["hex"]))
        self.assertEqual((kind, protocol.read_json(data)), (protocol.START, {}))


class Pieces(unittest.TestCase):
    def test_frames_may_come_in_any_pieces(self) -> None:
        stream = b"".join(bytes.fromhex(case["hex"]) for case in golden().values())
        whole = list(protocol.Frames().feed(stream))
        for seed in range(50):
            chance = random.Random(seed)
            frames, at = protocol.Frames(), 0
            came: list[tuple[int, bytes]] = []
            while at < len(stream):
                piece = stream[at : at + chance.randint(1, 40)]
                came += frames.feed(piece)
                at += len(piece)
            self.assertEqual(came, whole, seed)

    def test_missing_says_how_long_the_rest_of_a_frame_is(self) -> None:
        frame = bytes.fromhex(golden()["batch"]["hex"])
        frames = protocol.Frames()
        self.assertEqual(list(frames.feed(frame[:3])), [])
        self.assertEqual(frames.missing(), 0)
        self.assertEqual(list(frames.feed(frame[3:10])), [])
        self.assertEqual(frames.missing(), len(frame) - 10)


class WrongBytes(unittest.TestCase):
    def test_damaged_batches_are_refused_or_whole(self) -> None:
        frames = [bytes.fromhex(golden()[name]["hex"])[4:] for name in ("batch", "packed batch")]
        for seed in range(6000):
            chance = random.Random(seed)
            data = b"\0\0\0\0" + frames[seed % 2]
            damaged = bytearray(data)
            for _ in range(chance.randint(1, 4)):
                damaged[chance.randrange(5, len(damaged))] = chance.randrange(256)
            damaged = damaged[: chance.choice([len(damaged), chance.randrange(5, len(damaged))])]
            try:
                batch = protocol.read_batch(bytes(damaged))
            except protocol.ProtocolError:
                continue
            size = sum(batch.sizes) + sum(size for _, size in batch.pieces)
            self.assertLessEqual(batch.start + size, len(damaged), seed)

    def test_a_frame_without_a_kind_is_refused(self) -> None:
        with self.assertRaises(protocol.ProtocolError):
            list(protocol.Frames().feed(b"\0\0\0\0"))

    def test_a_body_that_is_not_an_object_is_refused(self) -> None:
        for body in (b"[]", b"{", b"\xff"):
            with self.assertRaises(protocol.ProtocolError):
                protocol.read_json(protocol.frame(protocol.START, body))


if __name__ == "__main__":
    unittest.main()
