"""What is recorded of a run that is cut short."""

from activation_search.training.history import History
from activation_search.training.stop import StopRules


def test_seconds_of_an_epoch_that_is_not_over_count() -> None:
    history = History(StopRules(None), 1)
    assert history.seconds_so_far == 0
    history.seconds = 5.0  # of earlier epochs
    history._began, history._ended = 100.0, 90.0  # no batch of this one has ended
    assert history.seconds_so_far == 5
    history._ended = 103.0
    assert history.seconds_so_far == 8
