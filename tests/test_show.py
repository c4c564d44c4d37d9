import functools

import pytest

import aeteach
from aeteach import metrics, models

# Definitions as readers write them, each with what is left without its docstring.


class Base:
    """Of the base."""


class Child(Base):
    x = 1

    def method(self):
        """Stays: it is the method's."""
        return self.x


# fmt: off
def quoted():
    '''Goes.'''
    return """stays"""
# fmt: on


def raw():
    r"""Goes, \d and all.

    With a paragraph.
    """

    return 1


def literal():
    text = """stays
    too"""
    return text


def empty():
    """Goes, and a body is left."""


@functools.cache
def decorated(
    x,
):
    # A comment stays.
    """Goes."""
    return x  # three \""" quotes


SHOWN = {
    Child: (
        'class Child(Base):\n    x = 1\n\n    def method(self):\n        """Stays: it is the '
        'method\'s."""\n        return self.x'
    ),
    quoted: 'def quoted():\n    return """stays"""',
    raw: "def raw():\n    return 1",
    literal: 'def literal():\n    text = """stays\n    too"""\n    return text',
    empty: "def empty():\n    ...",
    decorated: (
        "@functools.cache\ndef decorated(\n    x,\n):\n    # A comment stays.\n"
        '    return x  # three \\""" quotes'
    ),
    Child.method: "def method(self):\n    return self.x",
}


@pytest.mark.parametrize("definition", SHOWN, ids=lambda d: d.__qualname__)
def test_only_its_own_docstring_is_left_out(definition):
    text = repr(aeteach.show(definition))
    assert text == SHOWN[definition]
    compile(text, "shown", "exec")


@pytest.mark.parametrize("thing", [len, 3, "text", functools.partial(raw)])
def test_what_has_no_source_is_refused(thing):
    with pytest.raises(TypeError, match="show takes a function or class"):
        aeteach.show(thing)


def test_the_source_is_the_definition_without_its_docstring():
    text = repr(aeteach.show(models.count_parameters))
    assert text.startswith("def count_parameters(model: nn.Module) -> int:")
    assert '"""' not in text
    compile(text, "shown", "exec")


def test_a_raw_docstring_is_left_out_whole_and_kept_on_request():
    text = repr(aeteach.show(metrics.principal_angles))
    assert "Bjorck" not in text
    compile(text, "shown", "exec")
    assert "Bjorck" in repr(aeteach.show(metrics.principal_angles, docstring=True))


def test_a_method_is_shown_without_its_indentation():
    text = repr(aeteach.show(models.PCA.fit))
    assert text.startswith("def fit(self")
    compile(text, "shown", "exec")


def test_a_class_is_shown_without_its_own_docstring_only():
    text = repr(aeteach.show(models.LinearAutoencoder))
    assert text.startswith("class LinearAutoencoder(Autoencoder):")
    assert "5,122" not in text
    compile(text, "shown", "exec")


def test_in_a_notebook_it_is_highlighted():
    assert '<div class="highlight">' in aeteach.show(models.build)._repr_html_()
