"""A large vault with a long history, as a clone of it and the repository behind it. See scale.py. Times nothing.

So many secrets, so many members who read all of them, and so many commits, of which a quarter change a secret and a
twentieth the roster; the rest are a project's own. Made by Covault's commands and written again as a long history by
long_history.py. Everything that a command may change is kept beside it and put back: the clone, the repository that it
pushes to, and what this machine remembers.
"""

import os
import random
import shutil
from pathlib import Path

from bench import make_secrets
from covault_team import member_names
from long_history import LongHistory

# How often the secret that commands ask about was changed.
OWN = 40
# Of the changes on both sides of a merge, and of the smaller one.
MERGED = 100


class ScaleHistory(LongHistory):
    """Changes of secrets with changes of the roster strewn among them."""

    def change(self, store, others, own):
        entries, versions = self.total // 20, others + own
        names = list(store.names.values())
        for number in range(versions):
            if number * entries // versions != (number + 1) * entries // versions:
                grant = self.program.command(store, "grant", f"folder{number:05}", "alice", "--yes")
                self.bench.call(*grant, env=self.program.home)
            asked = number * own // versions != (number + 1) * own // versions
            name = self.asked if asked else self.dice.choice(names)
            value = f"value number {number} of it".encode()
            self.bench.call(*self.program.command(store, "set", name), env=self.program.home, stdin=value)


class ScaleVault:
    """The vault, and the folders that make its state."""

    asked = LongHistory.asked
    is_touched = False

    def __init__(self, program, secrets, members, commits):
        self.program, self.bench = program, program.bench
        self.secrets, self.members, self.commits = secrets, members, commits
        own = min(OWN, commits // 10)
        history = ScaleHistory(program, make_secrets(secrets), commits, commits // 4, own, readers=members)
        self.dir, self.names = history.store.dir, sorted(history.store.names.values())
        self.member = member_names(members - 1)[0]
        self.settle()
        self.merged = min(MERGED, secrets)
        self.branches()
        self.keep()

    def git(self, *args):
        return self.bench.git(self.dir, *args, env=self.program.home)

    def command(self, *args, stdin=b""):
        return self.bench.call(self.program.program, "-C", self.dir, *args, env=self.program.home, stdin=stdin)

    def settle(self):
        """A repository to push to; the history was written anew, which a person accepts once."""
        self.origin = self.dir.with_name("origin.git")
        self.bench.git(self.dir.parent, "clone", "-q", "--bare", self.dir, self.origin)
        self.git("remote", "add", "origin", self.origin)
        self.git("fetch", "-q")
        self.git("branch", "-q", "--set-upstream-to", "origin/main")
        self.git("remote", "set-head", "origin", "main")
        self.command("setup", "--accept")
        self.command("verify")

    def branches(self):
        """`ours` and `theirs` change the same secrets, each in another field; `one` changes only one of them."""
        step = max(1, len(self.names) // self.merged)
        chosen, dice = self.names[::step][: self.merged], random.Random(3)
        for branch, field, names in (("ours", "ours", chosen), ("theirs", "theirs", chosen), ("one", "theirs", chosen[:1])):
            self.git("checkout", "-q", "-b", branch, "main")
            for name in names:
                self.command("set", name, "--stdin", field, stdin=f"{field} {dice.random()}".encode())
        self.git("checkout", "-q", "main")
        self.chosen = chosen

    def folders(self):
        return [self.dir, self.origin, Path(self.program.home["HOME"])]

    def keep(self):
        for folder in self.folders():
            kept = folder.with_name(f"{folder.name}.kept")
            shutil.rmtree(kept, ignore_errors=True)
            self.copy(folder, kept)

    def put_back(self):
        """Everything as it was kept; git has looked at the new files' times."""
        # A working directory that is gone would be the next program's.
        os.chdir("/")
        for folder in self.folders():
            shutil.rmtree(folder)
            self.copy(folder.with_name(f"{folder.name}.kept"), folder)
        self.git("status", "--porcelain")

    def copy(self, source, target):
        self.bench.call("cp", "-a", "--reflink=auto", source, target)

    def forget(self):
        """What was verified and read before, out of this machine's memory; its pins stay."""
        for vault in Path(self.program.home["XDG_STATE_HOME"], "covault").iterdir():
            shutil.rmtree(vault / "rosters", ignore_errors=True)
            (vault / "manifests").unlink(missing_ok=True)
            for cache in [*vault.glob("listing-*"), *vault.glob("past-*")]:
                cache.unlink()
