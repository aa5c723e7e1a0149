"""The stages of an application as one process runs them: their functions, the ways between them, their state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ._application import Application
from ._care import Care
from ._compile import (
    Outbox,
    ReplayFunction,
    Sites,
    StageFunction,
    Surroundings,
    producer,
    replay_function,
    site_at,
    stage_function,
    step_site,
)
from ._encoding import Encoding, Stuck, pieces, read_entities
from ._entities import Entities
from ._exchange import Exchange, Stage
from ._failures import explain
from ._island import Island
from ._letters import Missing
from ._load import LoadFailed
from ._owners import Owners
from ._ownership import Ownership
from ._protocol import Batch, Load, Mark, Open, ProtocolError, Replay, Restore, Save, Saved, Switch
from ._results import Limits, Serializer, WrongResult

_HANDED_ON = Missing("it went on, and what came of it was changed behind its back")


class Stages:
    """All stages, and the entities of the partitions that are this executor's; those that the application names exist.

    Attributes:
        entities: by the name of their state.
        sites: whose code the lines of the stages' functions call.
        steps: the numbers of the steps in the application, by their identities.

    Raises:
        LoadFailed: an entity that the application names could not be made.
    """

    def __init__(
        self,
        application: Application,
        stages: Sequence[Stage],
        table: tuple[int, Sequence[int]],
        serializer: Serializer,
        limits: Limits,
        outbox: Outbox,
        *,
        check_ownership: bool = False,
    ) -> None:
        """Make them. The table is the number of this executor, and the owner of each partition."""
        self._stages = stages
        self._first_steps = _numbered(application, stages)
        owners = {stage.island: Owners(*table) for stage in stages}
        self.entities = {
            state.name: Entities(state, Encoding(number, state, serializer))
            for number, state in enumerate(application.states)
        }
        self._exchanges: dict[int, Exchange] = {}
        for number, stage in enumerate(stages):
            if stage.keyed:
                pipeline = application.pipelines[stage.pipeline]
                step = pipeline.steps[stage.first]
                assert step.state is not None
                entities, of_island = self.entities[step.state.name], owners[stage.island]
                sites = step_site(pipeline, stage.first), producer(pipeline, stage.first)
                self._exchanges[number] = Exchange(number, *sites, entities, of_island, serializer, outbox, limits)
        states = [*self.entities.values()]
        self._islands = {island: Island(of, self._within(island), states) for island, of in owners.items()}
        for number, exchange in self._exchanges.items():
            _name_keys(exchange.entities, owners[stages[number].island])
        self._ownership = Ownership(serializer) if check_ownership else None
        self._around = Surroundings(application, stages, self._exchanges, serializer, limits, outbox, self._ownership)
        self.sites: dict[str, Sites] = {}
        self.steps = _numbers(application)
        self._functions: list[StageFunction] = []
        self._replays: dict[int, ReplayFunction] = {}  # by the step's number in the application
        self.take_care(None)

    def _within(self, island: int) -> list[Exchange]:
        return [exchange for number, exchange in self._exchanges.items() if self._stages[number].island == island]

    def take_care(self, care: Care | None) -> None:
        """Have all calls of user code made with care, or, with None, without."""
        self._around = replace(self._around, care=care)
        self._functions.clear()
        self._replays.clear()
        for number in range(len(self._stages)):
            file = f"<wallaroo stage {number}>"
            function, self.sites[file] = stage_function(self._around, number, file)
            self._functions.append(function)

    def process(self, batch: Batch) -> tuple[int, Sequence[int]]:
        """Run messages through a stage and the later ones that are here.

        Returns:
            The number in the application of the stage's first step; and how many messages have entered it, and each of
            those that follow it.
        """
        entered = self._functions[batch.stage](batch)
        self._flush(batch)
        return self._first_steps[batch.stage], entered

    def replay(self, replay: Replay) -> tuple[int, Sequence[int]]:
        """Run one message through a step and what follows, as far as it is here. Returns what `process` does.

        Raises:
            ProtocolError: there is no such step.
        """
        pipeline, place = self._place(replay.step)
        batch = Batch(replay.call, 0, (), b"", 0, replay.ingest)
        site = site_at(self._around.application.pipelines[pipeline], place)
        try:
            message = replay.letter.read(place < 0)
        except BaseException as error:  # noqa: BLE001  (reported)
            self._around.outbox.fail(batch, 0, site, error, replay.letter)
            return replay.step, ()
        if place < 0:
            assert isinstance(message, bytes)  # as `read` has seen to
            source = next(n for n, stage in enumerate(self._stages) if stage.pipeline == pipeline)
            batch = Batch(replay.call, source, [len(message)], message, 0, replay.ingest)
            return self.process(batch)
        if replay.step not in self._replays:
            file = f"<wallaroo replay {replay.step}>"
            function, self.sites[file] = replay_function(self._around, pipeline, place, file)
            self._replays[replay.step] = function
        entered = self._replays[replay.step](batch, message)
        self._flush(batch)
        return replay.step, entered

    def _place(self, number: int) -> tuple[int, int]:
        """The pipeline of a step, and its place there: -1 is the source, and behind the last step comes the sink."""
        first = 0
        for pipeline, of in enumerate(self._around.application.pipelines):
            count = len(of.steps) + (2 if of.sink is not None else 1)
            if number < first + count:
                return pipeline, number - first - 1
            first += count
        raise ProtocolError(f"a replay at step {number}, which there is not")

    def _flush(self, batch: Batch) -> None:
        for exchange in self._exchanges.values():
            exchange.flush(batch)
        if self._ownership is not None:
            for site, error in self._ownership.changed():
                self._around.outbox.fail(batch, 0, site, error, _HANDED_ON)

    def switch(self, switch: Switch) -> Iterator[tuple[int, list[bytes]]]:
        """Give an island another table; yields the entities of each partition that leaves.

        Raises:
            Stuck: an entity cannot become bytes.
        """
        return self._islands[switch.island].switch(switch.moves)

    def load(self, load: Load) -> None:
        """Take in entities of a partition that has come.

        Raises:
            Stuck: an entity cannot be made of its bytes.
        """
        self._islands[load.island].load(load.partition, load.entities)

    def mark(self, mark: Mark) -> None:
        """From now on what has changed on an island since its last mark is to be saved."""
        self._islands[mark.island].mark()

    def save(self, save: Save) -> Iterator[Saved]:
        """Encode so much of what is to be saved, about. It comes in rows, with what was encoded ahead.

        Raises:
            Stuck: an entity cannot become bytes.
        """
        row: list[bytes] = []
        size, ahead = max(save.size, 1), 0
        for entities in self.entities.values():
            size = entities.save(row, size)
            ahead, entities.ahead = ahead + entities.ahead, 0
        left = any(entities.unsaved() for entities in self.entities.values())
        for piece in pieces(row) if row else [row]:
            yield Saved(left, ahead // 1000, piece)
            ahead = 0

    def restore(self, restore: Restore) -> None:
        """Take in entities that were saved, of any partitions that are here.

        Raises:
            Stuck: an entity cannot be made of its bytes.
            ProtocolError: one does not belong here, or they are not as many as it says.
        """
        count = 0
        for written in read_entities(restore.data, restore.start):
            island = next((island for island in self._islands.values() if island.has(written.state)), None)
            if island is None:
                raise ProtocolError(f"saved state {written.state}, which there is not")
            island.restore(written)
            count += 1
        if count != restore.number:
            raise ProtocolError(f"{count} entities that are said to be {restore.number}")

    def probe(self) -> Iterator[dict[str, object]]:
        """Find out whether state can become bytes, by one entity of each; yields what is wrong with what cannot."""
        for entities in self.entities.values():
            try:
                entities.probe()
            except Stuck as stuck:
                yield stuck.failure

    def open(self, opened: Open) -> None:
        """Open queues."""
        self._islands[self._stages[opened.stage].island].open(self._exchanges[opened.stage], opened.partitions)


def _numbers(application: Application) -> dict[str, int]:
    """The steps' numbers in the application, by their identities."""
    sites = [
        site_at(pipeline, place)
        for pipeline in application.pipelines
        for place in range(-1, len(pipeline.steps) + (1 if pipeline.sink is not None else 0))
    ]
    return {site.step: number for number, site in enumerate(sites)}


def _numbered(application: Application, stages: Sequence[Stage]) -> list[int]:
    """The number of each stage's first step in the application, where sources and sinks are steps too."""
    first = [1]  # by pipeline: the number of its first step
    for pipeline in application.pipelines:
        first.append(first[-1] + len(pipeline.steps) + (2 if pipeline.sink is not None else 1))
    return [first[stage.pipeline] + stage.first for stage in stages]


def _name_keys(entities: Entities, owners: Owners) -> None:
    try:
        entities.name_keys(owners)
    except BaseException as error:  # noqa: BLE001  (told to the user by the engine)
        reason, lines = explain(error)
        said = f" {reason}" if isinstance(error, WrongResult) else ""
        raise LoadFailed(f"making the entities of state {entities.name!r} failed:{said}", lines) from None
