"""Files on disk: written whole or not at all, holding arrays by name and a text beside them."""

import contextlib
import math
import os
import re
import secrets
import zipfile
from pathlib import Path

import numpy as np

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed anyhow
    fcntl = None

TEXT = "minigrad.json"  # under this name a file holds the text
DRAFT = re.compile(r"\..+\.(npz|safetensors)\.\w+\.\w+\.part")


# ---------------------------------------------------------------------------------------------- writing
@contextlib.contextmanager
def replacing(path):
    """Open a new file that takes the place of ``path`` in one go, once it is whole and safe on the disk.

    It is written beside ``path``, under a name that ends in ``.part``, flushed to the disk and renamed.
    If anything fails, it is removed and ``path`` stays as it was.  What a process leaves behind that is
    killed, the next one removes that writes into this folder.

    Raises OSError, saying so.
    """
    path = Path(os.path.realpath(path))  # through a symbolic link, the file it points to
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} could not be written: there is no folder {path.parent}")
    try:
        remove_left_overs(path.parent)
        with new_draft(path) as (file, draft):
            yield file
            file.flush()
            os.fsync(file.fileno())
            if os.name == "nt":  # which renames no open file
                file.close()
            os.replace(draft, path)  # while it is locked: without a lock it would be taken for a left-over
        sync_folder(path.parent)
    except OSError as error:
        why = f"could not be written ({error.strerror or error}); a file that was there before is still whole"
        raise type(error)(error.errno, why, str(path)) from error


@contextlib.contextmanager
def new_draft(path):
    """Open a locked file beside ``path``, and remove it if anything fails."""
    while True:
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
        with removed_unless_done(draft), open(draft, "xb") as file:
            lock(file.fileno())
            if os.fstat(file.fileno()).st_nlink == 0:  # taken for a left-over before it was locked
                continue
            yield file, draft
            return


@contextlib.contextmanager
def removed_unless_done(draft):
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise


def lock(handle, wait=True):
    """Lock an open file as long as it is open; raise OSError if it is locked already and not to be waited for."""
    if fcntl is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            if not wait:
                raise  # locked, or a file system without locks, on which nobody can tell a left-over


def remove_left_overs(folder):
    """Remove the drafts of processes that were killed: those that nobody has locked."""
    with contextlib.suppress(OSError):
        for name in filter(DRAFT.fullmatch, os.listdir(folder)):
            with contextlib.suppress(OSError):
                flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
                handle = os.open(folder / name, os.O_RDONLY | flags)
                try:
                    lock(handle, wait=False)
                    os.unlink(folder / name)
                finally:
                    os.close(handle)


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
        for name, a in arrays.items():
            if a.dtype.char in "gDG":
                raise TypeError(
                    f"save: {name} holds {a.dtype} numbers, which a .safetensors cannot; let the name end in .npz"
                )
        file.write(safetensors().numpy.save(arrays, metadata={TEXT: text}))
        return
    with zipfile.ZipFile(file, "w") as archive:  # as np.savez does, which leaves it open if a write fails
        for name, a in {TEXT: np.frombuffer(text.encode(), np.uint8), **arrays}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, a, allow_pickle=False)


# ---------------------------------------------------------------------------------------------- reading
@contextlib.contextmanager
def reading(path, suffix):
    """Open what ``write`` wrote: gives the text, and the function that reads all arrays into a dict.

    A strange file can make both raise anything.  Nothing is read that is larger than the file.
    """
    if suffix == ".safetensors":
        with safetensors().safe_open(path, framework="np") as file:
            yield file.metadata()[TEXT], lambda: {name: file.get_tensor(name) for name in file.keys()}
        return
    with zipfile.ZipFile(path) as archive:
        members = members_of(archive, os.path.getsize(path))
        text = array_of(archive, members.pop(TEXT))
        yield text.tobytes().decode(), lambda: {name: array_of(archive, info) for name, info in members.items()}


def members_of(archive, size):
    """Return the members of an archive by the names of their arrays; refuse what is not stored as it is."""
    members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
    if len(members) < len(archive.infolist()):
        raise ValueError("two of its members have the same name")
    for name, info in members.items():
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise ValueError(f"its member {name!r} is compressed, which save never does, and may be of any size")
    if sum(info.file_size for info in members.values()) > size:
        raise ValueError("its members are larger than the file")
    return members


def array_of(archive, info):
    """Read one array of numbers, after its header has been checked against the size of the member."""
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = headers[version](member)
        if dtype.kind not in "biufc":
            raise ValueError(f"its member {info.filename!r} holds {dtype}, which are no numbers")
        if math.prod(shape) * dtype.itemsize != info.file_size - member.tell():
            raise ValueError(f"its member {info.filename!r} is no array of the shape {shape} that it promises")
    with archive.open(info) as member:
        return np.lib.format.read_array(member, allow_pickle=False)


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
