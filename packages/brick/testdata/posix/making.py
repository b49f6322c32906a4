"""mkdir, mkfifo, mknod, symlink, link, open with O_CREAT; unlink and rmdir."""
import os
import stat

from judge import acting, fill, fresh, KINDS, make, mode_of, moves, NOT_DIRECTORIES, OTHER, OWNER, owners, want, succeeds

MAKERS = {
    "mkdir": (os.mkdir, 0o777),
    "mkfifo": (os.mkfifo, 0o666),
    "mknod of a file": (lambda path, mode: os.mknod(path, stat.S_IFREG | mode), 0o666),
    "mknod of a socket": (lambda path, mode: os.mknod(path, stat.S_IFSOCK | mode), 0o666),
    "open": (lambda path, mode: os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, mode)), 0o666),
}
UNMODED = {
    "symlink": lambda path: os.symlink("target", path),
    "link": lambda path: os.link(fill(fresh("linked")), path),
}


def run():
    for name, (maker, _) in MAKERS.items():
        modes(name, maker)
    plain = {name: (lambda path, maker=maker: maker(path, 0o755)) for name, (maker, _) in MAKERS.items()}
    for name, maker in {**plain, **UNMODED}.items():
        over_existing(name, maker)
        parent(name, maker)
    devices()
    links()
    removal()
    symlinks()


def modes(name, maker):
    for umask in (0o000, 0o022, 0o077, 0o151):
        for mode in (0o755, 0o644, 0o000, 0o777, 0o151, 0o4755, 0o2711, 0o1777):
            if mode > 0o777 and name == "mkdir":
                continue
            path = fresh()
            os.umask(umask)
            maker(path, mode)
            os.umask(0o022)
            want(f"{name} of mode {mode:o} under umask {umask:o}", lambda: mode_of(path), oct(mode & ~umask))
    path = fresh("by-owner")
    acting(OWNER, lambda: maker(path, 0o644))()
    want(f"{name} belongs to who made it", lambda: owners(path), (OWNER, OWNER))
    path = fresh("by-group")
    acting(OWNER, lambda: maker(path, 0o644), gid=OTHER)()
    want(f"{name} has the caller's group", lambda: owners(path), (OWNER, OTHER))
    home = make("directory", mode=0o2777)
    os.chown(home, OWNER, 4242)
    os.chmod(home, 0o2777)
    acting(OTHER, lambda: maker(f"{home}/x", 0o755))()
    want(f"{name} in a setgid directory has its group", lambda: owners(f"{home}/x"), (OTHER, 4242))
    expected = oct(0o2755 if name == "mkdir" else 0o755)
    want(f"{name} in a setgid directory has the mode", lambda: mode_of(f"{home}/x"), expected)
    acting(OTHER, lambda: maker(f"{home}/s", 0o2775))()
    setgid = oct(0o2755 if name == "mkdir" else 0o755)
    want(f"{name} by a stranger to the group loses setgid", lambda: mode_of(f"{home}/s"), setgid)


def over_existing(name, maker):
    for kind in KINDS:
        path = make(kind)
        before = os.lstat(path)
        want(f"{name} over a {kind}", lambda: maker(path), "EEXIST")
        after = os.lstat(path)
        want(f"{name} over a {kind} leaves it", lambda: (after.st_mode, after.st_ino), (before.st_mode, before.st_ino))
    want(f"{name} over .", lambda: maker("."), "EEXIST", "EISDIR")
    want(f"{name} over ..", lambda: maker(".."), "EEXIST", "EISDIR")


def parent(name, maker):
    home = make("directory", mode=0o755, owner=OWNER)
    moves(f"{name} moves the times of its directory", home, lambda: maker(f"{home}/a"), "mc")
    moves(f"{name} that fails moves none", home, lambda: maker(f"{home}/a"), "")
    want(f"{name} where the caller may not write", acting(OTHER, lambda: maker(f"{home}/b")), "EACCES")
    os.chmod(home, 0o300)
    succeeds(f"{name} by the owner where only he may", acting(OWNER, lambda: maker(f"{home}/c")))
    os.chmod(home, 0o200)
    want(f"{name} where the owner may not search", acting(OWNER, lambda: maker(f"{home}/d")), "EACCES")
    os.chmod(home, 0o500)
    want(f"{name} where the owner may not write", acting(OWNER, lambda: maker(f"{home}/d")), "EACCES")
    os.chmod(home, 0o730)
    succeeds(f"{name} by the group", acting(OTHER, lambda: maker(f"{home}/g"), gid=OWNER))
    succeeds(f"{name} by another group", acting(OTHER, lambda: maker(f"{home}/h"), groups=(7, OWNER, 9)))
    want(f"{name} in a directory that is gone", lambda: in_removed(maker), "ENOENT")


def in_removed(maker):
    home = os.getcwd()
    path = make("directory")
    os.chdir(path)
    os.rmdir(f"{home}/{path}")
    try:
        return maker("x")
    finally:
        os.chdir(home)


def devices():
    for kind, bits in (("block", stat.S_IFBLK), ("character", stat.S_IFCHR)):
        for major, minor in ((0, 0), (1, 2), (255, 255), (259, 70_000), (4095, 262_143)):
            path = fresh(kind)
            succeeds(f"{kind} device {major}:{minor}", lambda: os.mknod(path, bits | 0o600, os.makedev(major, minor)))
            want(f"numbers of {kind} device {major}:{minor}", lambda: os.stat(path).st_rdev, os.makedev(major, minor))
        want(f"a user makes a {kind} device", acting(OWNER, lambda: os.mknod(fresh(), bits | 0o600, 1)), "EPERM")


def links():
    for kind in NOT_DIRECTORIES:
        path, second = make(kind), fresh("second")
        moves(f"link moves the change time of a {kind}", path,
              lambda: os.link(path, second, follow_symlinks=False), "c")
        want(f"links of a {kind}", lambda: (os.lstat(path).st_nlink, os.lstat(second).st_nlink), (2, 2))
        want(f"the names of a {kind} are one", lambda: os.lstat(path).st_ino == os.lstat(second).st_ino, True)
        if kind != "symlink":
            os.chmod(second, 0o611)
            want(f"chmod by one name of a {kind}, seen by the other", lambda: mode_of(path), "0o611")
        moves(f"unlink moves the change time of a {kind}", second, lambda: os.unlink(path), "c")
        want(f"links left of a {kind}", lambda: os.lstat(second).st_nlink, 1)
    want("link of a directory", lambda: os.link(make("directory"), fresh()), "EPERM")
    want("link of a directory by a user", acting(OWNER, lambda: os.link(".", fresh("by"))), "EPERM")
    path = fill(fresh("many"))
    for number in range(2, 101):
        os.link(path, f"{path}-{number}")
    want("a hundred names", lambda: os.stat(path).st_nlink, 100)
    want("one more than the volume allows", lambda: os.link(path, f"{path}-101"), "EMLINK")
    for number in range(2, 101):
        os.unlink(f"{path}-{number}")
    want("one is left", lambda: os.stat(path).st_nlink, 1)
    succeeds("and may have another", lambda: os.link(path, f"{path}-2"))


def removal():
    for kind in NOT_DIRECTORIES:
        home = make("directory")
        path = make(kind, f"{home}/x")
        moves(f"unlink of a {kind} moves the times of its directory", home, lambda: os.unlink(path), "mc")
        want(f"a {kind} is gone", lambda: os.lstat(path), "ENOENT")
        path = make(kind, f"{home}/y")
        want(f"rmdir of a {kind}", lambda: os.rmdir(path), "ENOTDIR")
        moves(f"rmdir of a {kind} moves nothing", home, lambda: os.rmdir(path), "")
        os.chmod(home, 0o755)
        want(f"unlink of a {kind} by a stranger", acting(OTHER, lambda: os.unlink(path)), "EACCES")
        want(f"it is there", lambda: os.lstat(path).st_nlink, 1)
    want("unlink of a directory", lambda: os.unlink(make("directory")), "EISDIR", "EPERM")
    for kind in KINDS:
        home = make("directory")
        make(kind, f"{home}/inner")
        want(f"rmdir of a directory with a {kind}", lambda: os.rmdir(home), "ENOTEMPTY", "EEXIST")
    home = make("directory")
    inner = make("directory", f"{home}/inner")
    want("rmdir of .", lambda: os.rmdir(f"{inner}/."), "EINVAL")
    want("rmdir of ..", lambda: os.rmdir(f"{inner}/.."), "ENOTEMPTY", "EINVAL", "EEXIST")
    moves("rmdir moves the times of its directory", home, lambda: os.rmdir(inner), "mc")
    want("it is gone", lambda: os.stat(inner), "ENOENT")


def symlinks():
    for length in (1, 2, 59, 60, 255, 256, 1000, 1023, 1024, 4000, 4095):
        path = fresh("length")
        succeeds(f"making a link of {length} bytes", lambda: os.symlink("t" * length, path))
        want(f"a link of {length} bytes", lambda: (len(os.readlink(path)), os.lstat(path).st_size), (length, length))
    want("a link of 4096 bytes", lambda: os.symlink("t" * 4096, fresh()), "ENAMETOOLONG")
    want("a link to nothing", lambda: os.symlink("", fresh()), "ENOENT")
    for kind in NOT_DIRECTORIES[:-1]:
        want(f"readlink of a {kind}", lambda: os.readlink(make(kind)), "EINVAL")
    odd = bytes(b for b in range(1, 256))
    os.symlink(odd, "odd")
    want("a link with every byte", lambda: os.readlink(b"odd") == odd, True)
