"""Covault and its peers where two people change secrets at the same time. See merging.py for what a target is."""

import json

from merging import FIELDS, NEWCOMER, SECRET, Merging
from targets_age import Age, Murk, Sops
from targets_covault import Covault
from targets_dotenvx import Dotenvx
from targets_git_secret import GitSecret
from targets_gpg import GitCrypt, Pass


class CovaultMerging(Merging, Covault):
    """Ours: the merge driver, as any writing command installs it."""

    kept_as = "one age file a secret, merge driver"

    def begin(self, scene):
        self.found(scene, ())
        for field in FIELDS:
            self.change(scene, "alice", field, self.first(field))
        self.team(scene)

    def found(self, scene, secrets):
        super().found(scene, secrets)
        scene.publish("alice", "a vault")

    def team(self, scene):
        """Bob and his clone, which knows the vault."""
        self.let_in(scene, "bob")
        scene.must("bob", scene.bench.find("git"), "pull", "-q", "origin", "main")

    def let_in(self, scene, person):
        invite = self.invite(scene, person)
        self.approve(scene, person, self.ask(scene, person, invite))
        scene.push("alice")

    def invite(self, scene, person):
        invite = scene.must("alice", self.program, "member", "invite", person).strip().splitlines()[-1]
        scene.publish("alice", f"invite {person}")
        scene.push("alice")
        return invite

    def ask(self, scene, person, invite):
        scene.clone(person)
        join = [self.program, "join", "--name", person, "--invite", invite, "--print"]
        return scene.must(person, *join).strip().splitlines()[-1]

    def approve(self, scene, person, request):
        scene.must("alice", self.program, "member", "approve", person, "--yes", "--request", request)
        scene.publish("alice", f"admit {person}")

    def change(self, scene, person, field, value):
        scene.must(person, self.program, "set", SECRET, "--stdin", field, stdin=value)

    def add(self, scene, person, name, value):
        scene.must(person, self.program, "set", name, stdin=value)

    def values(self, scene, person, field):
        """`get` gives the newest and warns of others; `show` has them all."""
        done = scene.run(person, self.program, "--json", "show", SECRET, "--reveal")
        fields = json.loads(done.out)["fields"] if done.code == 0 else {}
        return [write["value"] for write in fields.get(field, ())]

    def asks(self, scene, person, field):
        return scene.run(person, self.program, "get", "--strict", f"{SECRET}/{field}").code == 5

    def prepare_newcomer(self, scene):
        self.request = self.ask(scene, NEWCOMER, self.invite(scene, NEWCOMER))
        scene.must("bob", scene.bench.find("git"), "pull", "-q", "origin", "main")

    def admit(self, scene):
        self.approve(scene, NEWCOMER, self.request)

    def welcome(self, scene):
        scene.must(NEWCOMER, scene.bench.find("git"), "pull", "-q", "origin", "main")


class Installed:
    """A peer is found by its name; the path of ours is not for it."""

    def __init__(self, bench, _covault):
        super().__init__(bench)


class SopsMerging(Installed, Merging, Sops):
    """Each field a key of one JSON file."""

    kept_as = "one JSON file a secret, its values encrypted"

    def begin(self, scene):
        self.found(scene, ())
        file = scene.at("alice") / self.path(SECRET)
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({field: self.first(field) for field in FIELDS}))
        scene.must("alice", self.program, "encrypt", "--in-place", file)
        scene.publish("alice", "a secret")
        self.started(scene)

    def values(self, scene, person, field):
        done = scene.run(person, self.program, "decrypt", "--extract", f'["{field}"]', self.path(SECRET))
        return [done.out] if done.code == 0 else []

    def change(self, scene, person, field, value):
        scene.must(person, self.program, "set", self.path(SECRET), f'["{field}"]', json.dumps(value))
        scene.publish(person, f"change {field}")

    def admit(self, scene):
        self.rule(scene, "alice", ("alice", "bob", NEWCOMER))
        scene.must("alice", self.program, "updatekeys", "--yes", self.path(SECRET))
        scene.publish("alice", "let her in")


class AgeMerging(Installed, Merging, Age):
    """One file a secret and a list of recipients; no merge driver."""

    kept_as = "one file a secret"

    def admit(self, scene):
        self.list_readers(scene, "alice", ("alice", "bob", NEWCOMER))
        self.write(scene, "alice", SECRET, self.read(scene, "alice", SECRET).out)


class PassMerging(Installed, Merging, Pass):
    """As it comes: one GPG file a secret."""

    kept_as = "one GPG file a secret"

    def admit(self, scene):
        """With the key of hers that both have certified."""
        scene.must("alice", self.program, "init", *(self.keys[name] for name in ("alice", "bob", "colleague")))
        scene.publish("alice", "let her in")


class GitCryptMerging(Installed, Merging, GitCrypt):
    """Whole files, in clear in an unlocked clone."""

    kept_as = "whole files by a filter"

    def admit(self, scene):
        scene.must("alice", self.program, "add-gpg-user", "-n", "--trusted", self.keys["colleague"])
        scene.publish("alice", "let her in")


class MurkMerging(Installed, Merging, Murk):
    """One file for all; a field is a key of its own. With its merge driver in every clone."""

    kept_as = "one file for all, its merge driver"

    def begin(self, scene):
        self.found(scene, ())
        for field in FIELDS:
            self.write(scene, "alice", f"{SECRET}/{field}", self.first(field))
        self.set_up(scene, "alice")
        scene.publish("alice", "merge driver")
        self.started(scene)

    def arrive(self, scene, person):
        super().arrive(scene, person)
        self.set_up(scene, person)

    def set_up(self, scene, person):
        scene.must(person, self.program, "setup-merge-driver")

    def write(self, scene, person, name, value):
        done = super().write(scene, person, name, value)
        if done.code != 0:
            # Whoever signed last has to be trusted first, by its own word.
            scene.must(person, self.program, "trust", "--yes")
            scene.must(person, self.program, "add", self.key(name), stdin=value + "\n")
            scene.publish(person, f"set {name}")

    def values(self, scene, person, field):
        done = self.read(scene, person, f"{SECRET}/{field}")
        if done.code != 0:
            scene.run(person, self.program, "trust", "--yes")
            done = self.read(scene, person, f"{SECRET}/{field}")
        return [done.out.strip()] if done.code == 0 and done.out.strip() else []

    def change(self, scene, person, field, value):
        self.write(scene, person, f"{SECRET}/{field}", value)

    def admit(self, scene):
        scene.must("alice", self.program, "circle", "authorize", self.recipients[NEWCOMER], "--name", "carol")
        scene.publish("alice", "let her in")


class DotenvxMerging(Installed, Merging, Dotenvx):
    """One file for all; a field is a variable of its own. Its key is the same for all."""

    kept_as = "one .env file, its values encrypted"

    def begin(self, scene):
        self.found(scene, ())
        for field in FIELDS:
            self.write(scene, "alice", f"{SECRET}/{field}", self.first(field))
        self.started(scene)

    def values(self, scene, person, field):
        done = self.read(scene, person, f"{SECRET}/{field}")
        return [done.out.strip()] if done.code == 0 and done.out.strip() else []

    def change(self, scene, person, field, value):
        self.write(scene, person, f"{SECRET}/{field}", value)

    def admit(self, scene):
        """Nothing in the repository says it: she is handed the key."""
        scene.env[NEWCOMER]["DOTENV_PRIVATE_KEY"] = scene.env["alice"]["DOTENV_PRIVATE_KEY"]
        (scene.at("alice") / "readers.txt").write_text("alice, bob, and now she\n")
        scene.publish("alice", "let her in")


class GitSecretMerging(Installed, Merging, GitSecret):
    """Whole files; after a pull, `reveal` brings the work tree up to date."""

    kept_as = "one GPG file a secret"

    def write(self, scene, person, name, value):
        # Files in clear that are older than the encrypted ones would be hidden again.
        scene.run(person, self.program, "reveal", "-f", "-F")
        return super().write(scene, person, name, value)

    def admit(self, scene):
        scene.run("alice", self.program, "reveal", "-f")
        scene.must("alice", self.program, "tell", "colleague@example.org")
        scene.must("alice", self.program, "hide")
        scene.publish("alice", "let her in")


MERGING = (
    CovaultMerging, MurkMerging, SopsMerging, DotenvxMerging, GitCryptMerging, GitSecretMerging, PassMerging, AgeMerging,
)
