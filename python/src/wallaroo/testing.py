r"""Test an application, or a step of it, in a plain pytest or unittest: no engine, no sockets, nothing to install.

A decorated function stays a function, so the first tests need nothing of this module::

    from word_count import WordTotals, count_word, first_letter, split

    def test_split():
        assert split("a b") == ["a", "b"]

`run` takes payloads through a whole application, from the decoder to the encoder::

    from wallaroo import testing

    def test_word_count():
        application = testing.load("word_count.py", ["--in", ":7010", "--out", ":7002"])
        result = testing.run(application, ["a b", "a"])
        assert result.output == [b"a => 1\n", b"b => 1\n", b"a => 2\n"]
        assert result.entity("word totals", "a").counts == {"a": 2}

The same application on several executors, while state moves between them. What it gives must not depend on that, but
for the order, which is kept for each key only::

    def test_word_count_while_state_moves():
        application = testing.load("word_count.py", ["--in", ":7010", "--out", ":7002"])
        for seed in range(10):
            result = testing.run(application, ["a b", "a"], executors=3, seed=seed)
            assert sorted(result.output) == [b"a => 1\n", b"a => 2\n", b"b => 1\n"]

`verify_step` looks closely at one step: does it give the same if its state and its messages are pickled in between, as
they are when they move and when they are saved?

::

    def test_count_word_survives_a_move():
        outputs = testing.verify_step(
            count_word, ["a", "b", "a"], state_class=WordTotals, partition_function=first_letter
        )
        assert outputs == [("a", 1), ("b", 1), ("a", 2)]

A test does not pass silently: where a step raises, `run` raises `ApplicationFailed`, which is an AssertionError and
tells each failure with its step, its key and the user's own traceback.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from . import _load
from ._application import Application, Pipeline
from ._checkpoint import ChangedSince
from ._encoding import Stuck
from ._entities import Entities
from ._failures import summary, user_traceback
from ._function import describe
from ._places import user_frames
from ._protocol import ProtocolError
from ._rehearsal import Input, Lost, Rehearsal
from ._results import PICKLE, Serializer, WrongResult, short_repr
from ._verify import StepFailed, verify_step

__all__ = ["ApplicationFailed", "Failure", "Inputs", "Payload", "Result", "StepFailed", "load", "run", "verify_step"]

Payload: TypeAlias = "bytes | str"
"""What follows the header of a frame; a str stands for its UTF-8."""

Inputs: TypeAlias = "Iterable[Payload] | Mapping[str, Iterable[Payload]] | Iterable[tuple[str, Payload]]"
"""What `run` takes: payloads; payloads by pipeline; or pairs of a pipeline and a payload, in order."""

_MOST_TOLD = 5


@dataclass(frozen=True)
class Failure:
    """What a step raised. It cost the message that entered the step; what that had changed in its state stays.

    Attributes:
        step: the identity of the step, as in the log: ``PIPELINE/STEP``, and ``PIPELINE/STEP key`` for its partition
            function; ``PIPELINE/source`` for a decoder, ``PIPELINE/sink`` for an encoder.
        key: the key of the message; None also where there was none yet.
        exception: what was raised, or says what is wrong with what the step returned.
        input: the payload of which the message came; None where that cannot be told, which a `seed` may do.
    """

    step: str
    key: Any
    exception: BaseException
    input: bytes | None

    @property
    def error(self) -> str:
        """The type and the text of the exception, as in the log."""
        return str(self.exception) if isinstance(self.exception, WrongResult) else summary(self.exception)

    @property
    def traceback(self) -> str:
        """The user's own lines that led to the exception; empty if the step raised nothing but returned wrongly."""
        return "" if isinstance(self.exception, WrongResult) else user_traceback(self.exception)

    def __str__(self) -> str:
        key = "" if self.key is None else f", key {short_repr(self.key)}"
        came = "" if self.input is None else f", of the input {short_repr(self.input)}"
        return f"{self.step}{key}{came}: {self.traceback or self.error}"


@dataclass(frozen=True, repr=False, eq=False)
class Result:
    """What came of a `run`.

    Attributes:
        application: what ran.
        outputs: for each pipeline that has a sink, by its name, what the sink was given: the bytes of each message, in
            order, as its receiver reads them: with the header, if the encoder's decorator describes one.
        failures: what failed, in order.
    """

    application: Application
    outputs: dict[str, list[bytes]]
    failures: list[Failure]
    _entities: dict[str, list[Entities]] = field(default_factory=dict)

    @property
    def output(self) -> list[bytes]:
        """The outputs of an application that has one sink.

        Raises:
            ValueError: it has none, or several: take those of one from `outputs`.
        """
        if len(self.outputs) != 1:
            raise ValueError(f"the application has not one sink but these: {_names(self.outputs)}; look into .outputs")
        [only] = self.outputs.values()
        return only

    @property
    def text(self) -> str:
        """All that the receiver reads from the only sink, as text.

        Raises:
            ValueError: as `output`; UnicodeDecodeError, which is one, if it is not UTF-8.
        """
        return b"".join(self.output).decode("utf-8")

    def entity(self, state_name: str, key: Any = None) -> Any:
        """The state entity of a key, as the run left it; without a key that of a state of ``to_stateful``.

        Raises:
            KeyError: there is no such state, or no entity of that key; the text says which there are.
        """
        for entities in self._of_state(state_name):
            entity = entities.found(key, entities.identity(key))
            if entity is not None:
                return entity
        raise KeyError(
            f"the state {state_name!r} has no entity of the key {key!r}, but of {_names(self.keys(state_name))}"
        )

    def keys(self, state_name: str) -> list[Any]:
        """The keys that have a state entity, in no order that means anything.

        Raises:
            KeyError: there is no such state; the text says which there are.
        """
        return [key for entities in self._of_state(state_name) for key, _ in entities.items()]

    def _of_state(self, state_name: str) -> list[Entities]:
        """The entities of a state, on each executor."""
        if state_name not in self._entities:
            there = f"but {_names(self._entities)}" if self._entities else "and the application has no other"
            raise KeyError(f"there is no state {state_name!r}, {there}")
        return self._entities[state_name]

    def __repr__(self) -> str:
        outputs = ", ".join(f"{len(output)} outputs of {name!r}" for name, output in self.outputs.items())
        failures = "".join(f"\n  {told}" for told in _grouped(self.failures))
        return f"<Result of {self.application.name!r}: {outputs or 'no sink'}, {len(self.failures)} failures>{failures}"


class ApplicationFailed(AssertionError):
    """An application could not be loaded, or failed on the inputs of a test.

    Attributes:
        result: what came of the run; None if nothing ran, or the run could not go on.
    """

    def __init__(self, message: str, result: Result | None = None) -> None:
        super().__init__(message)
        self.result = result


def run(
    application: Application,
    inputs: Inputs,
    *then: Inputs,
    executors: int = 1,
    seed: int | None = None,
    check: bool = True,
    serialize: Callable[[Any], bytes] | None = None,
    deserialize: Callable[[bytes], Any] | None = None,
) -> Result:
    """Run an application on inputs, until all that comes of them has reached the sinks.

    The code is that of the real executors. All inputs of a pipeline come by one connection. Without a seed each message
    is through before the next one begins, and the same inputs give the same outputs in the same order, always. With
    several executors the state entities of different keys live on different ones, the inputs come to all of them in
    turn, and messages are pickled on their way: what cannot be pickled fails. Unlike real executors they share the
    variables of your modules.

    With a seed messages come in batches, overtake one another as far as the engine lets them, and partitions move
    between executors with their state (with one executor they leave it, and come back), as chance will have it.
    Now and then, and at the end, all executors begin again with the state that they have saved, as after a crash. The
    same seed gives the same again. Messages of equal keys keep their order; behind ``to_parallel`` from the next step
    with state on. At the end every state entity has been pickled and restored at least once.

    A module's own ``serialize`` and ``deserialize`` are no part of the application that its ``application_setup``
    returns. Only `load` knows the module: what it returns is run with them. To any other application give them here, or
    all is pickled.

    Args:
        application: what ``build()`` or ``application_setup(args)`` returns, or `load`.
        inputs: for an application with one pipeline an iterable of payloads, as bytes or as str, without the header of
            a frame. For several, a mapping from the name of a pipeline to its payloads: without a seed one pipeline
            after another, with one they mix. Or pairs of a pipeline and a payload, which are read in this order, though
            with a seed they may overtake one another.
        then: more inputs, in the same form: each comes when all that came before it has reached the sinks. Under a
            seed that is the only order there is between pipelines.
        executors: how many to run on.
        seed: makes chance decide how messages go and when partitions move.
        check: whether to raise if anything fails; without, look at the failures of the result.
        serialize: makes bytes of messages and state, instead of pickle and of what `load` has found.
        deserialize: makes objects of these bytes; given together with `serialize`.

    Returns:
        What came of it.

    Raises:
        ApplicationFailed: a step raised, or returned what its kind must not, and `check` is true; or an entity cannot
            be made, cannot become bytes or be made of them, or has changed since it was saved though no message met it.
        TypeError, ValueError: the arguments are not as they must be.
    """
    __tracebackhide__ = True  # pytest shows the line of the test, then
    if not isinstance(application, Application):
        raise TypeError(f"run() takes an application, what build() returns, not {describe(application)}")
    if type(executors) is not int or executors < 1:
        raise ValueError(f"executors must be an int from 1 on, not {executors!r}")
    turns = [_rows(application, each) for each in (inputs, *then)]
    chance = None if seed is None else random.Random(seed)
    serializer = _serializer(application, serialize, deserialize)
    try:
        rehearsal = Rehearsal(application, executors, serializer, chance)
        for rows in turns:
            if chance is None:
                rehearsal.calm(entry for row in rows for entry in row)
            else:
                rehearsal.at_random(rows, chance)
    except _load.LoadFailed as failed:
        raise ApplicationFailed(f"{failed.message}\n{failed.traceback}") from None
    except Stuck as stuck:
        raise ApplicationFailed(_told_of_stuck(stuck)) from None
    except ChangedSince as changed:
        raise ApplicationFailed(str(changed)) from None
    except ProtocolError:
        raise  # a mistake of ours
    except Exception as error:  # noqa: BLE001  (told)
        text = "messages that went to another executor cannot be made of their bytes again:"
        raise ApplicationFailed(f"{text}\n{user_traceback(error)}") from None
    result = _result(application, rehearsal)
    if check and result.failures:
        raise ApplicationFailed(_told(result.failures), result)
    return result


@dataclass(frozen=True)
class _Loaded(Application):
    """An application whose module may have its own way to make bytes of objects."""

    serializer: Serializer = PICKLE


def load(app: str, args: Sequence[str] = ()) -> Application:
    """Load an application as ``wallaroo run APP ARGS`` does.

    Its folder is put in front of Python's path, where it stays, and a module that has been imported from the same file
    is not imported again.

    Args:
        app: a path that ends in ``.py``, relative to the current folder; or a module.
        args: what ``application_setup`` gets. Addresses are checked, but nothing listens or connects in a test.

    Returns:
        The application, for `run`, which uses its module's ``serialize`` and ``deserialize`` too.

    Raises:
        ApplicationFailed: it cannot be loaded; the text has what ``wallaroo run`` says.
    """
    if isinstance(args, str):
        raise TypeError(f"args must be a list of arguments, not {describe(args)}; write {args.split()}")
    argv, path = sys.argv, sys.path[:]
    try:
        application, serializer = _load.load({"app": str(app), "args": list(args)})
    except _load.LoadFailed as failed:
        raise ApplicationFailed(f"{failed.message}\n{failed.traceback}".strip() or f"{app} ended itself") from None
    finally:
        sys.argv = argv
        if len(sys.path) > len(path) and sys.path[0] in path:
            del sys.path[0]
    return _Loaded(application.name, application.pipelines, serializer)


def _serializer(application: Application, serialize: object, deserialize: object) -> Serializer:
    if callable(serialize) and callable(deserialize):
        return Serializer(serialize, deserialize)
    if serialize is not None or deserialize is not None:
        raise TypeError("serialize and deserialize must be two functions, or be left out both")
    return application.serializer if isinstance(application, _Loaded) else PICKLE


def _rows(application: Application, inputs: object) -> list[list[Input]]:
    """The inputs as rows, each in order."""
    if isinstance(inputs, (str, bytes, bytearray)) or not isinstance(inputs, Iterable):
        raise TypeError(f"inputs must be a list of payloads, not {describe(inputs)}; write [...] around one payload")
    numbers = {pipeline.name: number for number, pipeline in enumerate(application.pipelines)}
    if isinstance(inputs, Mapping):
        return [
            [_input(application, _number(numbers, name), payload) for payload in _payloads(name, payloads)]
            for name, payloads in inputs.items()
        ]
    row = []
    for entry in inputs:
        if isinstance(entry, tuple) and len(entry) == 2:
            row.append(_input(application, _number(numbers, entry[0]), entry[1]))
        elif len(numbers) == 1:
            row.append(_input(application, 0, entry))
        else:
            raise ValueError(
                f"the application has the pipelines {_names(numbers)}: give inputs by pipeline, as in "
                "{NAME: [PAYLOAD, ...], ...} or [(NAME, PAYLOAD), ...]"
            )
    return [row]


def _payloads(name: object, payloads: object) -> Iterable[object]:
    if isinstance(payloads, (str, bytes, bytearray)) or not isinstance(payloads, Iterable):
        raise TypeError(f"the inputs of {name!r} must be a list of payloads, not {describe(payloads)}")
    return payloads


def _number(numbers: Mapping[str, int], name: object) -> int:
    if not isinstance(name, str) or name not in numbers:
        raise ValueError(f"there is no pipeline {name!r}, but {_names(numbers)}")
    return numbers[name]


def _input(application: Application, pipeline: int, payload: object) -> Input:
    """A payload as its source would read it."""
    if isinstance(payload, str):
        payload = payload.encode("utf-8")
    if not isinstance(payload, (bytes, bytearray)):
        raise TypeError(f"a payload must be bytes, or a str for its UTF-8, not {describe(payload)}")
    _check_length(application.pipelines[pipeline], len(payload))
    return pipeline, bytes(payload)


def _check_length(pipeline: Pipeline, size: int) -> None:
    most = pipeline.source.longest
    if most is not None and size > most:
        raise ValueError(
            f"a payload of {size} bytes cannot come to pipeline {pipeline.name!r}: "
            f"the header that its decoder describes says at most {most}"
        )


def _result(application: Application, rehearsal: Rehearsal) -> Result:
    pipelines = zip(application.pipelines, rehearsal.outputs, strict=True)
    return Result(
        application,
        {pipeline.name: output for pipeline, output in pipelines if pipeline.sink is not None},
        [_failure(lost) for lost in rehearsal.lost],
        {state.name: rehearsal.entities(state.name) for state in application.states},
    )


def _failure(lost: Lost) -> Failure:
    return Failure(lost.step, lost.key[0] if lost.key else None, lost.error, lost.payload)


def _told(failures: Sequence[Failure]) -> str:
    """Failures as the text of an error, the first ones in full."""
    many = f"{len(failures)} messages failed" if len(failures) > 1 else "a message failed"
    return "\n\n".join([many, *_grouped(failures)])


def _grouped(failures: Sequence[Failure]) -> list[str]:
    """A text for each kind of failure: the first of the kind in full, and how many more there are."""
    kinds: dict[object, list[Failure]] = {}
    for failure in failures:
        kinds.setdefault(_kind(failure), []).append(failure)
    told = []
    for same in list(kinds.values())[:_MOST_TOLD]:
        place = "of this step" if isinstance(same[0].exception, WrongResult) else "at the same line"
        told.append(f"{same[0]}" + (f"\nand {len(same) - 1} more {place}" if len(same) > 1 else ""))
    left_out = sum(map(len, list(kinds.values())[_MOST_TOLD:]))
    return [*told, f"and {left_out} more"] if left_out else told


def _kind(failure: Failure) -> object:
    """What is equal for failures of one kind: the step, the type of the exception, and the calls that led to it."""
    calls = [(frame.f_code, line) for frame, line in user_frames(failure.exception)]
    return failure.step, type(failure.exception), tuple(calls)


def _told_of_stuck(stuck: Stuck) -> str:
    failure = stuck.failure
    return (
        f"an entity of the state {failure['state']!r}, that of the key {failure['key']}, cannot {failure['cannot']}:\n"
        f"{stuck.reason}"
    )


def _names(names: Iterable[object]) -> str:
    return short_repr(list(names))
