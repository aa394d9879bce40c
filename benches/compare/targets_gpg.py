"""pass and git-crypt under attack. See targets.py for what a target is, attacks.py for the attacks."""

import re
import shutil

from targets import Target


class GpgTarget(Target):
    """One keyring a person, for the whole run: an agent each is enough.

    Alice and Bob know each other's keys, and a colleague's, and have certified them, so that gpg
    seals to them without a question. Mallory has the public keys of both, her own key pair, and the
    colleague's: whoever it is that pushes, it is a key that Alice has for another reason.
    """

    needs = ("git", "gpg", "gpgconf")

    def __init__(self, bench):
        super().__init__(bench)
        self.gpg = bench.find("gpg")
        self.homes, self.keys = {}, {}

    def keyrings(self, scene):
        if not self.homes:
            public = {}
            for owner, names in {"alice": ["alice"], "bob": ["bob"], "mallory": ["mallory", "colleague"]}.items():
                self.homes[owner] = self.keyring(f"{type(self).__name__[0]}{owner[0]}")
                for name in names:
                    self.call(owner, "--passphrase", "", "--quick-gen-key", f"{name}@example.org", "ed25519", "sign", "0")
                    listing = self.call(owner, "--with-colons", "--list-keys", f"{name}@example.org")
                    self.keys[name] = re.search(r"^fpr:+([0-9A-F]+):", listing, re.MULTILINE)[1]
                    self.call(owner, "--passphrase", "", "--quick-add-key", self.keys[name], "cv25519", "encr", "0")
                    public[name] = self.call(owner, "--export", "--armor", self.keys[name])
            for owner, known in {"alice": ["bob", "colleague"], "bob": ["alice", "colleague"], "mallory": ["alice", "bob"]}.items():
                for name in known:
                    self.call(owner, "--import", stdin=public[name])
                    self.call(owner, "--yes", "--quick-lsign-key", self.keys[name])
        for person, home in self.homes.items():
            scene.env[person]["GNUPGHOME"] = str(home)

    def keyring(self, name):
        home = self.bench.mkdir(name)
        home.chmod(0o700)
        gpgconf = self.bench.find("gpgconf")
        self.bench.closers.append(lambda: self.bench.call(gpgconf, "--homedir", home, "--kill", "all"))
        return home

    def call(self, owner, *args, stdin=""):
        env = dict(self.bench.env, GNUPGHOME=str(self.homes[owner]))
        return self.bench.call(self.gpg, "--batch", "--quiet", "--pinentry-mode", "loopback", *args, env=env, stdin=stdin.encode())


class Pass(GpgTarget):
    """pass as it comes."""

    name = "pass"
    needs = ("git", "gpg", "gpgconf", "tree")
    reads = "pass show"
    cases = {"add-reader": ("a key that Alice's keyring lacks", "a key that Alice has certified")}
    lists = (".gpg-id*",)
    removal = "pass init with the ids that stay"
    remarks = (
        'pass(1), PASSWORD_STORE_SIGNING_KEY: "If this environment variable is set, then all .gpg-id files and '
        'non-system extension files must be signed using a detached signature" (and not the .gpg files)',
    )
    signed = False

    def found(self, scene, secrets):
        self.keyrings(scene)
        for person in scene.env:
            scene.env[person]["PASSWORD_STORE_DIR"] = str(scene.at(person))
        for person in ("alice", "bob"):
            if self.signed:
                scene.env[person]["PASSWORD_STORE_SIGNING_KEY"] = self.keys["alice"]
        scene.must("alice", self.program, "init", self.keys["alice"], self.keys["bob"])
        scene.must("alice", self.program, "git", "init", "-q")
        for name, value in secrets:
            self.write(scene, "alice", name, value)

    def path(self, name):
        return f"{name}.gpg"

    def read(self, scene, person, name):
        return scene.run(person, self.program, "show", name)

    def write(self, scene, person, name, value):
        done = scene.run(person, self.program, "insert", "--multiline", "--force", name, stdin=value)
        scene.publish(person, f"set {name}")
        return done

    def forge(self, scene, _case, name, value):
        to = [word for reader in ("alice", "bob") for word in ("-r", self.keys[reader])]
        argv = [self.gpg, "--batch", "--quiet", "--yes", *to, "-o", self.path(name), "--encrypt"]
        scene.must("mallory", *argv, stdin=value)

    def add_reader(self, scene, case):
        key = self.keys["colleague" if case.endswith("certified") else "mallory"]
        with open(scene.at("mallory") / ".gpg-id", "a", encoding="ascii") as file:
            file.write(f"{key}\n")

    def remove(self, scene, _case, _names):
        scene.must("alice", self.program, "init", self.keys["alice"])
        scene.publish("alice", "remove bob")


class SignedPass(Pass):
    """pass with PASSWORD_STORE_SIGNING_KEY in the readers' environment."""

    signed = True
    label = "pass, signed .gpg-id"


class GitCrypt(GpgTarget):
    """git-crypt with GPG users, and a clone that is unlocked."""

    name = "git-crypt"
    reads = "git pull, cat"
    cases = {
        "forge": ("plaintext in its place", "and its line out of .gitattributes"),
        "add-reader": ("a key of hers, Alice's clone", "a key of hers, a fresh clone"),
        "removed": ("his file out of .git-crypt",),
    }
    readmit = None  # he never left
    removal = "no command; his file out of .git-crypt/keys"
    remarks = (
        'git-crypt, README, Limitations: "git-crypt cannot be used securely unless the entire repository is protected '
        "against tampering (an attacker who can mutate your repository can alter your .gitattributes file to disable "
        'encryption). If necessary, use git features such as signed tags …"',
        'the same: "git-crypt does not support revoking access to an encrypted repository which was previously granted"',
    )

    def found(self, scene, secrets):
        self.keyrings(scene)
        self.lock_up(scene, scene.at("alice"), "alice", ("alice", "bob"))
        scene.publish("alice", "git-crypt")
        for name, value in secrets:
            self.write(scene, "alice", name, value)

    def lock_up(self, scene, folder, person, readers):
        scene.must(person, self.program, "init", cwd=folder)
        for reader in readers:
            scene.must(person, self.program, "add-gpg-user", "-n", "--trusted", self.keys[reader], cwd=folder)
        (folder / ".gitattributes").write_text("prod/** filter=git-crypt diff=git-crypt\n")

    def arrive(self, scene, person):
        super().arrive(scene, person)
        scene.must(person, self.program, "unlock")

    def path(self, name):
        return name

    def read(self, scene, person, name):
        return scene.run(person, "cat", name)

    def write(self, scene, person, name, value):
        file = scene.at(person) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value)
        done = scene.run(person, self.bench.find("git"), "add", name)
        scene.publish(person, f"set {name}")
        return done

    def forge(self, scene, case, name, value):
        (scene.at("mallory") / name).write_text(value)
        if case.startswith("and"):
            self.plaintext(scene)

    def plaintext(self, scene):
        (scene.at("mallory") / ".gitattributes").write_text("")

    def add_reader(self, scene, case):
        """Only who has the key can add somebody to it. So another key, sealed to Alice and to herself."""
        own = scene.dir / "own"
        own.mkdir()
        scene.must("mallory", self.bench.find("git"), "init", "-q", cwd=own)
        self.lock_up(scene, own, "mallory", ("alice", "mallory"))
        clone = scene.at("mallory")
        shutil.rmtree(clone / ".git-crypt")
        shutil.copytree(own / ".git-crypt", clone / ".git-crypt")
        if not case.endswith("fresh clone"):
            return
        # What is there has to open with her key: values of hers in every place.
        for file in (clone / "prod").iterdir():
            copy = own / "prod" / file.name
            copy.parent.mkdir(exist_ok=True)
            copy.write_text("forged")
            scene.must("mallory", self.bench.find("git"), "add", f"prod/{file.name}", cwd=own)
            file.write_bytes(scene.blob(f":prod/{file.name}", own))

    def victim_moves(self, scene, case):
        """The fresh clone, for the case that needs one."""
        if case.endswith("fresh clone"):
            scene.at("alice").rename(scene.dir / "alice-before")
            self.arrive(scene, "alice")

    def outsider_reads(self, scene, name):
        """With her own key, whatever the work tree shows."""
        sealed = scene.dir / "sealed"
        sealed.write_bytes(scene.published(name))
        own = scene.dir / "own"
        return scene.run("mallory", self.bench.find("sh"), "-c", f'"$1" smudge <"$2"', "sh", self.program, sealed, cwd=own)

    def remove(self, scene, _case, _names):
        scene.git("alice", "rm", "-q", f".git-crypt/keys/default/0/{self.keys['bob']}.gpg")
        scene.publish("alice", "remove bob")
