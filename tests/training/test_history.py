import pytest

from aeteach.training import History


def test_an_unknown_term_is_named():
    with pytest.raises(KeyError, match=r"no training term 'kl'.*\['loss'\]"):
        History(train=[{"loss": 1.0}]).curve("kl")


def test_a_history_begins_empty_and_gives_its_terms_epoch_by_epoch():
    history = History()
    assert (history.epochs, history.interrupted) == (0, False)
    with pytest.raises(KeyError, match=r"it has \[\]"):
        history.curve()
    history.train += [{"loss": 2.0, "kl": 0.5}, {"loss": 1.0, "kl": 0.25}]
    history.held_out += [{"loss": 3.0}, {"loss": 2.5}]
    assert history.epochs == 2
    assert history.curve() == [2.0, 1.0]
    assert history.curve("kl") == [0.5, 0.25]
    assert history.curve(held_out=True) == [3.0, 2.5]
    assert History().train == []  # each has its own


def test_a_term_that_began_later_is_no_curve():
    with pytest.raises(KeyError, match=r"no training term 'kl'.*\['loss'\]"):
        History(train=[{"loss": 1.0}, {"loss": 0.5, "kl": 1.0}]).curve("kl")
