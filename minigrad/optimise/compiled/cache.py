"""Compiled code kept on disk, and loaded again without importing numba.

A file holds a checksum, the names of what the code calls, and the object code.  Its own name is a hash of
everything the code was made of, so it can never be stale: it is found only by whoever would make
the same.  The checksum is that of the name and the code together, so that no file stands in for another.

What is loaded is run, so nothing is that somebody else may have put there: the file must be a regular one (no
link) of bounded size, it and the folder must belong to the user, and nobody else may write to either.
Whatever is not so, is damaged or cannot be written costs one warning and a new compilation.

The folder is ``$MINIGRAD_CACHE_DIR``, or ``minigrad`` in ``$XDG_CACHE_HOME`` or in ``~/.cache``; an
empty ``MINIGRAD_CACHE_DIR`` means that nothing is kept.  It may be emptied or deleted at any time.
"""

import ctypes
import functools
import hashlib
import importlib.util
import os
import re
import stat
import sys
import warnings
from pathlib import Path

import numpy as np

from ... import __version__

LIMIT = 8 << 20  # bytes of a file; kernels take some thousand

_engines = []  # they own the loaded code
_warned = []  # what could not be done


def folder():
    """Return the folder of compiled kernels, or None if none are to be kept."""
    chosen = os.environ.get("MINIGRAD_CACHE_DIR")
    if chosen is not None:
        return Path(chosen) if chosen else None
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(home) if home else Path.home() / ".cache") / "minigrad"
    except RuntimeError:  # nobody's home
        return None


@functools.lru_cache(maxsize=None)
def numba_version():
    """Return the text that tells numba's version, read without importing numba; None without numba."""
    try:
        found = importlib.util.find_spec("numba")
        if found is None or importlib.util.find_spec("llvmlite") is None:
            return None
        return (Path(found.origin).parent / "_version.py").read_text()
    except (OSError, TypeError, ValueError):
        import numba

        return numba.__version__


@functools.lru_cache(maxsize=None)
def own_text():
    return Path(__file__).read_text("utf-8")


def name(*made_of):
    """Return the file name of what is made of these strings by these versions on this processor."""
    import llvmlite
    import llvmlite.binding as llvm

    surroundings = (
        __version__,
        own_text(),
        sys.version,
        np.__version__,
        llvmlite.__version__,
        numba_version(),
        llvm.get_process_triple(),
        llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten(),
    )
    return hashlib.sha256(repr(made_of + surroundings).encode()).hexdigest()[:40] + ".kernel"


def load(file):
    """Return the address of the code in a file of the folder, or None if there is none to be trusted."""
    if folder() is None:
        return None
    try:
        content = content_in(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        warn("read", error)
        return None
    return address_of(content)


def store(file, content):
    """Put code into a file of the folder, whole or not at all."""
    if folder() is None:
        return
    try:
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_others_files(folder(), folder().stat(), stat.S_ISDIR)
        draft = folder() / f"{file}.{os.urandom(8).hex()}.tmp"
        try:
            with open(opened(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as made:
                made.write(checksum_of(file, content) + b"\n" + content)
            os.replace(draft, folder() / file)
        finally:
            draft.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        warn("written", error)


def content_in(file):
    """Return the code that was stored under a name; raise unless it is that code, and this user's own work."""
    refuse_others_files(folder(), folder().stat(), stat.S_ISDIR)
    path = folder() / file
    with open(opened(path, os.O_RDONLY), "rb") as kept:
        found = os.fstat(kept.fileno())
        refuse_others_files(path, found, stat.S_ISREG)
        if found.st_size > LIMIT:
            raise ValueError(f"{path} is far too large for a kernel")
        checksum, _, content = kept.read(LIMIT).partition(b"\n")
    if checksum != checksum_of(file, content):
        raise ValueError(f"{path} is damaged, or another kernel's")
    return content


def opened(path, flags):
    """Open a file itself, never what a link points to; and do not wait for whoever would feed a pipe."""
    wished = ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")  # where the system has them
    return os.open(path, flags | sum(getattr(os, name, 0) for name in wished), 0o600)


def refuse_others_files(path, found, is_kind):
    """Raise ValueError unless a file or folder is of its kind and safe from other users."""
    if not is_kind(found.st_mode):
        raise ValueError(f"{path} is no {'folder' if is_kind is stat.S_ISDIR else 'regular file'}")
    if not hasattr(os, "geteuid"):  # Windows, where a user's folders are the user's alone
        return
    if found.st_uid != os.geteuid():
        raise ValueError(f"{path} belongs to another user")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ValueError(f"{path} can be written to by others: chmod go-w {path}")


def checksum_of(file, content):
    return hashlib.sha256(file.encode() + b"\n" + content).hexdigest().encode()


ENTRY = """
define i64 @minigrad_kernel({parameters}) {{
  %result = alloca i64
  %error = alloca {error}
  call i32 @{inner}({result} %result, {to_error} %error, {parameters})
  %value = load i64, {result} %result
  ret i64 %value
}}
"""


def content_of(made):
    """Return what a file holds of a ``numba.cfunc`` of integers; None if it needs numba to run.

    numba's own entry point reports Python errors, which kernels never raise, by means of numba; a
    plain one takes its place.
    """
    import llvmlite.binding as llvm

    inner = made.native_name.removeprefix("cfunc.")
    text = re.sub(r"\ndefine [^\n]*@\"?cfunc\..*?\n}\n", "\n", made.inspect_llvm(), flags=re.DOTALL)
    # Pointers have types of their own before LLVM 15.
    types = re.search(rf"@{inner}\((ptr|i64\*) [^%]*%retptr, (ptr|{{[^}}]*}}\*\*) [^%]*%excinfo", text)
    if types is None or "cfunc." in text:
        return None  # a compiler that writes its text in another way
    result, to_error = types.groups()
    arguments = ", ".join(f"i64 %a{i}" for i in range(made.__wrapped__.__code__.co_argcount))
    error = "ptr" if to_error == "ptr" else to_error[:-1]
    text += ENTRY.format(inner=inner, result=result, to_error=to_error, error=error, parameters=arguments)
    declared = set(re.findall(r"\ndeclare [^\n]*@\"?([\w.$]+)\"?\(", text))
    needed = sorted(name for name in declared if not name.startswith("llvm.") and text.count(f"@{name}(") > 1)
    if not all(map(address_in_this_process, needed)):
        return None
    return " ".join(needed).encode() + b"\n" + target_machine(llvm).emit_object(llvm.parse_assembly(text))


def address_in_this_process(name):
    """Return the address of a function of the C library, or None."""
    try:
        return ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value
    except (AttributeError, TypeError, OSError):
        return None


def address_of(content):
    """Put object code into memory; return the address of its entry point, None if it cannot run here."""
    import llvmlite.binding as llvm

    needed, code = content.split(b"\n", 1)
    for name in needed.decode().split():
        if address_in_this_process(name) is None:
            return None
        llvm.add_symbol(name, address_in_this_process(name))
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine(llvm))
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append((engine, code))
    return engine.get_function_address("minigrad_kernel")


def target_machine(llvm):
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        codemodel="jitdefault",
        jit=True,
    )


def warn(done, error):
    """Say once per process that the folder is of no use."""
    if not _warned:
        _warned.append(done)
        warnings.warn(
            f"minigrad's compiled kernels could not be {done} on disk ({folder()}: {error}), so they are "
            "compiled again. Delete the folder, set MINIGRAD_CACHE_DIR to one of your own, or to nothing to do "
            "without"
        )
