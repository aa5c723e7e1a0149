"""Makes the function of a stage: the chain of a pipeline's steps as one piece of Python, without a call of ours between the user's.

A closure for each step costs a tenth of the speed; one generated function costs nothing measurable. A step that raises ends its own
message only: each call of user code stands in a try of its own, which costs nothing while nothing is raised.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ._application import Application, Pipeline, Step
from ._entities import Entities
from ._protocol import Batch
from ._results import apart, encoded, output_and_changed, whole
from ._steps import ComputationMulti, StateComputationMulti

StageFunction = Callable[[Batch], None]


class Outbox(Protocol):
    """Where a stage function's results go."""

    def send(self, batch: Batch, sink: int, payloads: list[bytes]) -> int:
        """Write messages to a sink and empty the list; returns how many the list should hold before the next call."""

    def fail(self, batch: Batch, index: int, site: str, error: BaseException, *key: object) -> None:
        """Report what a step raised at message ``index`` of a batch, with the key if there was one."""


def stage_function(application: Application, pipeline: int, entities: dict[str, Entities], outbox: Outbox) -> StageFunction:
    """The function that runs a pipeline from its decoder to its sink, for the messages of a batch.

    Args:
        application: what the user built.
        pipeline: which of its pipelines; the number of its sink too.
        entities: the state entities of this process, by state name.
        outbox: where results and failures go.
    """
    writer = _StageWriter(application.pipelines[pipeline], pipeline, entities)
    source = writer.write()
    exec(compile(source, f"<wallaroo stage {pipeline}>", "exec"), writer.names)  # noqa: S102  (the names in it are ours, see _StageWriter)
    make: Callable[[Callable[..., int], Callable[..., None]], StageFunction] = writer.names["make"]
    return make(outbox.send, outbox.fail)


class _StageWriter:
    """Writes the source of one stage. User objects are reached by names that are made here; no text of the user's is in the source."""

    def __init__(self, pipeline: Pipeline, number: int, entities: dict[str, Entities]) -> None:
        self._pipeline = pipeline
        self._number = number
        self._entities = entities
        self._lines: list[str] = []
        self._depth = 0
        self.names: dict[str, Any] = {
            "whole": whole,
            "output_and_changed": output_and_changed,
            "encoded": encoded,
            "apart": apart,
        }

    def write(self) -> str:
        """The source: a function make(send, fail) that returns the stage function."""
        self._line("def make(send, fail):")
        self._deeper()
        locals_at = len(self._lines)
        self._line("def stage(batch):")
        self._deeper()
        for line in ("payloads = []", "emit = payloads.append", "enough = 64", "data = batch.payload", "end = batch.start"):
            self._line(line)
        self._line("for index, size in enumerate(batch.sizes):")
        self._deeper()
        self._flush("if len(payloads) >= enough:")
        self._line("start = end")
        self._line("end += size")
        self._body()
        self._depth = 2
        self._flush("if payloads:")
        self._depth = 1
        self._line("return stage")
        # The user's functions become locals of make: a cell is read faster than a global.
        binds = [f"    {name} = {name}_" for name in self.names if f"{name}_" in self.names]
        self._lines[locals_at:locals_at] = binds
        return "\n".join(self._lines) + "\n"

    def _flush(self, condition: str) -> None:
        self._line(condition)
        self._line(f"    enough = send(batch, {self._number}, payloads)")

    def _body(self) -> None:
        name = self._pipeline.name
        self._call("value = decode(data[start:end])", f"{name}/source", decode=self._pipeline.source.decoder.function)
        self._drop_none()
        for number, step in enumerate(self._pipeline.steps):
            self._step(number, step, f"{name}/{step.name}")
        if self._pipeline.sink is None:
            return
        self._guarded(
            f"{name}/sink",
            ["value = encode(value)", "if type(value) is not bytes:", "    value = encoded(value)"],
            encode=self._pipeline.sink.encoder.function,
        )
        self._drop_none()
        self._line("emit(value)")

    def _step(self, number: int, step: Step, site: str) -> None:
        function = {f"step{number}": step.computation.function}
        many = isinstance(step.computation, (ComputationMulti, StateComputationMulti))
        if step.state is not None:
            self._state_step(number, step, site, many, function)
        elif many:
            self._guarded(site, [f"many = step{number}(value)", "if type(many) is not list:", "    many = whole(many)"], **function)
        else:
            self._call(f"value = step{number}(value)", site, **function)
        if many:
            self._line("for value in many:")
            self._deeper()
        self._drop_none()

    def _state_step(self, number: int, step: Step, site: str, many: bool, function: dict[str, Any]) -> None:
        assert step.state is not None
        entities = self._entities[step.state.name]
        look_up = {f"known{number}": entities.by_text.get, f"entity{number}": entities.entity}
        if step.partition is None:
            self._line("key = None")
            self._line(f"entity = known{number}(None)")
        else:
            self._call(f"key = partition{number}(value)", f"{site} key", **{f"partition{number}": step.partition.function})
            self._line(f"entity = known{number}(key) if type(key) is str else None")
        self._line("if entity is None:")
        self._deeper()
        self._guarded(f"{site} key", [f"entity = entity{number}(key)"], key=True, **look_up)
        self._depth -= 1
        result = "many" if many else "value"
        body = [
            f"result = step{number}(value, entity)",
            "if type(result) is not tuple or len(result) != 2 or result[1] is not True and result[1] is not False:",
            "    result = output_and_changed(result)",
            f"{result} = result[0]",
            # What is handed on must not be the entity itself; a list of results is taken whole, since later steps may change the state.
            "many = whole(many)" if many else "if value is entity:",
        ]
        if not many:
            body.append("    value = apart(value)")
        self._guarded(site, body, key=True, **function)

    def _call(self, statement: str, site: str, **names: Any) -> None:
        self._guarded(site, [statement], **names)

    def _guarded(self, site: str, body: list[str], *, key: bool = False, **names: Any) -> None:
        """Statements with user code in them; what they raise is reported, and the innermost loop goes on to its next message."""
        for name, value in names.items():
            self.names[name] = self.names[f"{name}_"] = value
        where = f"site{len(self.names)}"
        self.names[where] = site
        self._line("try:")
        for line in body:
            self._line("    " + line)
        self._line("except BaseException as error:")
        self._line(f"    fail(batch, index, {where}, error{', key' if key else ''})")
        self._line("    continue")

    def _drop_none(self) -> None:
        self._line("if value is None:")
        self._line("    continue")

    def _line(self, text: str) -> None:
        self._lines.append("    " * self._depth + text)

    def _deeper(self) -> None:
        self._depth += 1
