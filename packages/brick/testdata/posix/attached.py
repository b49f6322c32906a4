"""Extended attributes, and ACLs where the mount has them."""
import os
import struct

from judge import acting, fill, fresh, make, mode_of, moves, OTHER, OWNER, owners, want

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, ALL = 1, 2, 4, 8, 16, 32
NONE = 0xFFFFFFFF


def acl(*entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def run():
    values()
    rights()
    try:
        os.setxattr(make("regular"), ACCESS, acl((1, 6, NONE), (4, 4, NONE), (32, 4, NONE)))
    except OSError:
        want("a mount without ACLs refuses them",
             lambda: os.setxattr(make("regular"), ACCESS, acl((1, 6, NONE), (4, 4, NONE), (32, 4, NONE))), "EOPNOTSUPP")
        return
    access_lists()
    inherited()


def values():
    for kind in ("regular", "directory"):
        path = make(kind)
        for size in (0, 1, 16, 255, 4096, 30_000, 65_536):
            value = bytes(range(256)) * 256
            os.setxattr(path, "user.value", value[:size])
            want(f"{size} bytes on a {kind}", lambda: os.getxattr(path, "user.value") == value[:size], True)
        want(f"65537 bytes on a {kind}", lambda: os.setxattr(path, "user.value", bytes(65_537)), "E2BIG")
        want(f"XATTR_CREATE over one of a {kind}",
             lambda: os.setxattr(path, "user.value", b"x", os.XATTR_CREATE), "EEXIST")
        want(f"XATTR_REPLACE of none of a {kind}",
             lambda: os.setxattr(path, "user.none", b"x", os.XATTR_REPLACE), "ENODATA")
        os.setxattr(path, "user.value", b"small", os.XATTR_REPLACE)
        want(f"XATTR_REPLACE of a {kind}", lambda: os.getxattr(path, "user.value"), b"small")
        want(f"none of a {kind}", lambda: os.getxattr(path, "user.none"), "ENODATA")
        want(f"remove none of a {kind}", lambda: os.removexattr(path, "user.none"), "ENODATA")
        for name in ("user." + "n" * 250, "user.ä", "user.with space", "trusted.mine", "security.mine"):
            os.setxattr(path, name, name.encode())
            want(f"{name[:20]} of a {kind}", lambda: os.getxattr(path, name), name.encode())
        want(f"list of a {kind}", lambda: sorted(n[:14] for n in os.listxattr(path)),
             sorted(["user.nnnnnnnnn", "user.ä", "user.with spac", "trusted.mine", "security.mine", "user.value"]))
        moves(f"setxattr moves the change time of a {kind}", path, lambda: os.setxattr(path, "user.t", b"1"), "c")
        moves(f"removexattr moves the change time of a {kind}", path, lambda: os.removexattr(path, "user.t"), "c")
        want(f"a name of 256 of a {kind}", lambda: os.setxattr(path, "user." + "n" * 251, b""), "ERANGE")
        want(f"a name without its second part, of a {kind}", lambda: os.setxattr(path, "user.", b""), "EINVAL")
        want(f"a name of no class, of a {kind}", lambda: os.setxattr(path, "other.x", b""), "EOPNOTSUPP")
        for number in range(60):
            os.setxattr(path, f"user.many-{number}", b"%d" % number)
        want(f"sixty of a {kind}", lambda: sum(n.startswith("user.many-") for n in os.listxattr(path)), 60)
        want(f"their values, of a {kind}", lambda: [os.getxattr(path, f"user.many-{n}") for n in range(60)],
             [b"%d" % n for n in range(60)])
        os.rename(path, f"{path}-to")
        want(f"they go with a {kind} that is renamed", lambda: os.getxattr(f"{path}-to", "user.many-7"), b"7")
    for kind in ("fifo", "character", "socket", "symlink"):
        path = make(kind)
        want(f"user attributes of a {kind}", lambda: os.setxattr(path, "user.a", b"", follow_symlinks=False), "EPERM")
        os.setxattr(path, "trusted.a", b"value", follow_symlinks=False)
        want(f"trusted ones of a {kind}", lambda: os.getxattr(path, "trusted.a", follow_symlinks=False), b"value")


def rights():
    path = make("regular", mode=0o644, owner=OWNER)
    os.setxattr(path, "user.a", b"1")
    os.setxattr(path, "trusted.a", b"1")
    want("read by a stranger", acting(OTHER, lambda: os.getxattr(path, "user.a")), b"1")
    want("set by a stranger", acting(OTHER, lambda: os.setxattr(path, "user.a", b"2")), "EACCES")
    want("removed by a stranger", acting(OTHER, lambda: os.removexattr(path, "user.a")), "EACCES")
    want("set by the owner", acting(OWNER, lambda: os.setxattr(path, "user.a", b"3")), None)
    want("a trusted one set by a user", acting(OWNER, lambda: os.setxattr(path, "trusted.a", b"3")), "EPERM")
    want("a trusted one read by a user", acting(OWNER, lambda: os.getxattr(path, "trusted.a")), "ENODATA", "EPERM")
    os.chmod(path, 0o600)
    want("read without the right", acting(OTHER, lambda: os.getxattr(path, "user.a")), "EACCES")
    os.chmod(path, 0o200)
    want("read by the owner who may only write", acting(OWNER, lambda: os.getxattr(path, "user.a")), "EACCES")


def opened(path, flags):
    os.close(os.open(path, flags))
    return "done"


def access_lists():
    for permissions in range(8):
        for mask in (7, 4, 2, 0):
            path = fill(fresh())
            os.chown(path, OWNER, OWNER)
            os.setxattr(path, ACCESS, acl((USER_OBJ, 6, NONE), (USER, permissions, OTHER), (GROUP_OBJ, 0, NONE),
                                          (GROUP, permissions, 4242), (MASK, mask, NONE), (ALL, 0, NONE)))
            for flags, needed, way in ((os.O_RDONLY, 4, "read"), (os.O_WRONLY, 2, "write")):
                expected = "done" if permissions & mask & needed else "EACCES"
                want(f"{way} of a named user with {permissions} under mask {mask}",
                     acting(OTHER, lambda: opened(path, flags)), expected)
                want(f"{way} of a named group with {permissions} under mask {mask}",
                     acting(OTHER + 7, lambda: opened(path, flags), groups=(9, 4242)), expected)
            want(f"{way} of others", acting(OTHER + 7, lambda: opened(path, os.O_RDONLY)), "EACCES")
            want(f"the mode shows mask {mask}", lambda: mode_of(path), oct(0o600 | mask << 3))
    path = make("regular", mode=0o644, owner=OWNER)
    want("a minimal list is the mode",
         lambda: (os.setxattr(path, ACCESS, acl((1, 7, NONE), (4, 5, NONE), (32, 1, NONE))), mode_of(path))[1], "0o751")
    full = acl((1, 6, NONE), (2, 4, 77), (4, 4, NONE), (16, 6, NONE), (32, 0, NONE))
    os.setxattr(path, ACCESS, full)
    want("a list is read as it was set", lambda: os.getxattr(path, ACCESS), full)
    os.chmod(path, 0o640)
    want("chmod sets the mask", lambda: os.getxattr(path, ACCESS),
         acl((1, 6, NONE), (2, 4, 77), (4, 4, NONE), (16, 4, NONE), (32, 0, NONE)))
    want("a list of a stranger's", acting(OTHER, lambda: os.setxattr(path, ACCESS, full)), "EPERM")
    for broken in (b"", b"\2\0\0\0\1", acl((1, 7, NONE)), acl((2, 4, 77), (1, 6, NONE), (4, 4, NONE), (32, 0, NONE)),
                   acl((1, 6, NONE), (2, 4, 77), (4, 4, NONE), (32, 0, NONE)), b"\1\0\0\0" + full[4:],
                   acl((1, 8, NONE), (4, 0, NONE), (32, 0, NONE)), acl((3, 6, NONE), (4, 0, NONE), (32, 0, NONE))):
        want(f"a broken list {broken.hex()[:24]}", lambda: os.setxattr(path, ACCESS, broken), "EINVAL", "EOPNOTSUPP",
             *((None,) if len(broken) == 0 else ()))
    os.removexattr(path, ACCESS)
    want("a list removed", lambda: os.getxattr(path, ACCESS), "ENODATA")
    want("a default list on a file", lambda: os.setxattr(path, DEFAULT, full), "EACCES", "EPERM")


def inherited():
    home = make("directory", mode=0o775, owner=OWNER)
    default = acl((1, 7, NONE), (2, 6, OTHER), (4, 5, NONE), (8, 7, 4242), (16, 7, NONE), (32, 0, NONE))
    os.setxattr(home, DEFAULT, default)
    want("a default list is read as it was set", lambda: os.getxattr(home, DEFAULT), default)
    for umask in (0o022, 0o077, 0o000):
        os.umask(umask)
        for name, call, asked in (
            ("open", lambda path: os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o664)), 0o664),
            ("open of mode 600", lambda path: os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)), 0o600),
            ("mkdir", lambda path: os.mkdir(path, 0o775), 0o775),
            ("mknod", lambda path: os.mknod(path, 0o100640), 0o640),
            ("mkfifo", lambda path: os.mkfifo(path, 0o666), 0o666),
        ):
            path = f"{home}/{fresh()}"
            call(path)
            want(f"mode of {name} under umask {umask:o}", lambda: mode_of(path), oct(asked & 0o770))
            want(f"list of {name} under umask {umask:o}", lambda: os.getxattr(path, ACCESS),
                 acl((1, asked >> 6 & 7, NONE), (2, 6, OTHER), (4, 5, NONE), (8, 7, 4242),
                     (16, asked >> 3 & 7, NONE), (32, 0, NONE)))
            want(f"default list of {name}", lambda: os.getxattr(path, DEFAULT), default if name == "mkdir" else "ENODATA")
        os.umask(0o022)
    path = f"{home}/shared"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o666))
    want("a named user writes what he inherited", acting(OTHER, lambda: opened(path, os.O_RDWR)), "done")
    want("a named group too", acting(OTHER + 9, lambda: opened(path, os.O_RDWR), groups=(4242,)), "done")
    os.symlink("x", f"{home}/link")
    want("a link inherits no list", lambda: os.getxattr(f"{home}/link", ACCESS, follow_symlinks=False),
         "ENODATA", "EOPNOTSUPP")
    os.removexattr(home, DEFAULT)
    os.mkdir(f"{home}/plain", 0o775)
    want("nothing is inherited any more", lambda: mode_of(f"{home}/plain"), "0o755")
    want("owner of what was made", lambda: owners(f"{home}/plain"), (0, 0))
