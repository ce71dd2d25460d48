"""Solutions of the projects in examples/classroom: for each, what takes the place of the part to be written."""

SOLUTIONS = {
    "own_derivative": (
        "    raise NotImplementedError\n",
        "    e = np.exp(-np.abs(x))\n    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))\n",
    ),
    "own_rule": (
        "    return eta * dx, m, v  # replace this line: it is plain descent\n",
        "    m = beta1 * m + (1 - beta1) * dx\n"
        "    v = v - (1 - beta2) * np.sign(v - dx * dx) * dx * dx\n"
        "    return eta * m / (np.sqrt(v) + epsilon), m, v\n",
    ),
    "newton": (
        "    raise NotImplementedError\n",
        "    (g,) = gradient(loss, p)\n    H = hessian(loss, p)\n"
        "    damping = max(0.0, 1e-3 - np.linalg.eigvalsh(H)[0])\n"
        "    step, size = np.linalg.solve(H + damping * np.eye(12), g), 1.0\n"
        "    while loss(p - size * step) > loss(p) and size > 1e-8:\n        size /= 2\n"
        "    return p - size * step\n",
    ),
    "forward_mode": None,
}
FORWARD = {
    '    def __add__(self, other):\n        raise NotImplementedError\n': (
        "    def __add__(self, other):\n        other = other if isinstance(other, Dual) else Dual(other)\n"
        "        return Dual(self.value + other.value, self.slope + other.slope)\n"
    ),
    '    def __mul__(self, other):\n        raise NotImplementedError\n': (
        "    def __mul__(self, other):\n        other = other if isinstance(other, Dual) else Dual(other)\n"
        "        return Dual(self.value * other.value, self.slope * other.value + self.value * other.slope)\n"
    ),
    '    """Return the sine of a Dual."""\n    raise NotImplementedError\n': (
        '    """Return the sine of a Dual."""\n    return Dual(np.sin(x.value), np.cos(x.value) * x.slope)\n'
    ),
}
# What a student may write instead, and a word of what the check then says.
MISTAKES = {
    "own_derivative": [
        ("    return np.exp(x) / (1 + np.exp(x))\n", "overflows"),
        ("    return 1 / (1 + np.exp(-np.abs(x)))\n", "add up to 1"),
        ("    return np.where(x > 0, 1.0, 0.0)\n", "one half"),
    ],
    "own_rule": [
        ("    return eta * m, m, v\n", "m is"),
        ("    m = beta1 * m + (1 - beta1) * dx\n    return eta * m, m, v\n", "v is"),
    ],
    "newton": [
        ("    return p\n", "only"),
        ("    return p[:3]\n", "twelve"),
    ],
}
