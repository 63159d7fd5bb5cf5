"""TensorBoard's pages about a run as a whole: model text, chart layout, the HPARAMS tab."""

import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from torch.utils.tensorboard import FileWriter, SummaryWriter
from torch.utils.tensorboard.summary import scalar

from activation_search.models.network import Network

CHARTS = {
    "gradients": {"norm of every layer": ["Multiline", [r"grad_norm/.*"]]},
    "loss": {"training and validation": ["Multiline", [r"loss/.*"]]},
}


def write_overview(writer: SummaryWriter, network: Network) -> None:
    """The model as text, its assignment as a table, and the layout of CUSTOM SCALARS."""
    rows = [f"| {site} | {activation} |" for site, activation in network.assignment.items()]
    writer.add_text("assignment", "\n".join(["| site | activation |", "|---|---|", *rows]))
    indented = "\n".join(f"    {line}" for line in str(network).splitlines())
    writer.add_text("model", indented)
    writer.add_custom_scalars(CHARTS)


def write_generated(writer: SummaryWriter, text: str) -> None:
    """What a model of text wrote."""
    writer.add_text("generated", "\n".join(f"    {line}" for line in text.splitlines()))


def write_hparams(
    folder: Path,
    hparams: Mapping[str, float | int | str | bool],
    metrics: Mapping[str, float],
    session_group: str,
    success: bool,
) -> None:
    """A run's row in the HPARAMS tab.

    It stands in a run of its own, since TensorBoard offers every scalar of a session's run as a
    column: here those are the final metrics and nothing else.

    Args:
        folder: the run directory.
        hparams: column -> value.
        metrics: final metrics.
        session_group: runs that share it are one row, their metrics averaged: the seeds of one
            configuration.
        success: whether the run finished as it should.
    """
    writer = FileWriter(str(folder / "hparams"))
    writer.add_summary(
        hparams_pb(dict(hparams), trial_id=session_group, start_time_secs=time.time())
    )
    for name, value in metrics.items():
        writer.add_summary(scalar(f"final/{name}", value))
    writer.add_summary(_session_end(success))
    writer.close()


def _session_end(success: bool) -> Summary:
    # TensorBoard's own helper for this message imports TensorFlow.
    status = api_pb2.STATUS_SUCCESS if success else api_pb2.STATUS_FAILURE
    end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=time.time())
    data = plugin_data_pb2.HParamsPluginData(session_end_info=end)
    value = Summary.Value(
        tag=metadata.SESSION_END_INFO_TAG,
        metadata=metadata.create_summary_metadata(data),
        tensor=metadata.NULL_TENSOR,
    )
    return Summary(value=[value])


def write_scalars(writer: SummaryWriter, values: Mapping[str, float], step: int) -> None:
    """Writes tag -> value."""
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=v) for tag, v in values.items()])
    writer._get_file_writer().add_summary(summary, step)
