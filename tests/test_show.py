import aeteach
from aeteach import metrics, models


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
