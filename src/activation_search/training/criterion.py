"""What runs are judged by: a metric, and which of its values are better."""

from dataclasses import dataclass

from activation_search.data.splits import Splits
from activation_search.errors import UserError

# Metrics that some splits leave undefined, and why.
UNDEFINED = {"auroc": "all samples are of one class"}


@dataclass(frozen=True)
class Criterion:
    """What runs are judged by.

    Attributes:
        metric: its name, without that of a split.
        mode: which values are better, ``"max"`` or ``"min"``.
    """

    metric: str
    mode: str

    @property
    def sign(self) -> int:
        """1 where larger values are better, else -1; the best value times this is the largest."""
        return 1 if self.mode == "max" else -1


def check_defined(criterion: Criterion, splits: Splits) -> None:
    """Whether the metric that judges a run has a value on every part.

    Raises:
        UserError: it has none.
    """
    if criterion.metric not in UNDEFINED:
        return
    for name, part in {"validation": splits.validation, "test": splits.test}.items():
        y = part.targets if part else None
        if y is not None and (y == y[0]).all():
            raise UserError(
                f"task.metric={criterion.metric} is undefined on the {name} part, where "
                f"{UNDEFINED[criterion.metric]}."
            )
