import enum
import functools
import json
import textwrap
import threading

import numpy as np
import pytest
import torch
from torch import nn

from aeteach import models
from aeteach.losses import Elbo
from aeteach.training import fingerprint
from aeteach.training.fingerprint import describe, differences, names_of, state_hash, structure


def made(source, name="f", **names):
    """Run a piece of a user's script on its own and return one of its names."""
    space = {"__name__": "__main__", "torch": torch, "functools": functools, **names}
    exec(compile(textwrap.dedent(source), f"script {id(space)}", "exec"), space)
    return space[name]


FUNCTIONS = {
    "a constant": "def f(x): return 2 * x",
    "a default": "def f(x, a=1): return a * x",
    "a keyword default": "def f(x, *, a=1): return a * x",
    "a global": "A = 1\ndef f(x): return A * x",
    "a global of an inner function": "A = 1\ndef f(x): return [A * y for y in x]",
    "a function it calls": "def g(x): return 1 * x\ndef f(x): return g(x)",
    "a function that calls it": "def f(x): return 1 * f(x - 1) if x else 1",
    "a closure": "def make(a):\n    def g(x): return a * x\n    return g\nf = make(1)",
    "an inner function": "def f(x):\n    def g(y): return 1 * y\n    return g(x)",
    "a lambda": "f = lambda x: 1 * x",
    "a partial": "def g(a, x): return a * x\nf = functools.partial(g, 1)",
    "a cache": "@functools.cache\ndef f(x): return 1 * x",
    "a decorator": """
        def twice(g):
            @functools.wraps(g)
            def h(x): return g(g(x))
            return h
        @twice
        def f(x): return 1 * x
    """,
    "an attribute of an object": """
        class C:
            def __init__(self): self.a = 1
            def __call__(self, x): return self.a * x
        f = C()
    """,
    "an attribute in a slot": """
        class C:
            __slots__ = ("a",)
            def __init__(self): self.a = 1
            def __call__(self, x): return self.a * x
        f = C()
    """,
    "an attribute of a class": "class C:\n    a = 1\nf = C()",
    "a method": "class C:\n    def g(self, x): return 1 * x\nf = C().g",
    "a static method": "class C:\n    @staticmethod\n    def g(x): return 1 * x\nf = C()",
    "a class method": "class C:\n    @classmethod\n    def g(cls, x): return 1 * x\nf = C()",
    "a property": "class C:\n    @property\n    def g(self): return 1\nf = C()",
    "a cached property": """
        class C:
            @functools.cached_property
            def g(self): return 1
        f = C()
    """,
    "a base class": "class B:\n    def g(self): return 1\nclass C(B): pass\nf = C()",
    "a call to super": """
        class B:
            def g(self): return 1
        class C(B):
            def g(self): return super().g()
        f = C().g
    """,
    "a data class": """
        from dataclasses import dataclass, field
        @dataclass
        class C:
            a: int = 1
            b: list = field(default_factory=list)
        f = C()
    """,
    "a dict": "f = {'a': [1, {'b': (1, 2)}]}",
    "a set": "f = {1, 5, 6}",
    "bytes": "f = b'1'",
    "an object that holds itself": """
        class C:
            def __init__(self): self.a, self.me = 1, self
        f = C()
    """,
}


@pytest.mark.parametrize("what", FUNCTIONS)
def test_a_number_changed_anywhere_changes_the_description_and_a_comment_does_not(what):
    source = textwrap.dedent(FUNCTIONS[what])
    here = describe(made(source))
    assert describe(made(f"# A comment.\n\n\n{source}")) == here
    assert describe(made(source.replace("1", "3", 1) if "1" in source else "f = 4")) != here
    text = json.dumps(here)
    assert "0x" not in text
    assert json.loads(text) == here


class Colour(enum.Enum):
    RED, BLUE = 1, 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 2),
        (1.0, float("nan")),
        ("a", "b"),
        (None, 0),
        ((1, 2), (2, 1)),
        (torch.zeros(2, 3), torch.zeros(3, 2)),
        (torch.zeros(2), torch.zeros(2, dtype=torch.float64)),
        (torch.zeros(2), torch.tensor([0.0, 1e-30])),
        (torch.eye(2).to_sparse(), torch.zeros(2, 2).to_sparse()),
        (torch.tensor(True), torch.tensor(False)),
        (torch.tensor(1j), torch.tensor(-1j)),
        (np.arange(3), np.arange(3)[::-1]),
        (np.float32(1), np.float32(2)),
        (torch.float32, torch.float64),
        (torch.device("cpu"), torch.device("meta")),
        (torch.relu, torch.tanh),
        (nn.functional.relu, nn.functional.gelu),
        (torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)),
        (range(3), range(4)),
        (Colour.RED, Colour.BLUE),
        (nn.Linear, nn.Conv2d),
        (nn.MSELoss(), nn.MSELoss(reduction="sum")),
        (models.build("mlp", size=8, seed=0), models.build("mlp", size=8, seed=1)),
        (Elbo(), Elbo(beta=2.0)),
        (Elbo().__call__, Elbo(beta=2.0).__call__),
        (functools.partial(Elbo, beta=1), functools.partial(Elbo, beta=2)),
    ],
)
def test_different_things_have_different_descriptions(one, other):
    assert describe(one) != describe(other)
    assert describe(one) == describe(one)
    assert json.dumps(describe([one, other])).count("0x") == 0


def test_what_a_library_makes_with_a_number_is_told_apart():
    def one(decay):
        return torch.optim.swa_utils.get_ema_multi_avg_fn(decay)  # a closure of torch

    assert describe(one(0.9)) == describe(one(0.9))
    assert describe(one(0.9)) != describe(one(0.99))


def test_things_that_are_alike_have_the_same_description():
    assert describe({"a": 1, "b": 2}) == describe({"b": 2, "a": 1})
    assert describe({"ab", "cd", "ef"}) == describe({"ef", "ab", "cd"})
    assert describe(float("nan")) == describe(float("nan"))
    assert describe(threading.Lock()) == describe(threading.Lock())
    x = torch.rand(4, 6)
    assert describe(x[:, ::2]) == describe(x[:, ::2].contiguous())


def test_the_insides_of_what_decides_no_number_are_left_out():
    from tqdm.auto import tqdm

    first, second = (tqdm(total=n, disable=True) for n in (3, 4))
    assert describe(first) == describe(second)


def test_the_model_that_is_trained_goes_by_its_name():
    model = models.build("mlp", size=8)
    known = names_of(model)
    source = "def f(x): return model(x), model.decoder[0].weight.norm(), part"
    one = describe(made(source, model=model, part=model.encoder), known)
    with torch.no_grad():
        next(model.parameters()).mul_(2)
    assert describe(made(source, model=model, part=model.encoder), known) == one
    assert one["globals"] == {"model": "the model", "part": "the model's encoder"}
    assert describe(made(source, model=model, part=model.decoder), known) != one


def test_a_models_structure_has_its_settings_and_a_users_code_and_no_weights():
    source = """
        class Net(torch.nn.Module):
            def __init__(self, p):
                super().__init__()
                self.p, self.layers = p, torch.nn.Sequential(torch.nn.Linear(2, 2))
            def forward(self, x):
                return 1 * self.layers(x)
    """
    net = made(source, "Net")
    assert structure(net(0.5)) == structure(net(0.5).eval())
    assert state_hash(net(0.5).state_dict()) != state_hash(net(0.5).state_dict())
    assert list(differences(structure(net(0.5)), structure(net(0.6)), "model")) == [
        "model.whole.p: 0.5 there, 0.6 here"
    ]
    other = made(source.replace("1 *", "2 *"), "Net")
    assert list(differences(structure(net(0.5)), structure(other(0.5)), "model")) == [
        "model.whole.class.forward: other code"
    ]
    assert structure(nn.Dropout(0.1)) != structure(nn.Dropout(0.2))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_loss_is_told_by_what_was_compiled():
    one, other = (torch.compile(made(f"def f(x): return {n} * x")) for n in (1, 2))
    again = torch.compile(made("def f(x): return 1 * x"))
    assert describe(one) == describe(again)
    assert describe(one) != describe(other)


def test_differences_name_the_place_and_are_short():
    there = {"a": 1, "b": [1, 2], "c": None, "_d": 1, "e": "x" * 500}
    here = {"a": 2, "b": [1, 3], "c": {"class": "C", "x": 1}, "_d": 2, "e": "y" * 500}
    found = list(differences(there, here, "part"))
    assert found[:3] == [
        "part.a: 1 there, 2 here",
        "part.b[1]: 2 there, 3 here",
        "part.c: none there, C here",
    ]
    assert found[-1] == "part._d: 1 there, 2 here"  # what is nobody's setting comes last
    assert max(map(len, found)) < 150
    assert list(differences(there, there, "part")) == []


def test_a_set_of_things_that_have_no_order_is_described_whatever_its_order():
    assert describe({1, "a", None}) == describe({None, "a", 1})
    assert describe({1, "a", None}) != describe({1, "b", None})


def test_the_settings_of_one_group_stand_by_themselves_and_those_of_several_apart():
    first, second = nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(3))
    one = fingerprint.optimiser_settings(torch.optim.SGD([first, second], lr=0.1))
    assert (one["lr"], one["tensors"]) == (describe(0.1), 2)
    assert "groups" not in one
    two = fingerprint.optimiser_settings(
        torch.optim.SGD([{"params": [first]}, {"params": [second], "lr": 0.2}], lr=0.1)
    )
    assert [group["lr"] for group in two["groups"]] == [
        describe(0.1),
        describe(0.2),
    ]


@pytest.mark.parametrize(
    ("module", "library"),
    [
        *(("json", True), ("torch.nn", True), ("aeteach.losses", True), (None, True)),
        *(("__main__", False), ("a_module_of_ones_own", False)),
    ],
)
def test_what_is_a_library_is_described_by_its_name(module, library):
    assert fingerprint._is_library(module) == library
