"""What a case is, who performs it, and on what.

A case has a title that is the same on every file system, a call, and what POSIX or its manual page
say that the call gives: a value, or the name of an error. One line is printed for each.
"""
import contextlib
import errno
import os
import stat
import sys
import time

KINDS = ("regular", "directory", "fifo", "block", "character", "socket", "symlink")
NOT_LINKS = KINDS[:-1]
NOT_DIRECTORIES = tuple(kind for kind in KINDS if kind != "directory")
OWNER, OTHER = 65_534, 65_533
PAUSE = 0.003
#: Two names of one number: the one that the manual pages use.
NAMES = {**errno.errorcode, errno.EOPNOTSUPP: "EOPNOTSUPP", errno.EAGAIN: "EAGAIN"}
counted = {"passed": 0, "failed": 0}
section = ""


def begin(name):
    global section
    section = name
    os.mkdir(name)
    os.chmod(name, 0o777)
    os.chdir(name)


def end():
    os.chdir("..")


def outcome(call):
    try:
        return call()
    except OSError as error:
        return NAMES.get(error.errno, str(error.errno))


def want(title, call, *expected):
    """One of the expected: POSIX leaves some errors to choose from."""
    found = outcome(call)
    passed = found in expected
    counted["passed" if passed else "failed"] += 1
    told = "" if passed else f"\tgot {found!r:.400}, wanted {' or '.join(map(repr, expected))[:160]}"
    print(f"{'ok' if passed else 'NOT'}\t{section}: {title}{told}")


def succeeds(title, call):
    """Whatever it gives."""
    def done():
        call()
        return "done"
    want(title, done, "done")


numbers = {}


def fresh(stem="n"):
    """A name that nothing has; the same in every run."""
    key = (section, stem)
    numbers[key] = numbers.get(key, 0) + 1
    return f"{stem}-{numbers[key]}"


def make(kind, path=None, mode=None, owner=None):
    path = path or fresh(kind)
    if kind == "regular":
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    elif kind == "directory":
        os.mkdir(path, 0o755)
    elif kind == "fifo":
        os.mkfifo(path, 0o644)
    elif kind == "block":
        os.mknod(path, stat.S_IFBLK | 0o644, os.makedev(1, 2))
    elif kind == "character":
        os.mknod(path, stat.S_IFCHR | 0o644, os.makedev(1, 2))
    elif kind == "socket":
        os.mknod(path, stat.S_IFSOCK | 0o644)
    elif kind == "symlink":
        os.symlink("nowhere", path)
    if owner is not None:
        os.lchown(path, owner, owner)
    if mode is not None and kind != "symlink":
        os.chmod(path, mode)
    return path


def fill(path, data=b"x" * 100):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(fd, data)
    os.close(fd)
    return path


@contextlib.contextmanager
def user(uid, gid=None, groups=()):
    """As this user, in this process: calls only, no names of modules are looked up."""
    os.setgroups(list(groups))
    os.setegid(uid if gid is None else gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups([])


def acting(uid, call, gid=None, groups=()):
    def as_user():
        with user(uid, gid, groups):
            return call()
    return as_user


def mode_of(path):
    return oct(stat.S_IMODE(os.lstat(path).st_mode))


def owners(path):
    found = os.lstat(path)
    return (found.st_uid, found.st_gid)


TIMES = {"a": "st_atime_ns", "m": "st_mtime_ns", "c": "st_ctime_ns"}


def moves(title, path, call, expected, kinds="mc"):
    """Which of the times (of `kinds`) are later after the call; its own outcome does not matter."""
    before = os.lstat(path)
    time.sleep(PAUSE)
    result = outcome(call)
    after = os.lstat(path)
    later = "".join(k for k in kinds if getattr(after, TIMES[k]) > getattr(before, TIMES[k]))
    want(title, lambda: later, expected)
    return result


def report():
    print(f"{counted['passed']} passed, {counted['failed']} failed")
    sys.stdout.flush()
