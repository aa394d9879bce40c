"""Covault under attack. See targets.py for what a target is, attacks.py for the attacks."""

import re

from targets import Target


class Covault(Target):
    """Ours: has to refuse with exit code 6."""

    name = "covault"
    reads = "covault get"
    cases = {
        "forge": ("sealed with age", "signed in a vault of her own"),
        "add-reader": ("her key in Alice's card", "a roster of her own"),
    }
    lists = (".covault/roster.toml",)
    removal = "covault member remove"

    def __init__(self, bench, program):
        super().__init__(bench)
        self.program = program

    def missing(self):
        lacks = None if self.program else "covault"
        return lacks or next((need for need in ("git", "age", "age-keygen") if not self.bench.find(need)), None)

    def found(self, scene, secrets):
        for env in scene.env.values():
            env["COVAULT_NO_INPUT"] = "1"
        scene.must("alice", self.program, "init", "--name", "alice")
        for name, value in secrets:
            self.write(scene, "alice", name, value)

    def path(self, name):
        return f".covault/secrets/{name}.age"

    def read(self, scene, person, name):
        return scene.run(person, self.program, "get", name)

    def write(self, scene, person, name, value):
        done = scene.run(person, self.program, "set", name, stdin=value)
        scene.publish(person, f"set {name}")
        if done.code == 0:  # "changed prod/db (commit …)" is no warning
            done.err = "\n".join(line for line in done.err.splitlines() if "warning" in line)
        return done

    def roster(self, scene):
        return scene.at("mallory") / ".covault/roster.toml"

    def forge(self, scene, case, name, value):
        if case != "sealed with age":
            own = self.own_vault(scene)
            scene.must("mallory", self.program, "set", name, cwd=own, stdin=value)
            (scene.at("mallory") / self.path(name)).write_bytes((own / self.path(name)).read_bytes())
            return
        recipients = re.findall(r"\bage1[a-z0-9]+", self.roster(scene).read_text())
        to = [word for recipient in recipients for word in ("-r", recipient)]
        scene.must("mallory", self.bench.find("age"), *to, "-o", self.path(name), stdin=value)

    def own_vault(self, scene):
        """Where she is Alice, with keys of her own."""
        own = scene.dir / "own"
        scene.must("mallory", self.program, "init", "--standalone", own, "--name", "alice", cwd=scene.dir)
        return own

    def add_reader(self, scene, case):
        roster = self.roster(scene)
        if case == "a roster of her own":
            roster.write_bytes((self.own_vault(scene) / ".covault/roster.toml").read_bytes())
            return
        text = scene.must("mallory", self.bench.find("age-keygen"), cwd=scene.dir)
        hers = re.search(r"public key: (\S+)", text)[1]
        roster.write_text(re.sub(r"devices = \[", f'devices = ["hers {hers}", ', roster.read_text(), count=1))

    def plaintext(self, scene):
        """git's attributes are all that is configured in the tree."""
        (scene.at("mallory") / ".gitattributes").unlink()

    def team(self, scene):
        """Bob, invited and admitted; Failed where this version has no members."""
        invite = scene.must("alice", self.program, "member", "invite", "bob").strip()
        scene.publish("alice", "invite bob")
        scene.clone("bob")
        join = [self.program, "join", "--name", "bob", "--invite", invite, "--print"]
        request = scene.must("bob", *join).strip().splitlines()[-1]
        scene.must("alice", self.program, "member", "approve", "bob", "--yes", "--request", request)
        scene.publish("alice", "admit bob")
        scene.must("bob", self.bench.find("git"), "pull", "-q", "origin", "main")

    def arrive(self, scene, person):
        """Bob is in as soon as there are members."""
        self.team(scene)

    def can_remove(self, scene):
        return scene.run("alice", self.program, "member", "--help").code == 0

    def remove(self, scene, _case, _names):
        scene.must("alice", self.program, "member", "remove", "bob", "--yes")
        scene.publish("alice", "remove bob")

    def read_with_history(self, scene, person, name):
        """The old header's part for him before the new file's rest."""
        path = self.path(name)
        oldest = scene.git(person, "log", "--format=%H", "--diff-filter=A", "--", path).split()[-1]
        old = scene.blob(f"{oldest}:{path}", scene.at(person))
        new = scene.blob(f"HEAD:{path}", scene.at(person))
        cut = lambda file: file.index(b"\n", file.index(b"\n--- ") + 1) + 1
        grafted = scene.dir / "grafted.age"
        grafted.write_bytes(old[: cut(old)] + new[cut(new) :])
        identity = f"{scene.env[person]['XDG_CONFIG_HOME']}/covault/identity.txt"
        return scene.run(person, self.bench.find("age"), "-d", "-i", identity, grafted)
