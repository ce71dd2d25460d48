"""docs/numpy.md says what the table and the tests say."""

import importlib.util
import pathlib

import pytest
from minigrad.derivatives import supported

DOCS = pathlib.Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def write_numpy():
    specification = importlib.util.spec_from_file_location("write_numpy", DOCS / "write_numpy.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    if module.versions() not in (DOCS / "numpy.md").read_text():
        pytest.skip("written with other versions of NumPy and SciPy, which have other functions")
    return module


def test_the_page_is_the_one_that_would_be_written_now(write_numpy):
    assert write_numpy.page() == (DOCS / "numpy.md").read_text(), "run: python docs/write_numpy.py"


def test_what_is_said_to_be_tested_is_what_the_tests_differentiate(write_numpy):
    assert write_numpy.tested() == write_numpy.TESTED.read_text(), "run: python docs/write_numpy.py"


def test_supported_names_the_differentiated_arguments():
    assert ("np.arctan2", ("a", "b"), 3, "real", "0 at the origin") in supported()


def test_supported_names_the_differentiated_arguments_of_functions_made_of_others():
    assert ("np.average", ("a", "weights"), 3, "real, complex", "made of others") in supported()
    assert [line.arguments for line in supported("full_like")] == [("fill_value",)]  # only the shape of the other


def test_every_function_with_a_derivative_is_tested_to_second_order():
    for line in supported():
        assert line.order >= 2 and line.dtypes and line.arguments or line.note == "constant" or "refused" in line.note


def test_supported_lists_only_what_is_asked_for():
    assert [line.function for line in supported("argm")] == [
        "np.argmax",
        "np.argmin",
        "np.nanargmax",
        "np.nanargmin",
    ]


def test_supported_gives_the_reason_of_a_refusal():
    (line, *_) = supported("histogram")

    assert line.note.startswith("refused: it counts")
