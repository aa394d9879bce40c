"""rops: sops's idea in Rust, with another file format. See peers.py for what is compared."""

from peers_age import OneYaml


class Rops(OneYaml):
    """One YAML file with all secrets, as for sops. No command for one value: the whole file is opened, and the rest is for
    sed, or for the editor that it starts. It takes a file's name only where stdin is a terminal, so all goes through stdin."""

    name = "rops"
    needs = ("git", "sed", "grep")
    how = {
        "get": "rops decrypt, sed",
        "set": "rops edit by sed, git commit",
        "ls": "grep of names (no ls)",
        "open": "rops decrypt, one file",
        "git-diff": "git diff, textconv rops decrypt",
    }
    cannot = {"run": "starts no program"}

    def env(self, _store):
        return dict(self.bench.env, ROPS_AGE_KEY_FILE=str(self.identity))

    def configure(self, store):
        (store.dir / ".gitattributes").write_text("*.yaml diff=rops\n")
        textconv = f"sh -c '\"{self.program}\" decrypt --format yaml <\"$0\"'"
        self.bench.git(store.dir, "config", "diff.rops.textconv", textconv)

    def encrypt(self, store, recipients):
        keys = [word for recipient in recipients for word in ("--age", recipient)]
        file = store.dir / self.file
        sealed = self.bench.call(
            self.program, "encrypt", *keys, "--format", "yaml",
            cwd=store.dir, env=self.env(store), stdin=file.read_bytes(),
        )
        file.write_text(sealed)

    def get(self, _store, secret):
        script = '"$1" decrypt --format yaml <"$2" | sed -n "s/^ *$3: //p" | grep .'
        return self.shell(script, self.program, self.file, secret.key)

    def set(self, _store, secret):
        """Its only way to change a value is an editor; here that is sed, which writes the same file: rops holds it open."""
        script = (
            'v=$(cat); printf "%s\\n" "s/^\\( *$3: \\).*/\\1$v/" >"$4"; '
            'printf "sed -f %s \\"\\$1\\" >%s.out && cat %s.out >\\"\\$1\\"\\n" "$4" "$4" "$4" >"$4.sh"; '
            'EDITOR="sh $4.sh" "$1" edit --format yaml <"$2" >"$2.new" && mv "$2.new" "$2" && git commit -q -m set -o -- "$2"'
        )
        return self.shell(script, self.program, self.file, secret.key, self.bench.scratch / "edit.sed")

    def set_stdin(self, value):
        return value.encode()

    def open(self, _store):
        return self.shell('"$1" decrypt --format yaml <"$2"', self.program, self.file)
