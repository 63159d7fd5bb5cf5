"""How many processes share this machine, and what each may use of it."""

import gc
import os
from dataclasses import replace
from typing import Any

import torch

from activation_search.config.engine import EngineConfig
from activation_search.config.run import TrainConfig
from activation_search.engine.processes import core_count
from activation_search.errors import UserError

MAX_WORKERS = 1024


def collect() -> None:
    """For after each run: a finished one is a ring of objects, which Python looks for ever more
    seldom."""
    gc.collect()


def worker_count(wanted: Any, config: TrainConfig) -> int:
    """How many processes to start.

    Args:
        wanted: their number, or ``auto``: one per GPU, or per core where there is none.
        config: what they run.

    Raises:
        UserError: not a number of workers.
    """
    if wanted == "auto":
        return len(visible_gpus(config)) or core_count()
    if type(wanted) is not int or not 1 <= wanted <= MAX_WORKERS:
        raise UserError(f"workers must be auto, or from 1 to {MAX_WORKERS}, not {wanted}.")
    return wanted


def visible_gpus(config: TrainConfig) -> list[str]:
    """The GPUs that runs may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    if config.trainer.accelerator not in ("auto", "gpu", "cuda"):
        return []
    count = torch.cuda.device_count()  # as CUDA_VISIBLE_DEVICES leaves them, none for -1
    named = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return (named or [str(number) for number in range(count)])[:count]


def job_run(config: EngineConfig, group: str) -> TrainConfig:
    """The run that the jobs of a command vary: quiet, with its share of the cores, and anew.

    Args:
        config: of the command.
        group: folder of the runs below ``logs``.
    """
    if config.resume is not None:
        raise UserError(
            "resume= is for train.py; a study or comparison goes on by its own command, once more."
        )
    if config.group != TrainConfig.group and not config.group.startswith("multirun/"):  # of -m
        raise UserError(f"group={config.group} is for single runs; a study has a name of its own.")
    trainer = replace(config.trainer, progress=False, threads=threads_per_job(config))
    return replace(config.as_run(), trainer=trainer, group=group, resume=None)


def threads_per_job(config: EngineConfig) -> int:
    """Workers share the cores, since more threads than cores make each of them several times
    slower; a cluster has a worker for each core."""
    if config.trainer.threads:
        return config.trainer.threads
    share = 1 if config.cluster else core_count() // worker_count(config.workers, config)
    # What the user's environment allows is for each process.
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(share, int(allowed)) if allowed.isdigit() else share)
