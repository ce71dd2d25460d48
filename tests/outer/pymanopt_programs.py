"""Minimise on manifolds by pymanopt's autograd backend, which gets minigrad; print how far off the solutions are."""

import json
import warnings

import in_its_place

in_its_place.take_autograds_place()

import autograd.numpy as anp  # noqa: E402  it is minigrad.compat.autograd.numpy
import numpy as np  # noqa: E402
import pymanopt  # noqa: E402
from pymanopt import manifolds, optimizers  # noqa: E402

rng = np.random.default_rng(0)
A = rng.normal(size=(6, 6))
S, M = A + A.T, rng.normal(size=(6, 4))
P = A @ A.T + np.eye(6)


def minimised(manifold, cost, optimizer=optimizers.TrustRegions, start=None):
    problem = pymanopt.Problem(manifold, pymanopt.function.autograd(manifold)(cost))
    np.random.seed(0)
    return optimizer(verbosity=0, max_iterations=500, min_gradient_norm=1e-9).run(problem, initial_point=start).point


def sphere():
    x = minimised(manifolds.Sphere(6), lambda x: -anp.dot(x, anp.dot(S, x)))
    return abs(x @ S @ x - np.linalg.eigvalsh(S)[-1])


def stiefel():
    X = minimised(manifolds.Stiefel(6, 2), lambda X: -anp.trace(X.T @ S @ X @ anp.diag(anp.array([2.0, 1.0]))))
    largest = np.linalg.eigvalsh(S)[:-3:-1]
    return abs(np.trace(X.T @ S @ X @ np.diag([2.0, 1.0])) - largest @ [2.0, 1.0])


def grassmann():
    X = minimised(manifolds.Grassmann(6, 2), lambda X: anp.sum((M - X @ (X.T @ M)) ** 2))
    return abs(np.sum((M - X @ X.T @ M) ** 2) - np.sum(np.linalg.svd(M)[1][2:] ** 2))


def positive_definite():
    """The nearest to P in the sense of two Gaussians' divergence is P itself."""
    X = minimised(
        manifolds.SymmetricPositiveDefinite(6),
        lambda X: anp.trace(anp.linalg.solve(X, P)) + anp.linalg.slogdet(X)[1],
        optimizers.ConjugateGradient,
    )
    return np.max(abs(X - P))


def product():
    """The largest singular value, on two spheres."""
    spheres = manifolds.Product([manifolds.Sphere(6), manifolds.Sphere(4)])
    u, v = minimised(spheres, lambda u, v: -anp.dot(u, anp.dot(M, v)))
    return abs(u @ M @ v - np.linalg.svd(M)[1][0])


def complex_circle():
    z0 = np.exp(1j * rng.uniform(-1, 1, 3))
    z = minimised(manifolds.ComplexCircle(3), lambda z: anp.sum(anp.abs(z - z0) ** 2), optimizers.SteepestDescent)
    return np.max(abs(z - z0))


def rotations():
    R = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    R = R * np.sign(np.linalg.det(R))
    X = minimised(manifolds.SpecialOrthogonalGroup(3), lambda X: anp.sum((X - R) ** 2), optimizers.ConjugateGradient)
    return np.max(abs(X - R))


def euclidean():
    x = minimised(manifolds.Euclidean(4), lambda x: anp.sum((M @ x - S[0]) ** 2))
    return np.max(abs(x - np.linalg.lstsq(M, S[0], rcond=None)[0]))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    programs = [sphere, stiefel, grassmann, positive_definite, product, complex_circle, rotations, euclidean]
    found = {f.__name__: float(f()) for f in programs}
    assert in_its_place.nothing_of_autograds_own()
    print(json.dumps(found))
