#!/usr/bin/env python3
"""The corpus: good and bad vaults, each with what a verifier must say. `build.py OUTDIR`

A case is a folder OUTDIR/cases/NAME: `.covault/` with the vault's files, and `expect.json` with "verdict", "codes" (the
ones that must be found, and no others) and "pending". OUTDIR/histories/NAME has the commits `0/.covault/`, `1/.covault/`, …
of a history, their parents in `expect.json`; the last one is what a verifier is asked about. Headers and manifests are
real, while the bodies of readers' stanzas and the payloads are random bytes: what needs no key cannot tell.
"""
import base64, copy, json, os, pathlib, sys

from vaults import *

CASES = {}


def case(*codes, **pending):
    """A case with the codes that it must give, none where the vault is good; pending: secret=(extra, missing) or
    (extra, missing, how many siblings)."""
    def put(function):
        CASES[function.__name__.replace("_", "-")] = codes, pending, function
        return function
    return put


def cases(code, name, variants, make):
    """Cases that differ in one argument."""
    for variant, argument in variants.items():
        CASES[f"{name}-{variant}"] = (code,) if code else (), {}, lambda argument=argument: make(argument)


def sealed(**how):
    """A vault of one with one secret, sealed in this way."""
    v = alone()
    v.seal(how.pop("path", "prod/db"), **how)
    return v


# --- good: secrets

LONG = Member("a" * 48)

@case()
def an_empty_vault():
    return alone()


@case()
def one_secret():
    return sealed()


@case()
def names_at_their_limits():
    v = Vault(LONG)
    longest = "/".join(("b" * 59, "c" * 59, "d" * 60))
    for path in ("/".join("abcdefgh"), "a" * 64, "con1", "console/x", "0._-x", longest):
        v.seal(path, LONG)
    return v


@case()
def journals_beside_secrets():
    v = Vault(LONG)
    for path in ("prod/db", "journals/x", "prod/journal/x", "journal/" + "a" * 64, "journal/4f1d.x"):
        v.seal(path, LONG)
    return v


@case()
def a_vaults_name_with_escapes():
    return Vault(vault_name='"ä\\ 😀')


@case()
def devices_in_their_own_order_and_one_that_cannot_sign():
    v = Vault(ZULU)
    v.seal("a", ZULU)
    v.seal("b", ZULU, key=ZULU.devices[1][2])
    return v


@case()
def ssh_keys_as_recipients():
    v = Vault(SSH)
    v.seal("a", SSH)
    return v


@case()
def deleted_and_moved():
    v = alone()
    v.seal("a", state="deleted")
    v.seal("b", moved_to="c/d")
    return v


@case()
def a_manifest_with_all_lists():
    ids, parents = sorted(os.urandom(16).hex() for _ in range(3)), sorted(os.urandom(32).hex() for _ in range(64))
    ancestors = [parents[5][:16]] + [os.urandom(8).hex() for _ in range(31)]
    values = sorted(os.urandom(8).hex() for _ in range(20))
    return sealed(id=ids[0], aliases=ids[1:], parents=parents, ancestors=ancestors, values=values, revision=7,
                  roster_blob="ab" * 32)


# --- good: teams

@case()
def a_team_with_every_role():
    v = team()
    v.seal("a", BOB, PEOPLE)
    v.grant(ALICE, "ci", "@people", CI).seal("ci/token", DAVE, PEOPLE + [CI])
    return v


@case()
def a_group_with_a_grant():
    v = team().group(ALICE, "ops", ALICE, BOB).grant(ALICE, "prod", "@ops").grant(ALICE, "prod/web", "@people", CI)
    v.seal("prod/db", BOB, [ALICE, BOB])
    v.seal("prod/web/x", BOB, PEOPLE + [CI])
    v.seal("prod", BOB, [ALICE, BOB])
    v.seal("production", BOB, PEOPLE)
    return v


@case()
def a_group_that_ended():
    v = team().group(ALICE, "ops", BOB).grant(ALICE, "prod", "@ops")
    v.grant(ALICE, "prod", "@inherit").group(ALICE, "ops")
    v.seal("prod/db", BOB, PEOPLE)
    return v


@case()
def shared_with_a_member_and_a_group():
    v = team().group(ALICE, "robots", CI).grant(ALICE, "prod", ALICE)
    v.seal("prod/a", ALICE, [ALICE, BOB, CI], shares=sorted([share("@robots", "yes"), share("bob", "yes")]))
    v.seal("prod/b", ALICE, [ALICE, BOB], shares=[share("bob", "yes"), f"carol past {os.urandom(16).hex()}"])
    return v


@case("standing")
def an_author_who_reads_by_a_share_alone():
    v = team().grant(ALICE, "prod", ALICE)
    v.seal("prod/a", BOB, [ALICE, BOB], shares=[share("bob", "yes")])
    return v


@case(prod_a=(["bob"], []))
def sealed_before_the_grant_was_narrowed():
    v = team()
    named = v.seal("prod_a", ALICE, PEOPLE)
    return v.grant(ALICE, "prod_a", ALICE, CAROL, DAVE, live=[named])


@case(a=([], ["bob"]))
def sealed_before_bob_came():
    v = alone()
    v.seal("a")
    return v.admit(ALICE, BOB)


@case(a=(["bob"], []))
def a_leaver_with_a_kept_version():
    v = team()
    named = v.seal("a", BOB, PEOPLE)
    return v.remove(ALICE, BOB, [named])


@case()
def a_demoted_writer_with_a_kept_version():
    v = team()
    named = v.seal("a", BOB, PEOPLE)
    return v.role(ALICE, BOB, "reader", [named])


BOB_MORE = BOB.other(*BOB.devices, device("phone"))
BOB_NEW = BOB.other(device("phone"))


@case(a=([], ["bob"]))
def renewed_with_another_device():
    v = team()
    v.seal("a", BOB, PEOPLE)
    return v.renew(ALICE, BOB, BOB_MORE)


@case(a=([], ["bob"]))
def renewed_with_another_label():
    v = team()
    v.seal("a", BOB, PEOPLE)
    return v.renew(ALICE, BOB, BOB.other(("other", *BOB.devices[0][1:])))


@case(a=([], ["bob"]))
def renewed_without_the_device_and_kept():
    v = team()
    named = v.seal("a", BOB, PEOPLE)
    return v.renew(ALICE, BOB, BOB_NEW, [named])


@case()
def an_admin_renews_their_own_card():
    v, new = team(), ALICE.other(*ALICE.devices, device("phone"))
    v.renew(ALICE, ALICE, new).admit(new, EVE)
    v.seal("a", new, [new, BOB, CAROL, DAVE, EVE])
    return v


@case(a=(["bob"], ["carol", "dave"]))
def kept_by_an_entry_that_narrowed_the_grant():
    v = team()
    named = v.seal("a", BOB, [ALICE, BOB])
    return v.grant(ALICE, "a", ALICE, CAROL, DAVE, live=[named])


# --- good: merges

def sides():
    v = team()
    return v, v.fork(), len(v.entries)


FRANK, GINA = Member("frank"), Member("gina")


@case()
def merge_of_two_admissions():
    v, other, since = sides()
    v.admit(ALICE, EVE)
    other.admit(DAVE, FRANK)
    v.merge(ALICE, other, since).seal("a", FRANK, PEOPLE + [EVE, FRANK])
    v.seal("b", EVE, PEOPLE + [EVE, FRANK])
    return v


@case(b=([], ["eve"]))
def merge_and_a_version_that_names_an_embedded_entry():
    v, other, since = sides()
    v.admit(ALICE, EVE)
    other.admit(DAVE, FRANK).seal("b", FRANK, PEOPLE + [FRANK])
    return v.merge(ALICE, other, since)


@case("standing", b=(["dave", "frank"], []))
def merge_leaves_out_what_a_removed_admin_signed():
    v, other, since = sides()
    v.remove(ALICE, DAVE)
    other.admit(DAVE, FRANK)
    other.seal("a", FRANK, PEOPLE + [FRANK])
    other.seal("b", ALICE, PEOPLE + [FRANK])
    return v.merge(ALICE, other, since)


@case(a=([], ["eve"]))
def merge_admits_and_then_removes_who_admitted():
    v, other, since = sides()
    other.admit(DAVE, FRANK).remove(ALICE, DAVE).seal("a", FRANK, [ALICE, BOB, CAROL, FRANK])
    return v.admit(ALICE, EVE).merge(ALICE, other, since)


@case("standing")
def merge_takes_what_a_removed_admin_took():
    v, other, since = sides()
    other.remove(DAVE, BOB)
    v.remove(ALICE, DAVE).seal("a", BOB, [ALICE, BOB, CAROL])
    return v.merge(ALICE, other, since)


@case(a=([], ["alice", "eve"]))
def merge_by_a_signer_renewed_there():
    v, other, since = sides()
    v.seal("a", ALICE, PEOPLE)
    other.admit(DAVE, EVE).renew(DAVE, ALICE, ALICE.other(("desk", *ALICE.devices[0][1:])))
    return v.merge(ALICE, other, since)


@case("standing")
def merge_takes_the_lower_role():
    v, other, since = sides()
    v.role(ALICE, BOB, "reader")
    other.role(DAVE, BOB, "admin").seal("a", BOB, PEOPLE)
    return v.merge(ALICE, other, since)


@case()
def merge_takes_the_role_that_only_one_side_gave():
    v, other, since = sides()
    v.admit(ALICE, EVE)
    other.role(DAVE, CAROL, "writer")
    v.merge(ALICE, other, since).seal("a", CAROL, PEOPLE + [EVE])
    return v


@case()
def merge_unites_what_was_added_to_a_group():
    v = team().group(ALICE, "ops", ALICE, BOB).grant(ALICE, "prod", "@ops")
    other, since = v.fork(), len(v.entries)
    v.group(ALICE, "ops", ALICE, BOB, CAROL)
    other.group(DAVE, "ops", ALICE, DAVE)
    v.merge(ALICE, other, since).seal("prod/a", ALICE, [ALICE, CAROL, DAVE])
    return v


@case()
def merge_unites_grants_and_counts_from_the_one_above():
    v, other, since = sides()
    v.grant(ALICE, "", "@people", CI)
    other.grant(DAVE, "prod", ALICE, DAVE)
    v.merge(ALICE, other, since)
    v.seal("prod/a", ALICE, [ALICE, CI, DAVE])
    v.seal("a", ALICE, PEOPLE + [CI])
    return v


@case("standing")
def merge_of_grants_that_leaves_nobody():
    v = team().grant(ALICE, "prod", ALICE, BOB)
    other, since = v.fork(), len(v.entries)
    v.grant(ALICE, "prod", ALICE)
    other.grant(DAVE, "prod", BOB, live=[])
    v.remove(ALICE, BOB).merge(ALICE, other, since).seal("prod/a", ALICE, [ALICE])
    return v


@case()
def merge_gives_the_grant_above_but_to_whom_the_path_was_taken_from():
    v = team().grant(ALICE, "prod", ALICE, BOB).grant(ALICE, "test", ALICE, BOB)
    other, since = v.fork(), len(v.entries)
    v.grant(ALICE, "prod", ALICE, DAVE)
    other.grant(DAVE, "prod", "@inherit").grant(DAVE, "test", "@inherit")
    v.merge(ALICE, other, since)
    v.seal("prod/a", ALICE, [ALICE, CAROL, DAVE])
    v.seal("test/a", ALICE, PEOPLE)
    return v


@case(**{"prod/a": ([], ["alice"]), "prod/web/a": ([], ["alice"]), "test/a": ([], ["alice", "carol"])})
def merge_takes_readers_from_grants_below():
    v = team().grant(ALICE, "prod", ALICE, BOB, CAROL, DAVE)
    other, since = v.fork(), len(v.entries)
    v.grant(ALICE, "prod/web", ALICE, BOB, DAVE).grant(ALICE, "test", ALICE, BOB, CAROL, DAVE)
    other.grant(DAVE, "prod", ALICE, DAVE)
    v.merge(ALICE, other, since)
    for path in ("prod/a", "prod/web/a"):
        v.seal(path, DAVE, [DAVE])
    v.seal("test/a", DAVE, [BOB, DAVE])
    return v


@case(**{"prod/a": ([], ["alice"])})
def merge_gives_nobody_back_whom_this_side_took():
    v = team().group(ALICE, "ops", ALICE, BOB).grant(ALICE, "prod", "@ops", DAVE)
    other, since = v.fork(), len(v.entries)
    v.group(ALICE, "ops", ALICE)
    other.group(DAVE, "ops", ALICE).group(DAVE, "ops", ALICE, BOB)
    v.merge(ALICE, other, since).seal("prod/a", DAVE, [DAVE])
    return v


@case()
def merge_by_an_admin_with_another_device_on_one_side():
    v, other, since = sides()
    other.renew(DAVE, ALICE, ALICE.other(*ALICE.devices, device("phone"))).admit(DAVE, FRANK)
    return v.admit(ALICE, EVE).merge(ALICE, other, since)


@case("standing")
def merge_gives_nothing_by_an_admin_who_was_removed_here_whichever_side_embeds():
    v, other, since = sides()
    v.admit(DAVE, FRANK).seal("a", FRANK, PEOPLE + [FRANK])
    other.remove(ALICE, DAVE)
    return v.merge(ALICE, other, since)


@case("standing")
def merge_does_not_bring_a_device_back():
    v = team()
    old, new = BOB.other(*BOB.devices, device("phone")), BOB.other(*BOB.devices, device("desk"))
    v.renew(ALICE, BOB, old)
    other, since = v.fork(), len(v.entries)
    v.renew(ALICE, old, new)
    more = BOB.other(*old.devices, device("tablet"))
    other.renew(DAVE, old, more).seal("a", more, [ALICE, more, CAROL, DAVE])
    return v.merge(ALICE, other, since)


@case()
def merge_gives_a_group_what_was_taken_from_its_new_member_before_both():
    v = team().group(ALICE, "ops", BOB).grant(ALICE, "prod", CAROL, DAVE).grant(ALICE, "prod", ALICE)
    other, since = v.fork(), len(v.entries)
    v.grant(ALICE, "prod", "@ops", ALICE)
    other.group(DAVE, "ops", BOB, CAROL)
    v.merge(ALICE, other, since).seal("prod/a", ALICE, [ALICE, BOB, CAROL])
    return v


@case()
def merge_keeps_a_group_ended_and_writes_people_out_by_name():
    v = team().group(ALICE, "ops", BOB, CAROL).grant(ALICE, "prod", BOB, CAROL)
    other, since = v.fork(), len(v.entries)
    v.group(ALICE, "ops").grant(ALICE, "prod", CAROL)
    other.group(DAVE, "ops", DAVE).grant(DAVE, "prod", "@people", "@ops").grant(DAVE, "ci", "@ops", ALICE)
    v.merge(ALICE, other, since).seal("prod/a", ALICE, [ALICE, CAROL, DAVE])
    v.seal("ci/a", ALICE, [ALICE])
    return v


@case()
def merge_of_a_merge():
    v, other, since = sides()
    third = other.fork().admit(ALICE, GINA)
    other.admit(DAVE, FRANK).merge(ALICE, third, since)
    v.admit(ALICE, EVE).merge(ALICE, other, since).seal("a", GINA, PEOPLE + [EVE, FRANK, GINA])
    return v


@case()
def merge_with_a_base_that_is_embedded():
    v, other, since = sides()
    other.admit(DAVE, FRANK)
    v.admit(ALICE, EVE).merge(ALICE, other, since)
    other.admit(DAVE, GINA)
    v.merge(ALICE, other, since + 1).seal("a", GINA, PEOPLE + [EVE, FRANK, GINA])
    return v


@case()
def merge_of_entries_that_are_there_already():
    v, other, since = sides()
    other.admit(DAVE, FRANK)
    v.admit(ALICE, EVE).merge(ALICE, other, since)
    other.admit(DAVE, GINA)
    v.merge(ALICE, other, since).seal("a", GINA, PEOPLE + [EVE, FRANK, GINA])
    return v


@case(a=(["bob"], ["eve"]))
def merge_counts_what_an_applied_entry_kept():
    v, other, since = sides()
    named = other.seal("a", BOB, PEOPLE)
    other.remove(DAVE, BOB, [named])
    return v.admit(ALICE, EVE).merge(ALICE, other, since)


# --- bad: rosters

LIVE = "ab" * 32


@case("roster")
def no_roster():
    v = sealed()
    v.text = lambda: None
    return v


def altered(change):
    """A team's roster with its text changed."""
    v = team()
    v.seal("a", ALICE, PEOPLE)
    text = v.text()
    v.text = lambda: change(text)
    assert v.text() != text
    return v


cases("roster", "roster-text", {
    "cut-in-an-entry": lambda t: t[:-40],
    "last-lf-gone": lambda t: t[:-1],
    "empty": lambda t: b"",
    "more-lf": lambda t: t + b"\n",
    "a-comment": lambda t: b"# ours\n" + t,
    "crlf": lambda t: t.replace(b"\n", b"\r\n"),
    "twice": lambda t: t + b"\n" + t,
    "no-empty-line": lambda t: t.replace(b"\n\n", b"\n", 1),
    "spaces": lambda t: t.replace(b" = ", b"  = ", 1),
    "not-utf8": lambda t: t.replace(b"acme", b"ac\xff\xfe"),
    "name-of-the-vault": lambda t: t.replace(b"acme", b"acne"),
    "format-2": lambda t: t.replace(b"format = 1", b"format = 2", 1),
    "unicode-escape": lambda t: t.replace(b"acme", b"\\u0061cme"),
    "bom": lambda t: b"\xef\xbb\xbf" + t,
    "garbage": lambda t: t + b"x",
    "too-large": lambda t: t + b"\n" + b"#" * (4 << 20),
    "first-entry-gone": lambda t: t[t.index(b"\n\n") + 2:],
    "middle-entry-gone": lambda t: b"\n\n".join(t.split(b"\n\n")[:1] + t.split(b"\n\n")[2:]),
    "seq-spelled-with-a-zero": lambda t: t.replace(b"seq = 1", b"seq = 01"),
}, altered)


def without_line(key):
    return lambda text: "".join(l for l in text.splitlines(True) if not l.startswith(key + " = "))


cases("roster", "found", {
    "by-a-machine": lambda: Vault(Member("alice", "machine", ALICE.devices)),
    "without-a-signing-key": lambda: Vault(Member("ci", devices=CI.devices), key=MALLORY),
    "signed-by-another": lambda: Vault(key=MALLORY),
    "card-signed-by-another": lambda: Vault(card_key=MALLORY),
    "other-namespace": lambda: Vault(namespace="covault-card"),
    "card-in-other-namespace": lambda: Vault(card_namespace="covault-roster"),
    "small-r": lambda: Vault(sign=Key.sign_with_small_r),
    "blank-name": lambda: Vault(vault_name="  "),
    "long-name": lambda: Vault(vault_name="ä" * 33),
    "control-in-name": lambda: Vault(vault_name="a\x07b"),
    "c1-control-in-name": lambda: Vault(vault_name="a\x85b"),
    "short-nonce": lambda: Vault(nonce="ab"),
    "seq-1": lambda: Vault(head={"seq": 1}),
    "with-prev": lambda: Vault(head={"prev": LIVE}),
    "with-by": lambda: Vault(head={"by": LIVE}),
    "no-such-day": lambda: Vault(head={"at": "2026-02-29T00:00:00Z"}),
    "before-1970": lambda: Vault(head={"at": "1969-12-31T23:59:59Z"}),
    "leap-second": lambda: Vault(head={"at": "2026-06-30T23:59:60Z"}),
    "with-offset": lambda: Vault(head={"at": "2026-01-01T00:00:00+00:00"}),
    "no-card-signature": lambda: Vault(edit=without_line("card_signature")),
    "another-key": lambda: Vault(note="x"),
    "device-name-of-windows": lambda: Vault(Member("con.x")),
    "final-dot": lambda: Vault(Member("alice.")),
    "long-member-name": lambda: Vault(Member("a" * 49)),
    "capital": lambda: Vault(Member("Alice")),
}, lambda make: make())

LAPTOP, PHONE = device("laptop"), device("phone")
IDENTITY = b"\0\0\0\x0bssh-ed25519\0\0\0 " + (1).to_bytes(32, "little")


def keyed(raw):
    """A signing key with this point, on a device after a good one."""
    fake = copy.copy(MALLORY)
    fake.public = "ssh-ed25519 " + b64(IDENTITY[:19] + raw)
    return [LAPTOP, ("phone", PHONE[1], fake)]


def to(raw, **_):
    return [LAPTOP, ("phone", age_recipient(raw), None)]


P = 2**255 - 19
wrong = PHONE[1][:-1] + ("q" if PHONE[1][-1] != "q" else "p")
cases("roster", "card", {
    "no-devices": [],
    "nine-devices": [(f"d{n}", age_recipient(), LAPTOP[2] if n == 0 else None) for n in range(9)],
    "label-twice": [LAPTOP, ("laptop", PHONE[1], None)],
    "recipient-twice": [LAPTOP, ("phone", LAPTOP[1], None)],
    "signing-key-twice": [LAPTOP, ("phone", PHONE[1], LAPTOP[2])],
    "label-with-capital": [("Laptop", *LAPTOP[1:])],
    "bech32-checksum": [LAPTOP, ("phone", wrong, None)],
    "bech32-upper-case": [LAPTOP, ("phone", PHONE[1].upper(), None)],
    "recipient-0": to(bytes(32)),
    "recipient-1": to((1).to_bytes(32, "little")),
    "recipient-of-order-8": to(bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")),
    "recipient-p-1": to((P - 1).to_bytes(32, "little")),
    "recipient-of-order-8-too": to(bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157")),
    "recipient-not-canonical": to((P + 9).to_bytes(32, "little")),
    "recipient-top-bit": to(b"\x09" + bytes(30) + b"\x80"),
    "signing-key-identity": keyed((1).to_bytes(32, "little")),
    "signing-key-order-2": keyed((P - 1).to_bytes(32, "little")),
    "signing-key-order-4": keyed(bytes(32)),
    "signing-key-order-4-too": keyed(bytes(31) + b"\x80"),
    "signing-key-order-8": keyed(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")),
    "signing-key-order-8-too": keyed(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")),
    "signing-key-order-8-negative": keyed(
        bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85")),
    "signing-key-identity-negative": keyed(b"\x01" + bytes(30) + b"\x80"),
    "signing-key-not-canonical": keyed((P + 3).to_bytes(32, "little")),
    "signing-key-off-the-curve": keyed((2).to_bytes(32, "little")),
}, lambda devices: Vault(Member(
        "alice", devices=devices), key=LAPTOP[2], card_key=LAPTOP[2]))

THIEF = Member("eve", devices=[("laptop", age_recipient(), BOB.devices[0][2])])
LISTENER = Member("eve", devices=[("laptop", BOB.devices[0][1], EVE.devices[0][2])])
AS_RECIPIENT = Member("eve", devices=[("laptop", BOB.devices[0][2].public, EVE.devices[0][2])])
CI_TOO = Member("ci2", "machine", [device("runner")])
CI_SIGNS = CI.other(device("runner"))
cases("roster", "rule", {
    "1-signer-is-a-writer": lambda v: v.admit(BOB, EVE),
    "1-signer-is-unknown": lambda v: v.admit(EVE, FRANK),
    "1-signer-was-removed": lambda v: v.remove(ALICE, DAVE).admit(DAVE, EVE),
    "1-signed-by-another-key": lambda v: v.admit(ALICE, EVE, key=BOB.key()),
    "1-other-namespace": lambda v: v.admit(ALICE, EVE, namespace="covault-secret"),
    "1-signer-demoted": lambda v: v.role(ALICE, DAVE, "reader").admit(DAVE, EVE),
    "1-old-card": lambda v: v.renew(ALICE, DAVE, DAVE.other(*DAVE.devices, PHONE)).admit(DAVE, EVE),
    "1-found-again": lambda v: v.add("found", ALICE, EVE, vault_name="x", nonce="ab" * 16, **EVE.lines()),
    "2-name-of-a-member": lambda v: v.admit(ALICE, Member("bob")),
    "2-name-of-a-leaver": lambda v: v.remove(ALICE, BOB).admit(ALICE, Member("bob")),
    "2-signing-key-of-another": lambda v: v.admit(ALICE, THIEF),
    "2-recipient-of-another": lambda v: v.admit(ALICE, LISTENER),
    "2-key-of-a-leaver": lambda v: v.remove(ALICE, BOB).admit(ALICE, THIEF),
    "2-key-of-a-former-card": lambda v: v.renew(ALICE, BOB, BOB_NEW).admit(ALICE, THIEF),
    "2-recipient-is-anothers-signing-key": lambda v: v.admit(ALICE, AS_RECIPIENT),
    "2-card-signed-by-the-admin": lambda v: v.admit(ALICE, EVE, card_key=ALICE.key()),
    "2-card-not-signed": lambda v: v.admit(ALICE, EVE, edit=without_line("card_signature")),
    "2-card-signature-in-other-namespace": lambda v: v.admit(ALICE, EVE, card_namespace="covault-roster"),
    "2-keyless-card-signed-by-another-admin": lambda v: v.admit(
        ALICE, Member("ci2", "machine", [device("r", signs=False)]), "reader", card_key=DAVE.key()),
    "3-same-card": lambda v: v.renew(ALICE, BOB, BOB),
    "3-key-of-another": lambda v: v.renew(ALICE, BOB, BOB.other(CAROL.devices[0])),
    "3-other-name": lambda v: v.renew(ALICE, BOB, EVE),
    "3-other-kind": lambda v: v.renew(ALICE, BOB, Member("bob", "machine", [PHONE])),
    "3-not-the-present-card": lambda v: v.renew(ALICE, BOB, BOB_NEW).renew(ALICE, BOB, BOB_MORE),
    "3-a-leaver": lambda v: v.remove(ALICE, BOB).renew(ALICE, BOB, BOB_NEW),
    "3-writer-loses-signing-key": lambda v: v.renew(ALICE, BOB, BOB.other(device("phone", signs=False))),
    "4-writer-without-signing-key": lambda v: v.role(ALICE, CI, "writer"),
    "4-machine-as-admin": lambda v: v.renew(ALICE, CI, CI_SIGNS).role(ALICE, CI_SIGNS, "admin"),
    "4-machine-admitted-as-admin": lambda v: v.admit(ALICE, CI_TOO, "admin"),
    "4-writer-admitted-without-signing-key": lambda v: v.admit(
        ALICE, Member("ci2", "machine", [device("r", signs=False)])),
    "4-role-changes-nothing": lambda v: v.role(ALICE, BOB, "writer"),
    "4-no-such-role": lambda v: v.role(ALICE, BOB, "owner"),
    "5-last-admin-leaves": lambda v: v.remove(ALICE, DAVE).remove(ALICE, ALICE),
    "5-last-admin-steps-down": lambda v: v.remove(ALICE, DAVE).role(ALICE, ALICE, "reader"),
    "6-grant-changes-nothing": lambda v: v.grant(ALICE, "", "@people"),
    "6-inherit-without-a-grant": lambda v: v.grant(ALICE, "prod", "@inherit"),
    "6-inherit-at-the-root": lambda v: v.grant(ALICE, "", "@inherit"),
    "6-grant-to-nobody": lambda v: v.grant(ALICE, "prod"),
    "6-grant-to-no-group": lambda v: v.grant(ALICE, "prod", "@ops"),
    "6-grant-to-a-stranger": lambda v: v.grant(ALICE, "prod", EVE),
    "6-inherit-and-others": lambda v: v.grant(ALICE, "a", BOB).grant(ALICE, "a", "@inherit", "@people"),
    "6-grant-at-no-path": lambda v: v.grant(ALICE, "Prod", BOB),
    "6-group-changes-nothing": lambda v: v.group(ALICE, "ops", BOB).group(ALICE, "ops", BOB),
    "6-group-people": lambda v: v.group(ALICE, "people", BOB),
    "6-group-inherit": lambda v: v.group(ALICE, "inherit", BOB),
    "6-group-of-nobody": lambda v: v.group(ALICE, "ops"),
    "6-group-comes-again": lambda v: v.group(ALICE, "ops", BOB).group(ALICE, "ops").group(ALICE, "ops", BOB),
    "6-group-with-a-grant-ends": lambda v: v.group(ALICE, "ops", BOB).grant(ALICE, "a", "@ops").group(ALICE, "ops"),
    "6-group-with-a-stranger": lambda v: v.group(ALICE, "ops", EVE),
    "6-minimum-1": lambda v: v.add("minimum", ALICE, minimum=1),
    "6-minimum-too-new-for-us": lambda v: v.add("minimum", ALICE, minimum=2),
    "remove-a-stranger": lambda v: v.remove(ALICE, EVE),
    "remove-a-leaver": lambda v: v.remove(ALICE, BOB).remove(ALICE, BOB),
    "live-not-sorted": lambda v: v.add("remove", ALICE, member=v.ref(BOB), live=[LIVE, "00" * 32]),
    "live-twice": lambda v: v.add("remove", ALICE, member=v.ref(BOB), live=[LIVE, LIVE]),
    "live-not-hashes": lambda v: v.remove(ALICE, BOB, ["ab"]),
    "seq-skips": lambda v: v.remove(ALICE, BOB, head={"seq": 6}),
    "prev-is-older": lambda v: v.remove(ALICE, BOB, head={"prev": v.hashes[-2]}),
    "no-such-operation": lambda v: v.add("bless", ALICE, member=v.ref(BOB)),
    "keys-in-another-order": lambda v: v.add("remove", ALICE, live=[], member=v.ref(BOB)),
    "operation-without-its-live": lambda v: v.add("remove", ALICE, member=v.ref(BOB)),
}, lambda change: change(team()))


def merging(change):
    v, other, since = sides()
    change(v.admit(ALICE, EVE), other.admit(DAVE, FRANK), since)
    return v


def broken(v, other, since, change):
    other.entries[since] = change(other.entries[since])
    v.merge(ALICE, other, since)


cases("roster", "merge", {
    "of-nothing": lambda v, other, since: v.merge(ALICE, other, 99),
    "without-a-base": lambda v, other, since: v.merge(ALICE, other.admit(DAVE, GINA), since + 1),
    "signer-removed-there": lambda v, other, since: v.merge(DAVE, other.remove(ALICE, DAVE), since),
    "signer-removed-here": lambda v, other, since: v.remove(ALICE, DAVE).merge(DAVE, other, since),
    "signer-renewed-there-by-other-keys": lambda v, other, since: v.merge(
        ALICE, other.renew(DAVE, ALICE, ALICE.other(PHONE)), since),
    "signer-is-a-writer": lambda v, other, since: v.merge(BOB, other, since),
    "embeds-a-bad-signature": lambda v, other, since: v.merge(ALICE, other.admit(DAVE, GINA, key=MALLORY), since),
    "embeds-what-no-admin-signed": lambda v, other, since: v.merge(ALICE, other.admit(BOB, GINA), since),
    "embeds-an-entry-without-its-last-lf": lambda v, other, since: broken(v, other, since, lambda text: text[:-1]),
    "embeds-two-entries-in-one": lambda v, other, since: broken(v, other, since, lambda text: text + "\n" + text),
    "embeds-no-base64": lambda v, other, since: v.add("merge", ALICE, entries=["?"]),
    "embeds-the-first-entry": lambda v, other, since: v.merge(ALICE, other, 0),
}, lambda change: merging(change))

# --- bad: files


def swapped():
    v = alone()
    v.seal("a")
    v.seal("b")
    v.files["secrets/a.age"], v.files["secrets/b.age"] = v.files["secrets/b.age"], v.files["secrets/a.age"]
    return v


def a_journal(*copies):
    """A vault with a secret and a journal, whose file is copied to these places."""
    v = sealed()
    v.seal("journal/a")
    for name in copies:
        v.files[name] = v.files["journal/a.age"]
    return v


def put(name, data=None, mode=0o644):
    """A good vault with one more file."""
    v = sealed()
    v.files[name] = data if data is not None else v.files["secrets/prod/db.age"]
    v.modes[name] = mode
    return v


for name, code, make in (
        ("swapped-files", "path", swapped),
        ("executable", "file", lambda: put("secrets/prod/db.age", None, 0o755)),
        ("symbolic-link", "file", lambda: put("secrets/a.age", "prod/db.age")),
        ("link-instead-of-secrets", "file", lambda: linked_secrets()),
        ("link-instead-of-roster", "roster", lambda: linked_roster()),
        ("odd-name-without-age", "file", lambda: put("secrets/prod/db")),
        ("odd-name-capital", "file", lambda: put("secrets/DB.age")),
        ("odd-name-temporary", "file", lambda: put("secrets/.covault-tmp-1.age")),
        ("odd-name-device", "file", lambda: put("secrets/nul.age")),
        ("odd-name-age-age", "file", lambda: put("secrets/a.age.age")),
        ("odd-name-folder-age", "file", lambda: put("secrets/a.age/b.age")),
        ("odd-name-too-deep", "file", lambda: put("secrets/a/b/c/d/e/f/g/h/i.age")),
        ("odd-name-only-age", "file", lambda: put("secrets/.age")),
        ("odd-name-long-segment", "file", lambda: put(f"secrets/{'a' * 65}.age")),
        ("odd-name-lf", "file", lambda: put("secrets/a\n.age")),
        ("odd-name-too-long", "file", lambda: put("secrets/" + "/".join("a" * 60 for _ in range(3)) + ".age")),
        ("odd-name-final-dot", "file", lambda: put("secrets/a..age")),
        ("odd-name-not-ascii", "file", lambda: put("secrets/ä.age")),
        ("odd-name-journal", "file", lambda: put("secrets/journal.age")),
        ("odd-name-journal-below-secrets", "file", lambda: a_journal("secrets/journal/a.age")),
        ("odd-name-journal-deep", "file", lambda: a_journal("journal/a/b.age")),
        ("odd-name-journal-capital", "file", lambda: a_journal("journal/A.age")),
        ("odd-name-journal-without-age", "file", lambda: a_journal("journal/b")),
        ("odd-name-journal-only-age", "file", lambda: a_journal("journal/.age")),
        ("link-instead-of-journals", "file", lambda: put("journal", "secrets/prod")),
        ("journal-instead-of-secret", "path", lambda: a_journal("secrets/prod/db.age")),
        ("journal-at-another-name", "path", lambda: a_journal("journal/b.age")),
        ("secret-instead-of-journal", "path", lambda: put("journal/a.age")),
        ("empty-file", "form", lambda: put("secrets/a.age", b"")),
        ("git-lfs-pointer", "form", lambda: put("secrets/a.age", b"version x\n")),
        ("too-large", "form", lambda: sealed(content=bytes(3145729))),
        ("payload-too-large", "form", lambda: sealed(content=bytes(2360321))),
        ("payload-empty", "form", lambda: sealed(content=b"")),
    ):
    cases(code, "file", {name: make}, lambda make: make())


def linked_secrets():
    v = alone()
    v.files["secrets"] = "elsewhere"
    return v


def linked_roster():
    v = alone()
    text = v.text()
    v.text = lambda: None
    v.files["other.toml"], v.files["roster.toml"] = text, "other.toml"
    return v


def rewritten(change):
    """One secret whose bytes were changed after it was sealed."""
    v = sealed()
    v.files["secrets/prod/db.age"] = change(v.files["secrets/prod/db.age"])
    return v


STANZA = b"-> X25519 " + b"A" * 43 + b"\n" + b"A" * 43 + b"\n"
at = lambda what, new: lambda data: data.replace(what, new, 1)
cases("form", "header", {
    "payload-changed": lambda d: d[:-1] + bytes([d[-1] ^ 1]),
    "payload-longer": lambda d: d + b"x",
    "stanza-added": at(b"-> covault-manifest", STANZA + b"-> covault-manifest"),
    "version-2": at(b"/v1", b"/v2"),
    "grease": at(b"-> covault-manifest", b"-> x-grease\n\n-> covault-manifest"),
    "scrypt": at(b"-> X25519 ", b"-> scrypt "),
    "crlf": lambda d: d.replace(b"\n", b"\r\n", 3),
    "argument-to-ours": at(b"-> covault-manifest\n", b"-> covault-manifest x\n"),
    "armor": lambda d: b"-----BEGIN AGE ENCRYPTED FILE-----\n" + \
        base64.encodebytes(d) + b"-----END AGE ENCRYPTED FILE-----\n",
    "stanza-of-ours-twice": lambda d: d.replace(
        b"--- ", d[d.index(b"-> covault-signature"):d.index(b"--- ")] + b"--- ", 1),
    "no-reader": lambda d: d[:22] + d[d.index(b"-> covault-manifest"):],
    "other-order": lambda d: b"".join((d[:22], d[d.index(b"-> covault-manifest"):d.index(b"--- ")],
                                       d[22:d.index(b"-> covault-manifest")], d[d.index(b"--- "):])),
    "mac-of-31-bytes": lambda d: d[:d.index(b"--- ") + 4] + bare(bytes(31)).encode() + d[d.index(b"--- ") + 47:],
    "unsigned": lambda d: d[:d.index(b"-> covault-signature")] + d[d.index(b"--- "):],
    "mac-in-another-spelling": lambda d: d[:d.index(b"--- ") + 46] + b"B" + d[d.index(b"--- ") + 47:],
}, rewritten)

H = "ab" * 32
IDS = ["00" * 16, "11" * 16, "22" * 16]
cases("form", "manifest", {
    "format-2": {"format": 2},
    "other-id": {"id": "AB" * 16},
    "alias-below-id": {"id": IDS[1], "aliases": IDS[:1]},
    "aliases-not-sorted": {"id": IDS[0], "aliases": [IDS[2], IDS[1]]},
    "state": {"state": "lost"},
    "moved-without-a-target": {"state": "moved"},
    "moved-to-itself": {"moved_to": "prod/db"},
    "moved-to-no-name": {"moved_to": "Prod"},
    "revision-0": {"revision": 0},
    "revision-2-without-parents": {"revision": 2},
    "revision-1-with-parents": {"parents": [H], "ancestors": [H[:16]]},
    "parents-twice": {"revision": 2, "parents": [H, H], "ancestors": [H[:16]]},
    "parents-not-sorted": {"revision": 2, "parents": [H, "00" * 32], "ancestors": [H[:16]]},
    "65-parents": {"revision": 2, "parents": [f"{n:064x}" for n in range(65)], "ancestors": ["0" * 16]},
    "33-ancestors": {"revision": 2, "parents": [H], "ancestors": [H[:16]] + [f"{n:016x}" for n in range(32)]},
    "roster-blob": {"roster_blob": "ab"},
    "values-not-sorted": {"values": ["b" * 16, "a" * 16]},
    "at": {"at": "2026-13-01T00:00:00Z"},
    "payload": {"payload": H},
    "stanzas": {"stanzas": H},
    "document": {"document": "x"},
    "no-name": {"edit_text": lambda t: t.replace("prod/db", "Prod/db")},
    "shares-not-sorted": {"shares": ["carol past " + IDS[0], "bob past " + IDS[0]]},
    "share-word": {"shares": [share("bob", "maybe")]},
    "share-time": {"shares": [share("bob", "yes", at="2026-02-30T00:00:00Z")]},
    "share-name": {"shares": [share("Bob", "yes")]},
    "513-shares": {"shares": [f"bob past {n:032x}" for n in range(513)]},
    "share-with-inherit": {"shares": [share("@inherit", "yes")]},
    "text-with-a-space": {"edit_text": lambda t: t + " "},
    "text-without-an-end": {"edit_text": lambda t: t[:-1]},
    "another-key": {"edit_text": lambda t: t + "more = 1\n"},
    "escape": {"edit_text": lambda t: t.replace("prod/db", "prod\\u002Fdb")},
    "author-is-no-name": {"author": "Alice " + H},
    "reader-without-a-card": {"readers": ["alice"]},
}, lambda how: sealed(**how))
YES = share("bob", "yes")
BOTH = {"shares": sorted([YES, "bob past " + write_name(YES)])}
cases("form", "manifest", {"share-live-and-past": BOTH}, lambda how: sealed(**how))

for code, name, how in (
        ("vault", "of-another-vault", {"vault": H}),
        ("point", "no-such-entry", {"roster_head": H}),
        ("point", "other-seq", {"roster_seq": 1}),
        ("author", "no-readers", {"readers": []}),
        ("author", "unknown-card", {"author": "alice " + H}),
        ("signature", "by-another-key", {"key": MALLORY}),
        ("signature", "other-namespace", {"namespace": "covault-roster"}),
        ("signature", "small-r", {"sign": Key.sign_with_small_r}),
        ("signature", "one-byte-more", {"edit_blob": lambda b: b + b"\0"}),
        ("signature", "s-plus-order", {"edit_blob": lambda b: b[:-32] + (
            int.from_bytes(b[-32:], "little") + ORDER).to_bytes(32, "little")}),
        ("signature", "empty", {"edit_blob": lambda b: b""}),
        ("signature", "flipped-r", {"edit_blob": lambda b: b[:-40] + bytes([b[-40] ^ 1]) + b[-39:]}),
        ("signature", "reserved", {"edit_blob": lambda b: b.replace(
            b"\0\0\0\0\0\0\0\x06sha512", b"\0\0\0\1x\0\0\0\x06sha512")}),
        ("signature", "sha256", {"edit_blob": lambda b: b.replace(b"sha512", b"sha256")}),
        ("signature", "version-2", {"edit_blob": lambda b: b.replace(b"SSHSIG\0\0\0\1", b"SSHSIG\0\0\0\2")}),
        ("signature", "armored", {"edit_blob": lambda b: b"-----BEGIN SSH SIGNATURE-----\n" + base64.encodebytes(b)}),
        ("stanza", "one-more", {"edit_stanzas": lambda all: all * 2}),
    ):
    cases(code, code, {name: how}, lambda how: sealed(**how))


@case("reader")
def a_reader_who_was_never_admitted():
    v = team()
    v.seal("a", ALICE, [ALICE, EVE])
    return v


@case("stanza")
def one_stanza_less():
    v = team()
    v.seal("a", ALICE, PEOPLE, edit_stanzas=lambda all: all[1:])
    return v


@case("stanza")
def another_place_in_the_order_with_another_type():
    v = Vault(SSH)
    v.seal("a", SSH, edit_stanzas=lambda all: [all[1], all[0], all[2]])
    return v


@case("author")
def author_is_no_reader():
    v = team()
    v.seal("a", ALICE, [BOB, CAROL])
    return v


@case("author")
def author_under_another_name():
    v = team()
    v.seal("a", ALICE, PEOPLE, author="bob " + v.ref(ALICE).split(" ")[1])
    return v


@case("signature")
def signed_by_a_former_key():
    v = team().renew(ALICE, BOB, BOB_NEW)
    v.seal("a", BOB_NEW, [ALICE, BOB_NEW], key=BOB.key())
    return v


@case("stanza")
def an_ssh_stanza_with_another_tag():
    v = Vault(SSH)
    v.seal("a", SSH, edit_stanzas=lambda all: [all[2], all[1], all[0]])
    return v


@case("stanza")
def an_x25519_stanza_for_an_ssh_key():
    v = Vault(SSH)
    v.seal("a", SSH, edit_stanzas=lambda all: [STANZA.decode(), *all[1:]])
    return v


@case("stanza")
def stanzas_of_a_former_card():
    v = team().renew(ALICE, BOB, BOB_MORE)
    v.seal("a", ALICE, [ALICE, BOB], readers=v.refs(ALICE, BOB_MORE))
    return v


for name, change in {
        "of-a-reader": lambda v: v.seal("a", CAROL, PEOPLE),
        "of-a-leaver": lambda v: v.seal("a", BOB, PEOPLE) and v.remove(ALICE, BOB),
        "of-a-leaver-with-another-kept": lambda v: v.seal("a", BOB, PEOPLE) and v.remove(ALICE, BOB, [LIVE]),
        "of-a-demoted-writer": lambda v: v.seal("a", BOB, PEOPLE) and v.role(ALICE, BOB, "reader"),
        "of-a-lost-device": lambda v: v.seal("a", BOB, PEOPLE) and v.renew(ALICE, BOB, BOB_NEW),
        "of-a-device-that-was-gone-for-a-while": lambda v: v.seal("a", BOB, PEOPLE) and v.renew(
            ALICE, BOB, BOB_NEW).renew(ALICE, BOB_NEW, BOB_MORE),
        "where-a-grant-was-taken": lambda v: v.seal("a", BOB, PEOPLE) and v.grant(ALICE, "a", ALICE, CAROL),
        "where-a-group-was-left": lambda v: v.group(ALICE, "ops", ALICE, BOB).grant(ALICE, "a", "@ops").seal(
            "a", BOB, [ALICE, BOB]) and v.group(ALICE, "ops", ALICE),
    }.items():
    def make(change):
        v = team()
        change(v)
        return v
    cases("standing", "author", {name: change}, make)

for name, change in {
        "a-machine-without-a-grant": lambda v: v.seal("a", ALICE, PEOPLE + [CI]),
        "not-in-the-grant": lambda v: v.grant(ALICE, "a", ALICE).seal("a", ALICE, [ALICE, BOB]),
        "sealed-to-an-old-card": lambda v: v.renew(ALICE, BOB, BOB_NEW).seal("a", ALICE, PEOPLE),
        "sealed-to-a-leaver": lambda v: v.remove(ALICE, BOB).seal("a", ALICE, PEOPLE),
        "share-denied": lambda v: v.grant(ALICE, "a", ALICE).seal(
            "a", ALICE, [ALICE, BOB], shares=sorted([share("bob", "yes"), share("bob", "no")])),
        "share-of-another": lambda v: v.grant(ALICE, "a", ALICE).seal(
            "a", ALICE, [ALICE, BOB], shares=[share("carol", "yes")]),
        "grant-beside-it": lambda v: v.grant(ALICE, "", ALICE).grant(ALICE, "prod", ALICE, BOB).seal(
            "production", ALICE, [ALICE, BOB]),
    }.items():
    def make(change):
        v = team()
        change(v)
        return v
    cases("entitled", "reader", {name: change}, make)


# --- siblings

def siblings(v, *hows, path="a", pack=lambda files: bundle(in_order(files))):
    """A vault with one file for several versions, each sealed in its way; a function changes the vault in between."""
    files = []
    for how in hows:
        if callable(how):
            how(v)
            continue
        v.seal(path, **{"to": [ALICE] if len(v.entries) == 1 else PEOPLE, **how})
        files.append(v.files[f"secrets/{path}.age"])
    v.files[f"secrets/{path}.age"] = pack(files)
    return v


def after(*hashes):
    return {"revision": 2, "parents": sorted(hashes), "ancestors": [hashes[0][:16]]}


@case(a=([], [], 2))
def siblings_of_two():
    return siblings(alone(), {}, {})


@case(a=([], [], 5))
def siblings_in_every_state():
    return siblings(alone(), {"state": "deleted"}, {}, {"moved_to": "b"}, after(LIVE), after(LIVE))


@case(a=(["bob"], ["carol"], 2))
def siblings_sealed_to_different_readers():
    v = team()
    narrowed = lambda v: v.grant(ALICE, "a", ALICE, CAROL, DAVE)
    return siblings(v, {}, narrowed, {"to": [ALICE, DAVE]})


@case(a=(["bob"], [], 2))
def siblings_of_which_one_takes_back_what_the_other_shares():
    yes = share("bob", "yes")
    no = sorted([f"bob past {write_name(yes)}", share("bob", "no")])
    v = team().grant(ALICE, "a", ALICE)
    return siblings(v, {"to": [ALICE, BOB], "shares": [yes]}, {"to": [ALICE], "shares": no})


@case(a=([], ["bob", "carol"], 2))
def siblings_that_share_with_different_people():
    v = team().grant(ALICE, "a", ALICE)
    return siblings(v, *({"to": [ALICE, who], "shares": [share(who.name, "yes")]} for who in (BOB, CAROL)))


def followed(v, how, more=()):
    """Siblings of which the second one follows the first, and more."""
    first = v.seal("a", to=[ALICE], **how)
    file = v.files["secrets/a.age"]
    return siblings(v, after(first), *more, pack=lambda files: bundle(in_order([file, *files])))


@case()
def siblings_of_which_one_follows_the_other():
    return followed(alone(), {})


@case(a=([], [], 2))
def siblings_of_which_one_follows_another_and_one_does_not():
    return followed(alone(), {}, [{}])


@case("signature")
def siblings_of_which_one_follows_a_forged_one():
    return followed(alone(), {"key": MALLORY})


@case("standing")
def siblings_with_one_of_a_leaver():
    v = team()
    return siblings(v, {"by": BOB}, lambda v: v.remove(ALICE, BOB), {"to": [ALICE, CAROL, DAVE]})


@case(a=(["bob"], [], 2))
def siblings_with_one_of_a_leaver_that_was_kept():
    v = team()
    v.remove(ALICE, BOB, [v.seal("a", BOB, PEOPLE)])
    file = v.files["secrets/a.age"]
    return siblings(v, {"to": [ALICE, CAROL, DAVE]}, pack=lambda files: bundle(in_order([file, *files])))


@case("signature")
def siblings_with_one_of_a_leaver_and_a_forged_one():
    v = team()
    forged = [{"key": MALLORY, "to": [ALICE]}] * 4
    return siblings(v, {"by": BOB}, lambda v: v.remove(ALICE, BOB), *forged)


for name, code, how in (
        ("forged", "signature", {"key": MALLORY}),
        ("of-another-vault", "vault", {"vault": H}),
        ("of-another-place", "path", {"path": "b"}),
        ("of-an-unknown-author", "author", {"author": "eve " + H}),
        ("of-an-unknown-entry", "point", {"roster_head": H}),
        ("for-a-stranger", "reader", {"to": [ALICE, EVE]}),
        ("for-a-machine-without-a-grant", "entitled", {"to": [ALICE, CI]}),
        ("with-a-stanza-more", "stanza", {"edit_stanzas": lambda all: all * 2}),
        ("of-a-reader", "standing", {"by": CAROL}),
        ("without-form", "form", {"stanzas": H}),
    ):
    def make(how):
        if how.get("path") != "b":
            return siblings(team(), {}, how, {})
        v = team()
        v.seal("b", to=PEOPLE)
        other = v.files.pop("secrets/b.age")
        return siblings(v, {}, pack=lambda files: bundle(in_order([*files, other])))
    cases(code, "sibling", {name: how}, make)

large = {"content": os.urandom(16) + bytes(2360304)}
cases("form", "siblings", {
    "out-of-order": lambda files: bundle(in_order(files)[::-1]),
    "of-one": lambda files: bundle(files[:1]),
    "of-none": lambda files: bundle([]),
    "one-of-them-twice": lambda files: bundle(in_order([*files, files[0]])),
    "with-a-byte-after-them": lambda files: bundle(in_order(files)) + b"x",
    "in-version-2": lambda files: bundle(in_order(files), magic=b"covault-siblings 2\n\0"),
    "without-the-nul": lambda files: bundle(in_order(files), magic=b"covault-siblings 1\n"),
    "in-capitals": lambda files: bundle(in_order(files), magic=b"Covault-siblings 1\n\0"),
    "cut-in-the-magic": lambda files: bundle([])[:19],
    "cut-in-the-count": lambda files: bundle([])[:22],
    "cut-in-a-length": lambda files: bundle(in_order(files), 3) + b"\0\0",
    "cut-in-a-member": lambda files: bundle(in_order(files))[:-1],
    "count-too-small": lambda files: bundle(in_order(files), 1),
    "count-too-large": lambda files: bundle(in_order(files), 3),
    "count-far-too-large": lambda files: bundle(in_order(files), 2**32 - 1),
    "with-an-empty-one": lambda files: bundle(in_order([*files, b""])),
    "with-garbage": lambda files: bundle(in_order([*files, b"garbage"])),
    "in-siblings": lambda files: bundle(in_order([files[0], bundle(in_order(files))])),
    "armored": lambda files: base64.encodebytes(bundle(in_order(files))),
}, lambda pack: siblings(alone(), {}, {}, pack=pack))
cases("form", "siblings", {"too-large": large}, lambda how: siblings(alone(), *[how] * 15))


# --- histories

HISTORIES = {}


def history(*findings):
    """A history and what is found in it: (code, number of the commit). Its function gives (vault, parents) in order."""
    def put(function):
        HISTORIES[function.__name__.replace("_", "-")] = findings, function
        return function
    return put


def line(*vaults):
    """One commit after the other."""
    return [(v, [n - 1] if n else []) for n, v in enumerate(vaults)]


def written(v, revision, *parents, path="a", by=ALICE, ancestors=None, **how):
    """A copy of a vault with a version more, and the version's hash."""
    v = v.fork()
    ancestors = [parents[0][:16]] if parents and ancestors is None else ancestors or []
    to = [ALICE] if len(v.entries) == 1 else how.pop("to", PEOPLE)
    named = v.seal(path, by, to, revision=revision, parents=sorted(parents), ancestors=ancestors, **how)
    return v, named


def changed(v, **files):
    v = v.fork()
    for name, data in files.items():
        v.files.pop(f"secrets/{name}.age", None)
        if data is not None:
            v.files[f"secrets/{name}.age"] = data
    return v


@history()
def versions_one_after_the_other():
    empty = alone()
    one, a = written(empty, 1)
    two, b = written(one, 2, a)
    three, _ = written(two, 3, b, state="deleted")
    return line(empty, one, two, three)


@history(("rollback", 2))
def a_change_reverted():
    one, a = written(alone(), 1)
    two, _ = written(one, 2, a)
    return line(one, two, one)


@history(("rollback", 1))
def another_secret_at_the_same_path():
    v = alone()
    return line(written(v, 1)[0], written(v, 1)[0])


@history(("removed", 1))
def a_file_removed():
    one, _ = written(alone(), 1)
    return line(one, changed(one, a=None))


@history()
def a_step_over_versions_that_no_commit_here_holds():
    one, a = written(alone(), 1)
    two, _ = written(one, 5, LIVE, ancestors=[LIVE[:16], "cd" * 8, a[:16]])
    return line(one, two)


@history(("rollback", 1))
def a_step_from_nowhere():
    one, _ = written(alone(), 1)
    two, _ = written(one, 5, LIVE, ancestors=[LIVE[:16], "cd" * 8])
    return line(one, two)


@history()
def a_chain_over_another_branch():
    one, a = written(alone(), 1)
    two, b = written(one, 2, a)
    three, c = written(two, 3, b, ancestors=[b[:16]])
    four, _ = written(three, 4, c, ancestors=[c[:16]])
    return [(one, []), (two, [0]), (three, [1]), (four, [0]), (four, [2, 3])]


@history()
def a_merge_that_joins():
    one, a = written(alone(), 1)
    (left, b), (right, c) = written(one, 2, a), written(one, 2, a)
    joined, _ = written(one, 3, b, c, ancestors=[max(b, c)[:16], a[:16]])
    return [(one, []), (left, [0]), (right, [0]), (joined, [1, 2])]


@history()
def a_merge_with_one_sides_change():
    one, a = written(alone(), 1)
    (left, b), (right, _) = written(one, 2, a), written(one, 1, path="b")
    both = changed(left, b=right.files["secrets/b.age"])
    return [(one, []), (left, [0]), (right, [0]), (both, [1, 2])]


@history(("rollback", 3))
def a_merge_that_drops_one_sides_change():
    one, a = written(alone(), 1)
    (left, _), (right, _) = written(one, 2, a), written(one, 2, a)
    return [(one, []), (left, [0]), (right, [0]), (left, [1, 2])]


@history(("rollback", 3))
def a_merge_with_neither_sides_change():
    one, a = written(alone(), 1)
    left, b = written(one, 2, a)
    right, _ = written(left, 3, b)
    return [(one, []), (left, [0]), (right, [1]), (one, [0, 2])]


@history(("removed", 3))
def a_merge_that_drops_a_new_file():
    one, _ = written(alone(), 1)
    left, _ = written(one, 1, path="b")
    right, _ = written(one, 1, path="c")
    return [(one, []), (left, [0]), (right, [0]), (right, [1, 2])]


@history(("rollback", 2), ("rollback", 3))
def garbage_between_a_version_and_the_one_before_it():
    one, a = written(alone(), 1)
    two, _ = written(one, 2, a)
    return line(one, two, changed(two, a=b"garbage"), one)


@history(("rollback", 2), ("rollback", 3))
def a_forged_descendant_between():
    one, a = written(alone(), 1)
    two, b = written(one, 2, a)
    forged, _ = written(two, 3, b, key=MALLORY)
    return line(one, two, forged, one)


@history(("rollback", 3))
def a_leavers_descendant_between():
    one, a = written(team(), 1)
    two, b = written(one, 2, a)
    gone, _ = written(two.fork(), 3, b, by=BOB)
    two.remove(DAVE, BOB)
    gone.entries, gone.hashes = two.entries, two.hashes
    back = changed(two, a=one.files["secrets/a.age"])
    return line(one, two, gone, back)


def same(document=H, **how):
    """What versions that say the same have in common."""
    return {"id": IDS[0], "document": document, **how}


def both(v, *vaults, path="a"):
    """The versions that several vaults have, as siblings in one."""
    file = f"secrets/{path}.age"
    return changed(v, **{path: bundle(in_order(other.files[file] for other in vaults))})


@history()
def siblings_that_are_joined():
    one, a = written(alone(), 1)
    (left, b), (right, c) = written(one, 2, a), written(one, 2, a)
    joined, _ = written(one, 3, b, c, ancestors=[max(b, c)[:16], a[:16]])
    return [(one, []), (left, [0]), (right, [0]), (both(one, left, right), [1, 2]), (joined, [3])]


@history()
def siblings_of_which_one_goes_on():
    one, a = written(alone(), 1)
    (left, b), (right, _) = written(one, 2, a), written(one, 2, a)
    more, _ = written(left, 3, b)
    return line(one, both(one, left, right), both(one, more, right))


@history()
def siblings_of_which_one_followed_the_other():
    one, a = written(alone(), 1)
    two, b = written(one, 2, a)
    three, _ = written(two, 3, b)
    return line(both(one, one, two), two, three)


@history(("rollback", 3))
def siblings_of_which_one_is_dropped():
    one, a = written(alone(), 1)
    (left, _), (right, _) = written(one, 2, a), written(one, 2, a)
    return [(one, []), (left, [0]), (both(one, left, right), [1]), (left, [2])]


@history(("rollback", 2))
def siblings_of_which_one_is_not_joined():
    one, a = written(alone(), 1)
    (left, b), (right, c), (third, _) = (written(one, 2, a) for _ in range(3))
    joined, _ = written(one, 3, b, c, ancestors=[max(b, c)[:16]])
    return line(one, both(one, left, right, third), joined)


@history(("rollback", 1))
def siblings_in_the_place_of_the_version_before():
    one, a = written(alone(), 1)
    return line(one, both(one, written(one, 1)[0], written(one, 1)[0]))


@history(("rollback", 2), ("rollback", 3))
def a_forged_sibling_beside_one_of_a_leaver():
    one, a = written(team(), 1)
    two, b = written(one, 2, a)
    old, _ = written(one, 2, a, by=BOB)
    forged, _ = written(two, 3, b, key=MALLORY)
    gone = one.fork().remove(DAVE, BOB)
    return line(one, changed(gone, a=two.files["secrets/a.age"]), both(gone, old, forged), gone)


@history()
def siblings_with_one_of_a_leaver_who_counts_no_more():
    one, a = written(team(), 1)
    gone = one.fork().remove(DAVE, BOB)
    (left, _), (right, _) = written(gone, 2, a, to=[ALICE, CAROL, DAVE]), written(one, 2, a, by=BOB)
    return line(one, both(gone, left, right), left)


@history()
def a_merge_that_keeps_one_of_two_that_say_the_same():
    one, a = written(alone(), 1)
    (left, b), (right, _) = written(one, 2, a, **same()), written(one, 2, a, **same())
    more, _ = written(left, 3, b)
    return [(one, []), (left, [0]), (right, [0]), (left, [1, 2]), (more, [3]), (more, [2, 4])]


def kept_of(one, other, v=None):
    """A merge that keeps the first of two versions that differ in this."""
    start, a = written(v or alone(), 1)
    (left, _), (right, _) = (written(start, 2, a, **{**same(), **how}) for how in (one, other))
    return [(start, []), (left, [0]), (right, [0]), (left, [1, 2])]


for name, (v, one, other) in {
        "for-other-readers": (team, {}, {"to": [ALICE, BOB, CAROL]}),
        "with-other-shares": (team, {}, {"shares": ["carol past " + IDS[0]]}),
        "in-another-state": (alone, {}, {"state": "deleted"}),
        "moved-elsewhere": (alone, {"moved_to": "b"}, {"moved_to": "c"}),
        "with-another-id": (alone, {}, {"id": IDS[1]}),
        "with-another-alias": (alone, {}, {"aliases": [IDS[1]]}),
        "with-another-document": (alone, {}, {"document": LIVE[::-1]}),
    }.items():
    HISTORIES[f"a-merge-that-keeps-one-of-two-{name}"] = (
        (("rollback", 3),), lambda v=v, one=one, other=other: kept_of(one, other, v()))
for name, (v, one, other) in {
        "by-different-authors": (team, {}, {"by": BOB}),
        "at-different-times": (alone, {}, {"at": "2026-01-02T00:00:00Z"}),
        "with-other-values": (alone, {}, {"values": ["ab" * 8]}),
    }.items():
    HISTORIES[f"a-merge-that-keeps-one-of-two-that-say-the-same-{name}"] = (
        (), lambda v=v, one=one, other=other: kept_of(one, other, v()))


@history()
def an_older_one_that_says_the_same_put_back():
    one, a = written(alone(), 1, **same())
    two, _ = written(one, 2, a, **same())
    return line(one, two, one)


@history(("rollback", 3))
def an_older_one_put_back_where_the_newest_two_say_the_same():
    one, a = written(alone(), 1)
    two, b = written(one, 2, a, **same())
    return line(one, two, written(two, 3, b, **same())[0], one)


@history(("rollback", 3))
def what_an_old_version_says_signed_again_by_a_leaver():
    one, a = written(team(), 1, **same())
    two, b = written(one, 2, a)
    gone = two.fork().remove(DAVE, BOB)
    again, _ = written(one, 3, b, by=BOB, **same())
    put = lambda v: changed(gone, a=v.files["secrets/a.age"])
    return line(one, two, put(again), put(one))


@history(("rollback", 4))
def what_an_old_version_says_signed_again_under_an_old_roster():
    one, a = written(team(), 1, **same())
    two, b = written(one, 2, a)
    gone = two.fork().remove(DAVE, BOB)
    again, _ = written(one, 3, b, by=BOB, **same())
    back = changed(gone, a=one.files["secrets/a.age"])
    return [(one, []), (two, [0]), (again, [1]), (gone, [1]), (back, [3, 2])]


@history()
def garbage_that_is_repaired_before_it_was_ever_good():
    one, _ = written(alone(), 1)
    return line(changed(one, a=b"garbage"), one)


@history()
def a_roster_that_grows():
    one = alone()
    two = one.fork().admit(ALICE, BOB)
    return line(one, two, two.fork().remove(ALICE, BOB))


@history(("roster-rollback", 1))
def an_older_roster():
    v = team()
    older = v.fork()
    older.entries.pop(), older.hashes.pop()
    return line(v, older)


@history(("roster-rollback", 1), ("roster-rollback", 2))
def an_older_roster_behind_a_broken_one():
    v = team()
    older, broken = v.fork(), v.fork()
    older.entries.pop(), older.hashes.pop()
    broken.entries.append("x\n")
    return line(v, broken, older)


@history(("roster-rollback", 1), ("removed", 1))
def everything_gone():
    one, _ = written(alone(), 1)
    empty = changed(one, a=None)
    empty.files["README"] = b"nothing"
    empty.text = lambda: None
    return line(one, empty, one)


@history(("roster-rollback", 1))
def another_vault():
    return line(alone(), Vault(vault_name="other"))


@history()
def rosters_merged():
    v, other, since = sides()
    base = v.fork()
    v.admit(ALICE, EVE)
    other.admit(DAVE, FRANK)
    return [(base, []), (v, [0]), (other, [0]), (v.fork().merge(ALICE, other, since), [1, 2])]


@history(("roster-rollback", 3))
def rosters_not_merged():
    v, other, _ = sides()
    base = v.fork()
    v.admit(ALICE, EVE)
    other.admit(DAVE, FRANK)
    return [(base, []), (v, [0]), (other, [0]), (v, [1, 2])]


# --- writing them

def write(vault, v):
    vault.mkdir(parents=True)
    files = {**({"roster.toml": v.text()} if v.text() is not None else {}), **v.files}
    for name, data in files.items():
        file = vault / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(data, str):
            file.symlink_to(data)
        else:
            file.write_bytes(data)
            file.chmod(v.modes.get(name, 0o644))


def main():
    out = pathlib.Path(sys.argv[1])
    for name, (codes, pending, make) in CASES.items():
        v, folder = make(), out / "cases" / name
        write(folder / ".covault", v)
        about = [{"name": path, "extra": extra, "missing": missing, "siblings": sum(siblings)}
                 for path, (extra, missing, *siblings) in sorted(pending.items())]
        expect = {"verdict": "bad" if codes else "good", "codes": sorted(codes), "pending": about, "vault": v.hashes[0]}
        (folder / "expect.json").write_text(json.dumps(expect, indent=1) + "\n")
    for name, (findings, make) in HISTORIES.items():
        commits = make()
        for n, (v, _) in enumerate(commits):
            write(out / "histories" / name / str(n) / ".covault", v)
        about = [{"code": code, "commit": n} for code, n in findings]
        expect = {"parents": [parents for _, parents in commits], "findings": about}
        (out / "histories" / name / "expect.json").write_text(json.dumps(expect, indent=1) + "\n")
    print(len(CASES), "cases,", len(HISTORIES), "histories")


if __name__ == "__main__":
    main()
