"""The application as the plan that the engine reads: names, kinds and addresses, no code."""

from __future__ import annotations

from typing import Any

from ._application import Application, Pipeline, State, Step
from ._connectors import TCPSinkConfig, TCPSourceConfig
from ._encoding import version_of
from ._function import label_of

VERSION = 1
"""The version of the plan's form; the engine refuses others."""


def plan(application: Application) -> dict[str, Any]:
    """The plan in JSON's types. tests/golden/word_count.plan.json is an example."""
    return {
        "version": VERSION,
        "application": application.name,
        "states": [_state(state) for state in application.states],
        "pipelines": [_pipeline(pipeline) for pipeline in application.pipelines],
    }


def _state(state: State) -> dict[str, Any]:
    return {
        "name": state.name,
        "class": label_of(state.cls),
        "version": version_of(state.cls),
        "keyed": state.keyed,
        "u64": state.u64,
    }


def _pipeline(pipeline: Pipeline) -> dict[str, Any]:
    return {
        "name": pipeline.name,
        "source": _source(pipeline.source),
        "steps": [_step(step) for step in pipeline.steps],
        "sink": _sink(pipeline.sink) if pipeline.sink else None,
    }


def _source(config: TCPSourceConfig) -> dict[str, Any]:
    host, port = config.address
    decoder, framing = config.decoder, config.decoder.framing
    return {
        "name": "source",
        "kind": "tcp",
        "host": host,
        "port": port,
        "resumable": config.resumable,
        "decoder": decoder.name,
        "framing": {
            "header": framing.header,
            "offset": framing.offset,
            "width": framing.width,
            "order": framing.order,
            "signed": framing.signed,
        },
    }


def _step(step: Step) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": step.name,
        "kind": step.computation.kind,
        "multi": step.computation.multi,
        "parallel": step.parallel,
    }
    if step.state:
        described["state"] = step.state.name
    if step.partition:
        described["partition"] = step.partition.name
    return described


def _sink(config: TCPSinkConfig) -> dict[str, Any]:
    host, port = config.address
    return {
        "name": "sink",
        "kind": "tcp",
        "host": host,
        "port": port,
        "resumable": config.resumable,
        "encoder": config.encoder.name,
    }
