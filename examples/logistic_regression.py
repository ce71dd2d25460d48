"""Tell malignant from benign tissue by logistic regression, and show which measurements tell most.

    python examples/logistic_regression.py
    python examples/logistic_regression.py --strength 10 --steps 500

The data are 30 measurements of the cell nuclei in each of 569 real samples (examples/data/README.md
says whose).  A fifth of the samples is held out to judge by.
"""

import numpy as np

from minigrad import ADAM, CosAnneal, params, seed, update_, withgradient, zeros
from minigrad.data import breast_cancer, train_test_split
from minigrad.losses import logitbinarycrossentropy
from minigrad.nn import Dense, sigmoid
from options import Options

try:
    from tqdm import tqdm
except ImportError:
    def tqdm(steps, **_):  # a stand-in: no bar
        return steps


def standardised(x, like):
    """Return ``x``, each column shifted and scaled in the way that brings ``like`` to mean 0, deviation 1."""
    return (x - like.mean(axis=0)) / like.std(axis=0)


def fit(x, y, strength=1.0, steps=2000, bar=iter):
    """Return the Dense layer that minimises  sum of the cross entropies + strength / 2 * sum(W**2).

    Parameters
    ----------
    x : array of shape (n, features), standardised
    y : array of shape (n,), 1 for yes and 0 for no
    strength : float >= 0, of the pull of the weights to 0; the offset b is left free
    steps : int >= 1
    bar : function that shows progress through the steps
    """
    model = Dense(x.shape[1], 1, init=lambda n_in, n_out, **_: zeros(n_in, n_out))
    opt, ps = ADAM(), params(model)

    def loss():
        misfit = logitbinarycrossentropy(model(x)[:, 0], y)
        return misfit + strength / (2 * len(y)) * np.sum(model.W**2)

    for _, opt.eta in zip(bar(range(steps)), CosAnneal(l0=0.1, l1=0.0, period=steps)):
        _, grads = withgradient(loss, ps)
        update_(opt, ps, grads)
    return model


def show_weights(weights, names, top):
    """Print the measurements with the largest weights: bars to the right speak for malignant tissue."""
    print(f"{'measurement':>24} | benign         malignant")
    unit = np.max(np.abs(weights)) / 12
    for i in np.argsort(-np.abs(weights))[:top]:
        bar = "#" * round(abs(weights[i]) / unit)
        left, right = (bar, "") if weights[i] < 0 else ("", bar)
        print(f"{names[i]:>24} | {left:>12}|{right:<12} {weights[i]:+.2f}")


def arguments():
    options = Options("Tell malignant from benign tissue by logistic regression.")
    strength = "a number, at least 0", lambda x: 0 <= x < np.inf
    options.option("strength", float, 1.0, "pull of the weights to 0", *strength)
    options.whole("steps", 2000, "steps of ADAM")
    options.whole("top", 10, "how many measurements to show", least=0)
    options.whole("seed", 0, "which samples are held out", least=0)
    return options.read()


def main():
    args = arguments()
    seed(args.seed)
    features, malignant, names = breast_cancer()
    (x, y), (x_test, y_test) = train_test_split((features, malignant), held_out=0.2)
    print(f"Logistic regression on {len(x)} samples of tissue, {x.shape[1]} measurements each.")

    model = fit(standardised(x, x), y, args.strength, args.steps, lambda steps: tqdm(steps, desc="training"))

    chance = sigmoid(model(standardised(x_test, x))[:, 0]).data
    right = int(np.sum((chance > 0.5) == y_test))
    print(f"\nOf {len(x_test)} samples held out it judges {right} correctly: {right / len(x_test):.1%}")
    missed = int(np.sum((chance <= 0.5) & (y_test == 1)))
    print(f"Of the {int(y_test.sum())} malignant ones among them it misses {missed}.\n")
    show_weights(model.W.data[:, 0], names, args.top)


if __name__ == "__main__":
    main()
