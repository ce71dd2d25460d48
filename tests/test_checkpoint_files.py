"""The files of checkpoints: names that never collide, sizes that are checked, left-overs, old formats."""

import io
import multiprocessing
import os
import signal
import struct
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from minigrad import Tensor, params
from minigrad.checkpoint import CheckpointError, load_, save
from minigrad.iddict import IdDict
from minigrad.optimise import ADAM, Momentum, Optimiser, apply_
from minigrad.schedules import Exp, Stateful, next_

HERE = Path(__file__).parent / "data"


@pytest.fixture(params=[".npz", ".safetensors"])
def path(request, tmp_path):
    if request.param == ".safetensors":
        pytest.importorskip("safetensors")
    return tmp_path / f"run{request.param}"


@pytest.fixture
def npz(tmp_path):
    return tmp_path / "run.npz"


def bits(tensors):
    return [t.data.tobytes() for t in tensors]


# ------------------------------------------------------------------------------------------------ names
A, B = np.array([1.0]), np.array([2.0])
COLLIDING = {
    "a slash": {"loss/train": A, "loss": {"train": B}},
    "two slashes": {"a": {"b/c": A, "b": {"c": B}}, "a/b": {"c": A + 2}},
    ".npy": {"a": A, "a.npy": B},
    ".npy twice": {"a": A, "a.npy": B, "a.npy.npy": A + 2},
    "NUL": {"a\0b": A, "a\0c": B, "a": A + 2},
    "brackets": {"a": [A], "a[0]": B},
    "a number": {"#1": A, "#0": B, "a\0": A + 2, "b\0": B + 2},
    "an empty key": {"": A, "a": {"": B}},
    "half a character": {"\ud800": A, "a\udfff": B},
    "a long one": {"a" * 70_000: A, "a" * 70_001: B},
    "the text's": {"minigrad.json": A, "__metadata__": B},
    "backslashes": {"a\\b": A, "a/b": B},
    "letters": {"ä": A, "a\u0308": B, "Ä": A + 2},
    "keys of other types": {1: A, "1": B, (1,): A + 2, 1.5: B + 2, None: A + 4},
}


@pytest.mark.parametrize("value", COLLIDING.values(), ids=COLLIDING)
def test_names_never_collide_in_values(path, value):
    save(path, x=value)
    assert repr(load_(path)["x"]) == repr(value)

    if all(isinstance(key, str) for key in value):
        save(path, **value)
        assert repr(load_(path)) == repr(value)


@pytest.mark.parametrize("value", COLLIDING.values(), ids=COLLIDING)
def test_names_never_collide_in_models(path, value):
    def tensors(x):
        if isinstance(x, dict):
            return {key: tensors(child) for key, child in x.items()}
        return [tensors(child) for child in x] if isinstance(x, list) else Tensor(x)

    first, second = tensors(value), tensors(value)
    for p in params(second):
        p[...] = 0
    save(path, model=first, opt=ADAM())

    load_(path, model=second, opt=ADAM())

    assert bits(params(second)) == bits(params(first))


class Model:
    pass


def test_names_never_collide_in_attributes(path):
    def make(numbers):
        model = Model()
        model.a, model.blocks = Model(), [Tensor(next(numbers))]
        model.a.b = Tensor(next(numbers))
        setattr(model, "a.b", Tensor(next(numbers)))
        setattr(model, "blocks[0]", Tensor(next(numbers)))
        setattr(model, "a.b (2)", Tensor(next(numbers)))
        return model

    first, second = make(iter([1.0, 2.0, 3.0, 4.0, 5.0])), make(iter([0.0] * 5))
    opt, fresh = Momentum(), Momentum()
    for n, p in enumerate(params(first)):
        opt.velocity[p] = np.array(float(n))
    save(path, model=first, opt=opt)

    load_(path, model=second, opt=fresh)

    assert len(load_(path)["model"]) == 5
    assert bits(params(second)) == bits(params(first))
    assert [float(fresh.velocity[p]) for p in params(second)] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_a_key_without_a_name_of_its_own_is_found_in_another_process(npz):
    def make(x):
        return {Model(): Tensor(x), Model(): Tensor(2 * x)}

    save(npz, model=make(1.0))
    second = make(0.0)

    load_(npz, model=second)

    assert [float(p) for p in params(second)] == [1.0, 2.0]


def test_numbers_that_only_some_formats_hold_are_refused_by_place(tmp_path):
    pytest.importorskip("safetensors")
    message = "save: model/.*'W'.* which a .safetensors cannot; let the name end in .npz"
    for dtype in (complex, np.longdouble, np.clongdouble):
        with pytest.raises(TypeError, match=message):
            save(tmp_path / "run.safetensors", model={"W": Tensor(np.ones(2, dtype))})
        save(tmp_path / "run.npz", W=np.ones(2, dtype))
        assert load_(tmp_path / "run.npz")["W"].dtype == dtype
    assert os.listdir(tmp_path) == ["run.npz"]


@pytest.mark.parametrize("value", [np.ma.array([1.0], mask=[1]), np.array([[1.0]]).view(np.matrix)])
def test_arrays_that_would_come_back_as_others_are_refused(npz, value):
    with pytest.raises(TypeError, match="save: x cannot be saved: a (MaskedArray|matrix) computes in its own way"):
        save(npz, x=value)


# ------------------------------------------------------------------------------------------ strange files
def test_compressed_members_are_refused_before_they_are_unpacked(npz):
    with zipfile.ZipFile(npz, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("minigrad.json.npy", "w", force_zip64=True) as member:
            header = {"descr": "|u1", "fortran_order": False, "shape": (400_000_000,)}
            np.lib.format.write_array_header_1_0(member, header)
            for _ in range(25):
                member.write(bytes(16_000_000))
    assert npz.stat().st_size < 2_000_000

    tracemalloc.start()
    with pytest.raises(CheckpointError, match="'minigrad.json' is compressed, which save never does"):
        load_(npz)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 2_000_000


def test_one_compressed_member_among_others_is_refused(npz):
    save(npz, a=A, b=B)
    with zipfile.ZipFile(npz) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(npz, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content, zipfile.ZIP_DEFLATED if name == "b.npy" else zipfile.ZIP_STORED)

    with pytest.raises(CheckpointError, match="its member 'b' is compressed"):
        load_(npz)


def test_a_header_that_promises_more_than_there_is_is_refused(npz):
    def array_file(shape, descr="<f8", content=bytes(16)):
        file = io.BytesIO()
        np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
        return file.getvalue() + content

    for content in (array_file((10**14,)), array_file((1,)), array_file((2, 10**9, 10**9)), array_file((-2,)),
                    array_file((2,), "|O"), array_file((2,), "<U2"), array_file((3,)), b"\x93NUMPY"):
        save(npz, a=A)
        with zipfile.ZipFile(npz) as archive:
            text = archive.read("minigrad.json.npy")
        with zipfile.ZipFile(npz, "w") as archive:
            archive.writestr("minigrad.json.npy", text)
            archive.writestr("a.npy", content)
        with pytest.raises(CheckpointError, match="is damaged or no checkpoint"):
            load_(npz)


def test_a_table_of_contents_that_promises_more_than_there_is_is_refused(npz):
    save(npz, a=np.zeros(1000))
    content = bytearray(npz.read_bytes())
    place = content.index(b"PK\x01\x02")
    while place >= 0:
        struct.pack_into("<II", content, place + 20, 2_000_000_000, 2_000_000_000)  # both sizes, of every member
        place = content.find(b"PK\x01\x02", place + 1)
    npz.write_bytes(content)

    with pytest.raises(CheckpointError, match="larger than the file|is damaged"):
        load_(npz)


def test_two_members_of_one_name_are_refused(npz):
    save(npz, a=A)
    with zipfile.ZipFile(npz, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.npy", b"")

    with pytest.raises(CheckpointError, match="two of its members have the same name"):
        load_(npz)


# -------------------------------------------------------------------------------------------- left-overs
def drafts(folder):
    return [name for name in os.listdir(folder) if name.endswith(".part")]


def save_for_ever(path, begun):
    while True:
        save(path, W=np.zeros(200_000))
        begun.set()


@pytest.mark.skipif(os.name != "posix", reason="kills a process as POSIX does")
def test_the_next_save_removes_what_a_killed_one_has_left(npz):
    context = multiprocessing.get_context("fork")
    for _ in range(40):
        begun = context.Event()
        process = context.Process(target=save_for_ever, args=(npz.with_name("other.npz"), begun))
        process.start()
        begun.wait(30)
        time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        if drafts(npz.parent):
            break
    assert len(drafts(npz.parent)) == 1, "no process was killed while it wrote"

    save(npz, epoch=1)

    assert drafts(npz.parent) == []


@pytest.mark.parametrize("name", [".run.npz.4321.140023.part", ".x.safetensors.1.0f3a.part", ".a.b.npz.7.7.part"])
def test_drafts_of_earlier_versions_are_removed_too(npz, name):
    (npz.parent / name).write_bytes(b"half a file")

    save(npz, epoch=1)

    assert os.listdir(npz.parent) == ["run.npz"]


@pytest.mark.parametrize("name", ["run.npz.part", ".film.mp4.part", "notes.part", ".npz.part", ".run.npz"])
def test_what_is_no_draft_of_ours_stays(npz, name):
    (npz.parent / name).write_bytes(b"somebody's")

    save(npz, epoch=1)

    assert sorted(os.listdir(npz.parent)) == sorted(["run.npz", name])


@pytest.mark.skipif(os.name != "posix", reason="named pipes, and locks as POSIX has them")
def test_a_draft_that_is_being_written_stays_and_strange_things_do_no_harm(npz):
    from minigrad.checkpoint.files import replacing

    os.mkfifo(npz.parent / ".pipe.npz.1.1.part")
    os.mkdir(npz.parent / ".folder.npz.1.1.part")
    (npz.parent / ".link.npz.1.1.part").symlink_to(npz.parent / "precious")
    (npz.parent / "precious").write_text("stays")
    with replacing(npz) as file:
        file.write(b"one half ")
        save(npz.with_name("other.npz"), epoch=1)
        file.write(b"and the other")

    assert npz.read_bytes() == b"one half and the other" and load_(npz.with_name("other.npz")) == {"epoch": 1}
    assert (npz.parent / "precious").read_text() == "stays"


# --------------------------------------------------------------------------------------- earlier formats
class Own:
    def __init__(self):
        self.eta, self.beta, self.memory = 0.0, (), IdDict()
        self.log = None  # the first format passed over what it did not know


@apply_.register
def apply_own(opt: Own, x, dx):
    return dx


def old_model():
    W, b = Tensor([[0.0, 0.0]]), Tensor(np.array([0.0], np.float32))
    return W, b, {"layers": [W], "b": b}


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_files_of_the_first_format_still_load(suffix):
    if suffix == ".safetensors":
        pytest.importorskip("safetensors")
    (W, b, model), opt, schedule = old_model(), Optimiser(Momentum(), ADAM()), Stateful(Exp(0.5, 0.5))
    rng = np.random.default_rng(99)

    rest = load_(HERE / f"format1{suffix}", model=model, opt=opt, schedule=schedule, rng=rng)

    history = {"loss/train": [0.5, 0.25], "best": (1, np.arange(3)), 3: np.float32(0.5), "": None}
    shown = repr(rest).replace(", dtype=int64", "")  # which NumPy says where the usual integers are shorter
    assert shown == repr({"epoch": 7, "history": history})
    assert (W.data.tolist(), b.data.tolist()) == ([[1.0, 2.0]], [0.5])
    assert (opt[0].eta, opt[0].rho, opt[1].eta, opt[1].beta) == (0.5, 0.25, 0.125, (0.9, 0.999))
    assert opt[0].velocity[b] == [-3.0] and [a.tolist() for a in opt[1].state[b]] == [[4.0], [5.0], [0.9, 0.999]]
    assert next_(schedule) == 0.125
    twin = np.random.default_rng(3)
    assert twin.random(2).size == 2 and rng.random() == twin.random()


def test_state_of_own_rules_of_the_first_format_still_loads():
    (W, b, model), opt = old_model(), Own()

    load_(HERE / "format1_own.npz", model=model, opt=opt)

    assert (opt.eta, opt.beta) == (0.5, (0.25, 0.75))
    assert opt.memory[b] == (6.0, 2) and opt.memory[W].tolist() == [[1.0, 1.0]]
