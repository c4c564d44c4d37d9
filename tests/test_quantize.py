"""The quantiser: nearest by brute force, gradients by finite differences of the surrogate."""

import pytest
import torch

from aeteach.quantize import nearest, quantize, straight_through


def draws(n=7, k=4, d=3):
    g = torch.Generator().manual_seed(2)
    return (
        torch.randn(n, d, dtype=torch.float64, generator=g),
        torch.randn(k, d, dtype=torch.float64, generator=g),
    )


def test_the_nearest_entry_is_that_of_a_loop():
    z, codebook = draws()
    for place, row in zip(nearest(z, codebook).tolist(), z, strict=True):
        distances = [float(((row - e) ** 2).sum()) for e in codebook]
        assert place == distances.index(min(distances))


def test_forward_is_the_entry_and_backward_the_identity():
    z, codebook = draws()
    z.requires_grad_()
    codebook.requires_grad_()
    e = codebook[nearest(z, codebook)]
    z_q = straight_through(z, e)
    assert torch.allclose(z_q, e)
    g = torch.randn_like(z)
    (g * z_q).sum().backward()
    assert torch.equal(z.grad, g)
    assert codebook.grad is None


def test_the_gradient_is_that_of_the_surrogate():
    """Finite differences of f(z + c), with c = e - z held at its value."""
    z, codebook = draws()

    def f(v):
        return (v.sin() * v**2).sum()

    z.requires_grad_()
    f(quantize(z, codebook).z_q).backward()
    with torch.no_grad():
        c = codebook[nearest(z, codebook)] - z
        h = 1e-6
        for i in range(z.numel()):
            step = torch.zeros_like(z).view(-1).index_fill(0, torch.tensor([i]), h).view_as(z)
            slope = (f(z + step + c) - f(z - step + c)) / (2 * h)
            assert float(z.grad.view(-1)[i]) == pytest.approx(float(slope), abs=1e-7)
            true = f(codebook[nearest(z + step, codebook)]) - f(codebook[nearest(z, codebook)])
            assert float(true) == 0  # what the gradient would be without the trick


def test_each_loss_moves_its_own_side():
    z, codebook = draws()
    z.requires_grad_()
    codebook.requires_grad_()
    out = quantize(z, codebook)
    away = z.detach() - codebook.detach()[out.which]
    expected = pytest.approx((away**2).sum(1).mean().item())
    assert out.codebook_loss.item() == expected
    assert out.commitment_loss.item() == expected
    of_z, of_e = torch.autograd.grad(
        out.codebook_loss, [z, codebook], allow_unused=True, retain_graph=True
    )
    assert of_z is None
    expected = torch.zeros_like(codebook).index_add(0, out.which, -2 * away / len(z))
    assert torch.allclose(of_e, expected)
    of_z, of_e = torch.autograd.grad(out.commitment_loss, [z, codebook], allow_unused=True)
    assert of_e is None
    assert torch.allclose(of_z, 2 * away / len(z))


@pytest.mark.parametrize("offset", [0.0, 100.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_nearest_entry_is_the_one_of_brute_force_however_far_from_0(offset, dtype):
    """With 74 % of the entries wrong at 100, the product |a|^2 - 2 a.b + |b|^2 is of no use."""
    generator = torch.Generator().manual_seed(0)
    z = (torch.randn(500, 2, generator=generator) + offset).to(dtype)
    codebook = (torch.randn(64, 2, generator=generator) + offset).to(dtype)
    away = (z.double()[:, None] - codebook.double()[None]).norm(dim=2)
    assert torch.equal(nearest(z, codebook), away.argmin(1))


@pytest.mark.parametrize(("z", "codebook"), [((3,), (4, 3)), ((2, 3), (4, 2)), ((2, 3), (3,))])
def test_shapes_that_do_not_fit_are_named(z, codebook):
    with pytest.raises(ValueError, match=r"expected (two axes, )?\(N, d\)"):
        quantize(torch.zeros(z), torch.zeros(codebook))
