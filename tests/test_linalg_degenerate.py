"""Linear algebra where derivatives do not exist, or exist against the look of the formula."""

import numpy as np
import pytest
from minigrad import gradient, hessian
from numpy.linalg import LinAlgError

double = np.diag([1.0, 1.0, 2.0])  # has the eigenvalue 1 twice
rank_one = np.outer([1.0, 2.0], [3.0, 1.0, 1.0])


def refuses(loss, a, words):
    with pytest.raises(LinAlgError, match=words):
        gradient(loss, a)


# ------------------------------------------------------------------------------------- coinciding values
def test_eigenvectors_of_equal_eigenvalues_have_no_derivative():
    refuses(lambda a: np.sum(np.linalg.eigh(a)[1] ** 3), double, "two eigenvalues coincide.*alone")
    refuses(lambda a: np.sum(np.real(np.linalg.eig(a)[1]) ** 3), double, "two eigenvalues coincide")


def test_singular_vectors_of_equal_singular_values_have_no_derivative():
    refuses(lambda a: np.sum(np.linalg.svd(a)[0] ** 3), double, "two singular values coincide")
    refuses(lambda a: np.sum(np.linalg.svd(a)[2] ** 3), double, "two singular values coincide")


def test_eigenvalues_that_nearly_coincide_are_refused_too():
    refuses(lambda a: np.sum(np.linalg.eigh(a)[1] ** 3), np.diag([1.0, 1.0 + 3e-16, 2.0]), "coincide")


@pytest.mark.parametrize("values", [np.linalg.eigvalsh, lambda a: np.linalg.eigh(a)[0]])
def test_equal_eigenvalues_alone_are_no_trouble(values):
    (found,) = gradient(lambda a: np.sum(values(a) ** 2), double)

    np.testing.assert_allclose(found, 2 * double, atol=1e-14)


def test_equal_singular_values_alone_are_no_trouble():
    (found,) = gradient(lambda a: np.sum(np.linalg.svd(a, compute_uv=False)), np.eye(3))

    np.testing.assert_allclose(found, np.eye(3), atol=1e-14)


def test_the_vector_of_a_single_eigenvalue_is_differentiated_beside_equal_ones():
    # v = (0, 0, 1); the rate of v_i with the entries (i, 2) and (2, i) is 1 / (2 - 1), which they share
    (found,) = gradient(lambda a: np.linalg.eigh(a)[1][:, 2] @ [1.0, 0.0, 0.0], double)

    expected = np.zeros((3, 3))
    expected[0, 2] = expected[2, 0] = 0.5
    np.testing.assert_allclose(found, expected, atol=1e-14)


def test_the_first_principal_direction_of_data_of_low_rank_is_differentiated():
    def first_direction(a):
        return np.sum(np.linalg.svd(a)[2][0] ** 4)

    (found,) = gradient(first_direction, rank_one)

    v = np.array([3.0, 1.0, 1.0]) / np.sqrt(11)
    by_direction = (4 * v**3 - 4 * np.sum(v**4) * v) / np.sqrt(55)  # along v nothing changes
    np.testing.assert_allclose(found, np.outer(np.array([1, 2]) / np.sqrt(5), by_direction), atol=1e-14)


# ---------------------------------------------------------------------------------------- singular matrices
SINGULAR = {
    "square": np.arange(1.0, 10.0).reshape(3, 3),
    "tall": np.outer([1.0, 2.0, 3.0], [1.0, 1.0]),
    "complex": np.outer([1.0, 2j, 3.0], [1.0, 1j, 0.0]) + np.outer([0.0, 1.0, 1j], [2.0, 1.0, 1.0]),
}


@pytest.mark.parametrize("a", SINGULAR.values(), ids=SINGULAR)
def test_the_vector_that_a_matrix_maps_to_zero_is_differentiated_by_svd_as_by_eigh(a):
    n = a.shape[1]
    weights = np.arange(n * n).reshape(n, n) % 5

    def loss(v):
        return np.sum(weights * np.real(v[:, None] * np.conj(v)))

    (found,) = gradient(lambda a: loss(np.conj(np.linalg.svd(a, full_matrices=False)[2][-1])), a)

    (expected,) = gradient(lambda a: loss(np.linalg.eigh(np.conj(a.T) @ a)[1][:, 0]), a)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_left_singular_vector_of_a_singular_value_0_has_no_derivative_if_there_are_others():
    refuses(lambda a: np.sum(np.linalg.svd(a, False)[0][:, 1] ** 3), SINGULAR["tall"], "singular value 0")


def test_the_determinant_of_a_singular_matrix_has_all_its_derivatives():
    def by_hand(a):
        return a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]

    singular = np.array([[1.0, 2.0], [2.0, 4.0]])

    np.testing.assert_allclose(hessian(np.linalg.det, singular), hessian(by_hand, singular), atol=1e-15)


def test_the_determinant_of_rank_n_minus_2_has_gradient_zero():
    (found,) = gradient(np.linalg.det, np.ones((3, 3)))

    np.testing.assert_allclose(found, 0, atol=1e-15)


@pytest.mark.parametrize("n", [2, 3])
def test_a_stack_with_one_singular_matrix_is_differentiated(n):
    stack = np.stack([np.zeros((n, n)), np.eye(n)])

    (found,) = gradient(lambda a: np.sum(np.linalg.det(a)), stack)

    np.testing.assert_allclose(found, stack, atol=1e-15)


def test_slogdet_of_a_singular_matrix_is_refused():
    refuses(lambda a: np.linalg.slogdet(a)[1], np.ones((2, 2)), "slogdet: the matrix is singular")


def test_a_matrix_without_a_basis_of_eigenvectors_is_refused():
    refuses(
        lambda a: np.sum(np.real(np.linalg.eigvals(a)) ** 2),
        np.array([[0.0, 1.0], [0.0, 0.0]]),
        "no basis of eigenvectors",
    )


def test_qr_of_dependent_columns_is_refused():
    for a in (np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]), np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])):
        refuses(lambda a: np.sum(np.linalg.qr(a)[0]), a, "linearly dependent")


def test_the_arbitrary_columns_of_a_complete_qr_are_refused():
    a = np.arange(8.0).reshape(4, 2) ** 2

    refuses(lambda a: np.sum(np.linalg.qr(a, "complete")[0] ** 3), a, "arbitrary basis.*mode='reduced'")


def test_the_raw_qr_is_refused():
    with pytest.raises(NotImplementedError, match="'reduced', 'complete' and 'r' have"):
        gradient(lambda a: np.sum(np.linalg.qr(a, "raw")[0]), np.ones((3, 2)))


def test_the_arbitrary_vectors_of_a_full_svd_are_refused():
    a = np.arange(8.0).reshape(2, 4)

    refuses(lambda a: np.sum(np.linalg.svd(a)[2] ** 3), a, "arbitrary basis.*full_matrices=False")


def test_the_projector_on_what_is_orthogonal_to_the_columns_does_not_depend_on_the_basis():
    a = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0], [1.0, 1.0]])
    weights = np.arange(16.0).reshape(4, 4) % 5

    def by_qr(a):
        added = np.linalg.qr(a, "complete")[0][:, 2:]
        return np.sum(weights * (added @ added.T))

    def by_svd(a):
        added = np.linalg.svd(a)[0][:, 2:]
        return np.sum(weights * (added @ added.T))

    def by_inverse(a):
        return np.sum(weights * (np.eye(4) - a @ np.linalg.inv(a.T @ a) @ a.T))

    (expected,) = gradient(by_inverse, a)
    for loss in (by_qr, by_svd):
        np.testing.assert_allclose(gradient(loss, a)[0], expected, atol=1e-14)
        np.testing.assert_allclose(hessian(loss, a), hessian(by_inverse, a), atol=1e-12)


# ------------------------------------------------------------------------------------------------ no numbers
@pytest.mark.parametrize("ord", [None, 2, 1, np.inf])
def test_the_norm_of_no_numbers_has_a_gradient_without_numbers(ord):
    for shape in [(0,), (0, 2), (2, 0)]:
        (found,) = gradient(lambda x: np.linalg.norm(x, ord), np.zeros(shape))

        assert found.shape == shape


@pytest.mark.parametrize("function", [np.linalg.eig, np.linalg.eigh, np.linalg.svd, np.linalg.qr])
def test_decompositions_of_no_numbers_have_gradients_without_numbers(function):
    for shape in [(0, 0), (2, 0, 0)]:
        (found,) = gradient(lambda z: np.sum(abs(function(z)[1])), np.zeros(shape, complex))

        assert found.shape == shape


def test_the_condition_number_of_no_numbers_is_an_error_as_in_numpy():
    refuses(np.linalg.cond, np.zeros((0, 0)), "cond.*not defined")


# ------------------------------------------------------------------------------- what NumPy refuses, too
@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda a: np.linalg.matrix_power(a, 1.5), TypeError, "integer"),
        (lambda a: np.linalg.matrix_power(a[:1], 1), LinAlgError, "square"),
        (lambda a: np.linalg.tensorinv(a, 0), ValueError, "ind"),
        (lambda a: np.cross(np.ones(4), a[0]), ValueError, "2 or 3|dimension"),
        (lambda a: np.linalg.norm(a, 3), ValueError, "order for matrices"),
        (lambda a: np.fft.rfftn(a, axes=()), IndexError, "index"),
    ],
)
def test_what_numpy_refuses_is_refused_inside_a_gradient(call, error, words):
    with pytest.raises(error):
        call(np.ones((3, 3)))

    with pytest.raises(error, match=words):
        gradient(lambda a: np.sum(abs(call(a))), np.ones((3, 3)))


# ------------------------------------------------------------------------------------------- conventions
def test_the_gradient_of_what_reads_one_triangle_is_symmetric():
    a = np.array([[4.0, 1.0], [1.0, 3.0]])

    for loss in (
        lambda a: np.sum(np.linalg.cholesky(a)),
        lambda a: np.linalg.eigvalsh(a) @ [1.0, 2.0],
        lambda a: np.linalg.eigh(a, "U")[0] @ [1.0, 2.0],
        lambda a: np.linalg.pinv(a, hermitian=True)[0, 1],
    ):
        (found,) = gradient(loss, a)
        np.testing.assert_array_equal(found, found.T)


def test_pinv_follows_changes_that_keep_the_rank():
    def scaled(t):
        return np.sum(np.linalg.pinv(t * rank_one))

    assert gradient(scaled, 2.0)[0] == pytest.approx(-np.sum(np.linalg.pinv(rank_one)) / 4)


def test_lstsq_with_dependent_columns_gives_the_smallest_solution_and_its_gradient():
    a = np.array([[1.0, 1.0], [1.0, 1.0]])

    (found,) = gradient(lambda b: np.sum(np.linalg.lstsq(a, b, None)[0]), np.array([1.0, 3.0]))

    np.testing.assert_allclose(found, [0.5, 0.5])  # the solution is (mean / 2, mean / 2)


def test_the_smallest_solution_of_whole_numbers_has_the_gradient_of_the_same_floats():
    a, b = np.array([[1, 2], [3, 4], [5, 7]]), np.array([1, 0, 2])

    def loss(a, b):
        solution, residual, _, values = np.linalg.lstsq(a, b, None)
        return np.sum(solution**2) + np.sum(residual) + np.sum(values)

    for found, expected in zip(gradient(loss, a, b), gradient(loss, a * 1.0, b * 1.0)):
        assert found.dtype == float
        np.testing.assert_allclose(found, expected)


def test_the_vjp_of_unused_outputs_is_not_computed():
    (found,) = gradient(lambda a: np.linalg.slogdet(a)[0] * 0 + np.linalg.qr(a)[1][0, 0], np.eye(2))

    np.testing.assert_allclose(np.abs(found), [[1.0, 0.0], [0.0, 0.0]])
