"""Many scalars of one step as a single event, which costs a fraction of one call each."""

from collections.abc import Mapping

from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter


def write_scalars(writer: SummaryWriter, values: Mapping[str, float], step: int) -> None:
    """Writes tag -> value."""
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=v) for tag, v in values.items()])
    writer._get_file_writer().add_summary(summary, step)
