"""Points on the surface of the unit cube: two-dimensional data in a three-dimensional space."""

import torch
from torch import Tensor

from aeteach import _validate
from aeteach._on_cpu import on_cpu


@on_cpu
def cube(n: int, seed: int | torch.Generator = 0) -> Tensor:
    """Draw n points, independently and uniformly, from the surface of the unit cube.

    Each point picks one of the six faces with probability 1/6 (they have equal areas), and on
    it two coordinates, uniform on [0, 1); the third is exactly 0 or 1. The number of points a
    face gets is therefore random (the six counts are multinomial), as it is for any
    independent draws from the surface. A grid on each face, or n/6 points for each, would be
    more even than that: the points would depend on each other, and whatever assumes
    independent samples, a standard error or an MMD, would be wrong on them.

    Args:
        n: number of points, at least 1.
        seed: a whole number from 0, or a CPU torch.Generator, which is advanced.

    Returns:
        (n, 3), float32, in [0, 1].

    Raises:
        TypeError: n is not a whole number, or seed neither that nor a Generator.
        ValueError: n is less than 1, or seed negative.
    """
    n = _validate.count(n, "n")
    generator = _validate.generator(seed)
    points = torch.rand(n, 3, generator=generator, dtype=torch.float32)
    face = torch.randint(6, (n,), generator=generator)
    # Faces 0 to 5 are x = 0, x = 1, y = 0, y = 1, z = 0, z = 1.
    points[torch.arange(n), face // 2] = (face % 2).float()
    return points


def surface_distance(points: Tensor) -> Tensor:
    r"""Return how far each point is from the surface of the unit cube, inside or outside.

    Outside, it is the distance to the nearest point of the cube, the root of the sum of what each
    coordinate lies beyond [0, 1], squared. Inside, it is the distance to the nearest face,
    min_i min(p_i, 1 - p_i).

    Args:
        points: (n, 3), floating point, finite.

    Returns:
        (n,), at least 0, in edge lengths.

    Raises:
        TypeError, ValueError: not (n, 3), or not finite.
    """
    _validate.latents(points, "points", d=3)
    beyond = (points - points.clamp(0, 1)).norm(dim=1)
    inside = torch.minimum(points, 1 - points).amin(1).clamp(min=0)
    return beyond + inside  # one of the two is 0
