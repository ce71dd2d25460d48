"""Files on disk: written whole or not at all, holding arrays by name and a text beside them."""

import contextlib
import os
import threading
import zipfile
from pathlib import Path

import numpy as np

TEXT = "minigrad.json"  # under this name a file holds the text


@contextlib.contextmanager
def replacing(path):
    """Open a new file that takes the place of ``path`` in one go, once it is whole and safe on the disk.

    It is written beside ``path``, under a name that ends in ``.part``, flushed to the disk and renamed.
    If anything fails, it is removed and ``path`` stays as it was.  Only a process that is killed leaves
    it behind.

    Raises OSError, saying so.
    """
    path = Path(os.path.realpath(path))  # through a symbolic link, the file it points to
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} could not be written: there is no folder {path.parent}")
    try:
        with removed_unless_done(draft):
            with open(draft, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        sync_folder(path.parent)
    except OSError as error:
        why = f"could not be written ({error.strerror or error}); a file that was there before is still whole"
        raise type(error)(error.errno, why, str(path)) from error


@contextlib.contextmanager
def removed_unless_done(draft):
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise


def sync_folder(folder):
    """Make the renaming itself safe on the disk, where the system can do that."""
    with contextlib.suppress(OSError):  # the file is whole in any case
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write(file, suffix, text, arrays):
    """Write a text and a dict of arrays, in C's order and the machine's byte order, into an open file."""
    if suffix == ".safetensors":
        file.write(safetensors().numpy.save(arrays, metadata={TEXT: text}))
        return
    with zipfile.ZipFile(file, "w") as archive:  # as np.savez does, which leaves it open if a write fails
        for name, a in {TEXT: np.frombuffer(text.encode(), np.uint8), **arrays}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, a, allow_pickle=False)


def read(path, suffix):
    """Return the text and the arrays that ``write`` wrote; a strange file can make it raise anything."""
    if suffix == ".npz":
        if not zipfile.is_zipfile(path):
            raise ValueError("it is no archive of arrays, or not a whole one")
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return arrays.pop(TEXT).tobytes().decode(), arrays
    with safetensors().safe_open(path, framework="np") as file:
        return file.metadata()[TEXT], {name: file.get_tensor(name) for name in file.keys()}


def safetensors():
    """The package of that name, an extra, which is imported by whoever wants its format."""
    try:
        import safetensors
        import safetensors.numpy
    except ImportError:
        raise ImportError(
            "a file that ends in .safetensors needs the package of that name: python -m pip install "
            "safetensors; or let the file's name end in .npz"
        ) from None
    return safetensors
