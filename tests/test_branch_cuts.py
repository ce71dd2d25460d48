"""On a branch cut the derivative is that of the side which the sign of the zero names, as the value is."""

import numpy as np
import pytest
from minigrad import gradient

Z = complex
CUTS = {  # function: places on its cuts, each followed by the direction of the cut
    np.arcsin: ([Z(2, 0.0), Z(2, -0.0), Z(-2, 0.0), Z(-2, -0.0), Z(1e3, 0.0), Z(-1.5, -0.0)], 1),
    np.arccos: ([Z(2, 0.0), Z(2, -0.0), Z(-2, 0.0), Z(-2, -0.0), Z(1e3, 0.0), Z(-1.5, -0.0)], 1),
    np.arccosh: ([Z(0.5, 0.0), Z(0.5, -0.0), Z(-3, 0.0), Z(-3, -0.0), Z(-0.5, -0.0)], 1),
    np.arctanh: ([Z(2, 0.0), Z(2, -0.0), Z(-2, 0.0), Z(-2, -0.0)], 1),
    np.arcsinh: ([Z(0.0, 2), Z(-0.0, 2), Z(0.0, -2), Z(-0.0, -2)], 1j),
    np.arctan: ([Z(0.0, 2), Z(-0.0, 2), Z(0.0, -2), Z(-0.0, -2)], 1j),
    np.sqrt: ([Z(-2, 0.0), Z(-2, -0.0)], 1),
    np.log: ([Z(-2, 0.0), Z(-2, -0.0)], 1),
    np.log10: ([Z(-2, 0.0), Z(-2, -0.0)], 1),
    np.log1p: ([Z(-3, 0.0), Z(-3, -0.0)], 1),
}


def moved(z, by, along):
    """Return ``z`` moved along the cut, the sign of the other part kept."""
    return Z(z.real + by, z.imag) if along == 1 else Z(z.real, z.imag + by)


@pytest.mark.parametrize("function", CUTS, ids=lambda f: f.__name__)
def test_the_derivative_on_a_cut_is_that_of_its_side(function):
    places, along = CUTS[function]
    for z in places:
        h = 1e-4 * abs(z)
        slope = (function(moved(z, h, along)) - function(moved(z, -h, along))) / (2 * h * along)

        (g,) = gradient(lambda z: np.real(function(z)), z)
        (g_imaginary,) = gradient(lambda z: np.imag(function(z)), z)

        assert g == pytest.approx(np.conj(slope), rel=1e-6), z
        assert g_imaginary == pytest.approx(1j * np.conj(slope), rel=1e-6), z


BEYOND = {  # of real numbers beyond the domain: (f, x, the derivative of the imaginary part by hand)
    "arccos right": (np.emath.arccos, 2.0, -1 / np.sqrt(3)),
    "arccos left": (np.emath.arccos, -2.0, 1 / np.sqrt(3)),
    "arcsin right": (np.emath.arcsin, 2.0, 1 / np.sqrt(3)),
    "arcsin left": (np.emath.arcsin, -2.0, -1 / np.sqrt(3)),
    "sqrt": (np.emath.sqrt, -4.0, -1 / 4),
    "log": (np.emath.log, -4.0, 0.0),
    "power": (lambda x: np.emath.power(x, 1.5), -4.0, 1.5 * 2),  # -i |x|^(3/2)
}


@pytest.mark.parametrize("f, x, expected", BEYOND.values(), ids=BEYOND)
def test_emath_beyond_the_real_domain(f, x, expected):
    assert gradient(lambda x: np.imag(f(x)), x)[0] == pytest.approx(expected, rel=1e-14, abs=1e-15)
    h = 1e-4
    by_differences = (np.imag(f(x + h)) - np.imag(f(x - h))) / (2 * h)
    assert by_differences == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_the_second_derivative_on_a_cut():
    """arccos'' = -x / (1 - x^2)^(3/2), and here 1 - x^2 is -3 with the imaginary part -0."""
    slope = lambda x: gradient(lambda x: np.imag(np.emath.arccos(x)), x)[0]

    assert gradient(slope, 2.0)[0] == pytest.approx(2 / 3**1.5, rel=1e-12)
