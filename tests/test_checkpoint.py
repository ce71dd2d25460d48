"""Checkpoints: runs that go on bit for bit, files that are never torn, and errors that lose nothing."""

import errno
import itertools
import json
import os
import random
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from minigrad import Tensor, params, randn, update_, withgradient
from minigrad.checkpoint import CheckpointError, load_, save
from minigrad.data import DataLoader
from minigrad.checkpoint.files import reading, write
from minigrad.checkpoint.saving import VERSION
from minigrad.nn import Chain, Dense, Dropout, relu
from minigrad.optimise import ADAM, ClipNorm, Descent, ExpDecay, Momentum, Optimiser, RMSProp
from minigrad.training.train import train_
from minigrad.schedules import Exp, Plateau, Stateful, next_

SUFFIXES = [".npz", ".safetensors"]


@pytest.fixture(params=SUFFIXES)
def path(request, tmp_path):
    if request.param == ".safetensors":
        pytest.importorskip("safetensors")
    return tmp_path / f"run{request.param}"


@pytest.fixture
def npz(tmp_path):
    return tmp_path / "run.npz"


def bits(*xs):
    return [x.data.tobytes() for x in xs]


# ------------------------------------------------------------------------------- going on bit for bit
class Run:
    """A training in which all changes from step to step: weights, moments, dropout, batches, a schedule."""

    def __init__(self, seed=7):
        rng = np.random.default_rng(seed)
        self.rng = np.random.default_rng(seed + 1)
        dropout = Dropout(0.5, True, rng=self.rng)
        self.model = Chain(Dense(3, 4, relu, rng=rng), dropout, Dense(4, 1, rng=rng))
        self.opt = Optimiser(ClipNorm(1.0), ADAM(0.01), ExpDecay(1.0, 0.5, 3, 1e-3))
        self.schedule = Stateful(Exp(0.05, 0.9))
        self.step = 0

    def go_on(self, until):
        ps = params(self.model)
        while self.step < until:
            x = self.rng.normal(size=(5, 3))
            self.opt[1].eta = next_(self.schedule)
            _, grads = withgradient(lambda x=x: np.mean((self.model(x) - 1) ** 2), ps)
            update_(self.opt, ps, grads)
            self.step += 1
        return self

    def parts(self):
        return dict(model=self.model, opt=self.opt, schedule=self.schedule, rng=self.rng)


@pytest.mark.parametrize("stopped_at", [1, 2, 5, 8])
def test_training_stopped_at_any_step_and_resumed_gives_the_same_bits(path, stopped_at):
    whole = Run().go_on(9)
    first = Run().go_on(stopped_at)
    save(path, **first.parts(), step=first.step)

    second = Run(seed=99)  # other weights, other random numbers
    second.step = load_(path, **second.parts())["step"]
    second.go_on(9)

    assert bits(*params(second.model)) == bits(*params(whole.model))
    assert second.rng.random() == whole.rng.random()
    assert second.opt[1].eta == whole.opt[1].eta and second.opt[2].eta == whole.opt[2].eta


def test_training_over_shuffled_batches_resumes_in_the_middle_of_an_epoch(npz):
    x = np.arange(12.0)

    def run(W, opt, rng, begin, end):
        """Train on some batches of an epoch, given the generator of its beginning."""
        batches = itertools.islice(DataLoader(x, 2, shuffle=True, rng=rng), begin, end)
        train_(lambda x: np.sum((W - x) ** 2), params(W), batches, opt, progress="silent")

    whole, rng = Tensor(0.5), np.random.default_rng(0)
    run(whole, ADAM(0.1), rng, 0, 6)

    W, opt, rng = Tensor(0.5), ADAM(0.1), np.random.default_rng(0)
    save(npz, at_start_of_epoch=rng)
    run(W, opt, rng, 0, 4)
    save(npz.with_name("now.npz"), model=W, opt=opt, batches=4)
    W, opt, rng = Tensor(0.0), ADAM(), np.random.default_rng(1)
    load_(npz, at_start_of_epoch=rng)
    begin = load_(npz.with_name("now.npz"), model=W, opt=opt)["batches"]
    run(W, opt, rng, begin, 6)

    assert bits(W) == bits(whole)


def test_the_generator_of_a_dropout_is_saved_with_its_model(path):
    layer, other = (Dropout(0.5, True, rng=np.random.default_rng(seed)) for seed in (1, 2))
    layer(np.ones(3))
    save(path, model=[layer, Tensor(1.0)])

    load_(path, model=[other, Tensor(1.0)])

    assert np.array_equal(layer(np.ones(50)), other(np.ones(50)))


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64])
def test_every_kind_of_generator_goes_on_where_it_was(path, kind):
    rng, other = np.random.Generator(kind(5)), np.random.Generator(kind(6))
    rng.normal(size=3), rng.integers(7, dtype=np.uint8)
    save(path, rng=rng)

    load_(path, rng=other)

    assert np.array_equal(rng.integers(1 << 60, size=9), other.integers(1 << 60, size=9))


def test_a_plateau_remembers_what_it_has_seen(npz):
    seen, fresh = Plateau(1.0, decay=0.5, patience=1), Plateau(1.0, decay=0.5, patience=1)
    for loss in (3.0, 2.0, 2.5):
        next_(seen, loss)
    save(npz, schedule=seen)

    load_(npz, schedule=fresh)

    assert (fresh.best, fresh.worse_in_a_row) == (2.0, 1)
    assert [next_(fresh, 2.5), next_(fresh, 2.5)] == [next_(seen, 2.5), next_(seen, 2.5)]


# --------------------------------------------------------------------------------- what can be saved
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8", "c16", ">f8", "i4", "u1", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 4)])
def test_arrays_of_every_dtype_and_shape_come_back(npz, dtype, shape):
    x = np.array(np.arange(np.prod(shape)).reshape(shape) + 0.25, dtype=dtype)
    W, V = Tensor(x), Tensor(np.zeros_like(x))
    save(npz, model=W, array=x)

    found = load_(npz, model=V)["array"]

    assert bits(V) == bits(W) and V.dtype == x.dtype
    assert np.array_equal(found, x) and found.shape == shape and found.dtype == x.dtype.newbyteorder("=")


def test_a_transposed_array_comes_back_in_its_own_order(path):
    x = np.arange(6.0).reshape(2, 3).T
    save(path, x=x)

    assert np.array_equal(load_(path)["x"], x)


VALUES = {
    "int": -(2**100), "float": 0.1, "nan": float("nan"), "infinite": float("-inf"), "text": "Größe\n",
    "none": None,
    "complex": 1 - 2j, "scalar": np.float32(0.1), "bools": [True, False],
    "nested": {"a": [1, (2, {"b": np.ones(2)})], 3: "int key", "": ()},
}


def test_values_come_back_as_they_were(path):
    save(path, **VALUES)

    found = load_(path)

    assert repr(found) == repr(VALUES) and list(found) == list(VALUES)
    assert type(found["scalar"]) is np.float32


@pytest.mark.parametrize(
    "model",
    [
        lambda: params(Tensor([1.0, 2.0]), Tensor(3.0)),
        lambda: {"encoder": [Tensor([1.0, 2.0])], "decoder": (Tensor(3.0),)},
        lambda: Chain(Dense(2, 3), Dense(3, 1)),
    ],
)
def test_models_of_any_structure_come_back(path, model):
    first, second = model(), model()
    for p in params(second):
        p[...] = -9.0
    save(path, model=first)

    load_(path, model=second)

    assert bits(*params(second)) == bits(*params(first))


def test_a_weight_that_two_layers_share_is_saved_once(npz):
    W = Tensor([1.0])
    save(npz, model=[W, W])

    assert list(load_(npz)["model"]) == ["[0]"]


def test_numpy_alone_can_read_the_weights_by_the_names_of_their_places(npz):
    save(npz, model=Chain(Dense(2, 3, rng=np.random.default_rng(0))))

    with np.load(npz, allow_pickle=False) as file:
        assert set(file.files) == {"model/layers[0].W", "model/layers[0].b", "minigrad.json"}


def test_what_is_not_asked_for_is_returned(npz):
    W = Tensor([1.0])
    save(npz, model=W, opt=Momentum(), epoch=3)

    found = load_(npz)

    assert set(found) == {"model", "opt", "epoch"}
    assert found["epoch"] == 3 and np.array_equal(found["model"][""], [1.0])


def test_a_file_is_replaced_with_the_permissions_of_a_new_file(npz):
    before = os.umask(0o022)
    try:
        save(npz, epoch=1)
        save(npz, epoch=2)
    finally:
        os.umask(before)

    assert load_(npz) == {"epoch": 2}
    assert os.stat(npz).st_mode & 0o777 == 0o644


def test_a_symbolic_link_stays_one(npz):
    save(npz, epoch=1)
    link = npz.with_name("latest.npz")
    link.symlink_to(npz)

    save(link, epoch=2)

    assert link.is_symlink() and load_(npz) == {"epoch": 2}


# ------------------------------------------------------------------------------------ what is refused
def test_nothing_at_all_is_refused(npz):
    with pytest.raises(ValueError, match="there is nothing to save"):
        save(npz)


def test_an_optimiser_without_its_model_is_refused(npz):
    with pytest.raises(ValueError, match="belongs to the parameters: give the model too"):
        save(npz, opt=ADAM())
    with pytest.raises(ValueError, match="belongs to the parameters: give the model too"):
        load_(npz, opt=ADAM())


def test_a_model_without_parameters_is_refused_and_the_old_file_stays(npz):
    save(npz, epoch=1)

    with pytest.raises(TypeError, match="holds no Tensor"):
        save(npz, model=[np.ones(2)])

    assert load_(npz) == {"epoch": 1} and os.listdir(npz.parent) == ["run.npz"]


@pytest.mark.parametrize(
    "value, kind", [(object(), "a object"), (np.array(["a"]), "an array of <U1"), ({1, 2}, "a set")]
)
def test_what_cannot_be_saved_is_named_by_its_place(npz, value, kind):
    with pytest.raises(TypeError, match=f"^save: history/last is {kind}, which cannot be saved"):
        save(npz, history={"last": value})

    assert not npz.exists()


def test_a_schedule_without_a_position_is_refused(npz):
    with pytest.raises(TypeError, match="schedule, a function, has no position; give a Stateful or Plateau"):
        save(npz, schedule=lambda t: 0.1)


@pytest.mark.parametrize("name", ["run", "run.pkl", "run.npz.old"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="ends in .npz or .safetensors; got"):
        save(tmp_path / name, epoch=1)
    with pytest.raises(ValueError, match="ends in .npz or .safetensors; got"):
        load_(tmp_path / name)


def test_safetensors_is_asked_for_by_name_when_it_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)

    with pytest.raises(ImportError, match="pip install safetensors; or let the file's name end in .npz"):
        save(tmp_path / "run.safetensors", epoch=1)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder .*nowhere"):
        save(tmp_path / "nowhere" / "run.npz", epoch=1)


@pytest.fixture
def trained():
    """A model and an optimiser with state, a snapshot of both, and a check that they are as they were."""
    model, opt = [randn(2, 3), randn(3)], Momentum(0.5)
    update_(opt, model, [np.ones((2, 3)), np.ones(3)])

    def snapshot():
        return bits(*model, *(Tensor(opt.velocity[p]) for p in model)), opt.eta

    before = snapshot()
    return model, opt, lambda: snapshot() == before


@pytest.mark.parametrize(
    "message, other",
    [
        (r"model/\[0\] has shape \(3, 2\) in the file and \(2, 3\) here", lambda: [randn(3, 2), randn(3)]),
        (r"model/\[1\] has dtype float32 in the file and float64 here",
         lambda: [randn(2, 3), randn(3, dtype=np.float32)]),
        (r"only in the file there is \[2\]", lambda: [randn(2, 3), randn(3), randn(1)]),
        (r"only here there is \[1\]", lambda: [randn(2, 3)]),
        (r"only in the file there is \['W'\]; only here there is \[0\], \[1\]", lambda: {"W": randn(2, 3)}),
    ],
)
def test_a_checkpoint_of_another_model_is_refused_and_nothing_is_overwritten(npz, trained, message, other):
    model, opt, unchanged = trained
    other = other()
    save(npz, model=other, opt=Momentum(0.1))

    with pytest.raises(CheckpointError, match=message + r".*Nothing was overwritten"):
        load_(npz, model=model, opt=opt)

    assert unchanged()


def test_a_checkpoint_of_another_optimiser_is_refused_and_nothing_is_overwritten(npz, trained):
    model, opt, unchanged = trained
    save(npz, model=[randn(2, 3), randn(3)], opt=RMSProp())

    with pytest.raises(CheckpointError, match="Momentum.*RMSProp.*Nothing was overwritten"):
        load_(npz, model=model, opt=opt)

    assert unchanged()


def test_what_the_checkpoint_does_not_have_is_refused_and_nothing_is_overwritten(npz, trained):
    model, opt, unchanged = trained
    save(npz, model=[randn(2, 3), randn(3)], epoch=1)

    with pytest.raises(CheckpointError, match=r"has nothing of the name 'opt'. It has model, epoch"):
        load_(npz, model=model, opt=opt)

    assert unchanged()


def test_a_thing_of_another_kind_is_refused(npz, trained):
    model, opt, unchanged = trained
    save(npz, weights=[1.0, 2.0])

    with pytest.raises(CheckpointError, match="has a value of the name 'weights', and here is a model"):
        load_(npz, weights=model)

    assert unchanged()


def test_a_later_thing_that_does_not_fit_leaves_the_earlier_ones_alone(npz, trained):
    model, opt, unchanged = trained
    save(npz, model=[randn(2, 3), randn(3)], opt=Momentum(), rng=np.random.Generator(np.random.MT19937(0)))

    with pytest.raises(CheckpointError, match="rng is a MT19937 in the file and a PCG64 here"):
        load_(npz, model=model, opt=opt, rng=np.random.default_rng())

    assert unchanged()


def test_a_read_only_parameter_is_refused(npz, trained):
    model, opt, unchanged = trained
    save(npz, model=[randn(2, 3), randn(3)])
    model[1].data.flags.writeable = False

    with pytest.raises(CheckpointError, match=r"model/\[1\] is read-only here"):
        load_(npz, model=model)

    assert unchanged()


def test_the_position_of_another_kind_of_schedule_is_refused(npz):
    save(npz, schedule=Plateau(0.1))

    with pytest.raises(CheckpointError, match="schedule is a Plateau in the file and a Stateful here"):
        load_(npz, schedule=Stateful(Exp(0.1, 0.9)))


def test_a_number_cannot_be_overwritten_and_the_error_says_how_to_get_it(npz):
    save(npz, epoch=3)

    with pytest.raises(TypeError, match=r"epoch, a int, cannot be overwritten.*load_\(path\)\['epoch'\]"):
        load_(npz, epoch=0)


def test_a_newer_format_asks_for_an_update(npz):
    save(npz, epoch=3)
    with reading(npz, ".npz") as (text, read_arrays):
        arrays = read_arrays()
    header, rest = text.split("\n", 1)
    newer = {**json.loads(header), "version": VERSION + 1, "minigrad": "9.0"}
    with open(npz, "wb") as file:
        write(file, ".npz", json.dumps(newer) + "\n" + rest, arrays)

    with pytest.raises(CheckpointError, match=rf"minigrad 9.0 in format {VERSION + 1}; .*Update minigrad"):
        load_(npz)


# -------------------------------------------------------------------------------------- damaged files
def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file .*run.npz"):
        load_(tmp_path / "run.npz")


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04 garbage", b"\x93NUMPY", bytes(1000)])
def test_garbage_is_no_checkpoint(path, content):
    path.write_bytes(content)

    with pytest.raises(CheckpointError, match="is damaged or no checkpoint"):
        load_(path)


def test_an_archive_of_somebody_else_is_no_checkpoint(npz):
    np.savez(npz, W=np.ones(3))

    with pytest.raises(CheckpointError, match="is damaged or no checkpoint"):
        load_(npz)


def test_pickled_objects_are_never_loaded(npz):
    np.savez(npz, W=np.array([object()]), allow_pickle=True)

    with pytest.raises(CheckpointError, match="is damaged or no checkpoint"):
        load_(npz)


@pytest.fixture
def content(path, trained):
    save(path, model=[randn(2, 3), randn(3)], opt=Momentum())
    return path.read_bytes()


def test_a_truncated_file_is_refused_wherever_it_ends_and_nothing_is_overwritten(path, content, trained):
    model, opt, unchanged = trained
    for length in range(0, len(content), max(1, len(content) // 60)):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="is damaged or no checkpoint"):
            load_(path, model=model, opt=opt)

    assert unchanged()


def test_a_flipped_bit_is_noticed_or_does_no_harm(path, content):
    expected = repr(load_(path))
    where = random.Random(0)
    noticed = 0
    for _ in range(120):
        damaged = bytearray(content)
        damaged[where.randrange(len(content))] ^= 1 << where.randrange(8)
        path.write_bytes(damaged)
        try:
            assert repr(load_(path)) == expected  # a date in the archive's table of contents, for example
        except CheckpointError:
            noticed += 1

    assert noticed > 60


# ------------------------------------------------------------------------------------ crashes and faults
def faults(monkeypatch, name, n, error=errno.ENOSPC):
    """Let the n-th call of ``os.<name>`` fail; with "write", the n-th write to a file."""
    calls = itertools.count()

    def failing(real):
        def call(*args, **kwargs):
            if next(calls) == n:
                raise OSError(error, os.strerror(error))
            return real(*args, **kwargs)
        return call

    if name != "write":
        monkeypatch.setattr(os, name, failing(getattr(os, name)))
        return
    real_open = open

    def open_failing(path, mode="r", *args, **kwargs):
        if mode != "xb":
            return real_open(path, mode, *args, **kwargs)
        file = real_open(path, mode, buffering=0)
        return Faulty(file, failing(file.write))

    monkeypatch.setattr("builtins.open", open_failing)


class Faulty:
    """A file whose ``write`` is another function."""

    def __init__(self, file, write):
        self.file, self.write = file, write

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.file.close()


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_whichever_write_fails_the_old_file_or_the_new_one_is_there_whole(path, monkeypatch, call):
    old, new = {"epoch": 1, "W": np.zeros(500)}, {"epoch": 2, "W": np.ones(500)}
    survived = 0
    for n in range(60):
        save(path, **old)
        with monkeypatch.context() as broken:
            faults(broken, call, n)
            try:
                save(path, **new)
                failed = False
            except OSError as error:
                assert "could not be written (No space left on device); a file that was there" in str(error)
                failed = True
        found = load_(path)
        assert repr(found) in (repr(old), repr(new))
        assert os.listdir(path.parent) == [path.name], "a draft was left behind"
        if not failed:
            break
        survived += 1
    assert not failed and survived >= 1, "the fault never came, or always"


def run_python(program, *arguments, env=None):
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=env)


def test_a_new_process_goes_on_with_the_same_bits_though_it_has_compiled_nothing_yet(npz):
    """After so many large steps the old process uses compiled kernels; the new one has none yet."""
    program = """
        import sys
        import numpy as np
        from minigrad import *
        from minigrad.checkpoint import load_, save
        path, begin, end = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
        W, opt, rng = zeros(30_000), Optimiser(WeightDecay(0.1), ADAM()), np.random.default_rng(0)
        if begin:
            load_(path, model=W, opt=opt, rng=rng)
        for step in range(begin, end):
            if step == 40:
                save(path, model=W, opt=opt, rng=rng)
            update_(opt, W, rng.normal(size=30_000))
        print(W.data.tobytes().hex()[:1000], hash(W.data.tobytes()))
    """
    env = {**os.environ, "PYTHONHASHSEED": "0"}

    whole, resumed = run_python(program, npz, 0, 43, env=env), run_python(program, npz, 40, 43, env=env)

    assert whole.returncode == 0, whole.stderr
    assert resumed.stdout == whole.stdout, resumed.stderr


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files as POSIX does")
def test_a_full_disk_is_reported_and_the_old_file_stays(npz):
    save(npz, epoch=1)

    result = run_python("""
        import resource, signal, sys
        import numpy as np
        from minigrad.checkpoint import save
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            save(sys.argv[1], W=np.ones(10_000))
        except OSError as error:
            print(error)
    """, npz)

    assert "could not be written (File too large)" in result.stdout, result.stderr
    assert load_(npz) == {"epoch": 1} and os.listdir(npz.parent) == ["run.npz"]


@pytest.mark.skipif(os.name != "posix", reason="kills a process as POSIX does")
def test_a_process_killed_while_it_saves_leaves_a_whole_file(npz):
    """One process forks many that save without end, and kills each of them somewhere in between."""
    save(npz, version=0, W=np.zeros(20_000))

    result = run_python("""
        import os, random, signal, sys, time, warnings
        import numpy as np
        from minigrad.checkpoint import load_, save
        warnings.simplefilter("ignore")
        path, rng, killed_between = sys.argv[1], random.Random(0), 0
        for trial in range(15):
            pid = os.fork()
            if pid == 0:
                version = 0
                while True:
                    version += 1
                    save(path, version=version, W=np.full(20_000, float(version)))
            time.sleep(rng.uniform(0.005, 0.04))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            found = load_(path)
            assert np.all(found["W"] == found["version"]), "torn"
            killed_between += len(os.listdir(os.path.dirname(path))) > 1
            for name in os.listdir(os.path.dirname(path)):
                if name.endswith(".part"):
                    os.unlink(os.path.join(os.path.dirname(path), name))
        print("whole", killed_between)
    """, npz)

    assert result.stdout.startswith("whole "), result.stderr
    assert int(result.stdout.split()[1]) > 0, "no process was killed while it wrote"


def test_saving_in_a_callback_while_training(npz):
    W = Tensor(0.0)

    def checkpoint(context):
        save(npz, model=W, opt=context.optimiser, step=context.step)

    train_(lambda x: (W - x) ** 2, params(W), [1.0] * 3, Descent(0.25), cb=checkpoint, progress="silent")

    V = Tensor(9.0)
    assert load_(npz, model=V, opt=Descent()) == {"step": 3}
    assert float(V) == float(W)
