"""The array API standard on Tensors: every name of it, its derivative, and programs written for it."""

import inspect
import os
import pathlib
import re
import subprocess
import sys

import minigrad
import numpy as np
import pytest
from minigrad import LostGradientError, Tensor, array_api, gradient, gradcheck

# What code written for the standard calls: each name of the standard 2024.12 with a call of it.  The arrays:
# x is a matrix, v a vector, A a positive definite matrix, z complex (these are differentiated); n are whole
# numbers, b booleans.  F stands for each of the functions named before the colon.
STANDARD = """
arange: xp.arange(3) * v
asarray: xp.asarray(v) + xp.asarray([1, 2, 3])
empty: xp.empty(3).shape[0] * v
empty_like: xp.empty_like(v).shape[0] * v
eye: xp.eye(3) * v
from_dlpack: xp.from_dlpack(np.ones(3)) * v
full: xp.full(3, 2.0) * v
full_like: xp.full_like(v, 2.0) * v
linspace: xp.linspace(0, 1, 3) * v
meshgrid: xp.meshgrid(v, xp.arange(2), indexing="ij")
ones zeros: xp.F((2, 3)) + v
ones_like zeros_like: xp.F(v) + v
tril triu: xp.F(x, k=-1)

astype: xp.astype(v, xp.float32)
can_cast: xp.can_cast(v, xp.float32)
finfo: xp.finfo(v.dtype).eps * v
iinfo: xp.iinfo(xp.int8).max * v
isdtype: xp.isdtype(v.dtype, "real floating")
result_type: xp.result_type(v, 1.0)

abs acos asin asinh atan atanh ceil conj cos cosh exp expm1 floor isfinite isinf isnan log log1p log2: xp.F(v)
log10 negative positive reciprocal round sign signbit sin sinh sqrt square tan tanh trunc: xp.F(v)
acosh: xp.acosh(1 + v)
imag real: xp.F(z)
add atan2 copysign divide equal floor_divide greater greater_equal hypot less less_equal logaddexp: xp.F(x, v)
maximum minimum multiply nextafter not_equal pow remainder subtract: xp.F(x, v)
bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift: xp.F(n, 3)
bitwise_invert: xp.bitwise_invert(n)
logical_and logical_or logical_xor: xp.F(b, True)
logical_not: xp.logical_not(b)
clip: xp.clip(v, 0.4, 0.65)

take: xp.take(x, n, axis=1)
take_along_axis: xp.take_along_axis(v, n, axis=0)
argmax argmin: xp.F(x, axis=1, keepdims=True)
count_nonzero: xp.count_nonzero(x, axis=0)
nonzero: xp.nonzero(x)
searchsorted: xp.searchsorted(xp.sort(v), 0.5)
where: xp.where(b, v, 0.0)
unique_all unique_counts unique_inverse unique_values: xp.F(n)
argsort sort: xp.F(x, axis=0)
all any: xp.F(x > 0.5, axis=0)
diff: xp.diff(x, n=2)

max mean min prod std sum var: xp.F(x, axis=1, keepdims=True)
cumulative_sum cumulative_prod: xp.F(x, axis=1, include_initial=True)

broadcast_arrays: xp.broadcast_arrays(x, v)
broadcast_to: xp.broadcast_to(v, (2, 3))
concat: xp.concat([x, x], axis=1)
expand_dims: xp.expand_dims(v, axis=0)
flip: xp.flip(x, axis=1)
moveaxis: xp.moveaxis(x, 0, 1)
permute_dims: xp.permute_dims(x, (1, 0))
repeat roll: xp.F(v, 2)
reshape: xp.reshape(x, (3, 2))
squeeze: xp.squeeze(v[None], axis=0)
stack: xp.stack([v, 2 * v], axis=1)
tile: xp.tile(v, (2, 1))
unstack: xp.unstack(x, axis=1)

matmul linalg.matmul: xp.F(x, v)
matrix_transpose linalg.matrix_transpose: xp.F(x)
tensordot linalg.tensordot: xp.F(x, A, axes=1)
vecdot linalg.vecdot: xp.F(x, v, axis=-1)
linalg.cholesky linalg.eigvalsh: xp.F(A + A.T)
linalg.cross: xp.linalg.cross(v, 1 - v)
linalg.det linalg.inv linalg.matrix_rank linalg.trace: xp.F(A)
linalg.diagonal: xp.linalg.diagonal(A, offset=1)
linalg.eigh: abs(xp.linalg.eigh(A + A.T).eigenvectors)
linalg.matrix_norm: xp.linalg.matrix_norm(A, keepdims=True)
linalg.matrix_power: xp.linalg.matrix_power(A, 3)
linalg.outer: xp.linalg.outer(v, v)
linalg.pinv linalg.svdvals: xp.F(x)
linalg.qr: xp.linalg.qr(A, mode="reduced")
linalg.slogdet: xp.linalg.slogdet(A)
linalg.solve: xp.linalg.solve(A, v)
linalg.svd: abs(xp.linalg.svd(x, full_matrices=False).Vh)
linalg.vector_norm: xp.linalg.vector_norm(x, axis=1, ord=3)

fft.fft fft.ifft fft.hfft fft.irfft: xp.F(z, n=4)
fft.fftn fft.ifftn fft.rfftn fft.irfftn: xp.F(x, axes=(0, 1))
fft.rfft fft.ihfft: xp.F(x, norm="ortho")
fft.fftshift fft.ifftshift: xp.F(z)
fft.fftfreq fft.rfftfreq: xp.F(3, d=0.1)
"""
CALLS = {
    name: expression.replace("F(", f"{name}(")
    for names, expression in (line.split(": ") for line in STANDARD.splitlines() if line)
    for name in names.split()
}
# The same functions called in other ways that the standard allows, and what is written with operators and
# attributes.  B is a stack of two matrices, s has no axes, m is a mask for x, e is empty.
OTHER_WAYS = """
    xp.astype(v, xp.float64, copy=False); xp.astype(n, xp.float64, device="cpu") * v; xp.clip(v, None, 0.5)
    xp.clip(v, min=0.4); xp.clip(v, max=s); xp.clip(v, min=None, max=v * 0.5); xp.sum(x, dtype=xp.float64)
    xp.prod(x, axis=(0, 1)); xp.std(x, correction=1); xp.var(x, axis=0, correction=1.0, keepdims=True)
    xp.sum(e, axis=0); xp.prod(e); xp.sum(n); xp.max(x, axis=(0, 1)); xp.cumulative_sum(v, dtype=xp.float64)
    xp.argsort(x, axis=1, stable=True); xp.flip(x, axis=(0, 1)); xp.roll(x, (1, 1), axis=(0, 1)); xp.repeat(v, n)
    xp.expand_dims(v, axis=(0, 2)); xp.searchsorted(v, v, side="right", sorter=xp.argsort(v))
    xp.diff(x, axis=0, prepend=x[:1], append=x[:1]); xp.tensordot(x, x, axes=((0,), (0,))); xp.vecdot(z, z)
    xp.matmul(B, v); xp.matmul(x, B); xp.matrix_transpose(B); xp.meshgrid(v, v); xp.concat([x, x], axis=None)
    xp.squeeze(x[None, :, :, None], axis=(0, 3)); xp.moveaxis(B, (0, 1), (2, 0)); xp.reshape(x, (-1,), copy=True)
    xp.where(m, x, x * 2); xp.where(b, 1.0, 0.0); xp.count_nonzero(m, axis=1, keepdims=True); xp.add(1, n)
    xp.maximum(v, 0.5); xp.minimum(0.5, v); xp.pow(2.0, v); xp.divide(1.0, v); xp.subtract(n, 1.5); xp.sign(z)
    xp.exp(z); xp.sqrt(z); xp.abs(z); xp.square(z); xp.log(z); xp.full_like(v, 3.0) * v; xp.linspace(s, 2.0, 3)
    xp.asarray([1.0, s]); xp.result_type(n, v, xp.float32); xp.isdtype(v.dtype, ("integral", "real floating"))
    xp.linalg.matrix_norm(A, ord="nuc"); xp.linalg.matrix_norm(A, ord=1); xp.linalg.vector_norm(z)
    xp.linalg.vector_norm(x, axis=(0, 1), ord=1); xp.linalg.vector_norm(x, ord=xp.inf); xp.linalg.svdvals(B)
    xp.linalg.pinv(x, rtol=1e-10); xp.linalg.matrix_rank(A, rtol=1e-8); xp.linalg.cholesky(A + A.T, upper=True)
    xp.linalg.trace(B, offset=1); xp.linalg.cross(x, v); xp.linalg.qr(A, mode="complete"); xp.linalg.det(B)
    xp.linalg.solve(B, x.T); xp.linalg.slogdet(B).logabsdet; xp.linalg.matrix_power(B, -2); xp.linalg.outer(v, z)
    xp.linalg.eigvalsh(B + B.mT); xp.linalg.inv(B); xp.linalg.diagonal(B, offset=-1)
    xp.fft.fft(x, n=2, axis=0, norm="forward"); xp.fft.irfftn(x + 0j, s=(2, 4), axes=(0, 1)); xp.fft.irfft(z)
    xp.fft.fftn(x, s=(3, 4), axes=(0, 1)); xp.fft.hfft(z, n=5, norm="ortho"); xp.fft.fftshift(x, axes=(0,))
    v[b]; x[m]; x[:, n]; x[n[1] - 1, n]; x[..., None]; x[1:, ::-1]; x[1, 2]; x[~m]; x[m & (x > 0.65)]; v[xp.argmax(v)]
    v + 1; 1 - v; 2 / v; v**2; 2**v; v // 0.2; v % 0.25; -v; +v; abs(v); v @ v; A @ v; 1.0 * B; n / 2; n**2; n // 2
    v > 0.5; v == v; v <= s; n != 1; n & 1; n | n; n ^ 3; n << 1; n >> 1; ~n; ~b; b & b; True ^ b; (v > 0.4) & b
    float(s); int(n[0]); bool(b[0]); range(3)[n[1]]; x.T; B.mT; x.shape; x.ndim; x.size; v.dtype; v.to_device("cpu")
"""
CALLS |= {call.strip(): call.strip() for line in OTHER_WAYS.splitlines() for call in line.split(";") if call.strip()}
OTHERS = """e inf nan newaxis pi bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64
    complex64 complex128 linalg fft __array_api_version__ __array_namespace_info__"""
ATTRIBUTES = """dtype device mT ndim shape size T __abs__ __add__ __and__ __array_namespace__ __bool__
    __complex__ __dlpack__ __dlpack_device__ __eq__ __float__ __floordiv__ __ge__ __getitem__ __gt__ __index__
    __int__ __invert__ __le__ __lshift__ __lt__ __matmul__ __mod__ __mul__ __ne__ __neg__ __or__ __pos__
    __pow__ __rshift__ __setitem__ __sub__ __truediv__ __xor__ to_device __radd__ __rsub__ __rmul__
    __rtruediv__ __rfloordiv__ __rmod__ __rpow__ __rmatmul__ __rand__ __ror__ __rxor__ __rlshift__
    __rrshift__"""
X = np.array([[0.3, 0.7, 0.2], [0.6, 0.1, 0.9]])
ARRAYS = {
    "x": X,
    "v": np.array([0.45, 0.82, 0.33]),
    "A": X.T @ X + np.eye(3),
    "z": X[0] + 1j * X[1],
    "n": np.array([2, 0, 2]),
    "b": np.array([True, False, True]),
    "B": np.stack([X.T @ X + np.eye(3), 2 * np.eye(3)]),
    "s": np.array(0.7),
    "m": X > 0.5,
    "e": np.zeros((0, 3)),
}


def find(xp, name):
    """Return what ``name`` (perhaps "linalg.det") means in a namespace, or None."""
    for part in name.split("."):
        xp = getattr(xp, part, None)
    return xp


conforming = pytest.mark.skipif(np.__version__ < "2", reason="NumPy 2 is the first to conform")
def call(name, xp, arrays):
    """Return the list of what the call of ``name`` returns."""
    return listed(eval(CALLS[name], {"xp": xp, "np": np, **arrays}))


def listed(y):
    return list(y) if isinstance(y, (tuple, list)) else [y]


# NumPy 1.26 has the older half of the names, and not all of their arguments
def is_provided(name):
    if CALLS[name] == name:  # one of the other ways
        return np.__version__ >= "2" or ("xp." not in name and ".mT" not in name and "to_device" not in name)
    return find(np, name) is not None


PROVIDED = [name for name in CALLS if is_provided(name)]


@pytest.mark.parametrize("name", PROVIDED)
def test_every_function_gives_on_tensors_what_numpy_gives_on_arrays(name):
    found = call(name, array_api, {key: Tensor(a) for key, a in ARRAYS.items()})

    for y, expected in zip(found, call(name, np, ARRAYS), strict=True):
        if isinstance(expected, (np.ndarray, np.generic)):
            assert type(y) is Tensor and y.dtype == expected.dtype and y.shape == expected.shape
            np.testing.assert_allclose(y.data, expected, rtol=1e-14)
        else:
            assert y == expected


@pytest.mark.parametrize("name", PROVIDED)
def test_every_function_is_differentiated(name):
    names = list(dict.fromkeys(re.findall(r"\b[xvAzBs]\b", CALLS[name])))

    def loss(*free):
        found = call(name, array_api, {**ARRAYS, **dict(zip(names, free))})
        numbers = [y for y in found if getattr(y, "dtype", None) in ("float32", "float64", "complex128")]
        return sum(np.sum(np.abs(y + 0.3) ** 2) for y in numbers)

    coarse = {"step": 1e-2, "rtol": 1e-4} if name == "astype" else {}  # goes through float32
    if name == "float(s)":
        with pytest.raises(LostGradientError):
            gradient(loss, 0.7)
    elif names:
        gradcheck(loss, *[ARRAYS[key] for key in names], **coarse)


@conforming
@pytest.mark.parametrize("name", OTHERS.split())
def test_constants_dtypes_and_extensions_are_there(name):
    assert hasattr(array_api, name) == hasattr(np, name)


@pytest.mark.parametrize("name", ATTRIBUTES.split())
def test_a_tensor_has_the_attributes_of_the_standard(name):
    assert hasattr(Tensor, name)


# NumPy's own namespace, name by name: what can be called on arrays of the dtypes that it knows.
UFUNCS = [name for name in dir(np) if isinstance(getattr(np, name), np.ufunc)]


@pytest.mark.parametrize("name", UFUNCS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_ufunc_of_numpy_is_there_for_every_dtype(name):
    ufunc, theirs = getattr(array_api, name), getattr(np, name)

    for characters in [loop.split("->")[0] for loop in theirs.types]:
        if set(characters) <= set("?bBhHiIlLefdFD") and theirs.signature is None:
            arrays = [np.array([1, 0, 1]).astype(c) for c in characters]
            for y, expected in zip(listed(ufunc(*map(Tensor, arrays))), listed(theirs(*arrays)), strict=True):
                assert type(y) is Tensor and y.dtype == expected.dtype
                np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("module, theirs", [(array_api, np), (array_api.linalg, np.linalg), (array_api.fft, np.fft)])
def test_every_function_of_numpy_is_in_the_namespace(module, theirs):
    names = [name for name in theirs.__all__ if callable(getattr(theirs, name, None))]

    assert len(names) > 15 and [name for name in names if not callable(getattr(module, name, None))] == []


# ----------------------------------------------------------------------------------------- programs
def softmax_regression(W, X, labels):
    xp = W.__array_namespace__()
    scores = xp.matmul(X, W)
    scores = scores - xp.max(scores, axis=-1, keepdims=True)
    logp = scores - xp.log(xp.sum(xp.exp(scores), axis=-1, keepdims=True))
    one_hot = xp.astype(labels[:, None] == xp.arange(W.shape[-1]), W.dtype)
    return -xp.mean(xp.sum(one_hot * logp, axis=-1))


def gaussian_loglikelihood(mean, L, X):
    xp = mean.__array_namespace__()
    d = mean.shape[0]
    S = L @ L.mT + 0.1 * xp.eye(d, device=mean.device)
    centred = X - mean
    quadratic = xp.vecdot(centred, xp.linalg.solve(S, centred.T).T)
    sign, logdet = xp.linalg.slogdet(S)
    return xp.sum(-0.5 * (quadratic + logdet + d * xp.log(xp.asarray(2 * xp.pi))))


def spectral_energy(x, y):
    xp = x.__array_namespace__()
    spectrum = xp.fft.rfft(x * y)
    weights = xp.linspace(0.0, 1.0, spectrum.shape[0])
    return xp.sum(weights * xp.real(xp.conj(spectrum) * spectrum))


def leapfrog(q, p):
    xp = q.__array_namespace__()
    path = [q]
    for _ in range(5):
        p = p - 0.05 * xp.sin(q)
        q = q + 0.1 * p
        path.append(q)
    path = xp.stack(path)
    return xp.linalg.vector_norm(path[-1] - path[0]) + xp.max(xp.cumulative_sum(path[:, 0]))


rng = np.random.default_rng(0)
PROGRAMS = [
    (softmax_regression, [rng.normal(size=(3, 4))], [rng.normal(size=(5, 3)), np.array([0, 3, 1, 1, 2])]),
    (gaussian_loglikelihood, [rng.normal(size=2), rng.normal(size=(2, 2))], [rng.normal(size=(6, 2))]),
    (spectral_energy, [rng.normal(size=8), rng.normal(size=8)], []),
    (leapfrog, [rng.normal(size=3), rng.normal(size=3)], []),
]


@conforming
@pytest.mark.parametrize("program, free, constants", PROGRAMS, ids=lambda p: getattr(p, "__name__", ""))
class TestPrograms:
    def test_a_program_gives_what_it_gives_on_ndarrays(self, program, free, constants):
        found = program(*map(Tensor, free), *map(Tensor, constants))

        np.testing.assert_allclose(found.data, program(*free, *constants), rtol=1e-13)

    def test_a_program_is_differentiated(self, program, free, constants):
        assert gradcheck(lambda *free: program(*free, *constants), *free)


# ------------------------------------------------------------------------------------- the small print
def test_asarray_takes_lists_of_recorded_tensors():
    def loss(x):
        return array_api.sum(array_api.asarray([x, [x[0], 2 * x[1]]]))

    assert gradient(loss, np.ones(2))[0].tolist() == [2.0, 3.0]


def test_asarray_of_a_tensor_is_the_same_tensor_unless_a_copy_is_asked_for():
    x = Tensor([1.0])

    assert array_api.asarray(x) is x
    assert array_api.asarray(x, copy=True) is not x
    assert array_api.asarray(x, dtype=np.float32).dtype == np.float32


def test_asarray_shares_the_memory_of_an_ndarray():
    a = np.zeros(2)

    array_api.asarray(a)[0] = 1.0

    assert a.tolist() == [1.0, 0.0]


def test_asarray_refuses_a_copy_that_was_forbidden():
    with pytest.raises(ValueError, match="needs a copy"):
        array_api.asarray([1.0], copy=False)


def test_a_version_of_the_standard_can_be_asked_for():
    assert Tensor(1.0).__array_namespace__(api_version="2023.12") is array_api
    with pytest.raises(ValueError, match="known: 2021.12"):
        Tensor(1.0).__array_namespace__(api_version="1999.01")


def test_there_is_one_device():
    x = Tensor(1.0)

    assert x.device == "cpu" and x.to_device("cpu") is x
    assert array_api.zeros(2, device="cpu").device == "cpu"
    with pytest.raises(ValueError, match="processor's memory"):
        array_api.zeros(2, device="gpu")


def test_a_name_that_numpy_lacks_is_missed_by_name():
    with pytest.raises(AttributeError, match=r"minigrad.array_api has no 'softmax'"):
        _ = array_api.softmax
    with pytest.raises(AttributeError, match="no 'random'"):
        _ = array_api.random


def test_masks_and_whole_numbers_have_their_operators():
    n, mask = Tensor(np.array([6, 3])), Tensor(np.array([True, False]))

    assert (n & 3).tolist() == [2, 3] and (1 | n).tolist() == [7, 3] and (n ^ n).tolist() == [0, 0]
    assert (n << 1).tolist() == [12, 6] and (n >> 1).tolist() == [3, 1] and (16 >> n).tolist() == [0, 2]
    assert (~mask).tolist() == [False, True]


def test_handing_memory_over_is_refused_while_recorded():
    assert np.from_dlpack(Tensor([1.0, 2.0])).tolist() == [1.0, 2.0]
    assert [str(p) for p in inspect.signature(Tensor.__dlpack__).parameters.values()][1:] == [
        "stream=None", "max_version=None", "dl_device=None", "copy=None",
    ]  # fmt: skip
    if np.__version__ >= "2.1":
        t = Tensor([1.0, 2.0])
        assert np.shares_memory(np.from_dlpack(t, device="cpu", copy=False), t.data)
        copied = np.from_dlpack(t, copy=True)
        assert copied.tolist() == [1.0, 2.0] and not np.shares_memory(copied, t.data)
    with pytest.raises(LostGradientError, match="from_dlpack"):
        gradient(lambda x: np.sum(np.from_dlpack(x)), np.ones(2))


def test_second_derivatives_go_through_the_namespace():
    xp = array_api

    H = minigrad.hessian(lambda x: xp.sum(x * xp.square(x)), np.array([1.0, 2.0]))

    assert H.tolist() == [[6.0, 0.0], [0.0, 12.0]]


def test_augmented_assignment_makes_a_new_tensor():
    x = y = Tensor([1.0])

    y += 1

    assert x.tolist() == [1.0] and y.tolist() == [2.0]


@pytest.mark.parametrize(
    "made",
    ["zeros(2)", "ones((1, 2))", "full(2, 3.0)", "eye(2)", "arange(3)", "linspace(0, 1, 3)", "empty(2)"]
    + ["asarray([1, 2])", "tril(np.ones((2, 2)))", "zeros_like(np.ones(2))", "linalg.inv(np.eye(2))"]
    + ["fft.fft(np.ones(4))", "argmax(np.ones(2))", "isfinite(1.0)", "sum([1.0, 2.0])"],
)
def test_whatever_is_made_is_a_tensor(made):
    assert type(eval(f"array_api.{made}")) is Tensor


def test_sequences_of_results_are_sequences_of_tensors():
    a, b = array_api.meshgrid(np.arange(2), np.arange(3))
    values, vectors = array_api.linalg.eigh(np.eye(2))

    assert all(type(y) is Tensor for y in (a, b, values, vectors))


# ------------------------------------------------------------------------ SciPy, written for the standard
SCIPY = r"""
import numpy as np, scipy.stats, scipy.special, scipy.fft, scipy.signal, scipy.integrate, warnings
from minigrad import Tensor, gradcheck
from scipy import fft, integrate, signal, special, stats

v, w = np.array([0.3, 0.7, 0.2, 0.9, 0.45]), np.array([0.5, 0.1, 0.7, 0.3, 0.8])
DIFFERENTIATED = [
    (special.expit, v), (special.erf, v), (special.gammaln, v), (special.betaln, v, w), (special.xlogy, v, w),
    (special.softmax, v), (stats.gmean, v), (stats.skew, v), (stats.kurtosis, v), (stats.sem, v),
    (stats.circmean, v), (stats.kstat, v), (stats.zmap, v, w), (stats.entropy, v), (fft.rfft, v), (fft.hfft, v),
    (signal.fftconvolve, v, w), (integrate.trapezoid, v), (integrate.cumulative_trapezoid, v),
]
CALLED = [(stats.zscore, v), (stats.pearsonr, v, w), (stats.ttest_ind, v, w), (stats.quantile, v, 0.3)]
for f, *args in DIFFERENTIATED + CALLED:
    y, expected = f(*map(Tensor, args)), f(*args)
    y, expected = getattr(y, "statistic", y), getattr(expected, "statistic", expected)
    assert type(y) is Tensor, f
    np.testing.assert_allclose(y, expected, rtol=1e-12)
for f, *args in DIFFERENTIATED:
    gradcheck(lambda *args: np.sum(np.abs(f(*args) + 0.3) ** 2), *args)
print("done")
"""


@conforming
def test_functions_of_scipy_for_the_standard_run_on_tensors_and_are_differentiated():
    scipy = pytest.importorskip("scipy")
    if tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 17):
        pytest.skip("this SciPy has fewer functions for the standard")
    here = pathlib.Path(minigrad.__file__).parents[1]
    environment = {**os.environ, "SCIPY_ARRAY_API": "1", "PYTHONPATH": str(here)}

    ran = subprocess.run([sys.executable, "-c", SCIPY], env=environment, capture_output=True, text=True)

    assert ran.stdout == "done\n", ran.stderr


def test_special_functions_are_those_with_a_derivative():
    pytest.importorskip("scipy.special")

    assert gradient(array_api.special.erf, 0.0)[0] == pytest.approx(2 / np.sqrt(np.pi))
    with pytest.raises(AttributeError, match="minigrad.array_api.special has no 'fdtr'"):
        _ = array_api.special.fdtr
