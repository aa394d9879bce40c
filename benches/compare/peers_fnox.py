"""fnox: one TOML file, each value an age ciphertext of its own. See peers.py for what is compared."""

import base64
import json

from bench import Store
from peer import AgePeer


class Fnox(AgePeer):
    """With its provider `age`; the others keep secrets elsewhere or with a cloud's keys."""

    name = "fnox"
    needs = ("git", "age")
    how = {
        "get": "fnox get",
        "set": "fnox set, git commit",
        "ls": "fnox list",
        "open": "fnox export",
        "run": "fnox exec",
    }
    cannot = {"git-diff": "no textconv: nothing opens a file that is not the current one", "diff": "no such command"}
    file = "fnox.toml"

    def env(self, _store):
        return dict(self.bench.env, FNOX_AGE_KEY_FILE=str(self.identity), FNOX_NON_INTERACTIVE="true")

    def build(self, secrets, readers):
        store = Store(self.bench.store_dir(self.name), secrets, readers)
        self.identity, recipients = self.bench.age_readers(readers)
        lines = [self.head(recipients), "[secrets]"]
        lines += [f'{secret.key} = {{ provider = "age", value = "{self.sealed(secret, recipients)}" }}' for secret in secrets]
        (store.dir / self.file).write_text("\n".join(lines) + "\n")
        self.bench.git(store.dir, "init", "-q")
        self.bench.commit_all(store.dir, "store")
        return store

    def head(self, recipients):
        return f'default_provider = "age"\n\n[providers.age]\ntype = "age"\nrecipients = {json.dumps(recipients)}\n'

    def sealed(self, secret, recipients):
        """What `fnox set` writes, which takes a whole file's time for each."""
        to = [word for recipient in recipients for word in ("-r", recipient)]
        file = self.bench.scratch / "sealed"
        self.bench.call(self.bench.find("age"), *to, "-o", file, stdin=secret.value.encode())
        return base64.b64encode(file.read_bytes()).decode()

    def change(self, store, secrets):
        for secret in secrets:
            env = self.env(store)
            self.bench.call(self.program, "set", secret.key, "--provider", "age", cwd=store.dir, env=env, stdin=secret.value.encode())
        self.bench.commit_all(store.dir, "change")

    def get(self, _store, secret):
        return [self.program, "get", secret.key]

    def set(self, _store, secret):
        return self.shell('"$1" set "$2" --provider age && git commit -q -m set -o -- fnox.toml', self.program, secret.key)

    def ls(self, _store):
        return [self.program, "list"]

    def open(self, _store):
        return [self.program, "export", "--format", "json"]

    def run(self, _store, child):
        return [self.program, "exec", "--", child]
