"""What every program's store is made of, and where: one temporary folder, hermetic throughout.

Nothing of the caller's home, git configuration, keyrings or environment is read or written.
"""

import os
import random
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from measure import TIMEOUT_S, Failed

FOLDER_SIZE = 50

GIT_CONFIG = """\
[user]
	name = alice
	email = alice@example.org
[init]
	defaultBranch = main
[gc]
	auto = 0
[maintenance]
	auto = false
[advice]
	detachedHead = false
"""


@dataclass
class Secret:
    """One secret: the same name and the same value for every program."""

    folder: str  # prod/app03
    key: str  # key_0317: unique, and fit for a variable's name
    value: str

    @property
    def path(self):
        return f"{self.folder}/{self.key}"


@dataclass
class Store:
    """A program's store, ready to be measured."""

    dir: Path
    secrets: list
    readers: int

    def pick(self, index):
        """Another one at every run, all over the store."""
        return self.secrets[(index * 37 + len(self.secrets) // 2) % len(self.secrets)]


def make_secrets(count):
    """`count` secrets in folders of 50 under prod/; the values are 24 characters, like a password."""
    dice = random.Random(count)
    return [
        Secret(f"prod/app{n // FOLDER_SIZE:02}", f"key_{n:04}", new_value(dice))
        for n in range(count)
    ]


def new_value(dice):
    """No character that any format would have to escape."""
    return "".join(dice.choices("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=24))


class Bench:
    """The temporary folder, the environment, and what the programs share."""

    def __init__(self, tools, parent):
        # Short: the path of gpg-agent's socket has a limit of 108 bytes.
        self.dir = Path(tempfile.mkdtemp(prefix="cvb", dir=parent)).resolve()
        self.closers = []
        self.path = f"{tools / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        self.cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        self.scratch = self.mkdir("io")
        (self.dir / "gitconfig").write_text(GIT_CONFIG)
        self.env = self.new_home("home")
        # Without a compiler: /bin/true, and no row for the limit.
        self.nothing = self.compile("nothing") or shutil.which("true")
        self.limit = self.compile("limit")
        self.age_keys = []
        self.serial = 0

    def close(self):
        """Ends every daemon and removes every file of this run."""
        os.chdir("/")
        for closer in reversed(self.closers):
            try:
                closer()
            except Failed:
                pass  # a daemon that has ended already
        shutil.rmtree(self.dir, ignore_errors=True)

    def new_home(self, name):
        """An environment with a home of its own and nothing of the caller's but PATH."""
        home = self.mkdir(name)
        os.chmod(home, 0o700)
        return {
            "PATH": self.path,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_STATE_HOME": str(home / ".local/state"),
            "XDG_DATA_HOME": str(home / ".local/share"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "GIT_CONFIG_GLOBAL": str(self.dir / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_PAGER": "cat",
            "LC_ALL": "C.UTF-8",
            "TERM": "dumb",
        }

    def find(self, program):
        """Where a program is, or None."""
        found = shutil.which(program, path=self.path)
        return found and os.path.abspath(found)

    def mkdir(self, name):
        path = self.dir / name
        path.mkdir(parents=True)
        return path

    def store_dir(self, program):
        self.serial += 1
        return self.mkdir(f"s/{program}{self.serial}")

    def call(self, *argv, cwd=None, env=None, stdin=b""):
        """Runs something that is not measured; its output, or Failed."""
        argv = [str(word) for word in argv]
        try:
            done = subprocess.run(
                argv, cwd=cwd or self.dir, env=env or self.env, input=stdin, capture_output=True, check=False, timeout=TIMEOUT_S
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"{Path(argv[0]).name}: not done after {TIMEOUT_S} s") from None
        if done.returncode != 0:
            errors = done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}"
            raise Failed(f"{Path(argv[0]).name}: {errors.splitlines()[-1][:160]}")
        return done.stdout.decode(errors="replace")

    def git(self, cwd, *args, env=None):
        return self.call(self.find("git"), *args, cwd=cwd, env=env)

    def commit_all(self, cwd, message, env=None):
        self.git(cwd, "add", "-A", env=env)
        self.git(cwd, "commit", "-q", "-m", message, env=env)

    def compile(self, name):
        """One of the small C programs beside this file, or None."""
        out = self.dir / name
        source = Path(__file__).with_name(f"{name}.c")
        cc = shutil.which("cc")
        done = cc and subprocess.run([cc, "-O2", "-o", out, source], capture_output=True, check=False)
        return str(out) if done and done.returncode == 0 else None

    def age_readers(self, count):
        """(identity file, recipients): `count` age recipients. Ours stands in the middle, where the average reader is."""
        while len(self.age_keys) < max(count, 1):
            secret = self.call(self.find("age-keygen") or self.find("rage-keygen"))
            public = next(line.split(": ")[1] for line in secret.splitlines() if "public key" in line)
            self.age_keys.append((secret, public))
        identity = self.dir / "identity.txt"
        if not identity.exists():
            identity.touch(mode=0o600)
            # Bare, without the comment lines: what every program here reads.
            identity.write_text(self.age_keys[0][0].splitlines()[-1] + "\n")
        others = [public for _, public in self.age_keys[1:count]]
        middle = len(others) // 2
        return identity, others[:middle] + [self.age_keys[0][1]] + others[middle:]
