"""Where a figure of a test is shown: in Jupyter, unless the test asks for the page."""

import pytest


@pytest.fixture(autouse=True)
def _in_jupyter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AETEACH_HOST", raising=False)


@pytest.fixture
def in_page(monkeypatch: pytest.MonkeyPatch, _in_jupyter: None) -> None:
    monkeypatch.setenv("AETEACH_HOST", "page")
