"""What a thing is made of, in plain values that are the same in every process.

A checkpoint holds such a description of its run, so that it is resumed by this run and no other,
and what differs can be named. Functions are described by their code, objects by their class and
their attributes, tensors by a hash of their values; nothing by its address in memory.

A library's functions and classes are described by name, for their code does not change from one
run of a user to the next. So are its objects, unless they are called, as a loss is: what a progress
bar or a log file is made of decides no number.
"""

import collections
import dis
import functools
import hashlib
import json
import re
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from aeteach._wrapped import plain_buffers, plain_parameters, plain_parts, plain_state, unwrapped

Description = Any  # None, bool, int, float, str, and lists and dicts (with str keys) of these

DEEP = 12  # levels of things in things; what lies deeper is described by its class
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"  # another has other bytecode
_PLAIN = (bool, int, float, str, type(None))
_TORCH = (torch.dtype, torch.device, torch.layout, torch.memory_format)
_MARKS = ("labelled", "scheduled", "least_batch")  # of a loss: they say how it is called
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def describe(thing: object, known: Mapping[int, str] | None = None) -> Description:
    """Return what a thing is made of, in plain values.

    Args:
        thing: a number, tensor, function, object, model, or a collection of these.
        known: id of things that get a name in place of a description, such as `names_of` a model
            that is trained, whose weights change.
    """
    return _Describer(known or {}).describe(thing, 0)


def names_of(model: nn.Module) -> dict[int, str]:
    """Return a name for a model, each of its parts and its tensors, by id."""
    named = plain_parts(model) | plain_parameters(model) | plain_buffers(model)
    names = {id(thing): f"the model's {name}" for name, thing in named.items() if name}
    return names | {id(model): "the model", id(unwrapped(model)): "the model"}


def structure(model: nn.Module) -> dict[str, Description]:
    """Return class and settings of each part of a model by name, and nothing of its weights."""
    return {name or "whole": _part(part) for name, part in plain_parts(model).items()}


def hash_of(tensor: Tensor) -> str:
    """Return the SHA-256 of a tensor's values, in hexadecimal digits."""
    dense = tensor.detach().to_dense() if tensor.layout is not torch.strided else tensor.detach()
    flat = dense.cpu().resolve_conj().resolve_neg().contiguous().view(-1).view(torch.uint8)
    return hashlib.sha256(flat.numpy().data).hexdigest()


def state_hash(state: Mapping[str, object]) -> str:
    """Return one hash of a model's state: its tensors with their names."""
    whole = hashlib.sha256()
    for name, value in state.items():  # a model may keep more than tensors there
        whole.update(f"{name} {json.dumps(describe(value), sort_keys=True)}\n".encode())
    return whole.hexdigest()


def differences(there: Description, here: Description, name: str) -> Iterator[str]:
    """Yield what differs between two descriptions, each in a few words that name the place."""
    if there == here:
        return
    if isinstance(there, dict) and isinstance(here, dict):
        keys = sorted(there.keys() | here.keys(), key=lambda key: (key.startswith("_"), key))
        if there.get("class") != here.get("class"):
            keys = ["class"]  # that says enough
        for key in keys:
            yield from differences(there.get(key), here.get(key), f"{name}.{key}")
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        for number, (a, b) in enumerate(zip(there, here, strict=True)):
            yield from differences(a, b, f"{name}[{number}]")
    elif _is_hash(there) and _is_hash(here):
        place, _, what = name.rpartition(".")
        yield f"{place}: other {what}"
    else:
        yield f"{name}: {_brief(there)} there, {_brief(here)} here"


class _Describer:
    """Describes each thing once, so that circles come to an end."""

    def __init__(self, known: Mapping[int, str]) -> None:
        self.done: dict[int, Description] = dict(known)
        self.held: list[object] = []  # so that no id is used twice

    def describe(self, thing: object, depth: int) -> Description:
        if isinstance(thing, float) and thing != thing:
            return "nan"  # for it would differ from itself
        if isinstance(thing, _PLAIN):
            return thing
        if id(thing) in self.done:
            return self.done[id(thing)]
        if depth > DEEP:
            return _name(type(thing))
        self.held.append(thing)
        self.done[id(thing)] = "itself"  # as long as it is not done
        self.done[id(thing)] = made = self._kind(thing, depth + 1)
        return made

    def _all(self, things: Mapping[str, object], depth: int) -> dict[str, Description]:
        return {name: self.describe(thing, depth) for name, thing in things.items()}

    def _kind(self, thing: object, depth: int) -> Description:
        """Describe what is no plain value, as its kind asks for."""
        if isinstance(thing, Tensor):
            return _values(str(thing.dtype), tuple(thing.shape), hash_of(thing))
        if isinstance(thing, np.ndarray | np.generic):
            return _array(np.asarray(thing))
        if isinstance(thing, bytes | bytearray):
            return {"bytes": hashlib.sha256(thing).hexdigest()}
        if isinstance(thing, Mapping):
            return {_key(k): self.describe(v, depth) for k, v in thing.items()}
        if isinstance(thing, list | tuple | collections.deque):
            return [self.describe(item, depth) for item in thing]
        if isinstance(thing, set | frozenset):
            return sorted((self.describe(item, depth) for item in thing), key=repr)
        if isinstance(thing, types.ModuleType):
            return f"module {thing.__name__}"
        if isinstance(thing, types.BuiltinFunctionType):
            return f"built-in {thing.__name__}"
        if isinstance(thing, types.FunctionType):
            compiled = getattr(thing, "_torchdynamo_orig_callable", None)  # by torch.compile
            return self._function(compiled or thing, depth)
        if isinstance(thing, types.MethodType):
            return self._all({"of": thing.__self__, "method": thing.__func__}, depth)
        if isinstance(thing, functools.partial):
            parts = {"of": thing.func, "arguments": thing.args, "keywords": thing.keywords}
            return self._all(parts, depth)
        if isinstance(thing, type):
            return self._class(thing, depth)
        return self._object(thing, depth)

    def _function(self, function: types.FunctionType, depth: int) -> Description:
        """Describe a function by its code and what it refers to; a library's by its name."""
        library = _is_library(function.__module__)
        refers: dict[str, object] = {
            "closure": _closure(function),
            "defaults": function.__defaults__,
            "keyword_defaults": function.__kwdefaults__,
            "globals": {} if library else _globals(function),
            "marks": {mark: getattr(function, mark) for mark in _MARKS if hasattr(function, mark)},
        }
        name = function.__qualname__
        own = {"function": f"{function.__module__}.{name}"} if library else {"function": name}
        code = {} if library else {"code": _code(function.__code__)}
        return own | code | self._all({n: part for n, part in refers.items() if part}, depth)

    def _class(self, cls: type, depth: int) -> Description:
        """Describe a class by its functions and values; a library's by its name."""
        if _is_library(cls.__module__):
            return _name(cls)
        own = {name: _bare(v) for name, v in vars(cls).items() if name not in _OF_ANY_CLASS}
        bases = [base for base in cls.__bases__ if base is not object]
        parts = self._all({"bases": bases, **own}, depth)
        return {"class": cls.__qualname__} | {name: part for name, part in parts.items() if part}

    def _object(self, thing: object, depth: int) -> Description:
        """Describe an object by its class and its attributes, where these decide numbers."""
        if isinstance(thing, _TORCH):
            return str(thing)
        if isinstance(thing, torch.Generator):
            return {"generator": str(thing.device), "seed": thing.initial_seed()}
        if isinstance(thing, nn.Module) and (inner := unwrapped(thing)) is not thing:
            return self.describe(inner, depth)
        made = {"class": self.describe(type(thing), depth)}
        if isinstance(thing, nn.Module):
            return made | {"parts": structure(thing), "weights": state_hash(plain_state(thing))}
        if isinstance(thing, Optimizer):
            return optimiser_settings(thing)
        if hasattr(thing, "__wrapped__"):  # such as what functools.cache returns
            return made | {"of": self.describe(thing.__wrapped__, depth)}
        if _top(type(thing).__module__) in sys.stdlib_module_names:
            return made | ({"value": repr(thing)} if not _ADDRESS.search(repr(thing)) else {})
        told = callable(thing) or isinstance(thing, LRScheduler)
        if _is_library(type(thing).__module__) and not told:
            return made
        return made | self._all(_attributes(thing), depth)


_OF_ANY_CLASS = {
    *("__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__firstlineno__"),
    *("__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__"),
    *("__static_attributes__", "__slots__", "__match_args__", "__orig_bases__", "__parameters__"),
    *("__abstractmethods__", "_abc_impl", "__dataclass_params__", "__dataclass_fields__"),
}


def optimiser_settings(made: Optimizer) -> dict[str, Description]:
    """Return class and settings of an optimiser, a dict for each group if there are several."""
    groups = [
        {name: describe(value) for name, value in group.items() if name != "params"}
        | {"tensors": len(group["params"])}
        for group in made.param_groups
    ]
    return {
        "class": describe(type(made)),
        **(groups[0] if len(groups) == 1 else {"groups": groups}),
    }


def _part(part: nn.Module) -> dict[str, Description]:
    """Return class and plain settings of one part of a model, without its weights."""
    settings = {
        name: describe(value)
        for name, value in vars(part).items()
        if name != "training" and not name.startswith("_") and _is_plain(value)
    }
    return {"class": describe(type(part)), **settings}


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(_is_plain(item) for item in value)
    return isinstance(value, _PLAIN)


def _values(dtype: str, shape: tuple[int, ...], values: str) -> dict[str, str]:
    return {"shape": f"{dtype.removeprefix('torch.')} {shape}", "values": values}


def _array(array: np.ndarray) -> dict[str, str]:
    """Describe numbers of numpy; an array of objects only by its shape."""
    inside = b"" if array.dtype.hasobject else array.tobytes()
    return _values(str(array.dtype), array.shape, hashlib.sha256(inside).hexdigest())


def _attributes(thing: object) -> dict[str, object]:
    """Return an object's attributes, those in slots too; of a scheduler not its optimiser."""
    slots = [name for cls in type(thing).__mro__ for name in vars(cls).get("__slots__", ())]
    own = {name: getattr(thing, name) for name in slots if hasattr(thing, name)}
    own |= getattr(thing, "__dict__", {})
    return {n: v for n, v in own.items() if not (n == "optimizer" and isinstance(v, Optimizer))}


def _closure(function: types.FunctionType) -> dict[str, object]:
    found = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # nothing in it yet
            continue
    return found


def _globals(function: types.FunctionType) -> dict[str, object]:
    """Return the global names that a function reads, if they exist, with what they stand for."""
    codes, names = [function.__code__], set()
    while codes:
        code = codes.pop()
        codes += [const for const in code.co_consts if isinstance(const, types.CodeType)]
        names |= {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    return {n: function.__globals__[n] for n in sorted(names) if n in function.__globals__}


def _code(code: types.CodeType) -> str:
    """Return a hash of what a function does, whatever its file, its lines and its comments."""
    what = (
        *(_PYTHON, code.co_code, [_constant(c) for c in code.co_consts]),
        *(code.co_names, code.co_varnames, code.co_freevars, code.co_exceptiontable),
        *(code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags),
    )
    return hashlib.sha256(repr(what).encode()).hexdigest()


def _constant(value: object) -> object:
    if isinstance(value, types.CodeType):
        return _code(value)
    return sorted(map(repr, value)) if isinstance(value, frozenset) else value


def _bare(member: object) -> object:
    """Return the functions in a property, a static method or a class method."""
    if isinstance(member, property):
        return [member.fget, member.fset]
    if isinstance(member, staticmethod | classmethod):
        return member.__func__
    return member.func if isinstance(member, functools.cached_property) else member


def _key(key: object) -> str:
    return key if isinstance(key, str) else _ADDRESS.sub("", repr(key))


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _top(module: str | None) -> str:
    return (module or "builtins").partition(".")[0]


@functools.cache
def _is_library(module: str | None) -> bool:
    """Return whether a module is Python's, installed, or this package's: not the user's own."""
    top = _top(module)
    if top in ("__main__", "__mp_main__"):  # a script or a notebook, whoever runs it
        return False
    if top in sys.stdlib_module_names or top == _top(__name__):
        return True
    file = getattr(sys.modules.get(top), "__file__", None)
    return file is not None and not {"site-packages", "dist-packages"}.isdisjoint(Path(file).parts)


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _brief(value: Description) -> str:
    """Return a value in a few words; a long description only as what it is."""
    if isinstance(value, dict):
        kind = value.get("function") or value.get("class") or value.get("shape")
        return kind if isinstance(kind, str) else "something else"
    text = "none" if value is None else str(value)
    return text if len(text) <= 50 else f"{text[:47]}..."
