"""The array API standard on Tensors: every name of it, its derivative, and programs written for it."""


import re

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
}


def find(xp, name):
    """Return what ``name`` (perhaps "linalg.det") means in a namespace, or None."""
    for part in name.split("."):
        xp = getattr(xp, part, None)
    return xp


conforming = pytest.mark.skipif(np.__version__ < "2", reason="NumPy 2 is the first to conform")
# NumPy 1.26 has the older half of the names
PROVIDED = [name for name in CALLS if find(np, name) is not None]


def call(name, xp, arrays):
    """Return the list of what the call of ``name`` returns."""
    y = eval(CALLS[name], {"xp": xp, "np": np, **arrays})
    return list(y) if isinstance(y, (tuple, list)) else [y]


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
    names = list(dict.fromkeys(re.findall(r"\b[xvAz]\b", CALLS[name])))

    def loss(*free):
        found = call(name, array_api, {**ARRAYS, **dict(zip(names, free))})
        numbers = [y for y in found if getattr(y, "dtype", None) in ("float32", "float64", "complex128")]
        return sum(np.sum(np.abs(y + 0.3) ** 2) for y in numbers)

    coarse = {"step": 1e-2, "rtol": 1e-4} if name == "astype" else {}  # goes through float32
    if names:
        gradcheck(loss, *[ARRAYS[key] for key in names], **coarse)


@conforming
@pytest.mark.parametrize("name", OTHERS.split())
def test_constants_dtypes_and_extensions_are_there(name):
    assert hasattr(array_api, name) == hasattr(np, name)


@pytest.mark.parametrize("name", ATTRIBUTES.split())
def test_a_tensor_has_the_attributes_of_the_standard(name):
    assert hasattr(Tensor, name)


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
