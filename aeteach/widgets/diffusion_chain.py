"""A chain of noise steps in one dimension, and what each step back costs."""

from typing import Any

import traitlets

from aeteach.diffusion import Humps, average_terms, schedule
from aeteach.widgets.kit.host import Figure
from aeteach.widgets.kit.inputs import StateError
from aeteach.widgets.kit.traits import OneOf, WholeWithin

DATA = {"two humps": Humps(), "one normal": Humps((0.0,), 1.0)}
_MOST = 40  # steps


class DiffusionChain(Figure):
    """Fade data into noise in T steps, follow one path, and see what each step back costs.

    Args:
        data: "two humps" or "one normal".
        steps: T, 1 to 40.
        t: the step that is looked at, 0 to 40, and T at most.
        seed: of the path, 0 to 2147483647.

    Attributes:
        data, steps, t, seed: as they are now.
        negative_elbo: the sum of all terms, averaged over the data, nats.
        entropy: of the data, nats; no chain gets below it.

    Raises:
        ValueError: other data, or a number outside its range.
    """

    _module = "diffusion_chain"
    data = OneOf(*DATA)
    steps = WholeWithin(10, 1, _MOST)
    t = WholeWithin(3, 0, _MOST)
    seed = WholeWithin(1, 0, 2**31 - 1)
    humps = traitlets.Dict(help="Fixed when the figure is made.").tag(sync=True)
    negative_elbo = traitlets.Float(0.0).tag(sync=True)
    entropy = traitlets.Float(0.0).tag(sync=True)

    def __init__(self, data: str = "two humps", steps: int = 10, t: int = 3, **kwargs: Any) -> None:
        state = {
            "alt": (
                "Data in one dimension fade into noise in T steps: their density after each step, "
                "and one path through them. Bars show what each step back costs in nats. With two "
                "humps the sum of the bars lies above the entropy of the data and comes down to "
                "it as the number of steps grows; with one normal distribution it is there at "
                "once."
            ),
            "humps": {n: {"centres": list(h.centres), "sd": h.sd} for n, h in DATA.items()},
            "data": data,
            "steps": steps,
            "t": t,
        }
        super().__init__(**state | kwargs)
        if self.t > self.steps:
            raise StateError(f"t is {self.t}; expected a step from 0 to steps = {self.steps}")
        self._measure(None)

    @traitlets.observe("data", "steps")
    def _measure(self, _: Any) -> None:
        humps = DATA[self.data]
        self.negative_elbo = float(average_terms(humps, schedule(self.steps)).negative_elbo)
        self.entropy = float(humps.entropy())

    def __repr__(self) -> str:
        return f"DiffusionChain({self.data!r}, steps={self.steps}, t={self.t})"
