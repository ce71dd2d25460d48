"""Test rows of the compound functions: activations, softmax, losses, layers, windows."""

import numpy as np
from cases import Case, Kink, distinct, fraction, nonzero, positive, real
from minigrad.derivatives.compound import (
    elu,
    gelu,
    leakyrelu,
    logsoftmax,
    logsumexp,
    mean_softmax_crossentropy,
    mean_squared_error,
    normalise,
    relu,
    sigmoid,
    sigmoid_crossentropy,
    softmax,
    softplus,
    swish,
    xlogx,
    xlogy,
)
from minigrad.derivatives.sigmoids import complement
from minigrad.derivatives.windows import overlay, windows

ELEMENTWISE = [relu, leakyrelu, elu, sigmoid, softplus, swish, gelu]

CASES = [
    *[Case(f, (nonzero(*shape),)) for f in ELEMENTWISE for shape in [(), (3,), (2, 3), (2, 0)]],
    Case(leakyrelu, (nonzero(4),), dict(a=0.3)),
    Case(elu, (nonzero(4),), dict(alpha=0.7)),
    *[Case(f, (real(3),), order=3) for f in (sigmoid, complement)],
    *[Case(f, (real(2, 3),)) for f in (softmax, logsoftmax, logsumexp)],
    *[Case(f, (real(2, 3),), dict(axis=0)) for f in (softmax, logsoftmax, logsumexp)],
    Case(softmax, (real(3),), order=3),
    Case(logsumexp, (real(2, 3),), dict(axis=1, keepdims=True)),
    Case(logsumexp, (real(2, 3, 2),), dict(axis=(0, 2))),
    Case(logsumexp, (real(),)),
    Case(xlogx, (positive(2, 3),)),
    Case(xlogy, (real(2, 3), positive(2, 3))),
    Case(xlogy, (real(2, 3), positive(3))),
    Case(sigmoid_crossentropy, (real(2, 3), real(2, 3))),
    Case(sigmoid_crossentropy, (real(2, 3), real())),
    Case(mean_squared_error, (real(2, 3), real(2, 3)), complex=True),
    Case(mean_squared_error, (real(2, 3), real())),
    Case(mean_softmax_crossentropy, (real(2, 3), real(2, 3)), order=3),
    Case(mean_softmax_crossentropy, (real(2, 3), real(2, 3)), output=lambda y: y[0]),
    Case(mean_softmax_crossentropy, (real(3), real(3)), output=lambda y: y[1]),
    Case(normalise, (distinct(2, 4),), order=3),
    Case(normalise, (distinct(2, 4),), dict(axis=0, epsilon=0.1)),
    Case(normalise, (distinct(2, 3, 2),), dict(axis=(1, 2))),
    Case(windows, (real(2, 5, 3), (2,), (1,)), complex=True),
    Case(windows, (real(2, 5, 6, 2), (2, 3), (2, 1))),
    Case(overlay, (real(2, 4, 2, 3), (2,), (1,), (2, 5, 3)), complex=True),
    Case(overlay, (real(1, 2, 2, 2, 3, 1), (2, 3), (2, 1), (1, 5, 4, 1))),
    Case(softplus, (fraction(3),)),
]

KINKS = [
    Kink(relu, ([-1.0, 0.0, 1.0],), ([0, 0, 1],), "relu has 0 at 0"),
    Kink(relu, ([-np.inf, np.inf],), ([0, 1],), "relu at infinity"),
    Kink(leakyrelu, ([0.0],), ([0.01],), "leakyrelu has a at 0"),
    Kink(elu, ([-1000.0, 0.0, 1000.0],), ([0, 1, 1],), "elu has alpha at 0"),
    Kink(sigmoid, ([-1000.0, 1000.0],), ([0, 0],), "sigmoid is flat far away"),
    Kink(softplus, ([-1000.0, 1000.0],), ([0, 1],), "softplus far away"),
    Kink(swish, ([-1000.0, 1000.0],), ([0, 1],), "swish far away"),
    Kink(gelu, ([-1000.0, 1000.0],), ([0, 1],), "gelu far away"),
    Kink(softmax, ([1000.0, -1000.0],), ([0, 0],), "the sum of softmax is always 1"),
    Kink(logsumexp, ([1000.0, 1000.0, -1000.0],), ([0.5, 0.5, 0],), "the gradient is softmax"),
    Kink(logsumexp, ([-np.inf, -np.inf],), ([0, 0],), "no number at all: 0, not NaN"),
    Kink(logsumexp, ([-np.inf, 0.0],), ([0, 1],), "one number"),
    Kink(logsumexp, ([np.inf, 0.0],), ([1, 0],), "infinity takes all"),
    Kink(softplus, ([-np.inf, np.inf],), ([0, 1],), "softplus at infinity"),
    Kink(xlogx, ([0.0],), ([-np.inf],), "the slope of x log x at 0"),
    Kink(xlogy, ([0.0, 2.0], [0.0, 4.0]), ([-np.inf, np.log(4)], [0, 0.5]), "0 log 0 is 0, and flat"),
    Kink(xlogy, ([0.0, 0.0], [np.nan, 1.0]), ([np.nan, 0.0], [np.nan, 0.0]), "what is no number is not hidden"),
    Kink(sigmoid_crossentropy, ([1000.0, -1000.0], [0.0, 1.0]), ([1, -1], [-1000, 1000]), "wrong and sure"),
    Kink(sigmoid_crossentropy, ([1000.0, -1000.0], [1.0, 0.0]), ([0, 0], [-1000, 1000]), "right and sure"),
    Kink(normalise, ([3.0, 3.0],), ([0, 0],), "the std of a constant has gradient 0"),
]
