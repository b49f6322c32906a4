"""Errors that every call on a path has in common."""
import os

from judge import acting, fill, fresh, make, OWNER, want

MISSING = "ENOENT"


def opened(path, flags, mode=0o644):
    os.close(os.open(path, flags, mode))


#: Calls on something that is there.
ON_OBJECTS = {
    "stat": os.stat,
    "lstat": os.lstat,
    "chmod": lambda path: os.chmod(path, 0o600),
    "chown": lambda path: os.chown(path, -1, -1),
    "lchown": lambda path: os.lchown(path, -1, -1),
    "truncate": lambda path: os.truncate(path, 0),
    "utimensat": lambda path: os.utime(path),
    "utimensat of a link": lambda path: os.utime(path, follow_symlinks=False),
    "open": lambda path: opened(path, os.O_RDONLY),
    "open for writing": lambda path: opened(path, os.O_WRONLY),
    "open with O_TRUNC": lambda path: opened(path, os.O_RDWR | os.O_TRUNC),
    "unlink": os.unlink,
    "rmdir": os.rmdir,
    "rename from": lambda path: os.rename(path, fresh("renamed")),
    "link from": lambda path: os.link(path, fresh("linked")),
    "readlink": os.readlink,
    "listdir": os.listdir,
    "statvfs": os.statvfs,
    "getxattr": lambda path: os.getxattr(path, "user.a"),
    "setxattr": lambda path: os.setxattr(path, "user.a", b"1"),
    "listxattr": os.listxattr,
    "removexattr": lambda path: os.removexattr(path, "user.a"),
}
#: Calls that make a name.
ON_NAMES = {
    "open with O_CREAT": lambda path: opened(path, os.O_CREAT | os.O_WRONLY),
    "open with O_EXCL": lambda path: opened(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY),
    "mkdir": os.mkdir,
    "mkfifo": os.mkfifo,
    "mknod": lambda path: os.mknod(path, 0o100644),
    "symlink": lambda path: os.symlink("target", path),
    "link to": lambda path: os.link("a-file", path),
    "rename to": lambda path: os.rename(fill(fresh("to-rename")), path),
}


def run():
    fill("a-file")
    make("directory", "closed", 0o700)
    make("directory", "closed/inner", 0o777)
    fill("closed/file")
    os.symlink("loop-b", "loop-a")
    os.symlink("loop-a", "loop-b")
    os.symlink("nowhere/at/all", "dangling")
    chain()
    long_name = "x" * 256
    long_path = "./" * 2048
    for name, call in {**ON_OBJECTS, **ON_NAMES}.items():
        want(f"{name} below a file", lambda: call("a-file/below"), "ENOTDIR")
        want(f"{name} below nothing", lambda: call("nothing/below"), MISSING)
        want(f"{name} of a name of 256 bytes", lambda: call(long_name), "ENAMETOOLONG")
        want(f"{name} below a name of 256 bytes", lambda: call(f"{long_name}/x"), "ENAMETOOLONG")
        want(f"{name} of a path of 4097 bytes", lambda: call(long_path + "x"), "ENAMETOOLONG")
        want(f"{name} of an empty path", lambda: call(""), MISSING)
        want(f"{name} below a loop of links", lambda: call("loop-a/x"), "ELOOP")
        want(f"{name} below a dangling link", lambda: call("dangling/x"), MISSING)
        want(f"{name} in a closed directory", acting(OWNER, lambda: call("closed/file")), "EACCES")
        want(f"{name} below a closed directory", acting(OWNER, lambda: call("closed/inner/x")), "EACCES")
        want(f"{name} below 41 links", lambda: call("chain-41/x"), "ELOOP")
    for name, call in ON_OBJECTS.items():
        want(f"{name} of nothing", lambda: call("nothing"), MISSING)
    for name in ("stat", "chmod", "chown", "truncate", "open", "utimensat", "listdir", "getxattr"):
        want(f"{name} of a loop of links", lambda: ON_OBJECTS[name]("loop-a"), "ELOOP")
        want(f"{name} of a dangling link", lambda: ON_OBJECTS[name]("dangling"), MISSING)
    want("a name of 255 bytes", lambda: fill("y" * 255) and os.stat("y" * 255).st_size, 100)
    want("it is listed", lambda: "y" * 255 in os.listdir("."), True)
    want("a path of 4094 bytes", lambda: os.stat("./" * 2044 + "a-file").st_size, 100)
    every_byte()
    deep()


def chain():
    os.mkdir("chain-0")
    for number in range(1, 42):
        os.symlink(f"chain-{number - 1}", f"chain-{number}")
    want("40 links are followed", lambda: os.listdir("chain-40"), [])


def deep():
    """A tree deeper than a path can be."""
    home = os.getcwd()
    for _ in range(30):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    fill("bottom")
    want("a file below 6000 bytes of path", lambda: os.stat("bottom").st_size, 100)
    os.rename("bottom", "renamed")
    want("it can be renamed", lambda: os.listdir("."), ["renamed"])
    os.chdir(home)


def every_byte():
    for byte in range(1, 256):
        if byte == 0x2F:
            continue
        name = b"byte-" + bytes([byte]) + b"-"
        os.mkdir(name)
    os.chdir(".")
    found = {name for name in os.listdir(b".") if name.startswith(b"byte-")}
    for byte in range(1, 256):
        if byte != 0x2F:
            name = b"byte-" + bytes([byte]) + b"-"
            want(f"a name with byte {byte}", lambda: name in found and os.stat(name).st_mode, 0o40755)
