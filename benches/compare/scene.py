"""A victim, a colleague, somebody who can push, and the repository that they share. Knows no program.

Alice reads the secrets and is the one who is attacked. Bob reads them too, until he is removed.
Mallory can push to the shared repository, has a key pair of her own, and no secret key of a reader.
Each has a home and a clone of their own.
"""

import subprocess
from dataclasses import dataclass

PEOPLE = ("alice", "bob", "mallory")


@dataclass
class Ran:
    """What a command did. Never an error of ours: a refusal is what we are here to see."""

    code: int
    out: str
    err: str

    def then(self, other):
        """Both, as one command: a pull and the read after it."""
        return Ran(self.code or other.code, other.out, "\n".join(filter(None, [self.err, other.err])))


class Scene:
    """One throw-away repository with its people."""

    serial = 0

    def __init__(self, bench):
        Scene.serial += 1
        self.bench = bench
        self.dir = bench.mkdir(f"a{Scene.serial}")
        self.origin = self.dir / "origin.git"
        self.env = {}
        for person in PEOPLE:
            home = bench.new_home(f"a{Scene.serial}/{person}-home")
            who = {"NAME": person, "EMAIL": f"{person}@example.org"}
            names = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
            self.env[person] = {**home, **names}
        bench.git(self.dir, "init", "-q", "--bare", self.origin)
        self.clone("alice")

    def clone(self, person, folder=None):
        """A clone, the person's own unless it is named; its folder."""
        folder = self.dir / (folder or person)
        self.bench.git(self.dir, "clone", "-q", self.origin, folder, env=self.env[person])
        return folder

    def at(self, person):
        return self.dir / person

    def run(self, person, *argv, stdin="", cwd=None):
        """Whatever comes of it."""
        done = subprocess.run(
            [str(word) for word in argv], cwd=cwd or self.at(person), env=self.env[person],
            input=stdin.encode(), capture_output=True, check=False,
        )
        return Ran(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace").strip())

    def must(self, person, *argv, stdin="", cwd=None):
        """Its output, or Failed: a step that is not the attack."""
        return self.bench.call(*argv, cwd=cwd or self.at(person), env=self.env[person], stdin=stdin.encode())

    def git(self, person, *args):
        return self.must(person, self.bench.find("git"), *args)

    def publish(self, person, message):
        """Everything in the clone, committed and pushed. A program that commits by itself has left nothing to commit."""
        self.git(person, "add", "-A")
        if self.git(person, "status", "--porcelain"):
            self.git(person, "commit", "-q", "-m", message)
        self.git(person, "push", "-q", "origin", "HEAD:main")

    def pull(self, person):
        """As people pull; its warnings belong to what the person is told."""
        return self.run(person, self.bench.find("git"), "pull", "-q", "--ff-only", "origin", "main")

    def published(self, path):
        """The bytes of a file as everybody can fetch them; none where it is not there."""
        try:
            return self.blob(f"main:{path}", self.origin)
        except subprocess.CalledProcessError:
            return b""

    def blob(self, name, repository):
        """The bytes that git has, past any filter."""
        argv = [self.bench.find("git"), "cat-file", "blob", name]
        return subprocess.run(argv, cwd=repository, env=self.env["mallory"], capture_output=True, check=True).stdout
