"""What a program under attack is: for its people, and for an attacker. The attacks are in attacks.py.

A target sets a team up, reads and writes as its people do, and says how somebody with push rights
and public keys goes about each attack. A method that is missing is an attack for which we know no
way to go about it. `cases` are different ways of one attack; each gets a repository of its own.
"""

class Target:
    """What every program under attack has."""

    name = ""
    needs = ("git",)
    cases = {}
    reads = ""  # the victim's command, for the table
    lists = ()  # the files that say who reads what is sealed next
    remarks = ()  # what its own documentation says on the matter

    def __init__(self, bench):
        self.bench = bench
        self.program = bench.find(self.name)

    def missing(self):
        return next((need for need in (self.name, *self.needs) if not self.bench.find(need)), None)

    def arrive(self, scene, person):
        """A reader's own clone, ready to read."""
        scene.clone(person)

    def swap(self, scene, _case):
        """By default: each file under the other's name."""
        one, other = (scene.at("mallory") / self.path(name) for name in ("prod/db", "prod/cache"))
        ours, theirs = one.read_bytes(), other.read_bytes()
        one.write_bytes(theirs)
        other.write_bytes(ours)

    def rollback(self, scene, _case):
        """By default: the file as the oldest commit that has it."""
        path = self.path("prod/db")
        oldest = scene.git("mallory", "log", "--format=%H", "--diff-filter=A", "--", path).split()[-1]
        scene.git("mallory", "checkout", "-q", oldest, "--", path)

    def readmit(self, scene, commit):
        """By default: those files as they were, and whatever signature lay beside them."""
        scene.git("mallory", "checkout", "-q", commit, "--", *self.lists)
