"""Covault's own command lines. The one place to touch when its CLI changes."""

import json
import os
from pathlib import Path

from bench import Store
from covault_team import admit, member_names


class Covault:
    """A program under test: same methods as the peers'.

    More than one reader needs more than one member: covault_team.py admits them with the team
    commands. Where a version has none, or to make the store in another way, the environment variable
    COVAULT_BENCH_BUILDER names a program that does:

        $COVAULT_BENCH_BUILDER DIR FILE.json READERS

    DIR is an existing, empty folder: it is to become a git repository with a committed vault that
    holds FILE.json's secrets (nested objects are folders, a string is the field `value`), each
    sealed for READERS readers, one of whom is the owner of $HOME ($XDG_CONFIG_HOME/covault).
    """

    name = "covault"
    has_vault = True
    cannot = {}
    reference = ()
    how = {
        "get": "covault get",
        "set": "covault set",
        "ls": "covault ls",
        "open": "covault export",
        "git-diff": "git diff, its textconv",
        "diff": "covault diff",
        "run": "covault run",
    }

    def __init__(self, bench, program):
        self.bench = bench
        self.program = program
        self.home = dict(bench.new_home("covault-home"), COVAULT_NO_INPUT="1")

    def missing(self):
        return None if self.program else "covault"

    def env(self, _store):
        return self.home

    def helpers(self):
        return []

    def command(self, store, *args):
        return [self.program, "-C", store.dir, *args]

    def build(self, secrets, readers, prepare=None):
        store = Store(self.bench.store_dir(self.name), secrets, readers)
        tree = {}
        for secret in secrets:
            folder = tree
            for segment in secret.folder.split("/"):
                folder = folder.setdefault(segment, {})
            folder[secret.key] = secret.value
        file = self.bench.scratch / "import.json"
        file.write_text(json.dumps(tree))
        builder = os.environ.get("COVAULT_BENCH_BUILDER")
        if builder:
            self.bench.call(builder, store.dir, file, readers, env=self.home)
        else:
            self.bench.call(self.program, "init", "--standalone", store.dir, "--name", "alice", env=self.home)
            (prepare or self.prepare)(store)
            self.bench.call(*self.command(store, "import", file), env=self.home)
        # `import` may choose another spelling (key-0317) and a folder above: ask what came of it.
        listing = self.bench.call(*self.ls(store), env=self.home).split()
        store.names = {name.rpartition("/")[2].replace("-", "_"): name for name in listing}
        return store

    def prepare(self, store):
        """Who else reads, before there is a secret: all the others as members, for whom the default is to read all."""
        if store.readers > 1:
            admit(self, store, member_names(store.readers - 1))

    def path(self, store, secret):
        return store.names.get(secret.key, secret.path)

    def folder(self, store, above):
        """The folder of the first secret, or one further up."""
        return self.path(store, store.secrets[0]).rsplit("/", above)[0]

    def change(self, store, secrets):
        """New values for these, committed. One command each, as people do."""
        for secret in secrets:
            self.bench.call(*self.command(store, "set", self.path(store, secret)), env=self.home, stdin=secret.value.encode())

    def get(self, store, secret):
        return self.command(store, "get", self.path(store, secret))

    def set(self, store, secret):
        return self.command(store, "set", self.path(store, secret))

    def set_stdin(self, value):
        return value.encode()

    def ls(self, store):
        return self.command(store, "ls")

    def open(self, store):
        return self.command(store, "export", "--from", self.folder(store, 2), "--format", "json")

    def git_diff(self, _store, base):
        return [self.bench.find("git"), "diff", base, "HEAD"]

    def diff(self, store, base):
        return self.command(store, "diff", base, "HEAD")

    def run(self, store, child):
        return self.command(store, "run", "--from", self.folder(store, 1), "--", child)

    def build_for_run(self, secrets):
        return self.build(secrets, 1)

    def hide_identity(self):
        """What opens secrets, out of reach; returns what brings it back."""
        file = Path(self.home["XDG_CONFIG_HOME"], "covault", "identity.txt")
        away = file.with_name("away")
        file.rename(away)
        return lambda: away.rename(file)
