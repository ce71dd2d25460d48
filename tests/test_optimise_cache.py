"""The cache of compiled code: real files, damaged, planted, linked, given away."""

import os
import sys
import warnings

import numpy as np
import pytest
from all_rules import numbers, train
from compiling import forget, needs_numba

from minigrad import optimise as o
from minigrad.optimise.compiled import cache, kernels, loops


@needs_numba
def test_the_name_changes_with_everything_the_code_is_made_of(monkeypatch):
    name = cache.name("text", "f")
    others = [cache.name("other text", "f"), cache.name("text", "d")]
    for module, attribute in [(cache, "__version__"), (sys, "version"), (np, "__version__")]:
        monkeypatch.setattr(module, attribute, "0.0.0")
        others.append(cache.name("text", "f"))
    monkeypatch.setattr(cache, "numba_version", lambda: "another")
    others.append(cache.name("text", "f"))

    assert len({name, *others}) == 1 + len(others)


def test_the_text_of_every_formula_is_in_the_key():
    def first(x, dx, *, eta):
        return eta * dx

    def second(x, dx, *, eta):
        return eta * dx + 0.0

    assert loops.write([(first, [])], float) != loops.write([(second, [])], float)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A folder with the files "a" and "b"; what is loaded is shown, not run."""
    monkeypatch.setenv("MINIGRAD_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(cache, "_warned", [])
    monkeypatch.setattr(cache, "address_of", lambda content: content)
    cache.store("a", b"code of a")
    cache.store("b", b"code of b")
    return tmp_path


def truncate(folder):
    (folder / "a").write_bytes((folder / "a").read_bytes()[:-3])


def empty(folder):
    (folder / "a").write_bytes(b"")


def change_one_byte(folder):
    (folder / "a").write_bytes((folder / "a").read_bytes()[:-1] + b"?")


def give_another_checksum(folder):
    (folder / "a").write_bytes(b"0" * 64 + (folder / "a").read_bytes()[64:])


def plant_another_kernel(folder):
    (folder / "a").write_bytes((folder / "b").read_bytes())


def swap_names(folder):
    (folder / "a").rename(folder / "c")
    (folder / "b").rename(folder / "a")
    (folder / "c").rename(folder / "b")


def let_a_link_point_to_it(folder):
    (folder / "a").rename(folder / "c")
    (folder / "a").symlink_to(folder / "c")


def put_a_folder_in_its_place(folder):
    (folder / "a").unlink()
    (folder / "a").mkdir()


def put_a_pipe_in_its_place(folder):
    (folder / "a").unlink()
    os.mkfifo(folder / "a")


def make_it_huge(folder):
    os.truncate(folder / "a", 1 << 40)  # a file of holes: nobody could read it


def let_all_write_to_the_file(folder):
    (folder / "a").chmod(0o602)


def let_the_group_write_to_the_file(folder):
    (folder / "a").chmod(0o620)


def let_all_write_to_the_folder(folder):
    folder.chmod(0o1777)


def let_the_group_write_to_the_folder(folder):
    folder.chmod(0o770)


def give_the_file_to_another(folder):
    os.chown(folder / "a", os.geteuid() + 1, -1)


def give_the_folder_to_another(folder):
    os.chown(folder, os.geteuid() + 1, -1)


def pretend_to_be_another(folder):
    me = os.geteuid()
    os.geteuid = lambda: me + 1


DAMAGES = [
    truncate, empty, change_one_byte, give_another_checksum, plant_another_kernel, swap_names, let_a_link_point_to_it,
    put_a_folder_in_its_place, put_a_pipe_in_its_place, make_it_huge, let_all_write_to_the_file,
    let_the_group_write_to_the_file, let_all_write_to_the_folder, let_the_group_write_to_the_folder,
    give_the_file_to_another, give_the_folder_to_another, pretend_to_be_another,
]  # fmt: skip
on_posix = pytest.mark.skipif(os.name != "posix", reason="owners and permissions are POSIX's")


@on_posix
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda f: f.__name__)
def test_only_what_was_written_here_is_loaded_and_anything_else_costs_one_warning(damage, kept, monkeypatch):
    monkeypatch.setattr(os, "geteuid", os.geteuid)
    before = cache.load("a")
    try:
        damage(kept)
    except PermissionError:
        pytest.skip("only root can give files away")

    why = "could not be read on disk.*(is no|damaged|large|written|link|another)"
    with pytest.warns(UserWarning, match=why) as caught:
        found = cache.load("a"), cache.load("a")

    assert before == b"code of a" and found == (None, None) and len(caught) == 1


@on_posix
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda f: f.__name__)
def test_a_file_is_mended_but_nothing_is_written_to_a_folder_of_others(damage, kept, monkeypatch):
    monkeypatch.setattr(os, "geteuid", os.geteuid)
    try:
        damage(kept)
    except PermissionError:
        pytest.skip("only root can give files away")
    hopeless = "folder" in damage.__name__ or "pretend" in damage.__name__

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cache.store("a", b"newer code")
        found = cache.load("a")

    assert found == (None if hopeless else b"newer code")
    assert {path.name for path in kept.iterdir()} <= {"a", "b", "c"}  # no drafts


@on_posix
def test_a_new_folder_and_its_files_are_the_users_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_CACHE_DIR", str(tmp_path / "new" / "folder"))
    before = os.umask(0)
    try:
        cache.store("a", b"code")
    finally:
        os.umask(before)

    assert cache.folder().stat().st_mode & 0o777 == 0o700 and (cache.folder() / "a").stat().st_mode & 0o777 == 0o600


@on_posix
@pytest.mark.parametrize("plant", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_a_draft_is_never_written_through_a_planted_link(plant, kept, monkeypatch):
    precious = kept / "b"
    before = precious.read_bytes()
    monkeypatch.setattr(os, "urandom", lambda n: b"7" * n)
    plant(precious, kept / f"a.{'37' * 8}.tmp")

    with pytest.warns(UserWarning, match="could not be written on disk"):
        cache.store("a", b"newer code")

    assert precious.read_bytes() == before and cache.load("a") == b"code of a"


@pytest.mark.slow
@needs_numba
def test_kernels_with_swapped_names_are_compiled_again(tmp_path, compiled, monkeypatch):
    monkeypatch.setenv("MINIGRAD_CACHE_DIR", str(tmp_path))
    forget(monkeypatch)
    x, y = train(o.Descent(), numbers(4)), train(o.Momentum(), numbers(4))
    files = sorted(tmp_path.glob("*.kernel"))
    content = [file.read_bytes() for file in files]
    for file, other in zip(files, content[1:] + content[:1]):
        file.write_bytes(other)
    forget(monkeypatch)

    with pytest.warns(UserWarning, match="damaged, or another kernel's"):
        again = train(o.Descent(), numbers(4)), train(o.Momentum(), numbers(4))

    assert len(files) == 3 and np.array_equal(x, again[0]) and np.array_equal(y, again[1])
    forget(monkeypatch)
    monkeypatch.setattr(kernels, "COMPILING", float("inf"))
    assert np.array_equal(x, train(o.Descent(), numbers(4))) and kernels.compiled() == 2  # from disk


@pytest.mark.slow
@needs_numba
def test_a_damaged_file_is_written_anew(tmp_path, compiled, monkeypatch):
    monkeypatch.setenv("MINIGRAD_CACHE_DIR", str(tmp_path))
    forget(monkeypatch)
    x = train(o.Descent(), numbers(4))
    files = {file: file.read_bytes() for file in tmp_path.glob("*.kernel")}
    for file in files:
        file.write_bytes(b"")
    forget(monkeypatch)

    with pytest.warns(UserWarning, match="could not be read on disk"):
        y = train(o.Descent(), numbers(4))

    assert np.array_equal(x, y) and len(files) == 2
    assert all(len(file.read_bytes()) == len(content) for file, content in files.items())


@needs_numba
def test_a_folder_that_cannot_be_written_costs_one_warning(tmp_path, compiled, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MINIGRAD_CACHE_DIR", str(tmp_path / "file" / "folder"))
    forget(monkeypatch)

    with pytest.warns(UserWarning, match="could not be") as caught:
        x = np.zeros(1)
        o.update_(o.Descent(0.5), x, np.ones(1))

    assert len(caught) == 1 and x[0] == -0.5


@pytest.mark.slow
@needs_numba
def test_no_folder_means_no_files(tmp_path, compiled, monkeypatch):
    monkeypatch.setenv("MINIGRAD_CACHE_DIR", "")
    forget(monkeypatch)

    train(o.Descent(), numbers(4))

    assert cache.folder() is None
