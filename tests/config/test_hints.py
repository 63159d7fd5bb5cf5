"""What people type from other templates gets one sentence with what there is here instead."""

import pytest

from activation_search.config.compose import compose
from activation_search.config.hints import check_habits
from activation_search.config.search import SweepConfig
from activation_search.errors import UserError

HABITS = {
    "+experiment=mnist1d_cnn": "write it without the plus",
    "ckpt_path=logs/last.ckpt": "resume=<run directory> resumes",
    "trainer=cpu": "trainer.accelerator=cpu, gpu or auto",
    "trainer=gpu": "trainer.accelerator=cpu, gpu or auto",
    "trainer.devices=2": "one run uses one device on purpose",
    "+trainer.devices=2": "with a worker per GPU",
    "trainer.strategy=ddp": "one run uses one device on purpose",
    "debug=fdr": "trainer.fast_dev_run=true",
    "logger=wandb": "tracker=wandb",
    "hparams_search=mnist_optuna": "hydra/sweeper=study",
    "search=per_layer": "python scripts/sweep.py search=per_layer",
    "search=per_layer,global": "python scripts/sweep.py search=per_layer",
    "optim.lr=interval(1e-4,1e-1)": "hydra/sweeper=study 'optim.lr=tag(log,interval(1e-4,1e-1))'",
}


@pytest.mark.parametrize("override", HABITS)
def test_a_habit_gets_a_sentence(override: str) -> None:
    with pytest.raises(UserError) as error:
        compose([override])
    assert HABITS[override] in str(error.value)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")


def test_what_is_right_here_passes() -> None:
    check_habits(["experiment=mnist1d_cnn", "trainer={max_epochs: 3}", "-m"], searches=False)
    assert compose(["search=per_layer"], SweepConfig).search.name == "per_layer"


def test_a_group_of_other_sweepers() -> None:
    sampler = "hydra/sweeper/sampler=tpe"
    check_habits(["hydra/sweeper=optuna", sampler], searches=False)
    with pytest.raises(UserError, match=r"hydra\.sweeper\.sampler=tpe"):
        check_habits(["hydra/sweeper=study", sampler], searches=False)
