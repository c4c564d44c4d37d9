"""PCA by a covariance and `eigh` against scikit-learn's, on the same 10,000 digits in float64."""

import pytest
import sklearn.decomposition

from aeteach.data import mnist
from aeteach.models import PCA


@pytest.fixture(scope="module")
def images():
    return mnist("test", size=28).images


@pytest.mark.benchmark(group="30 principal components")
def test_ours(benchmark, images):
    benchmark(lambda: PCA(30, size=28).fit(images))


@pytest.mark.benchmark(group="30 principal components")
@pytest.mark.parametrize("solver", ["covariance_eigh", "full"])
def test_scikit_learn(benchmark, images, solver):
    X = images.flatten(1).double().numpy()
    benchmark(lambda: sklearn.decomposition.PCA(30, svd_solver=solver).fit(X))
