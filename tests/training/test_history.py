import pytest

from aeteach.training import History


def test_an_unknown_term_is_named():
    with pytest.raises(KeyError, match=r"no training term 'kl'.*\['loss'\]"):
        History(train=[{"loss": 1.0}]).curve("kl")
