"""chmod, chown, truncate, utimensat, and what they and writing do to modes and times."""
import os
import time

from judge import (acting, fill, fresh, KINDS, make, mode_of, moves, NOT_LINKS, OTHER, OWNER, owners, succeeds, want)


def run():
    chmod()
    chown()
    special_bits()
    sizes()
    times()


def chmod():
    for kind in NOT_LINKS:
        path = make(kind, owner=OWNER)
        for mode in (0o000, 0o111, 0o222, 0o444, 0o755, 0o4755, 0o2755, 0o1755, 0o7777):
            os.chmod(path, mode)
            want(f"chmod {mode:o} of a {kind}", lambda: mode_of(path), oct(mode))
        moves(f"chmod of a {kind} moves its change time", path, lambda: os.chmod(path, 0o600), "c")
        want(f"chmod of a {kind} by a stranger", acting(OTHER, lambda: os.chmod(path, 0o777)), "EPERM")
        moves(f"chmod of a {kind} by a stranger moves nothing", path,
              acting(OTHER, lambda: os.chmod(path, 0o777)), "")
        succeeds(f"chmod of a {kind} by its owner", acting(OWNER, lambda: os.chmod(path, 0o640)))
        want(f"mode of a {kind} then", lambda: mode_of(path), "0o640")
        link = fresh("link")
        os.symlink(path, link)
        os.chmod(link, 0o604)
        want(f"chmod of a {kind} through a link", lambda: mode_of(path), "0o604")
        outside = make(kind)
        os.chown(outside, OWNER, 4242)
        acting(OWNER, lambda: os.chmod(outside, 0o2755))()
        want(f"setgid of a {kind} whose group the owner is not in", lambda: mode_of(outside), "0o755")
        acting(OWNER, lambda: os.chmod(outside, 0o2755), groups=(4242,))()
        want(f"setgid of a {kind} whose group the owner is in", lambda: mode_of(outside), "0o2755")
        acting(OWNER, lambda: os.chmod(outside, 0o1755), groups=(4242,))()
        want(f"sticky {kind} by its owner", lambda: mode_of(outside), "0o1755")
    fd = os.open(fill(fresh()), os.O_RDWR)
    os.fchmod(fd, 0o612)
    want("fchmod", lambda: oct(os.fstat(fd).st_mode), "0o100612")
    os.close(fd)


def chown():
    for kind in KINDS:
        path = make(kind)
        os.lchown(path, 123, 456)
        want(f"lchown of a {kind}", lambda: owners(path), (123, 456))
        os.lchown(path, -1, 789)
        want(f"only the group of a {kind}", lambda: owners(path), (123, 789))
        os.lchown(path, 321, -1)
        want(f"only the owner of a {kind}", lambda: owners(path), (321, 789))
        os.lchown(path, 4_000_000_000, 4_000_000_001)
        want(f"great ids of a {kind}", lambda: owners(path), (4_000_000_000, 4_000_000_001))
        os.lchown(path, OWNER, OWNER)
        moves(f"lchown of a {kind} moves its change time", path, lambda: os.lchown(path, OWNER, 12), "c")
        want(f"a {kind} given away by its owner", acting(OWNER, lambda: os.lchown(path, OTHER, -1)), "EPERM")
        want(f"a {kind} to a group of others", acting(OWNER, lambda: os.lchown(path, -1, 77)), "EPERM")
        succeeds(f"a {kind} to a group of his", acting(OWNER, lambda: os.lchown(path, -1, 78), groups=(77, 78)))
        want(f"owners of the {kind} then", lambda: owners(path), (OWNER, 78))
        succeeds(f"a {kind} to who owns it, by himself", acting(OWNER, lambda: os.lchown(path, OWNER, -1)))
        want(f"a {kind} by a stranger", acting(OTHER, lambda: os.lchown(path, OTHER, OTHER)), "EPERM")
        want(f"a {kind} to its group, by a stranger", acting(OTHER, lambda: os.lchown(path, -1, 78), groups=(78,)),
             "EPERM")
    link, target = fresh("link"), fill(fresh())
    os.symlink(target, link)
    os.chown(link, 5, 6)
    want("chown follows a link", lambda: (owners(target), owners(link)), ((5, 6), (0, 0)))


def special_bits():
    for start in (0o4755, 0o2755, 0o6755, 0o6711, 0o2705, 0o4644):
        gone = 0o4000 | (0o2000 if start & 0o10 else 0)
        path = make("regular", mode=start, owner=OWNER)
        os.chown(path, OWNER, OTHER)
        want(f"chown by root of {start:o}", lambda: mode_of(path), oct(start & ~gone))
        path = make("regular", mode=start, owner=OWNER)
        acting(OWNER, lambda: os.chown(path, -1, 78), groups=(78,))()
        want(f"chown by the owner of {start:o}", lambda: mode_of(path), oct(start & ~gone))
        for name, change in {
            "write": lambda path: write_at(path),
            "truncate": lambda path: os.truncate(path, 3),
            "open with O_TRUNC": lambda path: os.close(os.open(path, os.O_WRONLY | os.O_TRUNC)),
        }.items():
            path = fill(fresh())
            os.chown(path, OWNER, OWNER)
            os.chmod(path, start | 0o022)
            succeeds(f"{name} by a stranger who may", acting(OTHER, lambda: change(path)))
            left = (start | 0o022) & ~gone
            # Setgid without the group's right to execute may go or stay.
            want(f"{name} by a stranger to {start | 0o22:o}", lambda: mode_of(path), oct(left), oct(left & ~0o2000))
            os.chmod(path, start | 0o022)
            change(path)
            want(f"{name} by root to {start | 0o22:o}", lambda: mode_of(path), oct(start | 0o022))
    path = make("directory", mode=0o6755, owner=OWNER)
    os.chown(path, OWNER, OTHER)
    want("chown of a directory keeps its bits", lambda: mode_of(path), "0o6755")


def write_at(path, data=b"more"):
    fd = os.open(path, os.O_WRONLY)
    os.write(fd, data)
    os.close(fd)


def sizes():
    path = fill(fresh(), b"0123456789")
    for size in (5, 0, 1, 4096, 4095, 131_072, 131_073, 1 << 20, 5 << 30, (5 << 30) - 1, 7):
        os.truncate(path, size)
        want(f"truncate to {size}", lambda: os.stat(path).st_size, size)
    fd = os.open(path, os.O_RDWR)
    for size in (0, 1, 65_537, 3):
        os.ftruncate(fd, size)
        want(f"ftruncate to {size}", lambda: (os.fstat(fd).st_size, os.stat(path).st_size), (size, size))
    os.ftruncate(fd, 0)
    os.ftruncate(fd, 100)
    want("what is grown reads zeros", lambda: os.pread(fd, 200, 0), bytes(100))
    want("ftruncate below 0", lambda: os.ftruncate(fd, -1), "EINVAL")
    want("ftruncate beyond all sizes", lambda: os.ftruncate(fd, 2**63 - 1), "EFBIG", "EINVAL", None)
    os.close(fd)
    fd = os.open(path, os.O_RDONLY)
    want("ftruncate of a file open for reading", lambda: os.ftruncate(fd, 1), "EINVAL", "EBADF")
    os.close(fd)
    moves("truncate moves times", path, lambda: os.truncate(path, 50), "mc")
    moves("truncate below 0 moves none", path, lambda: os.truncate(path, -1), "")
    want("truncate of a directory", lambda: os.truncate(make("directory"), 1), "EISDIR")
    want("truncate of a fifo", lambda: os.truncate(make("fifo"), 1), "EINVAL")
    other = make("regular", mode=0o644, owner=OWNER)
    want("truncate by a stranger", acting(OTHER, lambda: os.truncate(other, 1)), "EACCES")
    moves("which moves none", other, acting(OTHER, lambda: os.truncate(other, 1)), "")
    os.chmod(other, 0o400)
    want("truncate of what the owner may only read", acting(OWNER, lambda: os.truncate(other, 1)), "EACCES")


def times():
    instants = (0, 1, 10**9, 1_500_000_000_123_456_789, 2**31 * 10**9 + 7, 4 * 10**18)
    for kind in KINDS:
        path = make(kind, owner=OWNER)
        for instant in instants:
            os.utime(path, ns=(instant, instant + 5), follow_symlinks=False)
            found = os.lstat(path)
            want(f"times of a {kind} set to {instant}", lambda: (found.st_atime_ns, found.st_mtime_ns),
                 (instant, instant + 5))
        moves(f"setting times of a {kind} moves its change time", path,
              lambda: os.utime(path, ns=(5, 6), follow_symlinks=False), "c", "c")
        moves(f"times of a {kind} set to now", path, lambda: os.utime(path, follow_symlinks=False), "amc", "amc")
        now = os.lstat(path).st_mtime
        want(f"now is now, for a {kind}", lambda: abs(now - time.time()) < 5, True)
        def touch(uid, **words):
            return acting(uid, lambda: os.utime(path, follow_symlinks=False, **words))
        succeeds(f"times of a {kind} by its owner", touch(OWNER, ns=(1, 2)))
        want(f"times of a {kind} by a stranger", touch(OTHER, ns=(1, 2)), "EPERM")
        if kind == "symlink":
            continue
        os.chmod(path, 0o644)
        want(f"now, of a {kind}, by a stranger", touch(OTHER), "EACCES")
        os.chmod(path, 0o646)
        succeeds(f"now, of a {kind}, by who may write", touch(OTHER))
        want(f"a time, of a {kind}, by who may write", touch(OTHER, ns=(1, 2)), "EPERM")
    path = fill(fresh())
    moves("write moves times", path, lambda: write_at(path), "mc")
    fd = os.open(path, os.O_RDWR)
    moves("write of nothing moves none", path, lambda: os.write(fd, b""), "")
    moves("open moves none", path, lambda: os.close(os.open(path, os.O_RDWR)), "")
    moves("O_TRUNC moves times", path, lambda: os.close(os.open(path, os.O_RDWR | os.O_TRUNC)), "mc")
    os.utime(path, ns=(10**18, 10**18))
    os.close(fd)
    want("closing leaves times that were set", lambda: os.stat(path).st_mtime_ns, 10**18)
    before = time.time_ns() - 50_000_000
    new = fill(fresh())
    found = os.stat(new)
    want("a new file's times are now", lambda: before <= min(found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns)
         <= time.time_ns(), True)
