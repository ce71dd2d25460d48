"""Far away, where a function is flat but for its last digits, derivatives keep all of theirs: against mpmath."""

import numpy as np
import pytest
import scipy.special as sp
from minigrad import gradient, losses, nn

pytestmark = pytest.mark.filterwarnings("ignore:overflow")  # of the value of gelu at 1e160
mp = pytest.importorskip("mpmath")
mp.mp.dps = 800  # its differences lose digits

FAR = [-700.0, -37.4, -9.0, 0.5, 9.0, 37.4, 700.0]


def mp_sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def mp_gelu(x):
    return x * mp_sigmoid(2 * mp.sqrt(2 / mp.pi) * (x + mp.mpf(0.044715) * x**3))


TAILS = {
    "sigmoid": (nn.sigmoid, mp_sigmoid, FAR),
    "expit": (sp.expit, mp_sigmoid, FAR),
    "softplus": (nn.softplus, lambda x: mp.log1p(mp.exp(x)), FAR),
    "logaddexp": (lambda x: np.logaddexp(0, x), lambda x: mp.log1p(mp.exp(x)), FAR),
    "logaddexp, first": (lambda x: np.logaddexp(x, 1.0), lambda x: mp.log(mp.exp(x) + mp.e), FAR),
    "logaddexp2": (lambda x: np.logaddexp2(0, x), lambda x: mp.log(1 + 2**x) / mp.log(2), FAR),
    "expm1": (np.expm1, mp.expm1, FAR[:-1]),
    "elu": (nn.elu, lambda x: mp.expm1(x) if x < 0 else x, FAR),
    "gelu": (nn.gelu, mp_gelu, [-8.0, -6.0, -3.0, -0.5, 0.5, 3.0, 8.0, 40.0, 1e160]),
    "swish": (nn.swish, lambda x: x * mp_sigmoid(x), [-700.0, -40.0, -9.0, 9.0, 40.0, 700.0]),
    "cross entropy of yes": (
        lambda x: losses.logitbinarycrossentropy(x, 1.0), lambda x: mp.log1p(mp.exp(-x)), FAR,
    ),
    "cross entropy of no": (lambda x: losses.logitbinarycrossentropy(x, 0.0), lambda x: mp.log1p(mp.exp(x)), FAR),
    "arcsinh": (np.arcsinh, mp.asinh, [-1e200, -1e10, 0.5, 1e10, 1e160, 1e200]),
    "erfcx": (sp.erfcx, lambda x: mp.exp(x * x) * mp.erfc(x), [-3.0, 3.0, 20.0]),
    "dawsn": (sp.dawsn, lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x), [-20.0, 0.5, 20.0]),
    "arctan": (np.arctan, mp.atan, [-1e150, 1e10, 1e150]),
}  # fmt: skip


OF_SCIPY = {"erfcx", "dawsn"}  # differences that lose three digits


@pytest.mark.parametrize("name", TAILS)
def test_a_first_derivative_far_away_has_all_its_digits(name):
    f, exact, places = TAILS[name]
    for x in places:
        (g,) = gradient(lambda x: np.sum(f(x)), x)

        expected = float(mp.diff(exact, mp.mpf(x)))
        assert g == pytest.approx(expected, rel=3e-12 if name in OF_SCIPY else 1e-13, abs=1e-320), x


SECOND = ["sigmoid", "softplus", "logaddexp", "logaddexp, first", "expm1", "elu", "cross entropy of yes"]


@pytest.mark.parametrize("name", SECOND)
def test_so_has_the_second(name):
    f, exact, places = TAILS[name]
    for x in places[::3]:
        (h,) = gradient(lambda x: gradient(lambda x: np.sum(f(x)), x)[0], x)

        assert (h or 0.0) == pytest.approx(float(mp.diff(exact, mp.mpf(x), 2)), rel=1e-12, abs=1e-318), x


def test_what_falls_like_the_inverse_square():
    """erfcx' = 2 x erfcx - 2 / sqrt(pi) and D' = 1 - 2 x D, to 800 digits."""
    for x in (49.0, 51.0, 300.0):
        t = mp.mpf(x)
        erfcx = 2 * t * mp.exp(t * t) * mp.erfc(t) - 2 / mp.sqrt(mp.pi)
        dawsn = 1 - t * mp.sqrt(mp.pi) * mp.exp(-t * t) * mp.erfi(t)
        assert gradient(sp.erfcx, x)[0] == pytest.approx(float(erfcx), rel=5e-12)
        assert gradient(sp.dawsn, x)[0] == pytest.approx(float(dawsn), rel=5e-12)
    assert gradient(sp.erfcx, 1e100)[0] == pytest.approx(-1e-200 / np.sqrt(np.pi), rel=1e-14)
    assert gradient(sp.dawsn, -1e100)[0] == pytest.approx(-0.5e-200, rel=1e-14)


def test_single_precision_keeps_its_digits_too():
    x = np.array([-30.0, 17.0, 25.0, 80.0], np.float32)

    (g,) = gradient(lambda x: np.sum(nn.sigmoid(x)), x)

    expected = [float(mp.diff(mp_sigmoid, mp.mpf(float(v)))) for v in x]
    assert g == pytest.approx(np.array(expected), rel=1e-5)
    assert gradient(nn.gelu, np.float32(1e20))[0] == 1
    assert gradient(np.arcsinh, np.float32(1e30))[0] == pytest.approx(1e-30, rel=1e-6)
