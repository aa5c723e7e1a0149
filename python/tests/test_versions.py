"""State of an older version of its class, which is upgraded when it is restored."""

from __future__ import annotations

from typing import Any

import wallaroo
from staging import Failed, Running, build, restored, whole_word
from wallaroo._application import Application
from wallaroo._encoding import Encoding, Stuck, read_entities
from wallaroo._keys import canonical
from wallaroo._protocol import Mark, Save
from wallaroo._results import PICKLE


class Wallet1:
    """As it was first."""

    def __init__(self) -> None:
        self.balance = 5


class Wallet:
    __wallaroo_version__ = 2

    def __init__(self) -> None:
        self.cents = 0

    @staticmethod
    def __wallaroo_upgrade__(wallet: Any, version: int) -> Any:
        wallet.cents = 100 * wallet.__dict__.pop("balance")
        return {1: wallet, 3: None}[version]


class Plain:
    __wallaroo_version__ = 2


@wallaroo.state_computation(name="look")
def look(word: str, state: Any) -> tuple[str, bool]:
    return (str(state.cents), True)


def application_of(cls: Any) -> Application:
    return build(lambda builder: builder.to_state_partition(look, cls, "wallets", whole_word))


def written_by(version: int) -> bytes:
    """An entity that a version of the class wrote, under the name that it has now."""
    entity = Wallet.__new__(Wallet)
    entity.__dict__["balance"] = 5
    encoding = Encoding(0, application_of(Wallet1).states[0], PICKLE)
    encoding._version = version
    return encoding.write(canonical("k"), entity)


class Versions(Failed):
    def test_an_entity_of_an_older_version_is_upgraded(self) -> None:
        running = Running(application_of(Wallet))
        running.stages.restore(restored(written_by(1)))
        self.assertEqual(running.process("k"), ["500"])
        running.stages.mark(Mark(0, 0))
        [(_, _, [data])] = running.stages.save(Save(0, 1))
        [written] = read_entities(data)
        self.assertEqual(written.version, 2)
        again = Running(application_of(Wallet))
        again.stages.restore(restored(data))
        self.assertEqual(again.process("k"), ["500"])

    def test_what_cannot_be_upgraded_is_told_with_both_versions(self) -> None:
        for cls, version, error, instead in (
            (
                Wallet1,
                1,
                "version 1 of the state class Wallet1 wrote it, and this is version 0, which is older and",
                "run",
            ),
            (
                Plain,
                1,
                "version 1 of the state class Plain wrote it, and this is version 2, which has no",
                "give Plain",
            ),
            (
                Plain,
                0,
                "version 0 of the state class Plain wrote it, and this is version 2, which has no",
                "give Plain",
            ),
            (Plain, 3, "this is version 2, which is older and has no __wallaroo_upgrade__", "has version 3, or give"),
            (Wallet, 3, "this is version 2, whose __wallaroo_upgrade__ returned None", "let __wallaroo_upgrade__"),
            (
                Wallet,
                4,
                "this is version 2, whose __wallaroo_upgrade__ failed: KeyError: 4",
                "let __wallaroo_upgrade__",
            ),
        ):
            with self.subTest(cls=cls, version=version):
                with self.assertRaises(Stuck) as caught:
                    Running(application_of(cls)).stages.restore(restored(written_by(version)))
                failure = caught.exception.failure
                self.assertEqual((failure["state"], failure["key"]), ("wallets", "'k'"))
                self.assertIn(error, str(failure["error"]))
                self.assertIn(instead, str(failure["instead"]))
                self.assertIn(__file__, str(failure["traceback"]))

    def test_wrong_versions_are_told_when_the_application_is_built(self) -> None:
        def method(self: object, entity: object, version: int) -> object:
            return entity

        for names, says in (
            ({"__wallaroo_version__": True}, "must be an int from 1 to 65535, not the bool True"),
            ({"__wallaroo_version__": 0}, "must be an int from 1 to 65535, not the int 0"),
            ({"__wallaroo_version__": 65536}, "must be an int from 1 to 65535, not the int 65536"),
            ({"__wallaroo_version__": "2"}, "must be an int from 1 to 65535, not the str '2'"),
            ({"__wallaroo_upgrade__": staticmethod(lambda entity, version: entity)}, "and no __wallaroo_version__"),
            ({"__wallaroo_version__": 1, "__wallaroo_upgrade__": method}, "must be a static method of an entity and"),
            ({"__wallaroo_version__": 1, "__wallaroo_upgrade__": 5}, "not the int 5; write @staticmethod above"),
        ):
            with self.subTest(says), self.fails(says, error=wallaroo.WallarooParameterError):
                application_of(type("Wrong", (), dict(names)))

    def test_a_class_method_will_do(self) -> None:
        names = {"__wallaroo_version__": 7, "__wallaroo_upgrade__": classmethod(lambda cls, entity, version: entity)}
        application_of(type("Right", (), names))
