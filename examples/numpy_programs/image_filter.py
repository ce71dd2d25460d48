"""Sharpening a blurred image in the frequency domain: which filter restores it best.

    Wiener filter   G = conj(H) / (|H|^2 + r),    restored = F^-1 (G F(image))

H is the transfer function of a Gaussian blur, turned and stretched; r is the ratio of noise to signal.
The loss compares with the sharp image, and adds the total variation of the result.

Reference: Gonzalez and Woods, "Digital Image Processing" (2018), section 5.8.
"""

import numpy as np

SIZE = 24


def data():
    """Return a sharp image of a ring and a bar, and a blurred and noisy one, both (24, 24)."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] - SIZE / 2
    radius = np.hypot(x, y)
    sharp = ((radius > 5) & (radius < 8)) * 1.0 + (np.abs(x - y) < 2) * 0.5
    blurred = np.fft.ifft2(np.fft.fft2(sharp) * np.fft.fft2(blur_kernel(np.array([1.2, 0.9]), 0.4))).real
    return sharp, blurred + 0.01 * np.random.default_rng(8).normal(size=sharp.shape)


def blur_kernel(widths, angle):
    """Return a Gaussian of the given widths (pixels), turned by an angle (radians), centred at pixel 0."""
    axis = np.arange(SIZE) - SIZE // 2
    x, y = np.meshgrid(axis, axis)
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    kernel = np.exp(-0.5 * ((along / widths[0]) ** 2 + (across / widths[1]) ** 2))
    return np.fft.ifftshift(kernel / np.sum(kernel))


def restore(image, widths, angle, log_ratio):
    H = np.fft.rfft2(blur_kernel(widths, angle))
    G = np.conj(H) / (np.abs(H) ** 2 + np.exp(log_ratio))
    return np.fft.irfft2(G * np.fft.rfft2(image), s=image.shape)


def total_variation(image, smooth=1e-3):
    padded = np.pad(image, ((0, 1), (0, 1)), mode="edge")
    down, right = np.diff(padded, axis=0)[:, :-1], np.diff(padded, axis=1)[:-1]
    return np.mean(np.sqrt(down**2 + right**2 + smooth))


def loss(widths, angle, log_ratio):
    sharp, image = data()
    restored = restore(image, widths, angle, log_ratio)
    return np.mean((np.clip(restored, -0.2, 1.7) - sharp) ** 2) + 0.02 * total_variation(restored)


def arguments():
    return {"widths": np.array([1.0, 1.1]), "angle": 0.2, "log_ratio": -3.0}


if __name__ == "__main__":
    from compare import show

    show(loss, arguments, __doc__)
