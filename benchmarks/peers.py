"""CPU time of one epoch beside that of what people use instead: `make bench` writes the table.

Everybody trains the same architecture on the same digits with Adam, in batches of 128 on one
thread, and takes turns with `fit` in one process. What is kept is a ratio, peer by `fit`, one for
each turn: times belong to a machine and to what else runs on it. The first epoch, in which a
trainer sets itself up, is not counted; the second is. A peer that is not installed is left out.
"""

import argparse
import csv
import gc
import importlib.metadata
import importlib.util
import json
import logging
import os
import platform
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from aeteach import __version__, models, results
from aeteach.data import mnist
from aeteach.models.vae import mlp_vae
from aeteach.training import fit

BATCH, RATE, EPOCHS = 128, 1e-3, 2
Tick = Callable[[], None]  # called at the end of each epoch
Trainer = Callable[[str, nn.Module, Tensor, Tick], None]


def made(kind: str) -> nn.Module:
    """Return the model that everybody trains."""
    torch.manual_seed(0)
    return mlp_vae(20, hidden=512) if kind == "vae" else models.build(kind, latent=2, seed=0)


def loss(kind: str, model: nn.Module, x: Tensor) -> Tensor:
    """Return what a tutorial minimises, in the sums that `fit` has."""
    out = model(x)
    if kind != "vae":
        return F.mse_loss(out.x_hat, x, reduction="sum") / len(x)
    kl = -0.5 * torch.sum(1 + out.log_var - out.mu.pow(2) - out.log_var.exp())
    return (F.binary_cross_entropy_with_logits(out.logits, x, reduction="sum") + kl) / len(x)


class Files(Dataset[Tensor]):
    """Grey levels that become a tensor one by one, as torchvision's MNIST and ToTensor do it."""

    def __init__(self, x: Tensor) -> None:
        self.levels = (x * 255).round().byte()[:, 0]

    def __len__(self) -> int:
        return len(self.levels)

    def __getitem__(self, i: int) -> Tensor:
        picture = np.array(Image.fromarray(self.levels[i].numpy()), copy=True)
        tensor = torch.from_numpy(picture).view(*picture.shape, 1)
        return tensor.permute(2, 0, 1).contiguous().to(torch.float32).div(255)


def with_fit(kind: str, model: nn.Module, x: Tensor, tick: Tick) -> None:
    name = "elbo" if kind == "vae" else "squared_error"
    told = {"epochs": EPOCHS, "batch_size": BATCH, "lr": RATE}
    fit(model, x, loss=name, on_epoch=lambda *_: tick(), progress=False, **told)


def loop(kind: str, model: nn.Module, batches: Callable[[], Iterator[Tensor]], tick: Tick) -> None:
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    for _ in range(EPOCHS):
        for x in batches():
            value = loss(kind, model, x)
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
        tick()


def with_transforms(kind: str, model: nn.Module, x: Tensor, tick: Tick) -> None:
    loader = DataLoader(Files(x), batch_size=BATCH, shuffle=True)
    loop(kind, model, lambda: iter(loader), tick)


def with_tensors(kind: str, model: nn.Module, x: Tensor, tick: Tick) -> None:
    loader = DataLoader(TensorDataset(x), batch_size=BATCH, shuffle=True)
    loop(kind, model, lambda: (batch for (batch,) in loader), tick)


def with_lightning(kind: str, model: nn.Module, x: Tensor, tick: Tick) -> None:
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = model

        def training_step(self, batch: list[Tensor], _: int) -> Tensor:
            return loss(kind, self.net, batch[0])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=RATE)

        def on_train_epoch_end(self) -> None:
            tick()

    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = lightning.Trainer(
        accelerator="cpu", max_epochs=EPOCHS, enable_model_summary=False, **quiet
    )
    trainer.fit(Module(), DataLoader(TensorDataset(x), batch_size=BATCH, shuffle=True))


def with_pythae(kind: str, model: nn.Module, x: Tensor, tick: Tick) -> None:
    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE, VAEConfig
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    class Ticks(TrainingCallback):
        def on_epoch_end(self, *_: object, **__: object) -> None:
            tick()

    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=20, reconstruction_loss="bce")
    theirs = VAE(config)  # 784-512-20 and back, as made("vae") is
    assert models.count_parameters(theirs) == models.count_parameters(model)
    with tempfile.TemporaryDirectory() as folder:
        settings = BaseTrainerConfig(
            output_dir=folder,
            num_epochs=EPOCHS,
            learning_rate=RATE,
            per_device_train_batch_size=BATCH,
            no_cuda=True,
        )
        data = BaseDataset(x, torch.zeros(len(x)))
        BaseTrainer(theirs, data, training_config=settings, callbacks=[Ticks()]).train()


PEERS: dict[str, tuple[Trainer, str, tuple[str, ...]]] = {
    "DataLoader, a transform an image": (with_transforms, "torch", ("mlp", "conv", "vae")),
    "DataLoader over tensors": (with_tensors, "torch", ("mlp", "conv", "vae")),
    "Lightning": (with_lightning, "lightning", ("mlp", "conv", "vae")),
    "Pythae": (with_pythae, "pythae", ("vae",)),
}


def seconds(train: Trainer, kind: str, x: Tensor) -> float:
    """Return the CPU seconds of the second epoch."""
    ends: list[float] = []
    gc.collect()
    train(kind, made(kind), x, lambda: ends.append(time.process_time()))
    return ends[1] - ends[0]


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--repeats", type=int, default=5)
    ask.add_argument("--images", type=int, default=5000)
    told = ask.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    rows = []
    for kind in ("mlp", "conv", "vae"):
        x = mnist("test", size=28 if kind == "vae" else 32).images[: told.images]
        for peer, (train, package, kinds) in PEERS.items():
            if kind not in kinds:
                continue
            if importlib.util.find_spec(package) is None:
                print(f"{peer} is not installed and left out", file=sys.stderr)
                continue
            ratios = []
            for repeat in range(told.repeats):
                turns = (train, with_fit) if repeat % 2 else (with_fit, train)
                took = {turn: seconds(turn, kind, x) for turn in turns}
                ratios.append(round(took[train] / took[with_fit], 3))
                version = importlib.metadata.version(package).split("+")[0]
                rows.append(
                    {
                        **{"model": kind, "peer": peer, "peer_version": version},
                        **{"images": len(x), "batch_size": BATCH, "repeat": repeat},
                        **{"ratio": ratios[-1], "python": platform.python_version()},
                        **{"torch": torch.__version__.split("+")[0], "aeteach": __version__},
                    }
                )
            middle = statistics.median(ratios)
            print(f"{kind:5} {peer:33} {middle:.2f}  from {min(ratios):.2f} to {max(ratios):.2f}")
    write(rows)


def write(rows: list[dict[str, object]]) -> None:
    folder = results.writable()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "peers.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    about = {
        "table": "peers",
        "about": "CPU time of an epoch, peer by fit, in turns in one process",
        "command": "make bench",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, one thread",
    }
    Path(folder / "peers.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
