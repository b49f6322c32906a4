"""rename(2): each kind over each, times, open files, links, directories that move."""
import ctypes
import os

from judge import acting, fill, fresh, KINDS, make, moves, NOT_DIRECTORIES, OTHER, OWNER, succeeds, want

libc = ctypes.CDLL(None, use_errno=True)
NOREPLACE, EXCHANGE = 1, 2


def renameat2(source, target, flags):
    if libc.renameat2(-100, source.encode(), -100, target.encode(), flags) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")
    return "done"


def run():
    for kind in KINDS:
        alone(kind)
        for target in KINDS:
            over(kind, target)
    trees()
    open_files()
    flags()


def identity(path):
    found = os.lstat(path)
    return (found.st_ino, found.st_mode, found.st_nlink if not os.path.isdir(path) else 0)


def alone(kind):
    home, other = make("directory"), make("directory")
    path = make(kind, f"{home}/x")
    before = identity(path)
    moves(f"rename of a {kind} within moves its directory", home, lambda: os.rename(path, f"{home}/y"), "mc")
    want(f"a renamed {kind} is the same", lambda: identity(f"{home}/y"), before)
    want(f"the old name of a {kind}", lambda: os.lstat(path), "ENOENT")
    moves(f"rename of a {kind} away moves its directory", home, lambda: os.rename(f"{home}/y", f"{other}/z"), "mc")
    moves(f"rename of a {kind} to it moves the other", other, lambda: os.rename(f"{other}/z", f"{other}/w"), "mc")
    moves(f"rename moves the change time of a {kind}", f"{other}/w", lambda: None, "")
    want(f"names after the renames of a {kind}", lambda: (os.listdir(home), os.listdir(other)), ([], ["w"]))
    succeeds(f"rename of a {kind} to itself", lambda: os.rename(f"{other}/w", f"{other}/w"))
    want(f"it is there, a {kind}", lambda: identity(f"{other}/w"), before)
    want(f"rename of a {kind} by a stranger", acting(OTHER, lambda: os.rename(f"{other}/w", f"{other}/v")), "EACCES")
    moves(f"which moves nothing of a {kind}", other, acting(OTHER, lambda: os.rename(f"{other}/w", f"{other}/v")), "")
    want(f"rename of a {kind} below nothing", lambda: os.rename(f"{other}/w", "nothing/w"), "ENOENT")
    want(f"rename of a {kind} to .", lambda: os.rename(f"{other}/w", f"{other}/."), "EBUSY", "EINVAL", "EEXIST")
    want(f"rename of . to a {kind}", lambda: os.rename(f"{other}/.", f"{other}/w"), "EBUSY", "EINVAL")


def over(kind, target):
    source, victim = make(kind), make(target)
    links = []
    if target != "directory":
        links.append(fresh("kept"))
        os.link(victim, links[0], follow_symlinks=False)
    before, old = identity(source), identity(victim)
    title = f"rename of a {kind} over a {target}"
    if (kind == "directory") == (target == "directory"):
        want(title, lambda: (os.rename(source, victim), "done")[1], "done")
        want(f"{title}: it is the first", lambda: identity(victim), before)
        want(f"{title}: the old name", lambda: os.lstat(source), "ENOENT")
        if links:
            want(f"{title}: links of the other", lambda: os.lstat(links[0]).st_nlink, 1)
    else:
        want(title, lambda: os.rename(source, victim), "ENOTDIR" if kind == "directory" else "EISDIR")
        want(f"{title}: both are there", lambda: (identity(source), identity(victim)), (before, old))
    if kind == "directory" and target == "directory":
        source, full = make("directory"), make("directory")
        fill(f"{full}/x")
        want(f"{title} that is full", lambda: os.rename(source, full), "ENOTEMPTY", "EEXIST")
        want("which is full still", lambda: os.listdir(full), ["x"])


def trees():
    top = make("directory")
    os.makedirs(f"{top}/a/b/c")
    fill(f"{top}/a/b/c/file", b"deep")
    want("rename into itself", lambda: os.rename(f"{top}/a", f"{top}/a/b/x"), "EINVAL")
    want("rename to its own child", lambda: os.rename(f"{top}/a", f"{top}/a/b"), "EINVAL", "ENOTEMPTY")
    want("rename over its parent", lambda: os.rename(f"{top}/a/b", f"{top}/a"), "ENOTEMPTY", "EEXIST")
    succeeds("rename of a tree", lambda: os.rename(f"{top}/a", f"{top}/z"))
    want("what is in it", lambda: open(f"{top}/z/b/c/file", "rb").read(), b"deep")
    want("its parent", lambda: os.stat(f"{top}/z/..").st_ino == os.stat(top).st_ino, True)
    other = make("directory")
    os.rename(f"{top}/z/b", f"{other}/b")
    want("a subtree elsewhere", lambda: open(f"{other}/b/c/file", "rb").read(), b"deep")
    want("its new parent", lambda: os.stat(f"{other}/b/..").st_ino == os.stat(other).st_ino, True)
    for number in range(30):
        os.rename(f"{other}/b", f"{top}/b{number}")
        os.rename(f"{top}/b{number}", f"{other}/b")
    want("after sixty moves", lambda: open(f"{other}/b/c/file", "rb").read(), b"deep")
    here = os.getcwd()
    os.chdir(f"{other}/b/c")
    os.rename(f"{here}/{other}/b", f"{here}/{top}/moved")
    want("a working directory that moved", lambda: os.listdir("."), ["file"])
    os.chdir(here)
    path = fill(fresh())
    os.link(path, f"{path}-2")
    want("rename between two names of one file", lambda: (os.rename(path, f"{path}-2"), os.stat(path).st_nlink)[1], 2)
    for number in range(50):
        os.rename(fill(fresh("again"), b"%d" % number), "winner")
    want("the last rename wins", lambda: open("winner", "rb").read(), b"49")


def open_files():
    target, source = fill(fresh(), b"old"), fill(fresh(), b"new")
    fd = os.open(target, os.O_RDWR)
    os.rename(source, target)
    want("an open file whose name was taken", lambda: os.pread(fd, 10, 0), b"old")
    os.pwrite(fd, b"OLD and more", 0)
    os.ftruncate(fd, 8)
    want("it takes writes", lambda: (os.pread(fd, 20, 0), os.fstat(fd).st_size), (b"OLD and ", 8))
    want("it has no name", lambda: os.fstat(fd).st_nlink, 0)
    succeeds("its mode and owner", lambda: (os.fchmod(fd, 0o600), os.fchown(fd, 3, 4)))
    want("they are kept", lambda: (os.fstat(fd).st_mode & 0o777, os.fstat(fd).st_uid), (0o600, 3))
    want("the new one is whole", lambda: open(target, "rb").read(), b"new")
    os.close(fd)
    path = fill(fresh(), b"before")
    fd = os.open(path, os.O_RDWR | os.O_APPEND)
    os.rename(path, f"{path}-to")
    os.write(fd, b" after")
    os.close(fd)
    want("what is written after a rename", lambda: open(f"{path}-to", "rb").read(), b"before after")
    home = make("directory")
    fd = os.open(home, os.O_RDONLY)
    os.rename(home, f"{home}-to")
    fill(f"{home}-to/x")
    want("an open directory that was renamed", lambda: os.listdir(fd), ["x"])
    want("openat of it", lambda: os.close(os.open("x", os.O_RDONLY, dir_fd=fd)), None)
    os.close(fd)
    removed = make("directory")
    fd = os.open(removed, os.O_RDONLY)
    os.rmdir(removed)
    want("listing an open directory that is gone", lambda: os.listdir(fd), [], "ENOENT")
    want("making within it", lambda: os.mkdir("x", dir_fd=fd), "ENOENT")
    os.close(fd)


def flags():
    for kind in ("regular", "directory", "symlink"):
        source, target = make(kind), make(kind)
        want(f"RENAME_NOREPLACE of a {kind}", lambda: renameat2(source, target, NOREPLACE), "EEXIST")
        want(f"RENAME_NOREPLACE of a {kind} to a free name", lambda: renameat2(source, fresh(), NOREPLACE), "done")
        first, second = make(kind), make(kind)
        before = identity(first)[0], identity(second)[0]
        want(f"RENAME_EXCHANGE of a {kind}", lambda: renameat2(first, second, EXCHANGE), "done")
        want(f"RENAME_EXCHANGE of a {kind} exchanges", lambda: (identity(second)[0], identity(first)[0]), before)
