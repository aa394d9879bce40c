//! What is below what, and what lies between: git itself is the judge.

use covault::repo::{Ancestry, ObjectId, Repo, RepoError};

use super::{DB, Place, run};

/// A history of `count` commits by two people, with branches and merges, and dates that `date` gives.
fn grow(place: &Place, count: usize, date: impl Fn(usize) -> i64) {
    let mut stream = String::new();
    let mut choice = 7_usize;
    for n in 1..=count {
        choice = choice.wrapping_mul(1_103_515_245).wrapping_add(12_345) % (1 << 31);
        let (at, side) = (date(n), (choice >> 8) % 3);
        let subject = format!("number {n}\nof many\n\nbody\n");
        stream += &format!("commit refs/heads/b{side}\nmark :{n}\n");
        stream += &format!("author Bøb <bob@example.com> {} +0200\n", at - 5);
        stream += &format!("committer Alice <alice@example.com> {at} +0000\ndata {}\n{subject}\n", subject.len());
        if n > 3 && (choice >> 12).is_multiple_of(4) {
            stream += &format!("merge :{}\n", n - 1 - (choice >> 16) % 3);
        }
        stream += &format!("M 100644 inline file{}\ndata 2\n{}\n\n", n % 7, n % 10);
    }
    place.import(&stream);
}

fn all_commits(place: &Place) -> Vec<ObjectId> {
    let listed = place.git(&["rev-list", "--all"]);
    listed.lines().map(|line| ObjectId::from_hex(line.as_bytes()).unwrap()).collect()
}

fn git_says(place: &Place, ancestor: ObjectId, of: ObjectId) -> Ancestry {
    let said = place.try_git(&["merge-base", "--is-ancestor", &ancestor.to_string(), &of.to_string()]);
    if said.status.success() { Ancestry::Yes } else { Ancestry::No }
}

fn assert_walk(place: &Place, repo: &Repo, tips: &[ObjectId], hide: &[ObjectId]) {
    let walked = repo.walk(tips, hide).unwrap();
    let mut args: Vec<String> = tips.iter().map(ToString::to_string).collect();
    args.extend(hide.iter().map(|id| format!("^{id}")));
    let mut command = vec!["log", "--topo-order", "--reverse", "--format=%H|%P|%an|%ae|%at|%s"];
    command.extend(args.iter().map(String::as_str));
    let spelled: String = walked
        .iter()
        .map(|commit| {
            let parents: Vec<String> = commit.parents.iter().map(ToString::to_string).collect();
            let (author, email, time) = (&commit.author, &commit.email, commit.time);
            format!("{}|{}|{author}|{email}|{time}|{}\n", commit.id, parents.join(" "), commit.subject)
        })
        .collect();
    assert_eq!(spelled, place.git(&command));
}

#[test]
fn ancestry_and_walks_are_what_git_says_whatever_the_clocks_say() {
    let sane = |n: usize| 1_700_000_000 + 60 * i64::try_from(n).unwrap();
    let wrong = |n: usize| 1_700_000_000 + 3_000 * i64::try_from(n * 31 % 17).unwrap();
    let same = |_| 1_700_000_000;
    let clocks: [(&dyn Fn(usize) -> i64, &[&str]); 4] =
        [(&sane, &[]), (&wrong, &[]), (&same, &[]), (&wrong, &["--object-format=sha256"])];
    for (clock, format) in clocks {
        let place = Place::empty(format);
        grow(&place, 60, clock);
        let commits = all_commits(&place);
        let repo = place.repo();
        for with_file in [false, true] {
            if with_file {
                place.git(&["commit-graph", "write", "--reachable"]);
            }
            let judged: Vec<_> = commits.iter().step_by(if with_file { 5 } else { 4 }).copied().collect();
            for b in &judged {
                let below = place.git(&["rev-list", &b.to_string()]);
                for a in &judged {
                    let expected = if below.contains(&a.to_string()) { Ancestry::Yes } else { Ancestry::No };
                    assert_eq!(repo.is_ancestor(*a, *b).unwrap(), expected, "{a} {b} {with_file}");
                }
            }
        }
        // Where all dates are the same, git's own order among branches hangs on the order of its arguments.
        for pair in commits.windows(9).step_by(7) {
            assert_walk(&place, &repo, &pair[..1], &[]);
            assert_walk(&place, &repo, &pair[..1], &pair[8..]);
            let mut ours: Vec<_> = repo.walk(&pair[..3], &pair[6..]).unwrap().into_iter().map(|c| c.id).collect();
            let mut args = vec!["rev-list".to_owned()];
            args.extend(pair[..3].iter().map(ToString::to_string));
            args.extend(pair[6..].iter().map(|id| format!("^{id}")));
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let listed = place.git(&args);
            let mut theirs: Vec<_> = listed.lines().map(|id| ObjectId::from_hex(id.as_bytes()).unwrap()).collect();
            ours.sort();
            theirs.sort();
            assert_eq!(ours, theirs);
        }
        assert!(repo.walk(&commits[..1], &commits[..1]).unwrap().is_empty());
        assert!(repo.walk(&[], &commits[..1]).unwrap().is_empty());
    }
}

#[test]
fn parents_come_before_children_and_lines_of_history_stay_together() {
    let place = Place::empty(&[]);
    grow(&place, 200, |n| 1_700_000_000 + i64::try_from(n).unwrap());
    let repo = place.repo();
    let tips: Vec<_> = ["b0", "b1", "b2"].iter().map(|name| repo.resolve(name).unwrap()).collect();
    let hide = [repo.resolve("b1~3").unwrap()];
    assert_walk(&place, &repo, &tips, &[]);
    assert_walk(&place, &repo, &tips, &hide);
    let walked = repo.walk(&tips, &[]).unwrap();
    for (at, commit) in walked.iter().enumerate() {
        assert!(!commit.boundary);
        assert!(commit.parents.iter().all(|parent| walked[..at].iter().any(|before| before.id == *parent)));
    }
}

#[test]
fn a_commit_that_is_nowhere_is_no_ancestor_and_has_no_history() {
    let place = Place::with_vault();
    let repo = place.repo();
    let head = repo.head().unwrap().commit.unwrap();
    let nowhere = ObjectId::from_hex(&[b'1'; 40]).unwrap();
    assert_eq!(repo.is_ancestor(nowhere, head).unwrap(), Ancestry::No);
    assert!(matches!(repo.is_ancestor(head, nowhere), Err(RepoError::ObjectMissing { incomplete: false, .. })));
    assert!(matches!(repo.walk(&[nowhere], &[]), Err(RepoError::ObjectMissing { .. })));
    assert_eq!(repo.walk(&[head], &[nowhere]).unwrap().len(), 1);
    let blob = repo.blob_id(b"old\n").unwrap();
    assert!(matches!(repo.is_ancestor(blob, head), Err(RepoError::ObjectUnreadable { kind: "commit", .. })));
}

#[test]
fn a_shallow_clone_says_where_it_does_not_know() {
    let origin = Place::with_vault();
    for text in ["two", "three", "four"] {
        origin.put(DB, text);
        origin.git(&["commit", "-qam", text]);
    }
    let ids: Vec<_> = (0..4).map(|n| origin.repo().resolve(&format!("HEAD~{n}")).unwrap()).collect();
    let clone = origin.clone_as("shallow", &["--depth=2"]);
    let repo = clone.repo();
    assert_eq!(repo.is_ancestor(ids[1], ids[0]).unwrap(), Ancestry::Yes);
    assert_eq!(repo.is_ancestor(ids[0], ids[1]).unwrap(), Ancestry::No);
    // The last commit that is here still names its parent; what is below that is not known.
    assert_eq!(repo.is_ancestor(ids[2], ids[0]).unwrap(), Ancestry::Yes);
    assert_eq!(repo.is_ancestor(ids[3], ids[0]).unwrap(), Ancestry::Unknown);
    let walked = repo.walk(&[ids[0]], &[]).unwrap();
    assert_eq!(walked.iter().map(|c| (c.id, c.boundary)).collect::<Vec<_>>(), [(ids[1], true), (ids[0], false)]);
    assert_walk(&clone, &repo, &ids[..1], &[]);
    // A branch beside what is known is none of its ancestors; one made below its end might be.
    let tree = clone.git(&["rev-parse", "HEAD^{tree}"]);
    let made = clone.git(&["commit-tree", "-m", "another beginning", tree.trim()]);
    let other = ObjectId::from_hex(made.trim().as_bytes()).unwrap();
    assert_eq!(repo.is_ancestor(other, ids[0]).unwrap(), Ancestry::Unknown);
    assert_eq!(repo.is_ancestor(ids[0], other).unwrap(), Ancestry::No);
    clone.git(&["fetch", "-q", "--unshallow"]);
    assert_eq!(clone.repo().is_ancestor(ids[3], ids[0]).unwrap(), Ancestry::Yes);
}

#[test]
fn a_partial_clone_has_all_commits() {
    let origin = Place::empty(&[]);
    grow(&origin, 30, |n| 1_700_000_000 + i64::try_from(n).unwrap());
    origin.git(&["config", "uploadpack.allowFilter", "true"]);
    origin.git(&["symbolic-ref", "HEAD", "refs/heads/b0"]);
    let clone = origin.clone_as("partial", &["--filter=tree:0", "--no-checkout"]);
    // Nothing is to be fetched.
    clone.git(&["remote", "set-url", "origin", "/nowhere"]);
    let repo = clone.repo();
    let (first, last) = (all_commits(&clone).pop().unwrap(), repo.resolve("origin/b0").unwrap());
    assert_eq!(repo.is_ancestor(first, last).unwrap(), git_says(&clone, first, last));
    assert_eq!(repo.is_ancestor(last, first).unwrap(), Ancestry::No);
    assert_walk(&clone, &repo, &[last], &[]);
}

#[test]
fn linked_work_trees_and_reftables_know_the_same_history() {
    for format in [[].as_slice(), &["--ref-format=reftable"]] {
        let place = Place::with_vault_in(format);
        let linked = place.beside("linked");
        place.git(&["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
        run(&linked, &["commit", "-q", "--allow-empty", "-m", "aside"]);
        let repo = Repo::discover(&linked).unwrap();
        let (main, side) = (repo.resolve("main").unwrap(), repo.resolve("side").unwrap());
        assert_eq!(repo.is_ancestor(main, side).unwrap(), Ancestry::Yes);
        assert_eq!(place.repo().is_ancestor(side, main).unwrap(), Ancestry::No);
        assert_walk(&place, &repo, &[side], &[main]);
    }
}

#[test]
fn folders_and_files_of_a_commit_are_known_by_name() {
    for format in [[].as_slice(), &["--object-format=sha256"]] {
        let place = Place::with_vault_in(format);
        let repo = place.repo();
        let head = repo.head().unwrap().commit.unwrap();
        let git_has = |path: &str| {
            let listed = place.git(&["ls-tree", "HEAD", path]);
            ObjectId::from_hex(listed.split_whitespace().nth(2).unwrap().as_bytes()).unwrap()
        };
        assert_eq!(repo.tree_at(head, ".covault").unwrap(), Some(git_has(".covault")));
        assert_eq!(repo.tree_at(head, ".covault/secrets/prod").unwrap(), Some(git_has(".covault/secrets/prod")));
        assert_eq!(
            repo.tree_at(head, "").unwrap().unwrap().to_string(),
            place.git(&["rev-parse", "HEAD^{tree}"]).trim()
        );
        assert_eq!(repo.blob_at(head, DB).unwrap(), Some(git_has(DB)));
        assert_eq!(repo.tree_at(head, DB).unwrap(), None);
        assert_eq!(repo.blob_at(head, ".covault").unwrap(), None);
        assert_eq!(repo.blob_at(head, "notes.txt/x").unwrap(), None);
        assert_eq!(repo.tree_at(head, "nothing").unwrap(), None);
    }
}
