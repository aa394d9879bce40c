"""What a program is for two people who change secrets at the same time. The cases are in merges.py.

A target starts a repository that Alice and Bob both read, with one secret of five fields, changes
one field of it, adds a secret, and lets a third person in. Nothing is pushed by itself.
"""

from scene import Scene

FIELDS = ("host", "port", "user", "password", "note")
# The third person of a scene; here she attacks nobody.
NEWCOMER = "mallory"
SECRET = "prod/db"


class MergeScene(Scene):
    """A scene in which publishing only commits."""

    def publish(self, person, message):
        self.git(person, "add", "-A")
        if self.git(person, "diff", "--cached", "--name-only"):
            self.git(person, "commit", "-q", "-m", message)

    def push(self, person):
        self.git(person, "push", "-q", "origin", "HEAD:main")

    def pull_and_merge(self, person):
        return self.run(person, self.bench.find("git"), "pull", "--no-rebase", "--no-edit", "origin", "main")


class Merging:
    """What every target has, before its own ways: a value is text with one line a field."""

    kept_as = ""
    initial = "first-host-31d4"

    def begin(self, scene):
        self.found(scene, ())
        text = "".join(f"{field}: {self.first(field)}\n" for field in FIELDS)
        self.write(scene, "alice", SECRET, text)
        self.started(scene)

    def started(self, scene):
        """Alice has published; Bob has a clone that reads."""
        scene.push("alice")
        self.arrive(scene, "bob")

    def first(self, field):
        return self.initial if field == FIELDS[0] else f"first-{field}"

    def values(self, scene, person, field):
        """The values that a field has, by the program's ordinary command; none where it cannot tell."""
        done = self.read(scene, person, SECRET)
        lines = done.out.splitlines() if done.code == 0 else []
        return [line.partition(": ")[2] for line in lines if line.startswith(f"{field}: ")]

    def asks(self, _scene, _person, _field):
        """Whether the program says that a field has two values."""
        return False

    def change(self, scene, person, field, value):
        before = self.read(scene, person, SECRET).out
        lines = [f"{field}: {value}" if line.startswith(f"{field}: ") else line for line in before.splitlines()]
        self.write(scene, person, SECRET, "\n".join(lines) + "\n")

    def add(self, scene, person, name, value):
        self.write(scene, person, name, value)

    def prepare_newcomer(self, scene):
        """What she sends before she is let in."""

    def welcome(self, scene):
        """Her own clone, ready to read."""
        self.arrive(scene, NEWCOMER)
