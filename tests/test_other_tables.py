"""Tables of pandas, polars and xarray as data; minigrad's networks as estimators of scikit-learn."""

import importlib.util
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from minigrad import ADAM, Tensor, gradient, params, train_
from minigrad.data import DataLoader, train_test_split
from minigrad.losses import mse
from minigrad.nn import Dense

A = np.arange(12.0).reshape(6, 2)


def table(kind):
    if kind == "xarray":
        return pytest.importorskip("xarray").DataArray(A, dims=("row", "column"))
    columns = {"a": A[:, 0], "b": A[:, 1]}
    return pytest.importorskip(kind).DataFrame(columns)


@pytest.fixture(params=["pandas", "polars", "xarray"])
def df(request):
    return table(request.param)


def test_a_loader_hands_out_its_rows_as_arrays(df):
    batches = list(DataLoader(df, 4))

    assert all(type(batch) is np.ndarray for batch in batches)
    assert np.array_equal(np.concatenate(batches), A)
    assert [part.shape for part in train_test_split(df, 0.5, rng=0)] == [(3, 2), (3, 2)]


def test_losses_and_layers_take_it(df):
    layer = Dense(2, 1, rng=0)

    assert mse(df, A + 1) == 1.0
    assert np.array_equal(layer(df).data, layer(A).data)


def test_a_network_is_trained_on_it(df):
    layer = Dense(2, 1, rng=0)

    losses = train_(
        lambda x: mse(layer(x), x[:, :1]), params(layer), DataLoader(df, 3), ADAM(0.1), epochs=30, progress="silent"
    )

    assert losses[-1] < losses[0] / 5


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_columns_and_tables_have_gradients_with_respect_to_tensors(kind):
    df, W = table(kind), Tensor([1.0, 2.0])

    assert gradient(lambda: np.sum(np.dot(df, W)), params(W))[W].data.tolist() == A.sum(axis=0).tolist()
    assert gradient(lambda: np.sum(W[0] * df["b"]), params(W))[W].data.tolist() == [A[:, 1].sum(), 0]
    with pytest.raises(TypeError, match="DataLoader"):
        train_(lambda x: W[0], params(W), df, ADAM())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["NetworkClassifier", "NetworkRegressor"])
def test_scikit_learn_accepts_the_estimators_of_the_example(name):
    pytest.importorskip("sklearn")
    from sklearn.utils.estimator_checks import check_estimator

    path = Path(__file__).parents[1] / "examples" / "scikit_learn.py"
    specification = importlib.util.spec_from_file_location("scikit_learn_example", path)
    module = importlib.util.module_from_spec(specification)
    sys.modules["scikit_learn_example"] = module  # so that the estimators can be pickled
    specification.loader.exec_module(module)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of checks that it leaves out itself
        check_estimator(getattr(module, name)(epochs=60))
