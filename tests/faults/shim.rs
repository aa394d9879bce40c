//! A library that stands between a program and the system ([`shim.c`](shim.c)): it turns the clock, or cuts one write
//! short. Covault hides `LD_PRELOAD` from git, so git gets it by a script before it.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::scene::Scene;

/// The library, built.
pub struct Shim {
    dir: tempfile::TempDir,
}

impl Shim {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/shim.c");
        let mut cc = std::process::Command::new("cc");
        let built = cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(dir.path().join("shim.so")).arg(source).status();
        assert!(built.unwrap().success());
        Self { dir }
    }

    /// Lets a machine's programs believe that it is so many seconds after 1970; time goes on from there.
    pub fn sets_clock(&self, scene: &mut Scene<'_>, time: Option<i64>) {
        let Some(time) = time else { return self.is_gone(scene) };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        self.stands_before(scene, vec![("SHIM_CLOCK", (time - i64::try_from(now).unwrap()).to_string())]);
    }

    /// Has the nth write to a file write half of what it was given, in each process. The file that this names is there once
    /// one was cut.
    pub fn cuts_short(&self, scene: &mut Scene<'_>, n: usize) -> PathBuf {
        let note = scene.alice().home.join("a write was cut short");
        let path = note.to_string_lossy().into_owned();
        self.stands_before(scene, vec![("SHIM_SHORT", n.to_string()), ("SHIM_NOTE", path)]);
        note
    }

    fn stands_before(&self, scene: &mut Scene<'_>, mut vars: Vec<(&str, String)>) {
        self.is_gone(scene);
        vars.push(("LD_PRELOAD", self.dir.path().join("shim.so").to_string_lossy().into_owned()));
        let export: Vec<String> = vars.iter().map(|(name, value)| format!("{name}='{value}'")).collect();
        scene.alice_mut().puts_before_git(&format!("export {}\n", export.join(" ")));
        scene.alice_mut().vars.extend(vars.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }

    /// Takes it away.
    pub fn is_gone(&self, scene: &mut Scene<'_>) {
        let ours = ["LD_PRELOAD", "SHIM_CLOCK", "SHIM_SHORT", "SHIM_NOTE", "PATH"];
        scene.alice_mut().vars.retain(|(name, _)| !ours.contains(&name.as_str()));
    }
}
