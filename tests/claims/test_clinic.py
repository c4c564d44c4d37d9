"""What "The clinic" claims beyond its cells."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from aeteach_book.evidence import Cause, OverSeeds
from torch import Tensor, nn

from aeteach.data import mnist
from aeteach.divergences import kl_to_standard_normal

Loss = Callable[[Tensor, Tensor], Tensor]  # of R and K


class Healthy(nn.Module):
    """The control of the chapter."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(196, 64), nn.ReLU())
        self.mu, self.log_var = nn.Linear(64, 4), nn.Linear(64, 4)
        self.decoder = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 196))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = self.body(x)
        mu, log_var = self.mu(h), self.log_var(h)
        z = mu + torch.exp(log_var / 2) * torch.randn_like(mu)
        return self.decoder(z), mu, log_var


def trained(seed: int, loss: Loss, steps: int) -> tuple[Tensor, Tensor]:
    """Train on 500 digits as the chapter does; return mu and log_var of them."""
    digits = F.avg_pool2d(mnist("train", size=28).images[:2000], 2)
    order = torch.randperm(2000, generator=torch.Generator().manual_seed(seed))
    digits = digits[order[:500]]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Healthy()
        optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(steps):
            x = digits[torch.randint(500, (50,))]
            logits, mu, log_var = model(x)
            R = F.binary_cross_entropy_with_logits(logits, x.flatten(1), reduction="sum") / 50
            optimiser.zero_grad()
            loss(R, kl_to_standard_normal(mu, log_var).mean()).backward()
            optimiser.step()
        with torch.no_grad():
            return model(digits)[1:]


@OverSeeds(
    "log-var-grows",
    "Answer (c) is a consequence: `log_var`\ngrows because growing pays, and most of this KL is "
    "its doing.",
    measured="share of the patient's KL, after 30 steps, that comes from log_var and not from mu",
    seeds=5,
    spread=(0.89, 0.99),
    within=0.08,
    false_at=0.5,
)
def test_log_var_grows(seed: int) -> float:
    mu, log_var = trained(seed, lambda R, K: R - K, steps=30)
    whole = kl_to_standard_normal(mu, log_var).mean()
    return float(1 - (mu**2 / 2).sum(1).mean() / whole)


@Cause(
    "one-of-two-divided",
    "But here only one of two terms was divided.",
    measured="nats of KL after training",
    changed="the KL divided by 196 as well",
    seeds=2,
    before=(0, 0),
    after=(4.1, 4.1),
    within=0.3,
)
def test_one_of_two_divided(seed: int, changed: bool) -> float:
    moments = trained(seed, lambda R, K: R / 196 + (K / 196 if changed else K), steps=400)
    return float(kl_to_standard_normal(*moments).mean())
