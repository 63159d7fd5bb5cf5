"""A worker per GPU; no GPU is needed to see which one a worker is given."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from activation_search.config.run import TrainConfig
from activation_search.engine.job import Job
from activation_search.engine.local import LocalEngine
from activation_search.engine.workers import visible_gpus, worker_count

Small = Callable[..., TrainConfig]


def test_a_worker_per_gpu(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    config = small("trainer.accelerator=gpu")
    assert visible_gpus(config) == []
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,3,5")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert visible_gpus(config) == ["0", "3", "5"]
    assert worker_count("auto", config) == 3
    assert worker_count(2, config) == 2
    assert visible_gpus(small("trainer.accelerator=cpu")) == []


def test_each_worker_sees_its_own_gpu_alone(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "seeing.py").write_text(
        "import os\nfrom pathlib import Path\nimport numpy as np\nimport torch\n\n\n"
        "def see(x):\n"
        "    gpu = os.environ['CUDA_VISIBLE_DEVICES']\n"
        "    (Path(__file__).parent / f'gpu-{gpu}').write_text(str(np.random.rand()))\n"
        "    return torch.tanh(x)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,3")
    engine = LocalEngine(2, ["0", "3"])
    config = small("activation=custom", "activation.target=seeing.see", "trainer.max_steps=1")
    try:
        futures = [engine.submit(Job((config,))) for _ in range(2)]  # one to each idle worker
        while not all(future.done() for future in futures):
            engine.wait(1.0)
        assert [future.result()[0].status for future in futures] == ["finished", "finished"]
    finally:
        engine.close()
    drawn = {path.name: path.read_text() for path in tmp_path.glob("gpu-*")}
    assert set(drawn) == {"gpu-0", "gpu-3"}
    assert drawn["gpu-0"] != drawn["gpu-3"]  # forks of one process have its random state
