"""Who may do what: modes, groups, sticky directories."""
import os

from judge import acting, fill, fresh, KINDS, make, OTHER, OWNER, succeeds, want

ACCESS = {"read": (os.O_RDONLY, 4), "write": (os.O_WRONLY, 2), "read and write": (os.O_RDWR, 6)}
CLASSES = {
    "owner": (6, {"uid": OWNER, "gid": 1}),
    "group": (3, {"uid": OTHER, "gid": OWNER}),
    "supplementary group": (3, {"uid": OTHER, "gid": 1, "groups": (5, OWNER)}),
    "other": (0, {"uid": OTHER, "gid": 1}),
}


def as_class(words, call):
    return acting(words["uid"], call, words["gid"], words.get("groups", ()))


def run():
    files()
    directories()
    sticky()
    groups()


def files():
    path = fill(fresh())
    os.chown(path, OWNER, OWNER)
    for name, (shift, words) in CLASSES.items():
        for bits in range(8):
            # All others may, so that only the right class counts.
            os.chmod(path, (0o777 & ~(7 << shift)) | (bits << shift))
            for way, (flags, needed) in ACCESS.items():
                expected = "done" if bits & needed == needed else "EACCES"
                want(f"{way} as {name} with {bits}", as_class(words, lambda: opened(path, flags)), expected)
            for wish, needed in (("R_OK", 4), ("W_OK", 2), ("X_OK", 1)):
                asked = as_class(words, lambda: os.access(path, needed, effective_ids=True))
                want(f"{wish} as {name} with {bits}", asked, bits & needed == needed)
    os.chmod(path, 0)
    for way, (flags, _) in ACCESS.items():
        want(f"{way} as root without any right", lambda: opened(path, flags), "done")
    want("X_OK as root without any right", lambda: os.access(path, os.X_OK), False)
    read_only = make("regular", mode=0o444, owner=OWNER)
    want("O_TRUNC for reading only needs the right to write",
         acting(OTHER, lambda: opened(read_only, os.O_RDONLY | os.O_TRUNC)), "EACCES")


def opened(path, flags):
    os.close(os.open(path, flags))
    return "done"


def directories():
    home = make("directory", owner=OWNER)
    fill(f"{home}/file")
    os.chmod(f"{home}/file", 0o666)
    made = 0
    for name, (shift, words) in CLASSES.items():
        for bits in range(8):
            os.chmod(home, (0o777 & ~(7 << shift)) | (bits << shift))
            made += 1
            def told(needed):
                return "done" if bits & needed == needed else "EACCES"
            def done(call):
                return as_class(words, lambda: (call(), "done")[1])
            want(f"list as {name} with {bits}", done(lambda: os.listdir(home)), told(4))
            want(f"stat within as {name} with {bits}", done(lambda: os.stat(f"{home}/file")), told(1))
            want(f"open within as {name} with {bits}", done(lambda: opened(f"{home}/file", os.O_RDWR)), told(1))
            want(f"make within as {name} with {bits}", done(lambda: os.mkdir(f"{home}/m{made}")), told(3))
            if bits & 3 != 3:
                os.mkdir(f"{home}/m{made}")
            want(f"rename within as {name} with {bits}",
                 done(lambda: os.rename(f"{home}/m{made}", f"{home}/r{made}")), told(3))
            if bits & 3 != 3:
                os.rename(f"{home}/m{made}", f"{home}/r{made}")
            want(f"remove within as {name} with {bits}", done(lambda: os.rmdir(f"{home}/r{made}")), told(3))


def sticky():
    """Who may take a name out of a sticky directory that all may write: its owner and the file's."""
    for home_owner in (OWNER, OTHER, 0):
        home = make("directory", mode=0o1777, owner=home_owner)
        os.chmod(home, 0o1777)
        for owner in (OWNER, OTHER, 0):
            may = owner == OWNER or home_owner == OWNER
            expected = ("done",) if may else ("EPERM", "EACCES")
            for kind in KINDS:
                path = make(kind, f"{home}/{fresh(kind)}", owner=owner)
                remove = os.rmdir if kind == "directory" else os.unlink
                title = f"{kind} of {owner} in a sticky directory of {home_owner}"
                want(f"rename away of a {title}",
                     acting(OWNER, lambda: (os.rename(path, f"{path}-to"), "done")[1]), *expected)
                path = f"{path}-to" if os.path.lexists(f"{path}-to") else path
                over = make("directory" if kind == "directory" else "regular", f"{home}/{fresh('mine')}", owner=OWNER)
                want(f"rename over a {title}",
                     acting(OWNER, lambda: (os.rename(over, path), "done")[1]), *expected)
                if not may:
                    want(f"{title} is removed",
                         acting(OWNER, lambda: (remove(path), "done")[1]), *expected)
                else:
                    path = make(kind, f"{home}/{fresh(kind)}", owner=owner)
                    want(f"{title} is removed",
                         acting(OWNER, lambda: (remove(path), "done")[1]), *expected)
    home = make("directory", mode=0o777)
    moved = make("directory", mode=0o555, owner=OTHER)
    os.chmod(home, 0o777)
    want("a directory that the caller may not write goes to another parent",
         acting(OWNER, lambda: os.rename(moved, f"{home}/moved")), "EACCES")
    mine = make("directory", mode=0o755, owner=OWNER)
    succeeds("one that he may write does", acting(OWNER, lambda: os.rename(mine, f"{home}/moved")))


def groups():
    for count in (1, 16, 31, 32, 33, 64, 90):
        path = fill(fresh())
        os.chown(path, 0, 100_000 + count)
        os.chmod(path, 0o060)
        many = tuple(100_001 + number for number in range(count))
        want(f"the last of {count} groups", acting(OTHER, lambda: opened(path, os.O_RDWR), groups=many), "done")
        want(f"not in {count - 1} groups", acting(OTHER, lambda: opened(path, os.O_RDWR), groups=many[:-1]), "EACCES")
    many = tuple(100_001 + number for number in range(200))
    for number in (1, 50, 93, 94, 150, 200):
        path = fill(fresh("of-200"))
        os.chown(path, 0, 100_000 + number)
        os.chmod(path, 0o060)
        want(f"group {number} of 200", acting(OTHER, lambda: opened(path, os.O_RDWR), groups=many), "done")
