"""TensorBoard itself serves what a run wrote."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from activation_search.config.run import TrainConfig
from activation_search.training.run import train

from ..waiting import SAFETY_SECONDS, wait_until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[[str, dict | None], dict]]:
    """Asks a TensorBoard over the test's folder: ``server(path, body)``."""
    log = (tmp_path / "server.log").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", "--logdir", str(tmp_path), "--port", "0"],
        stdout=log,
        stderr=log,
    )
    address = ""

    def ask(path: str, body: dict | None = None) -> dict:
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Content-Type": "application/json"}
        with urlopen(Request(f"{address}/{path}", data, headers), timeout=SAFETY_SECONDS) as answer:
            return json.load(answer)

    def ready() -> bool:
        nonlocal address
        text = (tmp_path / "server.log").read_text()
        if " at http://" not in text:
            return False
        address = text.split(" at ")[1].split()[0].rstrip("/")
        try:
            return len(ask("data/runs")) > 0
        except URLError:
            return False

    try:
        wait_until(ready, process)
        yield ask
    finally:
        process.terminate()
        process.wait()
        log.close()


def test_hparams_tab_averages_seeds(
    small: Callable[..., TrainConfig], request: pytest.FixtureRequest
) -> None:
    results = [train(small("activation=prelu", f"seed={seed}")) for seed in (0, 1)]
    train(small("activation=relu"))
    ask = request.getfixturevalue("server")
    experiment = ask(
        "data/plugin/hparams/experiment", {"experimentName": "", "includeMetrics": True}
    )
    assert {"activation", "site/hidden1", "lr", "seed", "model", "data"} <= {
        h["name"] for h in experiment["hparamInfos"]
    }
    metrics = [m["name"] for m in experiment["metricInfos"]]
    assert {m["tag"] for m in metrics} == {
        f"final/{split}_{name}"
        for split in ("val", "test")
        for name in ("loss", "accuracy", "macro_f1")
    }
    found = ask(
        "data/plugin/hparams/session_groups",
        {
            "experimentName": "",
            "allowedStatuses": ["STATUS_SUCCESS"],
            "colParams": [{"metric": m} for m in metrics],
            "aggregationType": "AGGREGATION_AVG",
            "startIndex": 0,
            "sliceSize": 10,
        },
    )
    assert found["totalSize"] == 2  # two configurations, three runs
    groups = {g["hparams"]["activation"]: g for g in found["sessionGroups"]}
    assert len(groups["prelu"]["sessions"]) == 2
    values = {m["name"]["tag"]: m["value"] for m in groups["prelu"]["metricValues"]}
    mean = sum(r.metrics["test_accuracy"] for r in results) / 2
    assert values["final/test_accuracy"] == pytest.approx(mean, rel=1e-6)
