"""What runs the jobs of a study or a comparison. Torch and Hydra are not imported."""

from dataclasses import dataclass
from typing import Any

from activation_search.config.limits import setting
from activation_search.config.run import TrainConfig


@dataclass
class EngineConfig(TrainConfig):
    """A run that many others vary, and what runs those."""

    workers: Any = setting("auto", help="processes; auto for one per core, or one per GPU")
    cluster: str | None = setting(
        None, help="address of a Dask scheduler, such as tcp://host:8786, in place of processes"
    )
    minutes: float | None = setting(
        None, above=0, help="after so many nothing new starts; the same command resumes"
    )
