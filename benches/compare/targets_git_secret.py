"""git-secret under attack. See targets.py for what a target is, attacks.py for the attacks."""

from targets_gpg import GpgTarget


class GitSecret(GpgTarget):
    """Files that git ignores, and one GPG file beside each; a keyring of its own says who reads."""

    name = "git-secret"
    reads = "git secret cat"
    lists = (".gitsecret/keys",)
    removal = "git secret removeperson, then hide"
    cases = {"add-reader": ("a key of hers in its keyring",)}
    remarks = ()

    def found(self, scene, secrets):
        self.keyrings(scene)
        scene.must("alice", self.program, "init")
        scene.must("alice", self.program, "tell", "alice@example.org", "bob@example.org")
        for name, value in secrets:
            self.write(scene, "alice", name, value)

    def path(self, name):
        return f"{name}.secret"

    def read(self, scene, person, name):
        return scene.run(person, self.program, "cat", name)

    def write(self, scene, person, name, value):
        file = scene.at(person) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        is_new = not file.exists()
        file.write_text(value)
        if is_new:
            scene.run(person, self.program, "add", name)
        done = scene.run(person, self.program, "hide", "-m", "-F")
        scene.publish(person, f"set {name}")
        return done

    def forge(self, scene, _case, name, value):
        to = [word for reader in ("alice", "bob") for word in ("-r", self.keys[reader])]
        argv = [self.gpg, "--batch", "--quiet", "--yes", "--trust-model", "always", *to, "-o", self.path(name), "--encrypt"]
        scene.must("mallory", *argv, stdin=value)

    def add_reader(self, scene, _case):
        """By its own command: the list is a file in the repository."""
        scene.must("mallory", self.program, "tell", "mallory@example.org")

    def remove(self, scene, _case, names):
        scene.must("alice", self.program, "removeperson", "bob@example.org")
        scene.must("alice", self.program, "hide")
        scene.publish("alice", "remove bob")
