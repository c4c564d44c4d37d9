"""What "Choosing the latent" claims beyond its cells."""

from aeteach_book.evidence import OverSeeds

from aeteach import results


@OverSeeds(
    "five-nats-a-number",
    "From 2 to 10, each further number is worth more than five nats, about ten times the standard "
    "deviation over seeds.",
    measured="nats of test loss saved from 2 to 10 numbers, for each number",
    seeds=3,
    spread=(5.34, 5.55),
    within=0.01,
    false_at=5,
    table="vae_reference.csv",
)
def test_five_nats_a_number(seed: int) -> float:
    loss = {}
    for latent in (2, 10):
        (row,) = results.read("vae_reference").where(latent=latent, beta=1.0, seed=seed)
        loss[latent] = row["negative_elbo"]
    return (loss[2] - loss[10]) / 8
