"""docs/numpy.md says what the table and the tests say."""

import importlib.util
import pathlib

import pytest
from minigrad.derivatives import supported

DOCS = pathlib.Path(__file__).parent.parent / "docs"


def test_the_page_is_the_one_that_would_be_written_now():
    specification = importlib.util.spec_from_file_location("write_numpy", DOCS / "write_numpy.py")
    write_numpy = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(write_numpy)
    page = (DOCS / "numpy.md").read_text()
    if write_numpy.versions() not in page:
        pytest.skip("written with other versions of NumPy and SciPy, which have other functions")

    assert write_numpy.page() == page, "run: python docs/write_numpy.py"


def test_supported_names_the_differentiated_arguments():
    assert ("np.arctan2", ("a", "b"), "0 at the origin") in supported()


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
