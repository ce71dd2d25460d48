"""Test rows of products, linear algebra and Fourier transforms."""

import numpy as np
from cases import Case, Draw, Kink, distinct, invertible, nonzero, positive, positive_definite, real
from minigrad.derivatives.norms import power_norm, steady


def separated(*shape):
    """Return a draw of symmetric matrices whose eigenvalues are well apart, shape (..., n, n)."""

    def make(rng, shape):
        a = 0.3 * rng.uniform(-1, 1, shape)
        return a + np.swapaxes(a, -1, -2) + np.diag(np.arange(shape[-1]) - 0.7)

    return Draw(shape, make)


def rotating(*shape):
    """Return a draw of 2x2 matrices with complex eigenvalues, shape (..., 2, 2)."""
    return Draw(shape, lambda rng, shape: rng.uniform(-0.3, 0.3, shape) + [[1, 2], [-2, 1]])


class HermitianCase(Case):
    """A case of a function that reads one triangle of a: it is given (a + a^H) / 2, which depends on all."""

    def call(self, a, *args):
        return super().call((a + np.conj(np.swapaxes(a, -1, -2))) / 2, *args)


def projectors(v):
    """Return what does not depend on the phases of vectors: |v_i|^2 and the entries of v_i v_i^H."""
    return v[..., :, None, :] * np.conj(v)[..., None, :, :]


def values_and_projectors(y):
    return y[0], projectors(y[1])


def parts_of_svd(y):
    u, s, vh = y
    return s, u[..., :, None, : s.shape[-1]] * np.swapaxes(vh, -1, -2)[..., None, :, : s.shape[-1]]


def first_vectors(y):
    return projectors(y[0][..., :1]), projectors(np.conj(np.swapaxes(y[2], -1, -2))[..., :1])


def columns_and_added(y):
    """Of a complete qr: r, the columns of q that r multiplies, and the projector on the others."""
    q, r = y
    n = r.shape[-1]
    return q[..., :n], q[..., n:] @ np.conj(np.swapaxes(q[..., n:], -1, -2)), r


def added_vectors(y):
    """Of a full svd: the singular values, and the projectors on the vectors that belong to none."""
    u, s, vh = y
    n = s.shape[-1]
    v = np.conj(np.swapaxes(vh, -1, -2))
    return s, *[x[..., n:] @ np.conj(np.swapaxes(x[..., n:], -1, -2)) for x in (u, v)]


CASES = [
    # products
    Case(np.matmul, (real(2, 3), real(3)), complex=True, order=3),
    Case(np.matmul, (real(2, 3), real(3, 4)), complex=True, order=3),
    Case(np.matmul, (real(3), real(3)), complex=True),
    Case(np.matmul, (real(3), real(3, 2)), complex=True),
    Case(np.matmul, (real(3), real(4, 3, 2)), complex=True),
    Case(np.matmul, (real(4, 2, 3), real(3)), complex=True),
    Case(np.matmul, (real(4, 2, 3), real(3, 2)), complex=True),
    Case(np.matmul, (real(2, 3), real(4, 3, 2)), complex=True),
    Case(np.matmul, (real(2, 1, 2, 3), real(4, 3, 2))),
    Case(np.matmul, (real(0, 3), real(3, 2))),
    Case(np.matmul, (real(2, 0), real(0, 3))),
    Case(np.matmul, ([[1.0, 2.0], [3.0, 4.0]], real(2))),
    Case(np.matmul, (real(2), [[1.0, 2.0], [3.0, 4.0]])),
    Case(np.dot, (real(3), real(3)), complex=True),
    Case(np.dot, (real(2, 3), real(3)), complex=True),
    Case(np.dot, (real(3), real(3, 2))),
    Case(np.dot, (real(2, 3), real(3, 2)), complex=True, order=3),
    Case(np.dot, (real(), real(2, 3)), complex=True),
    Case(np.dot, (real(3), real())),
    Case(np.dot, (real(4, 2, 3), real(3)), complex=True),
    Case(np.dot, (real(4, 2, 3), real(3, 2))),
    Case(np.dot, (real(2, 3), real(4, 3, 2)), complex=True),
    Case(np.dot, (real(3), real(4, 3, 2))),
    Case(np.dot, (real(5, 2, 3), real(4, 3, 2)), complex=True),
    Case(np.dot, (real(2), 0.7)),
    Case(np.dot, (0.7, real(2))),
    Case(np.vdot, (real(3), real(3)), complex=True),
    Case(np.vdot, (real(2, 3), real(2, 3)), complex=True),
    Case(np.inner, (real(3), real(3)), complex=True),
    Case(np.inner, (real(2, 3), real(4, 3)), complex=True),
    Case(np.inner, (real(2), real())),
    Case(np.inner, (real(2), 0.7)),
    Case(np.inner, (0.7, real(2))),
    Case(np.outer, (real(2), real(3)), complex=True),
    Case(np.outer, (real(2, 2), real())),
    Case(np.tensordot, (real(2, 3, 4), real(3, 4, 2)), complex=True),
    Case(np.tensordot, (real(2, 3, 4), real(4, 5, 2), ([0, 2], [2, 0])), complex=True),
    Case(np.tensordot, (real(2, 3), real(3, 2), (-1, 0))),
    Case(np.tensordot, (real(2), real(3), 0)),
    Case(np.tensordot, (0.7, real(3), 0)),
    Case(np.tensordot, (real(3), 0.7, 0)),
    Case(np.tensordot, (real(3, 2, 2), real(2, 2, 4), ([1, 2], [1, 0]))),
    Case(np.trace, (real(3, 3),), complex=True),
    Case(np.trace, (real(2, 3, 4), 1, 2, 0)),
    Case(np.trace, (real(3, 4), -1)),
    Case(np.kron, (real(2, 3), real(3, 2)), complex=True),
    Case(np.kron, (real(2), real(2, 2))),
    Case(np.kron, (real(), real(2))),
    Case(np.cross, (real(3), real(3)), complex=True),
    Case(np.cross, (real(2, 3), real(3))),
    Case(np.cross, (real(3, 2), real(2, 3), 0, 1, 0)),
    Case(np.cross, (real(3, 2), real(3, 2)), dict(axis=0)),
    # einsum
    Case(np.einsum, ("ij,jk->ik", real(2, 3), real(3, 2)), complex=True, order=3),
    Case(np.einsum, ("ij,jk", real(2, 3), real(3, 2))),
    Case(np.einsum, ("ij , jk", real(2, 3), real(3, 2)), dict(optimize=True)),
    Case(np.einsum, ("ba", real(2, 3))),
    Case(np.einsum, ("ii", real(3, 3)), complex=True),
    Case(np.einsum, ("ii->i", real(3, 3))),
    Case(np.einsum, ("iij->j", real(3, 3, 2))),
    Case(np.einsum, ("iii->i", real(2, 2, 2))),
    Case(np.einsum, ("ij->", real(2, 3))),
    Case(np.einsum, ("ij,k->i", real(2, 3), real(4))),
    Case(np.einsum, ("i,i,i->i", real(3), real(3), real(3)), complex=True),
    Case(np.einsum, ("ij,jk,kl->il", real(2, 3), real(3, 2), real(2, 2)), dict(optimize="greedy")),
    Case(np.einsum, ("...ij,...jk->...ik", real(4, 2, 3), real(3, 2)), complex=True),
    Case(np.einsum, ("...ij,jk", real(4, 2, 3), real(3, 2))),
    Case(np.einsum, ("i...,i...->...", real(3, 1, 2), real(3, 4, 2))),
    Case(np.einsum, ("ij,j->i", real(2, 1), real(3))),
    Case(np.einsum, (real(2, 3), [0, 1], real(3, 2), [1, 2])),
    Case(np.einsum, (real(2, 3), [5, 1], real(3, 2), [1, 7], [7, 5])),
    Case(np.einsum, (real(2, 3), [30, 1], real(3, 2), [1, 7])),  # 7 comes before 30
    Case(np.einsum, (real(4, 2, 3), [Ellipsis, 0, 1], real(3), [1], [Ellipsis, 0])),
    # solving and inverting
    Case(np.linalg.solve, (invertible(3, 3), real(3)), complex=True),
    Case(np.linalg.solve, (invertible(3, 3), real(3, 2)), complex=True),
    Case(np.linalg.solve, (invertible(2, 3, 3), real(2, 3, 2))),
    # NumPy 1 took a matrix b beside a stack of matrices for a stack of vectors
    Case(np.linalg.solve, (invertible(2, 3, 3), real(3, 2) if np.__version__ >= "2" else real(2, 3))),
    Case(np.linalg.inv, (invertible(3, 3),), complex=True, order=3),
    Case(np.linalg.inv, (invertible(2, 2, 2),)),
    Case(np.linalg.det, (invertible(3, 3),), complex=True),
    Case(np.linalg.det, (invertible(2, 2, 2),)),
    Case(np.linalg.slogdet, (invertible(3, 3),), complex=True),
    Case(np.linalg.slogdet, (invertible(2, 2, 2),)),
    Case(np.linalg.pinv, (invertible(3, 3),), complex=True),
    Case(np.linalg.pinv, (real(4, 2),), complex=True, tolerance=1e-5),
    Case(np.linalg.pinv, (real(2, 3, 4),), tolerance=1e-5),
    Case(np.linalg.lstsq, (real(4, 2), real(4), None), complex=True, tolerance=1e-5),
    Case(np.linalg.lstsq, (real(4, 2), real(4, 3), None), tolerance=1e-5),
    Case(np.linalg.lstsq, (real(2, 4), real(2), None), tolerance=1e-5),
    Case(np.linalg.lstsq, (real(4, 2), real(4), None), tolerance=1e-5, output=lambda y: y[0]),
    Case(np.linalg.multi_dot, ([real(2, 3), real(3, 4), real(4, 2)],), complex=True),
    Case(np.linalg.multi_dot, ([real(3), real(3, 4), real(4)],), complex=True),
    Case(np.linalg.multi_dot, ([real(3), real(3, 2)],)),
    Case(np.linalg.multi_dot, ([real(2, 3), real(3, 2), real(2, 2), real(2)],)),
    Case(np.linalg.multi_dot, ([real(2, 3), [[1.0, 2.0], [3.0, 4.0], [0.0, 1.0]], real(2, 2)],)),
    Case(np.linalg.multi_dot, ([real(4, 2, 3), real(3, 2)],)),  # of two, np.dot
    Case(np.linalg.matrix_power, (invertible(3, 3), 3), complex=True),
    Case(np.linalg.matrix_power, (invertible(2, 2, 2), -2)),
    Case(np.linalg.matrix_power, (invertible(2, 2), 0)),
    Case(np.linalg.matrix_power, (invertible(2, 2), 1)),
    Case(
        np.linalg.tensorinv, (Draw((2, 3, 6), lambda rng, s: invertible(6, 6)(rng).reshape(s)),), complex=True
    ),
    Case(np.linalg.tensorinv, (Draw((6, 2, 3), lambda rng, s: invertible(6, 6)(rng).reshape(s)), 1)),
    Case(
        np.linalg.tensorsolve, (Draw((2, 3, 6), lambda rng, s: invertible(6, 6)(rng).reshape(s)), real(2, 3))
    ),
    Case(
        np.linalg.tensorsolve,
        (
            Draw((6, 2, 3), lambda rng, s: np.moveaxis(invertible(6, 6)(rng).reshape(2, 3, 6), 2, 0)),
            real(2, 3),
            (0,),
        ),
        complex=True,
    ),
    Case(np.linalg.tensorsolve, (np.diag([1.0, 2.0, 4.0]).tolist(), real(3))),
    Case(np.linalg.tensorsolve, (real(0, 0), real(0))),
    HermitianCase(np.linalg.pinv, (positive_definite(3, 3),), dict(hermitian=True), complex=True),
    # decompositions
    HermitianCase(np.linalg.cholesky, (positive_definite(3, 3),), order=3),
    HermitianCase(np.linalg.cholesky, (positive_definite(2, 3, 3),)),
    HermitianCase(np.linalg.eigh, (separated(3, 3),), complex=True, output=values_and_projectors),
    HermitianCase(np.linalg.eigh, (separated(2, 3, 3), "U"), output=values_and_projectors),
    HermitianCase(np.linalg.eigh, (separated(3, 3),), complex=True, output=lambda y: y[0]),
    HermitianCase(np.linalg.eigh, (separated(3, 3),), output=lambda y: projectors(y[1])),
    HermitianCase(np.linalg.eigvalsh, (separated(3, 3),), complex=True),
    HermitianCase(np.linalg.eigvalsh, (separated(2, 3, 3), "U")),
    HermitianCase(np.linalg.svd, (separated(3, 3),), dict(hermitian=True), output=parts_of_svd),
    Case(np.linalg.qr, (invertible(3, 3),), complex=True),
    Case(np.linalg.qr, (real(4, 2),), complex=True),
    Case(np.linalg.qr, (real(2, 3, 2),)),
    Case(np.linalg.qr, (real(2, 4),), complex=True),
    Case(np.linalg.qr, (real(2, 4),), dict(mode="complete")),
    Case(np.linalg.qr, (real(4, 2),), dict(mode="r"), complex=True),
    Case(np.linalg.qr, (real(2, 2, 4),), dict(mode="r")),
    Case(np.linalg.qr, (real(3, 2),), dict(mode="complete")),
    Case(np.linalg.qr, (real(4, 2),), dict(mode="complete"), complex=True, output=columns_and_added),
    Case(np.linalg.qr, (real(2, 3, 1),), dict(mode="complete"), output=columns_and_added),
    Case(np.linalg.qr, (real(4, 2),), output=lambda y: y[0]),
    Case(np.linalg.qr, (real(2, 3),), output=lambda y: y[0]),
    Case(np.linalg.qr, (real(2, 3),), output=lambda y: y[1]),
    Case(np.linalg.eig, (separated(3, 3),), complex=True),
    Case(np.linalg.eig, (rotating(2, 2),)),
    Case(np.linalg.eig, (rotating(3, 2, 2),), complex=True),
    Case(np.linalg.eigvals, (separated(3, 3),), complex=True),
    Case(np.linalg.eigvals, (rotating(2, 2),)),
    Case(np.linalg.svd, (real(3, 3),), complex=True, output=parts_of_svd),
    Case(np.linalg.svd, (real(4, 2),), complex=True, output=parts_of_svd),
    Case(np.linalg.svd, (real(2, 4),), dict(full_matrices=False), complex=True, output=parts_of_svd),
    Case(np.linalg.svd, (real(2, 3, 2),), dict(full_matrices=False), output=parts_of_svd),
    Case(np.linalg.svd, (real(3, 2),), dict(full_matrices=False), complex=True, output=first_vectors),
    Case(np.linalg.svd, (real(3, 2),), dict(compute_uv=False), complex=True),
    Case(np.linalg.svd, (real(4, 2),), complex=True, output=added_vectors),
    Case(np.linalg.svd, (real(2, 1, 3),), output=added_vectors),
    # norms
    Case(np.linalg.norm, (real(3),), complex=True, order=3),
    Case(np.linalg.norm, (real(2, 3),), complex=True),
    Case(np.linalg.norm, (real(2, 3),), dict(keepdims=True)),
    Case(np.linalg.norm, (real(2, 2, 2),)),
    Case(np.linalg.norm, (real(2, 3),), dict(axis=1), complex=True),
    Case(np.linalg.norm, (real(2, 3),), dict(axis=0, keepdims=True)),
    Case(np.linalg.norm, (nonzero(3), 1), complex=True),
    Case(np.linalg.norm, (distinct(3), np.inf), complex=True),
    Case(np.linalg.norm, (distinct(3), -np.inf)),
    Case(np.linalg.norm, (nonzero(3), 0)),
    Case(np.linalg.norm, (nonzero(3), 3), complex=True),
    Case(np.linalg.norm, (nonzero(3), -1.5)),
    Case(np.linalg.norm, (nonzero(2, 3), 0.5, 1)),
    Case(np.linalg.norm, (real(2, 3), "fro")),
    Case(np.linalg.norm, (real(2, 3), "nuc"), complex=True),
    Case(np.linalg.norm, (real(2, 3), 2), complex=True),
    Case(np.linalg.norm, (real(2, 3), -2)),
    Case(np.linalg.norm, (nonzero(2, 3), 1), complex=True),
    Case(np.linalg.norm, (nonzero(2, 3), -1)),
    Case(np.linalg.norm, (nonzero(2, 3), np.inf)),
    Case(np.linalg.norm, (nonzero(2, 3), -np.inf)),
    Case(np.linalg.norm, (real(2, 3, 2), "fro"), dict(axis=(0, 2), keepdims=True)),
    Case(np.linalg.norm, (nonzero(2, 3, 2), 1), dict(axis=(2, 0))),
    Case(np.linalg.norm, (real(2, 3, 2), "nuc"), dict(axis=(0, 1), keepdims=True)),
    Case(power_norm, (real(2, 3), 2, None, False), complex=True),
    Case(power_norm, (nonzero(2, 3), 3, 1, True)),
    Case(power_norm, (real(2, 3), 2, (0, 1), True), complex=True),
    Case(steady, (positive(3),)),
    Case(np.linalg.cond, (invertible(3, 3),), complex=True),
    Case(np.linalg.cond, (invertible(3, 3), -2)),
    Case(np.linalg.cond, (invertible(2, 3, 3), "fro")),
    # Fourier transforms
    *[
        Case(transform, (real(5),), kwargs, complex=transform not in (np.fft.rfft, np.fft.ihfft))
        for transform in (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft, np.fft.hfft, np.fft.ihfft)
        for kwargs in ({}, dict(n=4), dict(n=7), dict(norm="ortho"), dict(n=4, norm="forward"))
    ],
    *[
        Case(transform, (real(2, 4, 3), 5, 1), complex=transform not in (np.fft.rfft, np.fft.ihfft))
        for transform in (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft, np.fft.hfft, np.fft.ihfft)
    ],
    *[
        Case(transform, (real(2, 3, 4),), kwargs, complex=transform not in (np.fft.rfft2, np.fft.rfftn))
        for transform in (np.fft.fft2, np.fft.ifft2, np.fft.rfft2, np.fft.irfft2)
        + (np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn)
        for kwargs in ({}, dict(s=(3, 2), axes=(0, 2)), dict(axes=(1, 0), norm="ortho"), dict(norm="forward"))
    ],
    Case(np.fft.fftn, (real(3, 4), (2, 5), (0, 0)), complex=True),
    Case(np.fft.rfftn, (real(3, 4),), dict(axes=(0, 0))),
    Case(np.fft.irfftn, (real(2, 3),), dict(axes=(0, 1)), complex=True),
    Case(np.fft.fftshift, (real(5),), complex=True),
    Case(np.fft.fftshift, (real(2, 3), 1)),
    Case(np.fft.ifftshift, (real(5),), complex=True),
    Case(np.fft.ifftshift, (real(2, 3), (0, 1))),
]


if hasattr(np.linalg, "svdvals"):  # NumPy 2.0
    CASES += [
        Case(np.fft.fftn, (real(2, 3),), dict(s=(3, -1), axes=(0, 1)), complex=True),
        Case(np.fft.irfftn, (real(2, 3),), dict(s=(3, -1), axes=(0, 1)), complex=True),
        Case(np.vecdot, (real(2, 3), real(3)), complex=True),
        Case(np.vecdot, (real(3, 2), real(3, 1)), dict(axis=0)),
        Case(np.linalg.vecdot, (real(2, 3), real(3)), complex=True),
        Case(np.linalg.vecdot, (real(3, 2), real(3, 2)), dict(axis=0)),
        Case(np.linalg.matmul, (real(2, 3), real(3, 4)), complex=True),
        Case(np.linalg.tensordot, (real(2, 3), real(3, 4)), dict(axes=1), complex=True),
        Case(np.linalg.outer, (real(2), real(3)), complex=True),
        Case(np.linalg.trace, (real(2, 3, 3),), complex=True),
        Case(np.linalg.trace, (real(2, 3, 3),), dict(offset=1)),
        Case(np.linalg.diagonal, (real(2, 3, 3),), complex=True),
        Case(np.linalg.diagonal, (real(2, 3, 3),), dict(offset=-1)),
        Case(np.linalg.cross, (real(2, 3), real(3)), complex=True),
        Case(np.linalg.svdvals, (real(2, 3, 2),), complex=True),
        Case(np.linalg.matrix_norm, (real(2, 3, 2),), complex=True),
        Case(np.linalg.matrix_norm, (real(2, 3, 2),), dict(ord="nuc", keepdims=True)),
        Case(np.linalg.vector_norm, (real(2, 3),), complex=True),
        Case(np.linalg.vector_norm, (nonzero(2, 3),), dict(axis=1, ord=3, keepdims=True)),
        Case(np.linalg.vector_norm, (nonzero(2, 3, 2),), dict(axis=(0, 2), ord=1)),
    ]
if hasattr(np, "matvec"):  # NumPy 2.2
    CASES += [
        Case(np.matvec, (real(4, 2, 3), real(3)), complex=True),
        Case(np.matvec, (real(2, 3), real(4, 3)), complex=True),
        Case(np.vecmat, (real(3), real(4, 3, 2)), complex=True),
        Case(np.vecmat, (real(4, 3), real(3, 2)), complex=True),
    ]

KINKS = [
    Kink(np.linalg.norm, ([0.0, 0.0],), ([0.0, 0.0],), "a norm has gradient 0 where it is 0"),
    Kink(np.linalg.norm, ([0.0, 0.0],), ([0.0, 0.0],), "a norm has gradient 0 where it is 0", dict(ord=3)),
    *[
        Kink(np.linalg.norm, (O,), (O,), "a norm has gradient 0 where it is 0", dict(ord=order))
        for O in [[[0.0, 0.0], [0.0, 0.0]]]
        for order in (2, "nuc")
    ],
    Kink(
        np.linalg.norm,
        ([[2.0, 2.0], [2.0, 2.0]],),
        ([[0.5, 0.5], [0.5, 0.5]],),
        "singular values that are 0 stay",
        dict(ord="nuc"),
    ),
    Kink(np.linalg.norm, ([0.0, -3.0],), ([0.0, -1.0],), "|x|^p is flat at 0 for p > 1", dict(ord=1.5)),
    Kink(
        np.linalg.norm, ([2.0, -2.0, 1.0],), ([0.5, -0.5, 0.0],), "a tie is shared equally", dict(ord=np.inf)
    ),
    Kink(
        np.linalg.norm,
        ([[1.0, 0.0], [0.0, 1.0]],),
        ([[0.5, 0.0], [0.0, 0.5]],),
        "a tie is shared equally",
        dict(ord=1),
    ),
    Kink(
        np.linalg.det,
        ([[1.0, 2.0], [2.0, 4.0]],),
        ([[4.0, -2.0], [-2.0, 1.0]],),
        "det is a polynomial: exact",
    ),
    Kink(
        np.linalg.det, ([[0.0, 0.0], [0.0, 0.0]],), ([[0.0, 0.0], [0.0, 0.0]],), "det is a polynomial: exact"
    ),
    Kink(np.linalg.det, ([[0.0]],), ([[1.0]],), "det is a polynomial: exact"),
]
