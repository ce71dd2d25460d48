"""autograd's interface: the numbers are autograd's own where it is installed, else worked out by hand."""

import subprocess
import sys

import numpy as onp
import pytest

import minigrad.compat.autograd.numpy as np
from minigrad.compat.autograd import (
    checkpoint,
    defvjp,
    deriv,
    elementwise_grad,
    grad,
    grad_and_aux,
    grad_named,
    hessian,
    hessian_vector_product,
    holomorphic_grad,
    jacobian,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_vjp,
    multigrad_dict,
    primitive,
    value_and_grad,
    vector_jacobian_product,
)
from minigrad.compat.autograd.misc import flatten, optimizers
from minigrad.compat.autograd.misc.fixed_points import fixed_point
from minigrad.compat.autograd.misc.optimizers import adam
from minigrad.compat.autograd.test_util import check_grads

X = onp.array([0.5, -1.5, 2.0])


# ------------------------------------------------------------------------------------------- operators
def test_gradients_nest():
    third = grad(grad(grad(lambda x: np.sin(x))))

    assert third(0.5) == pytest.approx(-onp.cos(0.5), rel=1e-14)


def test_argnum_is_a_position_or_several():
    f = lambda x, y, scale=1.0: scale * np.sum(x**2 * y)  # noqa: E731

    assert grad(f, 1)(X, 3.0) == pytest.approx(onp.sum(X**2))
    assert grad(f, -1)(X, 3.0) == pytest.approx(onp.sum(X**2))
    by_both = grad(f, (0, 1))(X, 3.0, scale=2.0)
    assert isinstance(by_both, tuple)
    onp.testing.assert_allclose(by_both[0], 12 * X)
    assert by_both[1] == pytest.approx(2 * onp.sum(X**2))
    assert isinstance(grad(f, [0])(X, 3.0), tuple)


def test_containers_come_back_in_their_structure_with_zeros_for_what_is_not_used():
    weights = {"W": onp.ones((2, 2)), "b": [onp.array([1.0, 2.0]), (3.0, 4.0)]}

    g = grad(lambda w: np.sum(w["W"]) + w["b"][1][0] ** 2)(weights)

    assert g["W"].tolist() == [[1, 1], [1, 1]]
    assert g["b"][0].tolist() == [0, 0] and g["b"][1] == (6.0, 0.0)


def test_a_result_of_one_element_counts_as_a_number():
    assert grad(lambda x: x * np.ones(1))(2.0) == 1.0
    assert grad(lambda x: 3.0)(2.0) == 0.0


def test_complex_gradients_follow_autograds_convention():
    z = 1.5 - 0.5j

    # for f = u + iv of z = x + iy: u_x - i u_y
    assert grad(lambda z: np.real(z**2))(z) == pytest.approx(2 * z)
    assert grad(lambda z: np.abs(z) ** 2)(z) == pytest.approx(2 * z.conjugate())
    assert holomorphic_grad(lambda z: z**3)(z) == pytest.approx(3 * z**2)
    vjp, y = make_vjp(lambda z: z**2)(z)
    assert vjp(1j) == pytest.approx(1j * 2 * z) and y == pytest.approx(z**2)


def test_products_and_matrices_of_second_derivatives():
    f = lambda x: np.sum(x**3) + x[0] * x[1]  # noqa: E731
    H = onp.diag(6 * X)
    H[0, 1] = H[1, 0] = 1.0
    v = onp.array([1.0, 2.0, -1.0])

    onp.testing.assert_allclose(hessian(f)(X), H)
    onp.testing.assert_allclose(hessian_vector_product(f)(X, v), H @ v)
    hvp, slope = make_hvp(f)(X)
    onp.testing.assert_allclose(hvp(v), H @ v)
    onp.testing.assert_allclose(slope, grad(f)(X))
    onp.testing.assert_allclose(hessian(lambda x: x**2)(X)[1], onp.diag([0.0, 2.0, 0.0]))
    J = jacobian(np.sin)(X)
    onp.testing.assert_allclose(J, onp.diag(onp.cos(X)))
    onp.testing.assert_allclose(vector_jacobian_product(np.sin)(X, v), v @ J)
    onp.testing.assert_allclose(make_ggnvp(np.sin)(X)(v), J.T @ J @ v)


def test_the_smaller_operators():
    assert value_and_grad(lambda x: x**2)(3.0) == (9.0, 6.0)
    onp.testing.assert_allclose(elementwise_grad(np.exp)(X), onp.exp(X))
    onp.testing.assert_allclose(deriv(lambda x: np.array([x, x**2]))(3.0), [1.0, 6.0])
    assert make_jvp(lambda x: x**2)(3.0)(2.0) == (9.0, 12.0)
    assert grad_and_aux(lambda x: (x**2, {"seen": x}))(3.0) == (6.0, {"seen": 3.0})
    assert grad_and_aux(lambda x: (np.array([x, x**2]), None))(3.0) == (7.0, None)
    assert grad_named(lambda x, y: x * y**2, "y")(2.0, 3.0) == 12.0
    assert multigrad_dict(lambda x, *rest, scale=2.0: scale * x * rest[0])(3.0, 4.0) == {
        "x": 8.0, "rest": (6.0,), "scale": 12.0,
    }
    assert grad(checkpoint(lambda x, power=3: x**power))(2.0, power=2) == 4.0


# ------------------------------------------------------------------------------------- one's own derivatives
def test_primitives_differentiate_twice_and_only_by_what_is_asked():
    asked = []

    @primitive
    def scaled(x, k):
        return onp.asarray(x) * k if isinstance(x, float) else x * k

    defvjp(scaled, lambda y, x, k: lambda g: g * k, lambda y, x, k: lambda g: asked.append(k) or np.sum(g * x))

    assert grad(lambda x: np.sum(scaled(x**2, 3.0)))(2.0) == 12.0 and not asked
    assert grad(grad(lambda x: np.sum(scaled(x**2, 3.0))))(2.0) == 6.0
    assert grad(lambda k: scaled(2.0, k))(3.0) == 2.0 and asked


def test_a_primitive_without_a_derivative_says_what_to_write():
    opaque = primitive(lambda x, y: x + y)
    defvjp(opaque, None)

    assert grad(opaque)(1.0, 2.0) == 0.0
    with pytest.raises(NotImplementedError, match=r"argnums=\(1,\)"):
        grad(opaque, 1)(1.0, 2.0)


def test_complex_gradients_of_ones_own_follow_the_convention_too():
    square = primitive(lambda z: z**2)
    defvjp(square, lambda y, z: lambda g: g * 2 * z)
    z = 0.5 + 2j

    assert grad(lambda z: np.real(1j * square(z)))(z) == pytest.approx(grad(lambda z: np.real(1j * z**2))(z))


# -------------------------------------------------------------------------------------------- numpy
def test_lists_of_what_is_differentiated_become_arrays():
    def f(x):
        return (
            np.sum(np.array([x, x**2]) * onp.array([1.0, 10.0]))
            + np.sum([x, 2 * x]) + np.mean([x, x**2]) + np.max([x, 0.0])
            + np.sum(np.stack({"a": x, "b": x}.values())) + np.append([x, 2 * x], x)[2]
            + np.concatenate(part for part in [np.array([x]), np.array([1.0])])[0]
            + np.array([[x, 1.0], [2.0, x]])[1, 1]
        )

    # 1 + 20x + 3 + (1 + 2x) / 2 + 1 + 2 + 1 + 1 + 1
    assert grad(f)(2.0) == pytest.approx(1 + 40 + 3 + 2.5 + 1 + 2 + 1 + 1 + 1)


def test_everything_else_is_numpys_own():
    assert np.pi == onp.pi and np.linalg is onp.linalg and np.float64 is onp.float64
    import minigrad.compat.autograd.numpy.linalg as npla
    import minigrad.compat.autograd.numpy.random as npr

    assert npr is onp.random and npla is onp.linalg
    assert {"exp", "array", "linalg"} <= set(dir(np))
    assert type(onp.linalg) is type(onp.random) is type(onp.fft) is type(sys)  # not touched
    with pytest.raises(AttributeError):
        np.no_such_function  # noqa: B018


# --------------------------------------------------------------------------------------------- misc
def test_flatten_goes_through_sorted_keys_and_is_differentiated():
    value = {"b": [1.0, onp.array([[2.0, 3.0]])], "a": (4.0,)}
    vector, unflatten = flatten(value)

    assert vector.tolist() == [4, 1, 2, 3]
    assert unflatten(2 * vector)["b"][1].tolist() == [[4, 6]]
    assert grad(lambda v: np.sum(flatten(v)[0] ** 2))(value)["a"] == (8.0,)


@pytest.mark.parametrize("name", ["adam", "sgd", "rmsprop"])
def test_an_optimiser_passes_on_what_it_sees(name):
    seen = []
    slope = grad(lambda x, i: np.sum((x["w"] - 1.0) ** 2))

    found = getattr(optimizers, name)(
        slope, {"w": onp.zeros(2)}, lambda x, i, g: seen.append((x["w"].copy(), i, g["w"])), num_iters=3
    )

    assert [i for _, i, _ in seen] == [0, 1, 2] and found["w"].shape == (2,)
    assert seen[0][0].tolist() == [0, 0] and seen[0][2].tolist() == [-2, -2]


def test_an_optimiser_is_differentiated_itself():
    def found(step_size):
        return adam(grad(lambda x, i: (x - 1.0) ** 2), 0.0, num_iters=3, step_size=step_size)

    h = 1e-6
    assert grad(found)(0.1) == pytest.approx((found(0.1 + h) - found(0.1 - h)) / (2 * h), rel=1e-8)


def test_fixed_points_are_differentiated():
    newton = lambda a: lambda x: 0.5 * (x + a / x)  # noqa: E731
    root = lambda a: fixed_point(newton, a, 1.0, lambda x, y: np.abs(x - y), 1e-12)  # noqa: E731

    assert grad(root)(2.0) == pytest.approx(0.5 / onp.sqrt(2.0), rel=1e-10)


def test_check_grads_finds_a_wrong_derivative():
    wrong = primitive(lambda x: x**3)
    defvjp(wrong, lambda y, x: lambda g: g * 3.01 * x**2)

    check_grads(lambda x, y: np.sum(np.sin(x) * y), (0, 1))(X, X**2)
    with pytest.raises(AssertionError):
        check_grads(wrong, modes=["rev"], order=1)(2.0)
    with pytest.raises(AssertionError, match="'fwd' and 'rev'; got 'reverse'"):
        check_grads(np.sin, modes="reverse")(2.0)


# ----------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: grad(3.0), "first argument must be a function"),
        (lambda: grad(np.sin, "x"), "position of an argument"),
        (lambda: grad(np.sin, 1)(2.0), "no argument number 1"),
        (lambda: grad(lambda x, y: x * y, 1)(2.0, y=3.0), "no argument number 1 by position.*'y' by keyword"),
        (lambda: grad(np.sin)(X), "array of shape \\(3,\\)"),
        (lambda: grad(lambda x: x * 1j)(2.0), "must return one real number"),
        (lambda: elementwise_grad(lambda x: x * 1j)(2.0), "holomorphic_grad"),
        (lambda: grad(lambda x: 1.0)("x"), "no gradient with respect to 'x'"),
        (lambda: grad(lambda x, y: x, 1)(1.0, None), "no gradient with respect to None"),
        (lambda: make_vjp(lambda x: 1.0)(True)[0](1.0), "no gradient with respect to True"),
        (lambda: grad(np.sin, (0, "y")), "position of an argument"),
        (lambda: grad(np.sin, (0, -2))(2.0), r"no argument number \(0, -2\)"),
    ],
)
def test_bad_calls_say_what_to_write(call, message):
    with pytest.raises(TypeError, match=message):
        call()


@pytest.mark.parametrize(
    "line, instead",
    [
        ("from minigrad.compat.autograd.extend import vspace", "zeros_like"),
        ("from minigrad.compat.autograd.extend import VSpace, Box", "zeros_like"),
        ("from minigrad.compat.autograd.extend import defvjp_argnums", r"defvjp_argnum\(f, maker\)"),
        ("from minigrad.compat.autograd.extend import defjvp_argnum", "defvjp is enough"),
        ("from minigrad.compat.autograd.extend import JVPNode", "primitive and defvjp"),
        ("from minigrad.compat.autograd.extend import def_linear", "primitive and defvjp"),
        ("from minigrad.compat.autograd.builtins import DictBox", "Python's own"),
        ("from minigrad.compat.autograd.differential_operators import make_jvp_reversemode", "make_jvp"),
        ("from minigrad.compat.autograd.misc import const_graph", "minigrad.trace"),
        ("from minigrad.compat.autograd.misc.optimizers import unflatten_optimizer", "take containers"),
        ("from minigrad.compat.autograd.test_util import combo_check", "check_grads"),
        ("from minigrad.compat.autograd.core import make_vjp", "primitive and defvjp"),
        ("import minigrad.compat.autograd.numpy.numpy_vjps", "supported"),
    ],
)
def test_what_is_left_out_says_what_to_write(line, instead):
    with pytest.raises(ImportError, match=instead):
        exec(line)


def test_what_packages_take_of_its_inside_is_there():
    from minigrad.compat.autograd.extend import notrace_primitive
    from minigrad.compat.autograd.numpy.numpy_boxes import ArrayBox
    from minigrad.compat.autograd.tracer import getval
    from minigrad.compat.autograd.wrap_util import unary_to_nary

    seen = []
    number_of_signs = notrace_primitive(lambda x: onp.sum(onp.sign(x)))
    twice = unary_to_nary(lambda f, x: 2 * f(x))

    def f(x):
        assert isinstance(x, ArrayBox)
        seen.append(getval(x))
        return np.sum(x * number_of_signs(x))

    assert grad(f)(X).tolist() == [1, 1, 1] and type(seen[0]) is onp.ndarray
    assert twice(lambda x, y: x - y, 1)(3.0, 1.0) == 4.0


@pytest.mark.parametrize("lost", [None, "text", {"a": 1.0}, (1.0, 2.0), onp.ones(2)], ids=str)
def test_a_function_that_returns_no_number_is_refused(lost):
    for operator in (grad, value_and_grad):
        with pytest.raises(TypeError, match="must return one real number"):
            operator(lambda x: lost)(2.0)


# ------------------------------------------------------------------------------------ beside autograd itself
BOTH = """
import numpy
from {package} import grad, jacobian, hessian, elementwise_grad, make_vjp, make_jvp
from {package}.misc.optimizers import adam, sgd, rmsprop
from {package}.misc import flatten
import {package}.numpy as np
rng = numpy.random.RandomState(0)
A, z = rng.randn(3, 3), rng.randn(3) + 1j * rng.randn(3)
slope = grad(lambda w, i: np.sum((np.dot(A, w["w"]) - w["b"]) ** 2) / (i + 1.0))
start = {{"w": rng.randn(3), "b": rng.randn(3)}}
found = [
    grad(lambda z: np.sum(np.abs(z) ** 3 + np.real(z**2 * 1j)))(z),
    make_vjp(lambda z: z**3)(z)[0](z),
    grad(lambda A: np.linalg.slogdet(A)[1])(A),
    hessian(lambda x: np.sum(np.tanh(np.dot(A, x))))(A[0]),
    jacobian(lambda x: np.outer(x, np.exp(x)))(A[1]),
    make_jvp(lambda x: np.sin(x) * np.sum(x))(A[2])(A[0])[1],
    *[flatten(rule(slope, start, num_iters=20))[0] for rule in (adam, sgd, rmsprop)],
]
print(repr([numpy.asarray(x).ravel().tolist() for x in found]))
"""


BOTH_SCIPY = """
import numpy
from {package} import grad, jacobian, elementwise_grad as egrad
from {package}.builtins import tuple as container
from {package}.misc.fixed_points import fixed_point
import {package}.numpy as np
import {package}.scipy.stats as stats
import {package}.scipy.stats.norm as norm
import {package}.scipy.special as special
import {package}.scipy.linalg as linalg
from {package}.scipy.integrate import odeint
from {package}.scipy.signal import convolve
from {package}.scipy.stats import multivariate_normal as mvn
rng = numpy.random.RandomState(0)
x, p, k = rng.rand(4) + 0.5, rng.rand(4), numpy.arange(4.0)
A, B = rng.randn(2, 5, 3), rng.randn(4, 2, 2)
C = numpy.eye(2) + 0.3
banded = rng.rand(3, 4) + 3 * numpy.eye(3, 4, 1)
found = [
    *[egrad(f, n)(x, 0.3, 1.7) for f in (norm.pdf, norm.cdf, norm.sf, norm.logpdf, norm.logcdf, norm.logsf)
      for n in range(3)],
    *[egrad(f, n)(x, 2.5 * x) for f in (stats.gamma.pdf, stats.gamma.logpdf) for n in range(2)],
    egrad(stats.gamma.cdf)(x, 2.5), egrad(stats.beta.cdf)(p, 1.5, 2.5), egrad(stats.chi2.cdf)(x, 3.0),
    *[egrad(f, n)(p, x, x + 1) for f in (stats.beta.pdf, stats.beta.logpdf) for n in range(3)],
    *[egrad(f)(x, 3.0) for f in (stats.chi2.pdf, stats.chi2.logpdf)],
    *[egrad(f, n)(x, 2.5, 0.1, 1.3) for f in (stats.t.pdf, stats.t.logpdf) for n in range(4)],
    *[egrad(f, n)(x, 2.5, 0.1, 1.3) for f in (stats.t.cdf, stats.t.logcdf) for n in (0, 2)],
    *[egrad(f, 1)(k, x) for f in (stats.poisson.pmf, stats.poisson.logpmf, stats.poisson.cdf)],
    *[grad(f, n)(p[:3] / numpy.sum(p[:3]), x[:3])
      for f in (stats.dirichlet.pdf, stats.dirichlet.logpdf) for n in (0, 1)],
    *[grad(lambda *a: np.sum(f(*a)), n)(rng.randn(3, 2), x[:2], C) for f in (mvn.pdf, mvn.logpdf) for n in range(3)],
    grad(lambda C: mvn.entropy(x[:2], C))(C),
    *[egrad(getattr(special, f))(p) for f in ("gamma gammaln rgamma psi digamma j0 j1 y0 y1 i0 i1 erf erfc erfinv "
                                             "erfcinv logit expit".split())],
    *[egrad(f, n)(x, x + 1) for f in (special.beta, special.betaln) for n in (0, 1)],
    *[egrad(f, 1)(2, x) for f in (special.polygamma, special.jn, special.yn, special.iv, special.ive,
                                  special.gammainc, special.gammaincc)],
    egrad(special.betainc, 2)(1.5, 2.5, p), egrad(special.multigammaln)(x + 2, 3),
    grad(lambda A: np.sum(special.logsumexp(A, axis=1) ** 2))(A),
    grad(lambda C: np.sum(linalg.sqrtm(C) ** 3))(C),
    *[jacobian(linalg.solve_triangular, n)(C, x[:2], lower=True) for n in (0, 1)],
    *[jacobian(lambda *a: linalg.solve_banded((1, 1), *a), n)(banded, x) for n in (0, 1)],
    *[jacobian(linalg.solve_sylvester, n)(C, C + 1, C) for n in range(3)],
    *[jacobian(lambda A, B: convolve(A, B, axes=[[1], [2]], dot_axes=[[0], [1]], mode=m), n)(A, B)
      for m in ("full", "valid") for n in (0, 1)],
    *[convolve(A[0], B[0], mode=m) for m in ("full", "same")], convolve(B[0, 0], A[0, 0], mode="valid"),
    convolve(A[:, 0], A, axes=[[1], [1]], mode="valid"),
    *[grad(lambda *a: np.sum(odeint(lambda y, t, a, b: np.array([-a * y[1], b * y[0] * t]), a[0], a[1],
                                    container(a[2:]), rtol=1e-11, atol=1e-11)[1:] ** 3), n)(x[:2], k, 0.3, 0.4)
      for n in range(4)],
    grad(lambda a: fixed_point(lambda a: lambda x: (x + a / x) / 2, a, 1.0, lambda x, y: abs(x - y), 1e-12))(2.0),
]
print(repr([numpy.asarray(x).ravel().tolist() for x in found]))
"""


@pytest.mark.parametrize("program, tolerance", [(BOTH, 1e-12), (BOTH_SCIPY, 1e-7)], ids=["numpy", "scipy"])
def test_the_numbers_are_autograds(program, tolerance):
    pytest.importorskip("autograd", reason="compares with HIPS autograd where that is installed")

    ours, theirs = (
        eval(subprocess.run([sys.executable, "-c", program.format(package=package)], capture_output=True, text=True,
                            check=True).stdout)
        for package in ("minigrad.compat.autograd", "autograd")
    )

    assert len(ours) == len(theirs)
    for k, (mine, its) in enumerate(zip(ours, theirs)):
        onp.testing.assert_allclose(mine, its, rtol=tolerance, atol=tolerance / 100, err_msg=str(k))
