"""Complex numbers: real losses of complex arguments, and holomorphic derivatives."""

import numpy as np
import pytest
from minigrad import Tensor, gradcheck, gradient, hvp, jacobian, params, withgradient

rng = np.random.default_rng(0)


def draw(*shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


Z, W, M = draw(3), draw(3), draw(3, 3) + 3 * np.eye(3)
SIGNAL = rng.normal(size=8)


# -------------------------------------------------------------------------- real losses: dL/dx + i dL/dy
def test_the_gradient_of_the_squared_modulus_is_twice_the_number():
    assert gradient(lambda z: abs(z) ** 2, 1 + 2j) == (pytest.approx(2 + 4j),)


def test_the_gradient_of_the_real_part_is_one_and_of_the_imaginary_part_i():
    assert gradient(lambda z: z.real, 1 + 2j) == (1.0,)
    assert gradient(lambda z: np.imag(z), 1 + 2j) == (1j,)


def test_a_step_against_the_gradient_goes_down():
    loss = lambda z: np.sum(np.abs(np.exp(z) - 1) ** 2)

    value, (g,) = withgradient(loss, Z)

    assert loss(Z - 1e-3 * g) < value


LOSSES = {
    "least squares": (lambda z: np.sum(np.abs(M @ z - W) ** 2), [Z]),
    "overlap of two states": (lambda u, v: np.abs(np.vdot(u, v)) ** 2 / np.vdot(u, u).real, [Z, W]),
    "expected energy": (lambda u: np.real(np.vdot(u, (M + M.conj().T) @ u) / np.vdot(u, u)), [Z]),
    "spectrum of a real signal": (lambda x: np.sum(np.abs(np.fft.fft(x)) ** 4), [SIGNAL]),
    "filter": (lambda x, h: np.sum(np.fft.irfft(np.fft.rfft(x) * h) ** 3), [SIGNAL, draw(5)]),
    "phases": (lambda t: np.abs(np.sum(np.exp(1j * t) * Z)), [np.array([0.1, 0.7, -2.0])]),
    "determinant": (lambda m: np.abs(np.linalg.det(m)), [M]),
    "solution": (lambda m, b: np.sum(np.abs(np.linalg.solve(m, b)) ** 2), [M, Z]),
    "power": (lambda z, p: np.real(np.sum((2 + z) ** p)), [Z, W]),
    "einsum": (lambda a, b: np.einsum("i,ij,j->", a.conj(), M, b).imag, [Z, W]),
    "polar": (lambda z: np.sum(np.angle(z) * np.abs(z)), [Z]),
    "mixed with reals": (lambda z, r: np.sum(np.sqrt(z + 5).real * r), [Z, SIGNAL[:3]]),
}


@pytest.mark.parametrize("loss, args", LOSSES.values(), ids=LOSSES.keys())
def test_real_losses_of_complex_numbers_agree_with_finite_differences(loss, args):
    assert gradcheck(loss, *args)


@pytest.mark.parametrize("loss, args", LOSSES.values(), ids=LOSSES.keys())
def test_their_second_derivatives_do_too(loss, args):
    weights = [np.exp(1j * np.arange(a.size)).reshape(a.shape) for a in args]

    def slope(*args):
        gradients = gradient(loss, *args)
        return sum(np.sum(np.real(np.conj(w) * g)) for w, g in zip(weights, gradients))

    assert gradcheck(slope, *args, rtol=1e-5)


def test_a_real_parameter_among_complex_numbers_has_a_real_gradient():
    a = Tensor([1.0, 2.0, 3.0])

    grads = gradient(lambda: np.sum(np.abs(a * Z) ** 2), params(a))

    assert grads[a].dtype == np.float64
    np.testing.assert_allclose(grads[a].data, 2 * a.data * np.abs(Z) ** 2)


def test_complex64_stays_complex64():
    assert gradient(lambda z: np.sum(np.abs(z) ** 2), Z.astype(np.complex64))[0].dtype == np.complex64


def test_hvp_of_a_real_loss_of_complex_numbers():
    """|z|^4 = (a^2 + b^2)^2: its second derivatives written out in a and b."""
    z, v = 1 + 2j, 3 - 1j
    a, b = z.real, z.imag
    H = np.array([[12 * a**2 + 4 * b**2, 8 * a * b], [8 * a * b, 4 * a**2 + 12 * b**2]])
    expected = H @ [v.real, v.imag]

    assert hvp(lambda z: np.abs(z) ** 4, z, v) == pytest.approx(complex(*expected))


# --------------------------------------------------------------------------------- holomorphic functions
@pytest.mark.parametrize(
    "f, derivative",
    [
        (np.exp, np.exp),
        (np.sin, np.cos),
        (np.log, lambda z: 1 / z),
        (np.sqrt, lambda z: 0.5 / np.sqrt(z)),
        (lambda z: z**3 - 2j * z, lambda z: 3 * z**2 - 2j),
        (lambda z: 1 / (1 + z**2), lambda z: -2 * z / (1 + z**2) ** 2),
        (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
        (lambda z: np.conj(np.exp(np.conj(z))), np.exp),
    ],
)
def test_the_derivative_of_a_holomorphic_function_is_a_complex_number(f, derivative):
    z = 0.7 - 0.4j

    (d,) = jacobian(f, z, holomorphic=True)

    assert type(d) is complex and d == pytest.approx(derivative(z), rel=1e-13)


def test_a_holomorphic_jacobian_is_a_complex_matrix():
    (J,) = jacobian(lambda z: M @ z, Z, holomorphic=True)

    np.testing.assert_allclose(J, M)


def test_holomorphic_derivatives_of_several_arguments_and_parameters():
    by_z, by_w = jacobian(lambda z, w: z * w**2, 1j, 2 + 1j, holomorphic=True)
    p = Tensor([1j, 2.0])
    J = jacobian(lambda: p * p, params(p), holomorphic=True)

    assert by_z == pytest.approx((2 + 1j) ** 2) and by_w == pytest.approx(2j * (2 + 1j))
    np.testing.assert_allclose(J[p].data, np.diag([2j, 4.0]))


def test_holomorphic_derivatives_nest():
    first = lambda z: jacobian(np.sin, z, holomorphic=True)[0]

    assert jacobian(first, 1 + 1j, holomorphic=True)[0] == pytest.approx(-np.sin(1 + 1j))


def test_without_the_flag_it_is_the_conjugate_the_gradient_of_the_real_part():
    (g,) = gradient(lambda z: np.sin(z).real, 1 + 1j)

    assert jacobian(np.sin, 1 + 1j)[0] == g == pytest.approx(np.conj(np.cos(1 + 1j)))


def test_a_constant_has_no_holomorphic_derivative():
    assert jacobian(lambda z: np.array(1j), 1j, holomorphic=True) == (None,)


@pytest.mark.parametrize("f", [np.conj, lambda z: np.abs(z) * z, lambda z: z + z.real * 1j])
def test_a_function_that_is_not_holomorphic_is_refused(f):
    with pytest.raises(ValueError, match="not holomorphic here: .* abs, conj, real or imag"):
        jacobian(f, 1 + 2j, holomorphic=True)


def test_real_arguments_and_real_results_are_refused():
    with pytest.raises(TypeError, match=r"got float64. Write 2.0 \+ 0j for 2.0"):
        jacobian(np.sin, 2.0, holomorphic=True)
    with pytest.raises(TypeError, match="complex arguments and results"):
        jacobian(np.abs, 2.0j, holomorphic=True)


def test_the_gradient_of_a_complex_result_is_refused_and_names_the_flag():
    with pytest.raises(TypeError, match=r"output is complex.* jacobian\(f, z, holomorphic=True\)"):
        gradient(np.sin, 1j)
