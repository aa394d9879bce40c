"""git-secret: one GPG file beside each file that is to be hidden. See peers.py for what is compared."""

from bench import Store
from peers_gpg import Gpg


class GitSecret(Gpg):
    """Files in clear in the work tree, which git ignores, and `hide` encrypts. Its list of readers is a keyring of its own."""

    name = "git-secret"
    needs = ("gpg", "gpg-connect-agent", "git")
    how = {
        "get": "git secret cat",
        "set": "write, git secret hide -m, git commit",
        "ls": "git secret list",
        "open": "git secret reveal",
        "git-diff": "git diff, textconv gpg -d",
    }
    cannot = {"run": "starts no program", "diff": "compares a file with its own encrypted form only"}

    def env(self, _store):
        return self.gpg_env(self.home)

    def build(self, secrets, readers):
        store = Store(self.bench.store_dir("gs"), secrets, readers)
        self.keyring(readers)
        self.bench.git(store.dir, "init", "-q")
        secret = lambda *words: self.bench.call(self.program, *words, cwd=store.dir, env=self.env(store))
        secret("init")
        secret("tell", *[f"reader{number}@example.org" for number in range(readers)])
        self.write(store, secrets)
        self.add(store, secrets)
        secret("hide")
        (store.dir / ".gitattributes").write_text("*.secret diff=gpg\n")
        self.bench.git(store.dir, "config", "diff.gpg.textconv", "gpg --quiet --batch --decrypt")
        self.bench.commit_all(store.dir, "store")
        return store

    def add(self, store, secrets):
        """What `git secret add` writes; for a thousand files it takes longer than all the rest."""
        with open(store.dir / ".gitignore", "a", encoding="ascii") as ignored:
            ignored.writelines(f"{secret.path}\n" for secret in secrets)
        mapping = store.dir / ".gitsecret/paths/mapping.cfg"
        mapping.write_text("".join(f"{secret.path}:\n" for secret in secrets))
        # It starts an agent for its own keyring, too.
        gpgconf, keys = self.bench.find("gpgconf"), store.dir / ".gitsecret/keys"
        self.bench.closers.append(lambda: keys.exists() and self.bench.call(gpgconf, "--homedir", keys, "--kill", "all"))

    def write(self, store, secrets):
        for secret in secrets:
            file = store.dir / secret.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(secret.value + "\n")

    def change(self, store, secrets):
        self.write(store, secrets)
        self.bench.call(self.program, "hide", "-m", cwd=store.dir, env=self.env(store))
        self.bench.commit_all(store.dir, "change")

    def get(self, _store, secret):
        return [self.program, "cat", secret.path]

    def set(self, _store, secret):
        script = 'cat >"$2" && "$1" hide -m >/dev/null && git commit -q -m set -o -- "$2.secret" .gitsecret'
        return self.shell(script, self.program, secret.path)

    def ls(self, _store):
        return [self.program, "list"]

    def before_open(self, store):
        """As in a fresh clone: nothing in clear."""
        for secret in store.secrets:
            (store.dir / secret.path).unlink(missing_ok=True)

    def open(self, _store):
        return [self.program, "reveal"]

    def proof_of_open(self, _store):
        """`reveal` prints a count: the work tree is its output."""
        return ["/usr/bin/env", "grep", "-rh", ".", "prod", "--exclude=*.secret"]

    def git_diff(self, _store, base):
        return [self.bench.find("git"), "diff", base, "HEAD"]
