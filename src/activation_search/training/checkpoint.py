"""Checkpoints: written whole or not at all, read with every kind of damage in mind."""

import io
import sys
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from activation_search.atomic import replacing
from activation_search.config.run import activation_imports
from activation_search.errors import UserError
from activation_search.training.module import CHECKPOINT_FORMAT, ActivationModule
from activation_search.user_code import check_trusted

BEST, LAST = "best.ckpt", "last.ckpt"


class WholeCheckpoints(TorchCheckpointIO):
    """Replaces a checkpoint whole or not at all.

    Lightning writes to the temporary folder and copies from there, which a kill can tear where that
    folder lies on another file system, as on most clusters.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | PathLike[str], storage_options: Any = None
    ) -> None:
        # In memory first: on a full disk torch raises an error that does not name the reason.
        content = io.BytesIO()
        torch.save(checkpoint, content)
        with replacing(Path(path)) as new:
            new.write_bytes(content.getbuffer())


class DamagedCheckpoint(UserError):
    """It cannot be read, now or later: torn, of another program, or a folder."""


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The content of a checkpoint; nothing in it is executed.

    Raises:
        DamagedCheckpoint: the file is damaged, or of another program.
        UserError: it is missing, of a newer version, or cannot be read at the moment.
    """
    try:
        # Whole, first: a disk that fails is no damage of the file.
        content = io.BytesIO(path.read_bytes())
    except IsADirectoryError as error:
        raise DamagedCheckpoint(f"{path} is a folder, no checkpoint.") from error
    except OSError as error:
        raise UserError(f"Cannot read the checkpoint {path}: {error.strerror or error}.") from error
    try:
        stored = torch.load(content, map_location="cpu", weights_only=True)
        version = int(stored.get("format", 1))
        if version > CHECKPOINT_FORMAT:
            raise UserError(
                f"{path} was written by a newer version of the program: it has format {version}, "
                f"and this one reads {CHECKPOINT_FORMAT}."
            )
        config = stored["hyper_parameters"]["config"]
        activation_imports(config["activation"]), config["model"].get("function")
        stored["state_dict"].keys(), int(stored["global_step"])
    except (UserError, MemoryError):
        raise
    except Exception as error:  # damage and foreign files fail in many ways
        if "can't allocate memory" in str(error):  # torch's own
            raise UserError(f"Cannot read the checkpoint {path}: memory is full.") from error
        raise DamagedCheckpoint(f"{path} is no checkpoint of a run, or is damaged.") from error
    return stored


@dataclass(frozen=True)
class Resumed:
    """Where an interrupted run starts anew: after ``step`` steps, with this curve."""

    path: Path
    step: int
    curve: list[dict[str, float]]


def latest_checkpoint(directory: Path) -> Resumed | None:
    """What an interrupted run is resumed from: the last checkpoint, or the best one where that is
    damaged.

    Returns:
        ``None`` where no sound checkpoint is there, and the run starts from the beginning.

    Raises:
        UserError: one is there that cannot be read at the moment, or by this version; to start
            without it would put others in its place.
    """
    for name in (LAST, BEST):
        path = directory / name
        if path.exists():
            try:
                stored = read_checkpoint(path)
                curve = stored["callbacks"]["History"]["curve"]
                return Resumed(path, stored["global_step"], curve)
            except (DamagedCheckpoint, LookupError, TypeError) as error:
                print(f"Note: cannot resume from {path}: {error}", file=sys.stderr)
    return None


def load_checkpoint(path: str | PathLike[str], trust: bool = False) -> ActivationModule:
    """See :func:`activation_search.load`."""
    file = Path(path)
    if file.is_dir():
        file = next((file / name for name in (BEST, LAST) if (file / name).exists()), file / BEST)
    stored = read_checkpoint(file)
    plain = stored["hyper_parameters"]["config"]
    function = plain["model"].get("function")
    own = activation_imports(plain["activation"]) | ({function} if function else set())
    check_trusted(own, file, trust)
    try:
        module = ActivationModule(**stored["hyper_parameters"])
        module.load_state_dict(stored["state_dict"])
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{file} does not fit this version of the program: {' '.join(str(error).split())}."
        ) from error
    return module.eval()
