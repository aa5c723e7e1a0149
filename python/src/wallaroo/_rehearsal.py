"""An application on several executors in one process: what the engine does with messages, without the engine.

Each executor is the `Stages` of a real one. Between them stand what the engine puts there: edges that keep the order,
a table of owners, and queues of partitions that move. A rehearsal is calm, each message through before the next one
begins, or chance has it go any way that the engine might go.
"""

from __future__ import annotations

import random
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ._application import Application, Pipeline
from ._checkpoint import Checkpoint
from ._entities import Entities
from ._exchange import Stage
from ._failures import Site
from ._protocol import Batch, Load, Open, Pieces, Switch
from ._results import Limits, Serializer
from ._stages import Stages

PARTITIONS = 64  # enough to part any keys of a test, and few enough to move many of them often
_LIMITS = Limits(1 << 20, 1 << 26, 128)  # as the engine's
_SMALL = Limits(1 << 20, 1 << 26, 3)  # pieces that leave room for chance
_LONGEST = 6  # messages in a batch, where chance says how many
_MARKERS = 0.2  # how often a marker comes, among all that can happen
_MOVES = 0.4  # the share of the partitions that move at it
_SAVED = 0.5  # how often all that has changed is to be saved at it
_AGAIN = 0.1  # how often all begin again at it, with what was saved

Input = tuple[int, bytes]  # the number of a pipeline, and a payload for it


@dataclass(frozen=True)
class Lost:
    """A message that ended in a step, or the part of one.

    Attributes:
        step: the identity of the step.
        error: what was raised.
        key: the key that the message had there; () if none was known.
        payload: what came from the source; None where that cannot be told any more.
    """

    step: str
    error: BaseException
    key: tuple[object, ...]
    payload: bytes | None


class Rehearsal:
    """Executors and what is between them.

    Attributes:
        outputs: what the sinks have got, by the number of the pipeline.
        lost: what failed, in the order in which it did.
    """

    def __init__(
        self, application: Application, executors: int, serializer: Serializer, chance: random.Random | None
    ) -> None:
        self._application = application
        self._chance = chance
        self._table = [number * executors // PARTITIONS for number in range(PARTITIONS)]
        self._cuts = cut(application)
        self.outputs: list[list[bytes]] = [[] for _ in application.pipelines]
        self.lost: list[Lost] = []
        self.edges: dict[tuple[int, int, int], list[tuple[int, bytes]]] = defaultdict(list)  # from, to, stage
        self.queues: dict[tuple[int, int, int], list[tuple[int, bytes]]] = {}  # executor, stage, partition: while shut
        self._moving: list[tuple[int, bytes]] = []  # partitions that are under way, and their state
        self.payloads: Sequence[bytes] = ()  # of the call that goes on, if they are known
        self._serializer = serializer
        self._checkpoint = Checkpoint()
        self._executors = self._begun(executors)
        self._turn = 0  # which executor the first pipeline's messages come to

    def _begun(self, executors: int) -> list[Stages]:
        """Executors that have just begun."""
        limits = _LIMITS if self._chance is None else _SMALL
        return [
            Stages(self._application, self._cuts, (at, self._table), self._serializer, limits, _Outbox(self, at))
            for at in range(executors)
        ]

    def calm(self, inputs: Iterable[Input]) -> None:
        """Take messages through, one after another.

        Raises:
            Exception: what pickle, or the application's own function, raises at a message that has travelled.
        """
        for pipeline, payload in inputs:
            self.payloads = [payload]
            self._feed(pipeline, [payload])
            while self.edges:
                self._deliver(next(iter(self.edges)))
            self._turn += 1

    def at_random(self, inputs: Sequence[Sequence[Input]], chance: random.Random) -> None:
        """Take messages through as chance will have it; rows of inputs are in order, but not among one another.

        Raises:
            Exception: as `calm`.
            Stuck: an entity cannot become bytes, or be made of them.
            ChangedSince: an entity has changed since it was saved, though no message has met it.
        """
        rows = [list(reversed(row)) for row in inputs if row]
        while rows or self.edges or self._moving:
            if not self._moving and chance.random() < _MARKERS:
                self._mark(self._some_moves(chance), chance)
            able = [self._feed_some] * bool(rows) + [self._deliver_some] * bool(self.edges) + [self._save_some]
            chance.choice(able + [self._arrive_some] * bool(self._moving))(rows, chance)
        count = len(self._executors)
        self._mark({partition: (owner + 1) % count for partition, owner in enumerate(self._table)}, chance)
        self._arrive(len(self._moving), chance)
        self._begin_again()

    def entities(self, state: str) -> list[Entities]:
        """The entities of a state, on each executor."""
        return [executor.entities[state] for executor in self._executors]

    def _feed_some(self, rows: list[list[Input]], chance: random.Random) -> None:
        """Feed the first messages of a row, which ends with them, as far as they are for one pipeline."""
        row = chance.choice(rows)
        pipeline = row[-1][0]
        payloads: list[bytes] = []
        count = chance.randint(1, _LONGEST)
        while row and row[-1][0] == pipeline and len(payloads) < count:
            payloads.append(row.pop()[1])
        if not row:
            rows.remove(row)
        self.payloads = payloads
        self._feed(pipeline, payloads)
        self.payloads = ()

    def _deliver_some(self, rows: list[list[Input]], chance: random.Random) -> None:
        """Take the first part of what an edge holds."""
        edge = chance.choice(list(self.edges))
        self._deliver(edge, chance.randint(1, len(self.edges[edge])))

    def _arrive_some(self, rows: list[list[Input]], chance: random.Random) -> None:
        """Have some of the partitions that are under way arrive."""
        self._arrive(chance.randint(1, len(self._moving)), chance)

    def _save_some(self, rows: list[list[Input]], chance: random.Random) -> None:
        """Have something be saved, if there is anything to be."""
        self._checkpoint.save_some(self._executors, chance)

    def _begin_again(self) -> None:
        """Have all executors begin anew, as after a crash, with what they have saved. Nothing is under way."""
        self._checkpoint.complete(self._executors)
        self._executors = self._begun(len(self._executors))
        self._checkpoint.restore(self._executors, self._table)

    def _feed(self, pipeline: int, payloads: Sequence[bytes]) -> None:
        """Give messages to an executor, as one batch: of a pipeline to the same one until it is another's turn.

        Messages that may be spread go to any.
        """
        at = self._turn + pipeline
        if self._chance is not None and _spread(self._application.pipelines[pipeline]):
            at = self._chance.randrange(len(self._executors))
        stage = next(n for n, cut in enumerate(self._cuts) if cut.pipeline == pipeline)
        batch = Batch(0, stage, list(map(len, payloads)), b"".join(payloads), 0, 0)
        self._executors[at % len(self._executors)].process(batch)

    def _packed(self, at: int, stage: int, pieces: Pieces, settles: bool = False) -> None:
        """Give an executor messages that have travelled."""
        cuts = [(count, len(data)) for count, data in pieces]
        batch = Batch(0, stage, (), b"".join(data for _, data in pieces), 0, 0, cuts, settles)
        self._executors[at].process(batch)

    def _deliver(self, edge: tuple[int, int, int], some: int | None = None) -> None:
        """Take what an edge holds, or so many pieces of it."""
        pieces = self.edges.pop(edge)
        if pieces[some or len(pieces) :]:
            self.edges[edge] = pieces[some:]
        self._packed(edge[1], edge[2], pieces[:some])

    def _some_moves(self, chance: random.Random) -> dict[int, int]:
        """Some partitions, and where chance sends them."""
        share = (partition for partition in range(PARTITIONS) if chance.random() < _MOVES)
        return {partition: chance.randrange(len(self._executors)) for partition in share}

    def _mark(self, moves: dict[int, int], chance: random.Random) -> None:
        """Send a marker round, behind all messages: state is saved, or comes back, and partitions move.

        With one executor they leave it, and return.
        """
        while self.edges:
            self._deliver(chance.choice(list(self.edges)))
        if chance.random() < _AGAIN:
            self._begin_again()
        elif chance.random() < _SAVED:
            self._checkpoint.mark(self._executors)
        state = dict[int, bytes]()
        if len(self._executors) == 1:
            self._switch(dict.fromkeys(moves, 1), state)
        self._switch(moves, state)
        for partition in state:
            for stage in self._keyed():
                self.queues[self._table[partition], stage, partition] = []
        self._moving += state.items()
        self._turn = chance.randrange(len(self._executors))

    def _switch(self, moves: dict[int, int], state: dict[int, bytes]) -> None:
        """Give all executors another table. Each partition that moves is noted in `state`, with what is in it."""
        for partition, owner in moves.items():
            if self._table[partition] != owner:
                state.setdefault(partition, b"")
            self._table[partition] = owner
        for executor in self._executors:
            for partition, entities in executor.switch(Switch(0, 0, list(moves.items()))):
                state[partition] += b"".join(entities)

    def _keyed(self) -> list[int]:
        return [number for number, stage in enumerate(self._cuts) if stage.keyed]

    def _arrive(self, count: int, chance: random.Random) -> None:
        """Have so many partitions arrive, with what waits for them."""
        for _ in range(count):
            partition, state = self._moving.pop(chance.randrange(len(self._moving)))
            at = self._table[partition]
            self._executors[at].load(Load(0, 0, partition, state))
            for stage in reversed(self._keyed()):
                self._settle(at, stage, partition)

    def _settle(self, at: int, stage: int, partition: int) -> None:
        """Take what waits for a partition at a stage, and open its queue; those of later stages are open already."""
        while waiting := self.queues[at, stage, partition]:  # what is processed may be for this queue again
            self._packed(at, stage, [waiting.pop(0)], settles=True)
        del self.queues[at, stage, partition]
        self._executors[at].open(Open(0, stage, [partition]))


class _Outbox:
    """Where all goes that leaves an executor."""

    def __init__(self, rehearsal: Rehearsal, executor: int) -> None:
        self._rehearsal = rehearsal
        self._executor = executor

    def send(self, batch: Batch, sink: int, sizes: array[int], data: bytes) -> None:
        at = 0
        for size in sizes:
            self._rehearsal.outputs[sink].append(data[at : at + size])
            at += size

    def exchange(self, batch: Batch, stage: int, executor: int, pieces: Pieces) -> None:
        self._rehearsal.edges[self._executor, executor, stage] += pieces

    def queued(self, batch: Batch, stage: int, partition: int, pieces: Pieces) -> None:
        self._rehearsal.queues[self._executor, stage, partition] += pieces

    def fail(self, batch: Batch, index: int, site: Site, error: BaseException, message: object, *key: object) -> None:
        if isinstance(error, KeyboardInterrupt):
            raise error  # of the one who runs the test, not of the step
        known = self._rehearsal.payloads
        if batch.pieces:
            index = 0
        payload = known[index] if index < len(known) else None
        self._rehearsal.lost.append(Lost(site, error, key, payload))


def cut(application: Application) -> list[Stage]:
    """The stages of an application: an exchange stands before each step with state. All are one island."""
    stages = []
    for number, pipeline in enumerate(application.pipelines):
        stages.append(Stage(number, 0, False))
        stages += [Stage(number, first, True) for first, step in enumerate(pipeline.steps) if step.state is not None]
    return stages


def _spread(pipeline: Pipeline) -> bool:
    """Whether the engine may give each message of a source to another executor: a step before all state is parallel."""
    for step in pipeline.steps:
        if step.state is not None:
            return False
        if step.parallel:
            return True
    return False
