#!/usr/bin/env python3
"""What POSIX and the manual pages say of each call on files, asked of a directory.

    suite.py DIRECTORY [--second SAME-DIRECTORY-IN-ANOTHER-MOUNT] [--only SECTION,...]

Prints a line a case, "ok" or "NOT", a tab, its title, which is the same everywhere, and what it gave
if that was wrong; then the counts. Needs root. A section that cannot go on counts as a case.
"""
import argparse
import os
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import attached
import attributes
import clients
import contents
import descriptors
import judge
import listings
import locks
import making
import paths
import permissions
import renames

SECTIONS = {
    "paths": paths, "making": making, "attributes": attributes, "permissions": permissions, "renames": renames,
    "contents": contents, "listings": listings, "attached": attached, "locks": locks, "clients": clients,
    "descriptors": descriptors,
}
parser = argparse.ArgumentParser()
parser.add_argument("directory")
parser.add_argument("--second")
parser.add_argument("--only")
given = parser.parse_args()
chosen = given.only.split(",") if given.only else list(SECTIONS)
os.umask(0o022)
os.chdir(given.directory)
home = os.getcwd()
for name in chosen:
    judge.begin(name)
    second = given.second and f"{given.second}/{name}"
    try:
        if name == "locks":
            SECTIONS[name].run(second)
        elif name != "clients":
            SECTIONS[name].run()
        elif second:
            SECTIONS[name].run(second)
        judge.want("goes on to its end", lambda: True, True)
    except OSError:
        trace = traceback.format_exc().strip().splitlines()
        judge.want("goes on to its end", lambda: " / ".join(line.strip() for line in trace[::-1]), True)
    os.umask(0o022)
    os.chdir(home)
judge.report()
