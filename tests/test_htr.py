"""The digit reader under its older name."""


def test_htr_is_the_readability_module_itself():
    from aeteach import htr
    from aeteach.metrics import readability

    assert htr is readability
