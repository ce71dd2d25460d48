"""Rows of np.fft, with every length, axes and norm.

The discrete Fourier transform is a matrix F, and its derivative is the transform with F^H: the
inverse transform with the scaling of the other side,

    norm of fft        backward   ortho   forward
    norm of its vjp    forward    ortho   backward

A length n other than the array's own cuts it or fills it with zeros before the transform; the way
back fills or cuts after it.  The transforms of real arrays, of several axes, and the Hermitian ones
are made of the transforms along one axis.
"""

import numpy as np

from ..core.table import composition, constant, row

DUAL = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def fitted(g, n, axis):
    """Cut ``g`` to length ``n`` along ``axis``, or fill it with zeros."""
    axis %= g.ndim
    have = g.shape[axis]
    if have > n:
        return g[(slice(None),) * axis + (slice(n),)]
    return g if have == n else np.pad(g, [(0, n - have if i == axis else 0) for i in range(g.ndim)])


def fft_vjp(g, a_shape, axis, norm):
    return fitted(np.fft.ifft(g, None, axis, DUAL[norm]), a_shape[axis], axis)


def ifft_vjp(g, a_shape, axis, norm):
    return fitted(np.fft.fft(g, None, axis, DUAL[norm]), a_shape[axis], axis)


def rfft_vjp(g, a_shape, n, axis, norm):
    n = a_shape[axis] if n is None else n
    return fitted(np.real(np.fft.ifft(g, n, axis, DUAL[norm])), a_shape[axis], axis)


def irfft_vjp(g, a_shape, axis, norm):
    """Each frequency but the first (and, of an even length, the last) stands for its mirror image too."""
    h = np.fft.rfft(g, None, axis, DUAL[norm])
    n, m = g.shape[axis], h.shape[axis]
    mirrored = np.full(m, 2.0, g.dtype)
    mirrored[0] = 1
    if n % 2 == 0:
        mirrored[-1] = 1
    return fitted(
        h * mirrored.reshape((m,) + (1,) * (-axis - 1 if axis < 0 else g.ndim - axis - 1)),
        a_shape[axis],
        axis,
    )


ALONG_ONE = "a, n=None, axis=-1, norm=None"
row(np.fft.fft, fft_vjp, signature=ALONG_ONE)
row(np.fft.ifft, ifft_vjp, signature=ALONG_ONE)
row(np.fft.rfft, rfft_vjp, signature=ALONG_ONE)
row(np.fft.irfft, irfft_vjp, signature=ALONG_ONE)
row(np.fft.fftshift, lambda g, axes: np.fft.ifftshift(g, axes), signature="x, axes=None")
row(np.fft.ifftshift, lambda g, axes: np.fft.fftshift(g, axes), signature="x, axes=None")


# ------------------------------------------------------------------------------------------ compositions
@composition(np.fft.hfft)
def hfft(a, n=None, axis=-1, norm=None):
    return np.fft.irfft(np.conjugate(a), n, axis, DUAL[norm])


@composition(np.fft.ihfft)
def ihfft(a, n=None, axis=-1, norm=None):
    return np.conjugate(np.fft.rfft(a, n, axis, DUAL[norm]))


def lengths_and_axes(a, s, axes, halved=False):
    """Return the (length, axis) of every transform; a length of -1 is the array's own.

    The last axis of a real spectrum is ``halved``: m frequencies stand for 2 (m - 1) numbers.
    """
    if axes is None:
        axes = range(-a.ndim, 0) if s is None else range(-len(s), 0)
    lengths = [a.shape[axis] for axis in axes] if s is None else list(s)
    if s is None and halved:
        lengths[-1] = 2 * (lengths[-1] - 1)
    if len(lengths) != len(axes):
        raise ValueError("Shape and axes have different lengths.")
    return [(a.shape[axis] if n == -1 else n, axis) for n, axis in zip(lengths, axes)]


def over_axes(transform):
    """Return the transform over several axes, the last of them first."""

    def transformed(a, s=None, axes=None, norm=None):
        for n, axis in reversed(lengths_and_axes(a, s, axes)):
            a = transform(a, n, axis, norm)
        return a

    return transformed


fftn = composition(np.fft.fftn)(over_axes(np.fft.fft))
ifftn = composition(np.fft.ifftn)(over_axes(np.fft.ifft))


@composition(np.fft.rfftn, rounded=np.__version__ < "2")  # NumPy 1 takes the axes in another order
def rfftn(a, s=None, axes=None, norm=None):
    *rest, (n, axis) = lengths_and_axes(a, s, axes)
    a = np.fft.rfft(a, n, axis, norm)
    for n, axis in reversed(rest):
        a = np.fft.fft(a, n, axis, norm)
    return a


@composition(np.fft.irfftn)
def irfftn(a, s=None, axes=None, norm=None):
    *rest, (n, axis) = lengths_and_axes(a, s, axes, halved=True)
    for other_n, other in rest:
        a = np.fft.ifft(a, other_n, other, norm)
    return np.fft.irfft(a, n, axis, norm)


def over_two_axes(of):
    """Return the same transform with the last two axes by default."""
    return lambda a, s=None, axes=(-2, -1), norm=None: of(a, s, axes, norm)


composition(np.fft.fft2)(over_two_axes(fftn))
composition(np.fft.ifft2)(over_two_axes(ifftn))
composition(np.fft.rfft2)(over_two_axes(rfftn))
composition(np.fft.irfft2)(over_two_axes(irfftn))

constant(np.fft.fftfreq, np.fft.rfftfreq)
