"""Run in a chapter's kernel: say which arithmetic it computes with, and disturb it on request.

Two processors round differently: the order of a sum, a fused multiply-add, another polynomial for
exp. `add_noise` stands for all the processors that are not at hand. It changes the result of
every operation that rounds by a few units in the last place, which is more than processors
differ by, so a printed digit that survives it has a margin.
"""

import hashlib
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_info
from torch.utils._python_dispatch import TorchDispatchMode

# Eight units in the last place: about 1e-6 in float32.
ULPS = 8
# Odd numbers near the golden ratio of the range spread neighbouring bits (Knuth's hashing). The
# third entry: how many last bits are 0 in a result that was not rounded, a count or a half, say.
HASHES = {
    torch.float32: (torch.int32, 0x9E3779B1 - (1 << 32), 8),
    torch.float64: (torch.int64, 0x9E3779B97F4A7C15 - (1 << 64), 24),
}

# Sums: terms may cancel, so the error is relative to the terms and not to what is left of them.
_SUMS = """
    mm addmm bmm baddbmm mv addmv dot vdot einsum linear sum mean
    convolution convolution_backward native_batch_norm native_batch_norm_backward
    _linalg_eigh _linalg_svd linalg_qr _linalg_det linalg_inv_ex linalg_lstsq linalg_cholesky_ex
    _linalg_solve_ex linalg_eig _softmax_backward_data _log_softmax_backward_data
    """
# Sums of one sign, and functions that are approximated: the error is relative to the result.
# Neither list holds what gives the same bits everywhere: a product of two numbers, a choice.
_APPROXIMATED = """
    _cdist_forward _euclidean_dist var var_mean std std_mean linalg_vector_norm prod logsumexp
    _softmax _log_softmax exp exp2 expm1 log log2 log10 log1p pow sqrt rsqrt tanh sigmoid sin cos
    tan atan acos asin lgamma digamma erf erfinv erfc softplus silu gelu elu log_sigmoid_forward
    normal normal_functional randn randn_like uniform
    """
SUMS, APPROXIMATED = frozenset(_SUMS.split()), frozenset(_APPROXIMATED.split())


def facts() -> dict[str, Any]:
    """Return the kernels and threads in use, and a fingerprint of what they compute."""
    blas = [pool for pool in threadpool_info() if pool["internal_api"] == "openblas"]
    return {
        "torch": torch.backends.cpu.get_cpu_capability().lower(),
        "threads": torch.get_num_threads(),
        "numpy": [pool["architecture"] for pool in blas],
        "numpy_threads": [pool["num_threads"] for pool in blas],
        "fingerprint": _fingerprint(),
    }


def _fingerprint() -> str:
    """Hash the bits of one result of each library that computes here."""
    numbers = np.random.default_rng(0).standard_normal((300, 784))
    # The global generator is the chapter's: these draw nothing from it.
    x = torch.from_numpy(numbers)
    images = x[:32, :768].float().reshape(32, 3, 16, 16)
    kernels = x[32:48, :27].float().reshape(16, 3, 3, 3)
    results = [
        numbers @ numbers.T,
        np.exp(numbers),
        *(y.numpy() for y in (x.float() @ x.float().T, x @ x.T, x.float().exp(), x.sum(1))),
        torch.nn.functional.conv2d(images, kernels).numpy(),
    ]
    return hashlib.sha256(b"".join(np.ascontiguousarray(r).tobytes() for r in results)).hexdigest()


class _Noise(TorchDispatchMode):
    """Disturb what was rounded; leave counts, halves and the like, exact on every processor.

    A processor repeats itself: the same call gives the same bits. So the disturbance of a result is
    a hash of its bits and the seed, and not a random draw.
    """

    def __init__(self, seed: int):
        super().__init__()
        self.salt = random.Random(seed).getrandbits(31)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__.removesuffix("_")
        if name in SUMS or name in APPROXIMATED:
            for tensor in result if isinstance(result, tuple | list) else (result,):
                if isinstance(tensor, torch.Tensor) and tensor.dtype in HASHES:
                    self._disturb(tensor, name in SUMS)
        return result

    def _disturb(self, tensor: torch.Tensor, cancels: bool) -> None:
        # Made small before anything is added: a result near the largest number stays finite.
        last_places = ULPS * torch.finfo(tensor.dtype).eps * tensor.abs()
        if cancels:  # the typical size of the other results stands for that of the terms
            finite = last_places[last_places.isfinite()]
            last_places = last_places + finite.sum() / max(1, len(finite))
        disturbed = tensor + last_places * self._hash(tensor)
        if not cancels:  # a probability stays one, a positive number positive
            disturbed = disturbed.clamp(tensor.floor(), tensor.ceil())
        integers, _, last = HASHES[tensor.dtype]
        exact = (tensor.contiguous().view(integers) & ((1 << last) - 1)) == 0
        tensor.copy_(torch.where(exact, tensor, disturbed))

    def _hash(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return numbers in [-1, 1) that look random and depend on each entry's bits alone."""
        integers, multiplier, _ = HASHES[tensor.dtype]
        bits = tensor.contiguous().view(integers) ^ self.salt
        mixed = (bits ^ (bits >> 15)) * multiplier  # wraps around
        return mixed.to(tensor.dtype) / -float(torch.iinfo(integers).min)


def add_noise(seed: int) -> Callable[[], None]:
    """Disturb every later operation of this thread; return what ends it."""
    mode = _Noise(seed)
    mode.__enter__()
    return lambda: mode.__exit__(None, None, None)
