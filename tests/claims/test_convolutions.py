"""What "Convolutions" claims beyond its cells."""

from functools import cache

import numpy as np
import pytest
import torch
from aeteach_book.evidence import Cause, OverSeeds, Source, Theorem
from torch import nn

from aeteach import results
from aeteach.data import mnist
from aeteach.losses import squared_error
from aeteach.models import PCA, build
from aeteach.training import evaluate, fit


@Theorem(
    "gradient-is-transposed",
    "You have used transposed convolutions before without knowing it: the gradient of a "
    "convolution with respect to its input is one.",
    measured="largest difference of the gradient and the transposed convolution",
    proof="by the chain rule: the derivative of $\\langle Cx, y \\rangle$ by $x$ is $C^\\top y$",
    conditions="sides of 5 to 12, kernels of 1 to 5, strides of 1 to 3, paddings of 0 to 2",
    cases=100,
    at_most=1e-9,
)
def test_gradient_is_transposed(case: int) -> float:
    rng = np.random.default_rng(case)
    n, k, s = rng.integers(5, 13), rng.integers(1, 6), rng.integers(1, 4)
    p = rng.integers(0, min(3, k))
    x = torch.tensor(rng.normal(size=(1, 1, n, n)), requires_grad=True)
    w = torch.tensor(rng.normal(size=(1, 1, k, k)))
    y = torch.nn.functional.conv2d(x, w, stride=int(s), padding=int(p))
    upstream = torch.tensor(rng.normal(size=tuple(y.shape)))
    y.backward(upstream)
    back = torch.nn.functional.conv_transpose2d(
        upstream, w, stride=int(s), padding=int(p), output_padding=int((n + 2 * p - k) % s)
    )
    return float((back - x.grad).abs().max())


@cache
def error_of_pca_32() -> float:
    pca = PCA(32).fit(mnist("train").images)
    x = mnist("test").images
    return float(squared_error(pca(x).x_hat, x).mean())


@pytest.mark.slow
@OverSeeds(
    "even-with-pca-32",
    "Against PCA with 32 numbers, the convolutional model with 32 numbers comes out about even: "
    "four of five seeds are a little better, and one is a little worse.",
    measured="squared error of a test digit over that of PCA with 32 components",
    seeds=5,
    spread=(0.942, 1.081),
    within=0.003,
    false_at=1.0,
    at_least=4,
    true="below",
    table="autoencoders.csv",
)
def test_even_with_pca_32(seed: int) -> float:
    (row,) = results.read("autoencoders").where(model="Conv AE (channels)", bottleneck=2, seed=seed)
    return row["squared_error"] / error_of_pca_32()


@OverSeeds(
    "between-pca-and-dense",
    "With 2 numbers it beats PCA, and loses to the dense autoencoder, which has 86 times its "
    "parameters.",
    measured="the smaller of two distances, below the squared error of PCA and above that of the "
    "dense model",
    seeds=5,
    spread=(7.0, 7.72),
    within=0.01,
    false_at=0,
    table="autoencoders.csv",
)
def test_between_pca_and_dense(seed: int) -> float:
    table = results.read("autoencoders").where(bottleneck=2)
    (ours,) = table.where(model="Conv AE (numbers)", seed=seed)
    (dense,) = table.where(model="AE", seed=seed)
    (pca,) = table.where(model="PCA")
    return min(
        pca["squared_error"] - ours["squared_error"],
        ours["squared_error"] - dense["squared_error"],
    )


def without_batch_norm(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, nn.Identity())
        else:
            without_batch_norm(child)


@pytest.mark.slow
@Cause(
    "batch-norm-bears-large-steps",
    "At ten times the learning rate of this chapter its model still learns with batch "
    "normalisation, and does not learn without.",
    measured="squared error of 1,000 test digits after three passes over 2,500 digits",
    changed="batch normalisation taken out",
    seeds=5,
    before=(18, 21.1),
    after=(81.5, 81.5),
    within=5,
)
def test_batch_norm_bears_large_steps(seed: int, changed: bool) -> float:
    model = build("conv", channels=2, seed=seed)
    if changed:
        without_batch_norm(model)
    how = {"epochs": 3, "batch_size": 32, "lr": 0.1, "schedule": "one_cycle"}
    fit(model, mnist("train").images[:2500], seed=seed, progress=False, **how)
    return evaluate(model, mnist("test").images[:1000])["loss"]


Source(
    "not-the-shift",
    "What helps is not that the numbers keep their distribution: {cite:t}`santurkar2018how` add "
    "noise that shifts it in every step, and the gain stays.",
    key="santurkar2018how",
    place="section 2.1",
    says="networks with noise injected after batch normalisation, whose inputs shift more than "
    "without it, still train as fast; the authors explain the gain by a smoother loss.",
)
