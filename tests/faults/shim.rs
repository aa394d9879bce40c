//! A library that stands between a program and the system ([`shim.c`](shim.c)): it turns the clock, or cuts one write
//! short. Covault hides `LD_PRELOAD` from git, so git gets it by a script before it.

use std::path::Path;
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
        self.stands_before(scene, "SHIM_CLOCK", &(time - i64::try_from(now).unwrap()).to_string());
    }

    /// Has the nth write to a file write half of what it was given, in each process.
    pub fn cuts_short(&self, scene: &mut Scene<'_>, n: usize) {
        self.stands_before(scene, "SHIM_SHORT", &n.to_string());
    }

    fn stands_before(&self, scene: &mut Scene<'_>, name: &str, value: &str) {
        self.is_gone(scene);
        let library = self.dir.path().join("shim.so").to_string_lossy().into_owned();
        scene.alice_mut().puts_before_git(&format!("export LD_PRELOAD='{library}' {name}='{value}'\n"));
        let vars = &mut scene.alice_mut().vars;
        vars.extend([("LD_PRELOAD".to_owned(), library), (name.to_owned(), value.to_owned())]);
    }

    /// Takes it away.
    pub fn is_gone(&self, scene: &mut Scene<'_>) {
        let ours = ["LD_PRELOAD", "SHIM_CLOCK", "SHIM_SHORT", "PATH"];
        scene.alice_mut().vars.retain(|(name, _)| !ours.contains(&name.as_str()));
    }
}
