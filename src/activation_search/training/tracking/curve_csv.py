"""The curve of a run as a table: ``python train.py tracker=csv``."""

import csv
from pathlib import Path

from activation_search.atomic import replacing
from activation_search.training.history import EpochRow
from activation_search.training.result import RunResult

CURVE_FILE = "curve.csv"


class CurveCSV:
    """Writes ``curve.csv``, a line per epoch; a value that an epoch does not have is left empty.

    Args:
        directory: of the run.
    """

    def __init__(self, directory: Path):
        self.path = directory / CURVE_FILE

    def epoch(self, curve: list[EpochRow]) -> None:
        """Replaces the file: a resumed run repeats epochs that stand in it already."""
        columns = dict.fromkeys(key for row in curve for key in row)
        with replacing(self.path) as new, new.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(columns))
            writer.writeheader()
            writer.writerows(curve)

    def end(self, result: RunResult) -> None:
        """Nothing is left to write."""
