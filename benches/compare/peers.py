"""The peers, and what is compared with what. Each class builds its store and knows its command lines.

A method that is missing is an ability that is missing: no row, or one that says why (`cannot`). `how` says in the table what is
run; `reference` names the work whose row is shown but measured against no goal, because it is
not the same work (a listing of file names, a plain commit).

Every store holds the same names and values. Where the program has no vault of its own, or none
of one file a secret, this is what stands for it:

* age, rage: no vault. One age file a secret in a git repository; a loop is `xargs -P CORES`, the
  best that a person would write.
* pass: `pass grep` opens all (its only command that does); `pass run` does not exist: a shell loop.
* sops: one YAML file with all secrets, the best case for it: one data key, so opening all costs
  one X25519 operation for each recipient until ours, not one a secret. Whoever can read one of
  the secrets can read all; `git diff` opens two files, however many values changed. There is no
  `ls`: a grep, as names are in the clear.
* murk: one file, one age ciphertext a secret inside. `diff` compares a commit with the work tree.
* git-crypt: whole files under one key for the repository, in the clear in an unlocked work tree, so
  `get` is a filter over the committed file, and opening all is `unlock` with a GPG key: a process a file.
* rops: as sops, but for one value the whole file is opened and printed, and an editor changes it.
* fnox: one TOML file, one age ciphertext a value inside.
* dotenvx: one .env file, one ciphertext a value, and one key pair: whoever reads one reads all, and there is one reader.
* git-secret: whole files, one GPG file each, in the clear in a work tree that was revealed; `hide` encrypts what changed.
* git: no encryption. The floor under "set with commit".
"""

from bench import Store
from peer import Peer
from peers_age import Age, Murk, Rage, Sops
from peers_dotenvx import Dotenvx
from peers_fnox import Fnox
from peers_git_secret import GitSecret
from peers_gpg import GitCrypt, Pass
from peers_rops import Rops


class Git(Peer):
    """Not a peer: what a commit costs without any encryption."""

    name = "git"
    has_vault = False
    how = {"set": "write, git commit (no encryption)"}
    reference = ("set",)

    def build(self, secrets, readers):
        store = Store(self.bench.store_dir(self.name), secrets, readers)
        self.bench.git(store.dir, "init", "-q")
        GitCrypt.write(self, store, secrets)
        self.bench.commit_all(store.dir, "store")
        return store

    def set(self, _store, secret):
        return self.shell('cat >"$1" && git commit -q -m set -o -- "$1"', secret.path)


PEERS = (Pass, Sops, Rops, Murk, Fnox, Dotenvx, GitCrypt, GitSecret, Age, Rage, Git)
