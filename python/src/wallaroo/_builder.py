"""ApplicationBuilder: how a user declares an application."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, TypeVar

from ._application import Application, Stateless
from ._called import called_as, suggestion
from ._connectors import TCPSinkConfig, TCPSourceConfig
from ._draft import Draft, StateUse
from ._steps import Key, Partition, StateComputation, StateComputationMulti
from .errors import WallarooParameterError

In = TypeVar("In")
Entity = TypeVar("Entity")
PartitionKey = TypeVar("PartitionKey", bound=Key)


class NoSuchMethod(WallarooParameterError, AttributeError):
    """The builder has no such method. It is an AttributeError too, as of any object."""


class ApplicationBuilder:
    """Declares an application: open a pipeline, add its steps in order, end it, then the next one; at last `build`.

    Each method returns the builder, so calls may be chained or stand as statements. What is wrong in an argument does
    not raise where it is given: `build` reports all mistakes together, each with its place in your file.

    Args:
        name: the application's name in logs, metrics and the user interface.

    Raises:
        WallarooParameterError: by any method, at once: it is called with too few or too many arguments, or with one of
            a name that it does not have; or there is no such method.
    """

    @called_as('ApplicationBuilder("NAME")')
    def __init__(self, name: str) -> None:
        self._draft = Draft(name)

    @called_as('new_pipeline("NAME", TCPSourceConfig(HOST, PORT, DECODER))')
    def new_pipeline(self, name: str, source_config: TCPSourceConfig) -> ApplicationBuilder:
        """Open a pipeline; the one before must have ended.

        Args:
            name: unique in the application.
            source_config: where its messages come from.

        Returns:
            The builder.
        """
        self._draft.open(name, source_config)
        return self

    @called_as("to(COMPUTATION)")
    def to(self, computation: Stateless) -> ApplicationBuilder:
        """Add a computation that takes the messages in order.

        Args:
            computation: decorated by ``@wallaroo.computation`` or ``@wallaroo.computation_multi``.

        Returns:
            The builder.
        """
        self._draft.add("to", computation)
        return self

    @called_as("to_parallel(COMPUTATION)")
    def to_parallel(self, computation: Stateless) -> ApplicationBuilder:
        """Add a computation whose messages may be spread over all executors, and so overtake one another.

        Args:
            computation: decorated by ``@wallaroo.computation`` or ``@wallaroo.computation_multi``.

        Returns:
            The builder.
        """
        self._draft.add("to_parallel", computation, parallel=True)
        return self

    @called_as('to_stateful(STATE_COMPUTATION, STATE_CLASS, "STATE NAME")')
    def to_stateful(
        self,
        computation: StateComputation[Any, Entity, Any] | StateComputationMulti[Any, Entity, Any],
        state_class: Callable[[], Entity],
        state_name: str,
    ) -> ApplicationBuilder:
        """Add a state computation with one state entity in all, which meets the messages one at a time.

        Args:
            computation: decorated by ``@wallaroo.state_computation`` or ``@wallaroo.state_computation_multi``.
            state_class: called without arguments to make the entity.
            state_name: steps that give the same name, in any pipeline, share the entity and must give the same class.

        Returns:
            The builder.
        """
        self._draft.add("to_stateful", computation, use=StateUse(state_name, state_class, False))
        return self

    @called_as('to_state_partition(STATE_COMPUTATION, STATE_CLASS, "STATE NAME", PARTITION)')
    def to_state_partition(
        self,
        computation: StateComputation[In, Entity, Any] | StateComputationMulti[In, Entity, Any],
        state_class: Callable[[], Entity] | Callable[[PartitionKey], Entity],
        state_name: str,
        partition_function: Partition[In, PartitionKey],
        partition_keys: Collection[PartitionKey] | None = None,
    ) -> ApplicationBuilder:
        """Add a state computation with a state entity for each key.

        Args:
            computation: decorated by ``@wallaroo.state_computation`` or ``@wallaroo.state_computation_multi``.
            state_class: makes the entity of a new key; called with the key if its constructor has exactly one required
                positional parameter, otherwise without arguments.
            state_name: steps that give the same name, in any pipeline, share the entities and must give the same class.
            partition_function: decorated by ``@wallaroo.partition``; tells the key of a message.
            partition_keys: keys whose entities exist from the start; any other key gets its entity when it first comes.

        Returns:
            The builder.
        """
        use = StateUse(state_name, state_class, True, partition=partition_function, keys=partition_keys)
        self._draft.add("to_state_partition", computation, use=use)
        return self

    @called_as('to_state_partition_u64(STATE_COMPUTATION, STATE_CLASS, "STATE NAME", PARTITION)')
    def to_state_partition_u64(
        self,
        computation: StateComputation[In, Entity, Any] | StateComputationMulti[In, Entity, Any],
        state_class: Callable[[], Entity] | Callable[[int], Entity],
        state_name: str,
        partition_function: Partition[In, int],
        partition_keys: Collection[int] | None = None,
    ) -> ApplicationBuilder:
        """Add a state computation with a state entity for each key, where a key is an int from 0 to 2**64 - 1.

        Args:
            computation: as for `to_state_partition`.
            state_class: as for `to_state_partition`.
            state_name: as for `to_state_partition`; the two methods cannot share a state.
            partition_function: decorated by ``@wallaroo.partition``; returns an int.
            partition_keys: as for `to_state_partition`.

        Returns:
            The builder.
        """
        use = StateUse(state_name, state_class, True, u64=True, partition=partition_function, keys=partition_keys)
        self._draft.add("to_state_partition_u64", computation, use=use)
        return self

    @called_as("to_sink(TCPSinkConfig(HOST, PORT, ENCODER))")
    def to_sink(self, sink_config: TCPSinkConfig) -> ApplicationBuilder:
        """End the pipeline with a sink.

        Args:
            sink_config: where the results of the last step go.

        Returns:
            The builder.
        """
        self._draft.end(sink_config)
        return self

    @called_as("done()")
    def done(self) -> ApplicationBuilder:
        """End the pipeline without a sink: what its last step returns is dropped. After `to_sink` it does nothing.

        Returns:
            The builder.
        """
        self._draft.end_without_sink()
        return self

    @called_as("build()")
    def build(self) -> Application:
        """Finish the application.

        Returns:
            What ``application_setup`` must return.

        Raises:
            WallarooParameterError: something is wrong; the message has a line for each mistake.
        """
        return self._draft.finish()

    if not TYPE_CHECKING:  # a checker of types knows the methods

        def __getattr__(self, name: str) -> Any:
            """Refuse a method that there is not."""
            methods = [each for each in vars(ApplicationBuilder) if not each.startswith("_")]
            raise NoSuchMethod(f"ApplicationBuilder has no {name!r}; {suggestion(name, methods)}")
