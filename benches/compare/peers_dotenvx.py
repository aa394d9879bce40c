"""dotenvx: one .env file whose values are encrypted to one key pair. See peers.py for what is compared."""

import re
from pathlib import Path

from bench import Store
from peer import Peer

# What `dotenvx encrypt` does to each value, with its library: the public key in its arguments, NAME=VALUE lines on stdin.
ENCRYPT = """
const { encrypt } = require(process.argv[1])
for (const line of require("fs").readFileSync(0, "utf8").split("\\n").filter(Boolean)) {
  const at = line.indexOf("=")
  console.log(`${line.slice(0, at)}="${encrypt(process.argv[2], line.slice(at + 1))}"`)
}
"""


class Dotenvx(Peer):
    """Whoever has the private key reads all, so there is one reader; values to set go through its arguments.

    The features that look for keys elsewhere (a store of the system's, other managers, its maker's service) are off.
    """

    name = "dotenvx"
    needs = ("node", "git")
    how = {
        "get": "dotenvx get",
        "set": "dotenvx set, git commit",
        "ls": "grep of names (no ls)",
        "open": "dotenvx get, all",
        "git-diff": "git diff, textconv dotenvx decrypt",
        "run": "dotenvx run",
        "size": "one .env file",
    }
    reference = ("ls",)
    file = ".env"
    keys = ".env.keys"
    alone = ("--no-armor", "--no-native", "--no-1password", "--no-bitwarden")

    def env(self, store):
        return dict(self.bench.env, DOTENV_PRIVATE_KEY=self.private_key(store))

    def private_key(self, store):
        lines = store.dir.with_name(f"{store.dir.name}.keys").read_text().splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith("DOTENV_PRIVATE_KEY="))

    def build(self, secrets, readers):
        self.only_one(readers)
        store = Store(self.bench.store_dir(self.name), secrets, readers)
        self.bench.git(store.dir, "init", "-q")
        (store.dir / ".gitignore").write_text(f"{self.keys}\n")
        self.write(store)
        # The key is no part of the store: it comes through the environment, as in production.
        (store.dir / self.keys).rename(store.dir.with_name(f"{store.dir.name}.keys"))
        (store.dir / ".gitattributes").write_text(".env diff=dotenvx\n")
        textconv = f"'{self.program}' decrypt --stdout --no-armor --no-native -fk '{store.dir}.keys' -f"
        self.bench.git(store.dir, "config", "diff.dotenvx.textconv", textconv)
        self.bench.commit_all(store.dir, "store")
        return store

    def write(self, store):
        """The program makes the key pair and the file with a first value. The others its library encrypts, in the same form:
        the program takes 40 seconds for a thousand values and much longer for ten thousand."""
        first, *others = [f"{secret.key}={secret.value}\n" for secret in store.secrets]
        file = store.dir / self.file
        file.write_text(first)
        self.encrypt(store)
        public = re.search(r'^DOTENV_PUBLIC_KEY="?([0-9a-f]+)', file.read_text(), re.M)[1]
        library = Path(self.program).resolve().parents[3] / "primitives"
        with file.open("a") as out:
            out.write(self.bench.call(self.bench.find("node"), "-e", ENCRYPT, library, public, stdin="".join(others).encode()))

    def encrypt(self, store, env=None):
        self.bench.call(self.program, "encrypt", *self.alone, cwd=store.dir, env=env or self.bench.env)

    def change(self, store, secrets):
        """Each its own command, as people do."""
        for secret in secrets:
            self.bench.call(self.program, "set", secret.key, secret.value, *self.alone, cwd=store.dir, env=self.env(store))
        self.bench.commit_all(store.dir, "change")

    def get(self, _store, secret):
        return [self.program, "get", secret.key, *self.alone]

    def set(self, _store, secret):
        script = 'v=$(cat); "$1" set "$2" "$v" --no-armor --no-native --no-1password --no-bitwarden && git commit -q -m set -o -- .env'
        return self.shell(script, self.program, secret.key)

    def ls(self, _store):
        return ["/usr/bin/env", "grep", "-o", "^[A-Za-z0-9_]*=", self.file]

    def open(self, _store):
        return [self.program, "get", *self.alone]

    def git_diff(self, _store, base):
        return [self.bench.find("git"), "diff", base, "HEAD"]

    def run(self, _store, child):
        return [self.program, "run", "--quiet", *self.alone, "--", child]
