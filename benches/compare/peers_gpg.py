"""pass and git-crypt: the peers whose readers are GPG keys. See peers.py for what is compared."""

import re

from bench import Store
from peer import Peer


class Gpg(Peer):
    """What pass and git-crypt share: a keyring with the readers' keys, none with a passphrase."""

    def __init__(self, bench):
        super().__init__(bench)
        self.home = None
        self.keys = []

    def keyring(self, count):
        """Fingerprints of `count` keys. Only ours has its secret half here; ours stands in the middle."""
        if not self.home:
            self.home = self.gnupg_home(f"g-{self.name}")
            self.keys = self.generate(self.home, 1)
        if len(self.keys) < count:
            # Made elsewhere: with their secret halves here, gpg would open with the first one's.
            elsewhere = self.gnupg_home(f"e-{self.name}{count}")
            others = self.generate(elsewhere, count - len(self.keys))
            public = self.bench.call(self.gpg, "--export", "--armor", env=self.gpg_env(elsewhere))
            self.bench.call(self.gpg, "--batch", "--import", env=self.gpg_env(self.home), stdin=public.encode())
            self.keys += others
        others = self.keys[1:count]
        middle = len(others) // 2
        return others[:middle] + [self.keys[0]] + others[middle:]

    @property
    def gpg(self):
        return self.bench.find("gpg")

    def gpg_env(self, home):
        return dict(self.bench.env, GNUPGHOME=str(home))

    def gnupg_home(self, name):
        home = self.bench.mkdir(name)
        home.chmod(0o700)
        (home / "gpg.conf").write_text("trust-model always\nno-auto-check-trustdb\nno-tty\nbatch\n")
        gpgconf = self.bench.find("gpgconf")
        self.bench.closers.append(lambda: self.bench.call(gpgconf, "--homedir", home, "--kill", "all"))
        return home

    def generate(self, home, count):
        first = len(self.keys)
        recipe = "".join(
            "%no-protection\nKey-Type: eddsa\nKey-Curve: ed25519\nKey-Usage: sign\nSubkey-Type: ecdh\n"
            f"Subkey-Curve: cv25519\nSubkey-Usage: encrypt\nName-Email: reader{n}@example.org\nExpire-Date: 0\n%commit\n"
            for n in range(first, first + count)
        )
        env = self.gpg_env(home)
        self.bench.call(self.gpg, "--gen-key", env=env, stdin=recipe.encode())
        listing = self.bench.call(self.gpg, "--with-colons", "--list-keys", env=env)
        return re.findall(r"^pub:.*\n(?:.*\n)*?fpr:+([0-9A-F]+):", listing, re.MULTILINE)

    def helpers(self):
        """gpg-agent does the opening, outside of the process that is measured."""
        if not hasattr(self, "agent"):
            env = self.gpg_env(self.home)
            answer = self.bench.call(self.bench.find("gpg-connect-agent"), "getinfo pid", "/bye", env=env)
            self.agent = [int(re.search(r"D (\d+)", answer)[1])]
        return self.agent


class Pass(Gpg):
    name = "pass"
    needs = ("gpg", "gpg-connect-agent", "tree", "git")
    how = {
        "get": "pass show",
        "set": "pass insert -m",
        "ls": "pass ls",
        "open": "pass grep ^",
        "git-diff": "pass git diff, its textconv",
        "run": "shell loop of pass show",
    }

    def env(self, store):
        return dict(self.gpg_env(self.home), PASSWORD_STORE_DIR=str(store.dir))

    def build(self, secrets, readers):
        store = Store(self.bench.store_dir(self.name), secrets, readers)
        keys = self.keyring(readers)
        self.bench.call(self.program, "init", *keys, env=self.env(store))
        self.bench.call(self.program, "git", "init", "-q", env=self.env(store))
        self.seal(store, secrets)
        self.bench.commit_all(store.dir, "store", env=self.env(store))
        return store

    def seal(self, store, secrets):
        """What `pass insert` makes, many files a process."""
        names = []
        for secret in secrets:
            file = store.dir / secret.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(secret.value + "\n")
            names.append(secret.path)
        keys = [word for key in self.keyring(store.readers) for word in ("-r", key)]
        gpg = [self.gpg, "--quiet", "--yes", "--compress-algo=none", "--no-encrypt-to", *keys, "--multifile", "--encrypt"]
        self.bench.call(
            "xargs", "-0", "-n", "100", "-P", self.bench.cores, *gpg,
            cwd=store.dir, env=self.env(store), stdin="\0".join(names).encode(),
        )
        for name in names:
            (store.dir / name).unlink()

    def change(self, store, secrets):
        self.seal(store, secrets)
        self.bench.commit_all(store.dir, "change", env=self.env(store))

    def get(self, _store, secret):
        return [self.program, "show", secret.path]

    def set(self, _store, secret):
        return [self.program, "insert", "-m", "-f", secret.path]

    def ls(self, _store):
        return [self.program, "ls"]

    def open(self, _store):
        return [self.program, "grep", "^"]

    def git_diff(self, _store, base):
        return [self.program, "git", "diff", base, "HEAD"]

    def run(self, store, child):
        script = (
            'for f in "$2"/*.gpg; do n=${f##*/}; n=${n%.gpg}; v=$("$1" show "$2/$n") || exit 1; export "$n=$v"; done; exec "$3"'
        )
        return self.shell(script, self.program, store.secrets[0].folder, child)


class GitCrypt(Gpg):
    name = "git-crypt"
    needs = ("gpg", "gpg-connect-agent", "git")
    how = {
        "get": "git cat-file --filters",
        "set": "write, git commit",
        "open": "git-crypt unlock",
        "git-diff": "git diff, its textconv",
    }
    reference = ("get",)

    def env(self, _store):
        return self.gpg_env(self.home)

    def build(self, secrets, readers):
        store = Store(self.bench.store_dir("crypt"), secrets, readers)
        keys = self.keyring(readers)
        self.bench.git(store.dir, "init", "-q")
        self.bench.call(self.program, "init", cwd=store.dir)
        for key in keys:
            self.bench.call(self.program, "add-gpg-user", "-n", "--trusted", key, cwd=store.dir, env=self.env(store))
        (store.dir / ".gitattributes").write_text("prod/** filter=git-crypt diff=git-crypt\n")
        self.write(store, secrets)
        self.bench.commit_all(store.dir, "store")
        return store

    def write(self, store, secrets):
        for secret in secrets:
            file = store.dir / secret.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(secret.value + "\n")

    def change(self, store, secrets):
        self.write(store, secrets)
        self.bench.commit_all(store.dir, "change")

    def get(self, _store, secret):
        return [self.bench.find("git"), "cat-file", "--filters", f"HEAD:{secret.path}"]

    def set(self, _store, secret):
        return self.shell('cat >"$1" && git commit -q -m set -o -- "$1"', secret.path)

    def before_open(self, store):
        self.bench.call(self.program, "lock", cwd=store.dir, env=self.env(store))

    def open(self, _store):
        return [self.program, "unlock"]

    def proof_of_open(self, _store):
        """`unlock` prints nothing: the work tree is its output."""
        return ["/usr/bin/env", "grep", "-rh", ".", "prod"]

    def git_diff(self, _store, base):
        return [self.bench.find("git"), "diff", base, "HEAD"]
