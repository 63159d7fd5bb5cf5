"""Weights & Biases, offline: what its file of the run holds."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from activation_search.config.run import TrainConfig
from activation_search.training.run import train

wandb = pytest.importorskip("wandb")

Small = Callable[..., TrainConfig]


def records(folder: Path) -> list:
    """What stands in the file of the one run below a folder: a log as LevelDB writes it, in blocks
    of 32 KiB, of pieces with a header of checksum, length and kind."""
    from wandb.proto.wandb_internal_pb2 import Record

    [path] = folder.glob("wandb/offline-run-*/*.wandb")
    content, place = path.read_bytes(), 7  # behind the file's own header
    found, piece = [], b""
    while place + 7 <= len(content):
        left = 32_768 - place % 32_768
        if left < 7:  # filled up with zeros
            place += left
            continue
        _, length, kind = struct.unpack_from("<IHB", content, place)
        piece += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last one
            found.append(Record.FromString(piece))
            piece = b""
    return found


def test_what_tensorboard_gets_arrives(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_PROJECT", "my-project")
    monkeypatch.setenv("HOME", str(tmp_path))
    often = "tensorboard.histograms_every_n_epochs=1"
    result = train(small("tracker=wandb", "group=sweeps/s/runs", often))
    assert wandb.run is None
    found = records(tmp_path)
    [run] = [record.run for record in found if record.WhichOneof("record_type") == "run"]
    assert (run.project, run.run_group) == ("my-project", "sweeps/s")
    told = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert told["optim"]["lr"] == 5e-3
    items = [item for r in found for item in (*r.history.item, *r.summary.update)]
    keys = {item.key or "/".join(item.nested_key) for item in items}
    assert {"loss/train", "accuracy/val", "final/test_accuracy", "status"} <= keys
    assert any(key.startswith("grad_norm/") for key in keys)
    # The file may end before the record of the run's end, which W&B writes after it has returned.
    ends = [record.exit for record in found if record.WhichOneof("record_type") == "exit"]
    assert all(end.exit_code == 0 for end in ends)
    # TensorBoard shows each run once.
    events = list(tmp_path.glob("**/events.out.tfevents*"))
    assert all(Path(result.directory) in path.parents for path in events)
