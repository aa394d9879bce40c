"""What every peer is, whatever it encrypts with."""

from measure import NotYet


class Peer:
    """Finds the program; the rest is each peer's own."""

    name = ""
    needs = ()
    has_vault = True
    how = {}
    cannot = {}  # work -> why not, for the table
    reference = ()

    def __init__(self, bench):
        self.bench = bench
        self.program = bench.find(self.name)
        self.sh = bench.find("sh")

    def missing(self):
        """What is not installed, or None."""
        return next((need for need in (self.name, *self.needs) if not self.bench.find(need)), None)

    def only_one(self, readers):
        """For a program that has no readers but one."""
        if readers > 1:
            raise NotYet("cannot: one key pair, which all would share")

    def env(self, _store):
        return self.bench.env

    def helpers(self):
        return []

    def set_stdin(self, value):
        return value.encode()

    def build_for_run(self, secrets):
        return self.build(secrets, 1)

    def shell(self, script, *args):
        """`script` with its arguments as $1 and so on, so that no name needs quoting."""
        return [self.sh, "-c", script, "sh", *args]


class AgePeer(Peer):
    """A peer whose readers are age recipients."""

    def missing(self):
        if not (self.bench.find("age-keygen") or self.bench.find("rage-keygen")):
            return "age-keygen"
        return super().missing()
