"""A classifier and a regressor for scikit-learn: pipelines, cross-validation and grids take minigrad's networks.

    python examples/scikit_learn.py             needs scikit-learn: python -m pip install scikit-learn
"""

import sys

import numpy as np

from minigrad import ADAM, params, train_
from minigrad.data import DataLoader, breast_cancer, onehot
from minigrad.losses import logitcrossentropy, mse
from minigrad.nn import Chain, Dense

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError:
    sys.exit("This needs scikit-learn: python -m pip install scikit-learn")


class Network(BaseEstimator):
    """What both have in common: a network with one hidden layer, trained by ADAM on standardised features."""

    def __init__(self, hidden=32, eta=0.01, epochs=100, batchsize=32, random_state=0):
        self.hidden, self.eta, self.epochs, self.batchsize = hidden, eta, epochs, batchsize
        self.random_state = random_state

    def train(self, X, targets, loss):
        rng = np.random.default_rng(self.random_state if self.random_state is None else int(self.random_state))
        self.mean_, self.scale_ = X.mean(axis=0), X.std(axis=0) + 1e-12
        self.network_ = Chain(
            Dense(X.shape[1], self.hidden, np.tanh, rng=rng), Dense(self.hidden, targets.shape[1], rng=rng)
        )
        data = DataLoader((self.standardised(X), targets), self.batchsize, shuffle=True, rng=rng)
        self.losses_ = train_(
            lambda x, y: loss(self.network_(x), y),
            params(self.network_),
            data,
            ADAM(self.eta),
            epochs=self.epochs,
            progress="silent",
        )
        self.n_iter_ = self.epochs
        return self

    def standardised(self, X):
        return (X - self.mean_) / self.scale_

    def scores(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=float)
        return self.network_(self.standardised(X)).data


class NetworkClassifier(ClassifierMixin, Network):
    """A network that tells classes apart."""

    def fit(self, X, y):
        X, y = validate_data(self, X, y, dtype=float)
        if y.dtype.kind == "f" and np.any(y != np.floor(y)):
            raise ValueError("Unknown label type: continuous; classes are whole numbers or names")
        self.classes_, labels = np.unique(y, return_inverse=True)
        return self.train(X, onehot(labels, len(self.classes_)), logitcrossentropy)

    def predict_proba(self, X):
        scores = self.scores(X)
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def predict(self, X):
        scores = self.scores(X)
        return self.classes_[scores.argmax(axis=1)]


class NetworkRegressor(RegressorMixin, Network):
    """A network that predicts a number."""

    def fit(self, X, y):
        X, y = validate_data(self, X, y, dtype=float, y_numeric=True)
        self.y_mean_, self.y_scale_ = y.mean(), y.std() + 1e-12
        return self.train(X, ((y - self.y_mean_) / self.y_scale_)[:, None], mse)

    def predict(self, X):
        return self.scores(X)[:, 0] * self.y_scale_ + self.y_mean_


def main():
    from sklearn.model_selection import cross_val_score

    features, malignant, _ = breast_cancer()
    found = cross_val_score(NetworkClassifier(), features, malignant, cv=5)
    print(f"Breast cancer, five folds: {found.mean():.1%} right, from {found.min():.1%} to {found.max():.1%}")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 5))
    y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.normal(size=400)
    found = cross_val_score(NetworkRegressor(), X, y, cv=5)
    print(f"A curved surface with noise, five folds: R squared {found.mean():.3f}")


if __name__ == "__main__":
    main()
