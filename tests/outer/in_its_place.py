"""Let ``import autograd`` find minigrad.compat.autograd, with the few names of its inside that packages take."""

import sys
import types

import minigrad
import minigrad.compat.autograd.scipy
import minigrad.compat.autograd.test_util  # noqa: F401
import minigrad.scipy as ms
import numpy as np
from minigrad.compat import autograd
from minigrad.compat.autograd.operators import unary_to_nary


def take_autograds_place():
    ours = "minigrad.compat.autograd"
    for name in [name for name in sys.modules if name == ours or name.startswith(f"{ours}.")]:
        sys.modules[name.removeprefix("minigrad.compat.")] = sys.modules[name]
    autograd.differential_operators.make_jvp_reversemode = make_jvp_reversemode
    autograd.builtins.DictBox = dict
    module("autograd.numpy.numpy_boxes", ArrayBox=minigrad.Tensor)
    module("autograd_gamma", **gammas())  # whose derivatives by shapes are differences


@unary_to_nary
def make_jvp_reversemode(f, x):
    return lambda v: autograd.make_jvp(f)(x)(v)[1]


def gammas():
    names = "gamma gammaln gammainc gammaincc beta betainc gammaincinv gammainccinv betaincinv".split()
    logarithms = {f"{name}ln": logarithm(getattr(ms, name)) for name in ("gammainc", "gammaincc", "betainc")}
    return {name: getattr(ms, name) for name in names} | logarithms


def logarithm(f, tiny=1e-35):  # where autograd_gamma cuts it off
    return lambda *args: np.log(np.clip(f(*args), tiny, 1 - tiny))


def module(name, **names):
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(names)


def nothing_of_autograds_own():
    """Say whether autograd itself was not imported after all."""
    files = [str(getattr(module, "__file__", "")).replace("\\", "/") for module in list(sys.modules.values())]
    return not any("site-packages/autograd/" in file or "site-packages/autograd_gamma/" in file for file in files)
