"""dotenvx under attack. See targets.py for what a target is, attacks.py for the attacks."""

from measure import Failed
from targets import Target

ALONE = ("--no-armor", "--no-native", "--no-1password", "--no-bitwarden")


class Dotenvx(Target):
    """One .env file; the private key comes from the readers' environment, and is the same for all of them."""

    name = "dotenvx"
    needs = ("git", "node")
    reads = "dotenvx get"
    removal = "none; another key pair for all, by hand"
    lists = (".env",)
    # Whoever has left keeps the key that all share.
    remove = None
    readmit = None
    remarks = ()

    def found(self, scene, secrets):
        self.call(scene, "alice", "set", "STARTED", "yes")
        (scene.at("alice") / ".gitignore").write_text(".env.keys\n")
        keys = (scene.at("alice") / ".env.keys").read_text().splitlines()
        private = next(line.partition("=")[2] for line in keys if line.startswith("DOTENV_PRIVATE_KEY="))
        (scene.at("alice") / ".env.keys").unlink()
        for person in ("alice", "bob"):
            scene.env[person]["DOTENV_PRIVATE_KEY"] = private
        for name, value in secrets:
            self.write(scene, "alice", name, value)

    def call(self, scene, person, *words, cwd=None):
        return scene.must(person, self.program, *words, *ALONE, cwd=cwd)

    def path(self, _name):
        return ".env"

    def key(self, name):
        return name.replace("/", "_").upper()

    def read(self, scene, person, name):
        return scene.run(person, self.program, "get", self.key(name), "--strict", *ALONE)

    def write(self, scene, person, name, value):
        done = scene.run(person, self.program, "set", self.key(name), value, *ALONE)
        scene.publish(person, f"set {name}")
        # What it did is said on stderr each time.
        done.err = "\n".join(line for line in done.err.splitlines() if done.code != 0 or not line.startswith("◈"))
        return done

    def swap(self, scene, _case):
        file = scene.at("mallory") / ".env"
        lines = file.read_text().splitlines()
        at = {line.partition("=")[0]: number for number, line in enumerate(lines)}
        one, other = at["PROD_DB"], at["PROD_CACHE"]
        values = lines[one].partition("=")[2], lines[other].partition("=")[2]
        lines[one], lines[other] = f"PROD_DB={values[1]}", f"PROD_CACHE={values[0]}"
        file.write_text("\n".join(lines) + "\n")

    def forge(self, scene, _case, name, value):
        """Its own command; the public key is in the file."""
        self.call(scene, "mallory", "set", self.key(name), value)

    def add_reader(self, scene, _case):
        """A key pair of hers in the file: does the victim's next value go to it?"""
        own = scene.dir / "own"
        own.mkdir()
        self.call(scene, "mallory", "set", "STARTED", "yes", cwd=own)
        public = next(line for line in (own / ".env").read_text().splitlines() if line.startswith("DOTENV_PUBLIC_KEY="))
        keys = (own / ".env.keys").read_text().splitlines()
        scene.env["mallory"]["DOTENV_PRIVATE_KEY"] = next(
            line.partition("=")[2] for line in keys if line.startswith("DOTENV_PRIVATE_KEY=")
        )
        file = scene.at("mallory") / ".env"
        lines = [public if line.startswith("DOTENV_PUBLIC_KEY=") else line for line in file.read_text().splitlines()]
        if public not in lines:
            raise Failed("no public key in its file")
        file.write_text("\n".join(lines) + "\n")

    def plaintext(self, scene):
        """Without the public key in the file."""
        file = scene.at("mallory") / ".env"
        lines = [line for line in file.read_text().splitlines() if not line.startswith("DOTENV_PUBLIC_KEY=")]
        file.write_text("\n".join(lines) + "\n")
