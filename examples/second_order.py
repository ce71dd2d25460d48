"""Second derivatives at work: Newton's method and L-BFGS against the usual descent, on real measurements.

    python examples/second_order.py
    python examples/second_order.py --steps 2000 --eta 0.05 --picture descent.png

A logistic regression learns from 30 measurements of breast tissue which samples are malignant
(examples/data/README.md says whose data they are).  Its loss has one minimum, so the methods can be
judged by how close they come to it, and after how many gradients.
"""

from typing import Any

import numpy as np

from minigrad import ADAM, Descent, Tensor, as_scipy, gradient, hessian, params
from minigrad.data import breast_cancer, train_test_split
from minigrad.losses import logitbinarycrossentropy
from minigrad.training.train import train_
from options import Options

minimize: Any
try:
    from scipy.optimize import minimize
except ImportError:
    minimize = None

PENALTY = 1e-2  # times half the sum of the squared weights: without it the weights would grow without end


def measurements(rng):
    """Return (x, malignant) to learn from and (x, malignant) held out; each column of x standardised."""
    x, malignant, _ = breast_cancer()
    (x, y), (x_test, y_test) = train_test_split((x, malignant), 0.2, rng=rng)
    mean, std = x.mean(axis=0), x.std(axis=0)
    return ((x - mean) / std, y), ((x_test - mean) / std, y_test)


def regression(x, malignant):
    """Return the loss of the weights w of shape (31,): 30 measurements and a constant."""

    def loss(w):
        misfit = logitbinarycrossentropy(x @ w[:-1] + w[-1], malignant)
        return misfit + PENALTY / 2 * np.sum(w[:-1] ** 2)

    return loss


def descent(loss, opt, steps):
    """Return the weights after each step of an optimiser."""
    w, path = Tensor(np.zeros(31)), []
    train_(lambda: loss(w), params(w), [()] * steps, opt, cb=lambda: path.append(w.data.copy()))
    return path


def newton(loss, steps=20):
    """Yield the weights after each step w <- w - H^-1 g, until the gradient is rounding error."""
    w = np.zeros(31)
    for _ in range(steps):
        (g,) = gradient(loss, w)
        if np.linalg.norm(g) < 1e-14:
            return
        w = w - np.linalg.solve(hessian(loss, w), g)
        yield w


def through_the_bridge(loss, method):
    """Return the weights that SciPy's method passed through; the loss is that of a parameter."""
    w, path = Tensor(np.zeros(31)), []
    problem = as_scipy(lambda: loss(w), params(w))
    second = {"hessp": problem.hessp} if method != "L-BFGS-B" else {}
    tight = {"xtol": 1e-12} if method == "Newton-CG" else {"gtol": 1e-12}
    tight |= {"ftol": 0} if method == "L-BFGS-B" else {}
    minimize(problem.fun, problem.x0, jac=problem.jac, method=method, options=tight, **second,
             callback=lambda x: path.append(np.array(x)))
    return path


def accuracy(w, x, malignant):
    return np.mean((x @ w[:-1] + w[-1] > 0) == malignant)


def report(paths, loss, test):
    """Print a row per method; return for each the distance of its loss from the best one, step by step."""
    losses = {name: np.array([loss(w) for w in path]) for name, path in paths.items()}
    best = min(values.min() for values in losses.values())
    print(f"\n{'method':<12} {'steps':>6} {'above the minimum':>18} {'|gradient|':>11} {'held out':>9}")
    for name, path in paths.items():
        slope = np.linalg.norm(gradient(loss, path[-1])[0])
        above = losses[name][-1] - best
        print(f"{name:<12} {len(path):>6} {above:>18.1e} {slope:>11.1e} {accuracy(path[-1], *test):>9.1%}")
    return {name: values - best for name, values in losses.items()}


def draw(above, file):
    try:
        import matplotlib
    except ImportError:
        raise SystemExit("--picture needs matplotlib: python -m pip install matplotlib") from None
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for name, values in above.items():
        axes.loglog(np.arange(1, len(values) + 1), np.maximum(values, 1e-17), label=name)
    axes.set(xlabel="step", ylabel="loss above the minimum", title="Descent, and what second derivatives add")
    axes.legend()
    figure.savefig(file)
    print(f"\nDrawn in {file}")


def arguments():
    options = Options("Newton's method and L-BFGS against descent.")
    options.whole("steps", 500, "steps of Descent and of ADAM")
    options.positive("eta", 0.1, "their learning rate")
    options.whole("seed", 0, "which samples are held out", least=0)
    options.add_argument("--picture", metavar="FILE", help="draw the descent into this file")
    return options.read()


def main():
    args = arguments()
    train, test = measurements(np.random.default_rng(args.seed))
    loss = regression(*train)
    paths = {
        "Descent": descent(loss, Descent(args.eta), args.steps),
        "ADAM": descent(loss, ADAM(args.eta), args.steps),
        "Newton": list(newton(loss)),
    }
    if minimize is None:
        print("Without SciPy (python -m pip install scipy) there is no L-BFGS and no Newton-CG here.")
    else:
        for method in ("L-BFGS-B", "Newton-CG", "trust-ncg"):
            paths[method] = through_the_bridge(loss, method)
    above = report(paths, loss, test)
    if args.picture:
        draw(above, args.picture)


if __name__ == "__main__":
    main()
