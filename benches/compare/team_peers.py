"""What each program does when a reader comes or goes. See team.py for what is measured.

`build_team` makes the store with as many readers; `add_reader` and `remove_reader` are command
lines that change them for every secret and commit; `readers_of` says how many readers each secret
of a sample has then, so that a program that did not do the work does not win. `homes` are the
folders beside the store that the work changes: they are put back before each run, too.

What stands for what:

* sops: one file a secret. Adding is `updatekeys`, which keeps the data keys. Removing is `rotate
  --rm-age`: with `updatekeys` the removed reader's old part of a file still opens the new one.
* sops, one file: all secrets under one data key, so that a reader is one wrap. Whoever reads one
  of the secrets reads all. Shown, and measured against no goal; so is git-crypt, which has one key
  for the repository and no way to remove anybody.
* rops: one file, as the second of sops. It changes keys only where stdin is a terminal, so it gets one by script(1).
* fnox: the recipients of its one file, then `reencrypt`.
* git-secret: its keyring, then `hide` of all files; in the store they lie in clear, as after `reveal`.
* dotenvx: one key pair, so nobody can come or go.
* age, rage: a loop of `-d | -e` over all files, in as many processes as there are cores.
"""

import json
import shlex
import shutil
from base64 import b64decode
from pathlib import Path

from bench import Store
from covault import Covault
from covault_team import IMPORTED, admit, member_names
from peers import Age, Dotenvx, Fnox, GitCrypt, GitSecret, Murk, Pass, Rops, Sops

COMMIT = "git add -A && git commit -q -m readers"
NEWCOMER = "newcomer"


def stanzas(sealed):
    return sum(line.startswith(b"-> X25519 ") for line in sealed.splitlines())


def sample(store):
    return [store.secrets[0], store.secrets[len(store.secrets) // 2], store.secrets[-1]]


class TeamCovault(Covault):
    """Ours: a folder's grant names its readers."""

    how = {
        **Covault.how,
        "add-reader": "covault grant",
        "remove-reader": "covault member remove",
        "verify": "covault verify",
        "start-whoami": "covault whoami",
        "start-get": "covault get",
    }

    def homes(self):
        return [self.home["HOME"]]

    def build_team(self, secrets, readers):
        """With a member more, who reads nothing yet."""
        return self.build(secrets, readers, self.prepare_team)

    def prepare_team(self, store):
        admit(self, store, [*self.readers(store)[1:], NEWCOMER])
        self.bench.call(*self.grant(store, self.readers(store)), env=self.home)

    def readers(self, store):
        return ["alice", *member_names(store.readers - 1)]

    def grant(self, store, readers):
        return self.command(store, "grant", IMPORTED, *readers, "--yes")

    def add_reader(self, store):
        return self.grant(store, [*self.readers(store), NEWCOMER])

    def remove_reader(self, store):
        return self.command(store, "member", "remove", member_names(store.readers - 1)[0], "--yes")

    def readers_of(self, store):
        files = [store.dir / f".covault/secrets/{self.path(store, secret)}.age" for secret in sample(store)]
        return [stanzas(file.read_bytes()) for file in files]

    def verify(self, store):
        return self.command(store, "verify")

    def damage(self, store):
        """One secret under another's name."""
        files = [store.dir / f".covault/secrets/{self.path(store, secret)}.age" for secret in sample(store)]
        files[-1].write_bytes(files[0].read_bytes())

    def start_whoami(self, store):
        return self.command(store, "whoami")

    def start_get(self, store):
        return self.get(store, store.secrets[0])

    def forget_rosters(self):
        """Which rosters were verified, out of this machine's memory."""
        for folder in Path(self.home["XDG_STATE_HOME"], "covault").glob("*/rosters"):
            shutil.rmtree(folder)


class TeamPass(Pass):
    """Encrypts all again for whom `init` names."""

    how = {**Pass.how, "add-reader": "pass init, one id more", "remove-reader": "pass init, one id less"}

    def homes(self):
        return []

    def build_team(self, secrets, readers):
        # The newcomer's key is there before the store is: what an admin has fetched.
        self.keyring(readers + 1)
        return self.build(secrets, readers)

    def add_reader(self, store):
        return [self.program, "init", *self.keyring(store.readers + 1)]

    def remove_reader(self, store):
        ids = self.keyring(store.readers)
        return [self.program, "init", *[key for key in ids if key != ids[0]]]

    def readers_of(self, store):
        found = []
        for secret in sample(store):
            listing = self.bench.call(
                self.gpg, "--list-only", "--status-fd", "1", "-d", store.dir / f"{secret.path}.gpg", env=self.env(store)
            )
            found.append(listing.count("ENC_TO"))
        return found


class TeamAge(Age):
    """A loop that a person would write."""

    loop = (
        'key=$1; shift; for f; do "$0" -d -i "$key" "$f" | "$0" -e -R recipients >"$f.new" && mv "$f.new" "$f" || exit 255; done'
    )
    how = {**Age.how, "add-reader": "xargs, {0} -d | {0} -e, git commit", "remove-reader": "xargs, {0} -d | {0} -e, git commit"}

    def homes(self):
        return []

    def build_team(self, secrets, readers):
        return self.build(secrets, readers)

    def again(self, store, recipients):
        """Every file to these, in place."""
        every = store.dir.parent / f"{store.dir.name}.every"
        every.write_bytes(b"\0".join(f"{secret.path}.age".encode() for secret in store.secrets))
        script = (
            'printf "%s" "$1" >recipients && '
            f'xargs -0 -n 50 -P {self.bench.cores} -a "$2" sh -c "$3" "$4" "$5" && {COMMIT}'
        )
        return self.shell(script, "\n".join(recipients) + "\n", every, self.loop, self.program, self.identity)

    def add_reader(self, store):
        return self.again(store, self.bench.age_readers(store.readers + 1)[1])

    def remove_reader(self, store):
        return self.again(store, self.bench.age_readers(store.readers)[1][1:])

    def readers_of(self, store):
        return [stanzas((store.dir / f"{secret.path}.age").read_bytes()) for secret in sample(store)]


class TeamRage(TeamAge):
    name = "rage"


class TeamSops(Sops):
    """One file a secret."""

    how = {
        **Sops.how,
        "add-reader": "xargs, sops updatekeys, git commit",
        "remove-reader": "xargs, sops rotate --rm-age, git commit",
    }

    def homes(self):
        return []

    def rules(self, recipients):
        return f"creation_rules:\n  - age: {','.join(recipients)}\n"

    def build_team(self, secrets, readers):
        store = Store(self.bench.store_dir(self.name), secrets, readers)
        self.identity, recipients = self.bench.age_readers(readers)
        (store.dir / ".sops.yaml").write_text(self.rules(recipients))
        for secret in secrets:
            file = store.dir / f"{secret.path}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps({"value": secret.value}))
        self.bench.call(*self.each(store, "encrypt", "--in-place"), cwd=store.dir, env=self.env(store))
        self.bench.git(store.dir, "init", "-q")
        self.bench.commit_all(store.dir, "store")
        return store

    def each(self, store, *args):
        every = store.dir.parent / f"{store.dir.name}.every"
        every.write_bytes(b"\0".join(f"{secret.path}.json".encode() for secret in store.secrets))
        return ["/usr/bin/env", "xargs", "-0", "-n", "1", "-P", self.bench.cores, "-a", every, self.program, *args]

    def changed(self, store, recipients, *args):
        each = shlex.join(map(str, self.each(store, *args)))
        # `updatekeys` says for each file what it did.
        return self.shell(f'printf "%s" "$1" >.sops.yaml && {each} >/dev/null 2>&1 && {COMMIT}', self.rules(recipients))

    def add_reader(self, store):
        return self.changed(store, self.bench.age_readers(store.readers + 1)[1], "updatekeys", "--yes")

    def remove_reader(self, store):
        gone, *stay = self.bench.age_readers(store.readers)[1]
        return self.changed(store, stay, "rotate", "--in-place", "--rm-age", gone)

    def readers_of(self, store):
        files = [store.dir / f"{secret.path}.json" for secret in sample(store)]
        return [len(json.loads(file.read_text())["sops"]["age"]) for file in files]


class TeamSopsOneFile(Sops):
    """One file for all: the least work, and one audience."""

    how = {"add-reader": "sops updatekeys, git commit", "remove-reader": "sops rotate --rm-age, git commit"}
    reference = ("add-reader", "remove-reader")

    def __init__(self, bench):
        super().__init__(bench)
        self.name = "sops, one file"

    def missing(self):
        return None if self.program else "sops"

    def homes(self):
        return []

    def build_team(self, secrets, readers):
        return self.build(secrets, readers)

    def changed(self, recipients, *args):
        rules = f"creation_rules:\n  - age: {','.join(recipients)}\n"
        done = shlex.join([self.program, *args, self.file])
        return self.shell(f'printf "%s" "$1" >.sops.yaml && {done} >/dev/null 2>&1 && {COMMIT}', rules)

    def add_reader(self, store):
        return self.changed(self.bench.age_readers(store.readers + 1)[1], "updatekeys", "--yes")

    def remove_reader(self, store):
        gone, *stay = self.bench.age_readers(store.readers)[1]
        return self.changed(stay, "rotate", "--in-place", "--rm-age", gone)

    def readers_of(self, store):
        return [(store.dir / self.file).read_text().count("- recipient: ")]


class TeamMurk(Murk):
    """One file; each value is its own age ciphertext inside."""

    how = {
        **Murk.how,
        "add-reader": "murk circle authorize, git commit",
        "remove-reader": "murk circle revoke, git commit",
        "verify": "murk verify",
    }

    def __init__(self, bench):
        super().__init__(bench)
        # What it accepted as newest is remembered there, and has to go back with the store.
        self.home = bench.new_home("murk-home")

    def homes(self):
        return [self.home["HOME"]]

    def env(self, _store):
        return dict(self.home, MURK_KEY_FILE=str(self.identity))

    def build_team(self, secrets, readers):
        return self.build(secrets, readers)

    def add_reader(self, store):
        self.bench.age_readers(store.readers + 1)
        public = self.bench.age_keys[store.readers][1]
        return self.shell(f'"$1" circle authorize "$2" --name {NEWCOMER} && {COMMIT}', self.program, public)

    def remove_reader(self, store):
        return self.shell(f'"$1" circle revoke reader0 && {COMMIT}', self.program)

    def readers_of(self, store):
        secrets = json.loads((store.dir / ".murk").read_text())["secrets"]
        return [stanzas(b64decode(secrets[secret.key]["shared"])) for secret in sample(store)]

    def verify(self, _store):
        """Its exit code is 1 for an unsigned commit, too, which is advice: what it says of the file is what counts."""
        return self.shell('"$1" verify 2>&1 | grep -q "vault integrity verified"', self.program)

    def damage(self, store):
        file = store.dir / ".murk"
        content = json.loads(file.read_text())
        first, *_, last = content["secrets"]
        content["secrets"][last] = content["secrets"][first]
        file.write_text(json.dumps(content, indent=2))


class TeamGitCrypt(GitCrypt):
    """One key for the repository: somebody more is one file more. There is no way back."""

    how = {**GitCrypt.how, "add-reader": "git-crypt add-gpg-user"}
    cannot = {"remove-reader": "has no command for it"}
    reference = (*GitCrypt.reference, "add-reader")

    def homes(self):
        return []

    def build_team(self, secrets, readers):
        self.keyring(readers + 1)
        return self.build(secrets, readers)

    def add_reader(self, store):
        present = set(self.keyring(store.readers))
        new = next(key for key in self.keyring(store.readers + 1) if key not in present)
        return [self.program, "add-gpg-user", "--trusted", new]

    def readers_of(self, store):
        return [len(list((store.dir / ".git-crypt/keys/default/0").iterdir()))]


class TeamRops(Rops):
    """One file for all: one audience, as for sops with one file."""

    how = {**Rops.how, "add-reader": "rops keys add, git commit", "remove-reader": "rops keys remove, git commit"}
    reference = (*Rops.reference, "add-reader", "remove-reader")
    needs = (*Rops.needs, "script")

    def homes(self):
        return []

    def build_team(self, secrets, readers):
        return self.build(secrets, readers)

    def changed(self, *words):
        done = shlex.join([self.program, "keys", *words, "--format", "yaml", self.file])
        return self.shell(f'script -qec "$1" /dev/null && {COMMIT}', done)

    def add_reader(self, store):
        self.bench.age_readers(store.readers + 1)
        return self.changed("add", "--age", self.bench.age_keys[store.readers][1])

    def remove_reader(self, store):
        return self.changed("remove", "--age", self.bench.age_readers(store.readers)[1][0])

    def readers_of(self, store):
        return [(store.dir / self.file).read_text().count("BEGIN AGE ENCRYPTED FILE")]


class TeamFnox(Fnox):
    """Encrypts each value anew for the recipients that its file names."""

    how = {
        **Fnox.how,
        "add-reader": "recipients, fnox reencrypt, git commit",
        "remove-reader": "recipients, fnox reencrypt, git commit",
    }

    def homes(self):
        return []

    def build_team(self, secrets, readers):
        return self.build(secrets, readers)

    def changed(self, recipients):
        script = f'sed -i "s/^recipients = .*/recipients = $1/" "$2" && "$3" reencrypt --force && {COMMIT}'
        return self.shell(script, json.dumps(recipients), self.file, self.program)

    def add_reader(self, store):
        return self.changed(self.bench.age_readers(store.readers + 1)[1])

    def remove_reader(self, store):
        return self.changed(self.bench.age_readers(store.readers)[1][1:])

    def readers_of(self, store):
        values = [line.split('value = "')[1].split('"')[0] for line in (store.dir / self.file).read_text().splitlines() if "value = " in line]
        return [stanzas(b64decode(value)) for value in (values[0], values[-1])]


class TeamGitSecret(GitSecret):
    """Encrypts all again for the keys of its keyring."""

    how = {
        **GitSecret.how,
        "add-reader": "git secret tell, hide, git commit",
        "remove-reader": "git secret removeperson, hide, git commit",
    }

    def homes(self):
        return []

    def build_team(self, secrets, readers):
        self.keyring(readers + 1)
        return self.build(secrets, readers)

    def changed(self, command, number):
        return self.shell(f'"$1" {command} "$2" && "$1" hide && {COMMIT}', self.program, f"reader{number}@example.org")

    def add_reader(self, store):
        return self.changed("tell", store.readers)

    def remove_reader(self, store):
        return self.changed("removeperson", store.readers - 1)

    def readers_of(self, store):
        found = []
        for secret in sample(store):
            file = store.dir / f"{secret.path}.secret"
            listing = self.bench.call(self.gpg, "--list-only", "--status-fd", "1", "-d", file, env=self.env(store))
            found.append(listing.count("ENC_TO"))
        return found


class TeamDotenvx(Dotenvx):
    """One key pair that all who read share."""

    cannot = {"add-reader": "one key pair, which all share", "remove-reader": "one key pair, which all share"}


TEAM_PEERS = (
    TeamPass, TeamSops, TeamSopsOneFile, TeamRops, TeamMurk, TeamFnox, TeamDotenvx, TeamGitCrypt, TeamGitSecret, TeamAge, TeamRage,
)
