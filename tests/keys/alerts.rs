//! Telling somebody that a key nears its limit: once, and by their own command.

use covault::vault::keys::Desk;

use super::rig::{Rig, days_on, desk_at};

const NAME: &str = "prod/openrouter";

fn rig() -> (Rig, String) {
    let rig = Rig::alone();
    rig.alice.covault(["key", "issue", NAME, "--limit", "10/month", "--alert", "50%", "--alert", "90%"]).ok();
    let hash = rig.fake.key_of(&rig.alice.get(NAME)).unwrap().hash;
    (rig, hash)
}

#[cfg(unix)]
fn configure(rig: &Rig, command: &str) {
    let file = rig.alice.home.join(".config/covault/config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, format!("{text}[alerts]\ncommand = {command}\n")).unwrap();
}

#[test]
fn each_threshold_is_told_once_in_its_period() {
    let (rig, hash) = rig();
    rig.fake.spend(&hash, "4.99");
    rig.alice.covault(["key", "usage"]).ok();
    rig.fake.spend(&hash, "0.01");
    let said = rig.alice.covault(["key", "usage"]).exits(8);
    assert!(
        said.err.contains("warning: prod/openrouter: 5.00 dollars of 10.00 dollars a month are spent, 50%"),
        "{}",
        said.err
    );
    let said = rig.alice.covault(["key", "usage"]).ok();
    assert!(!said.err.contains("warning"), "{}", said.err);
    // Another key of the same secret, the same month.
    rig.alice.covault(["key", "rotate", NAME]).ok();
    rig.alice.covault(["key", "usage"]).ok();
    let second = rig.fake.key_of(&rig.alice.get(NAME)).unwrap().hash;
    rig.fake.spend(&second, "4");
    let said = rig.alice.covault(["key", "usage"]).exits(8);
    assert!(said.err.contains("90%") && !said.err.contains("50%"), "{}", said.err);
    // The month ends; what is spent anew is told anew.
    let next = days_on(40);
    let told = |desk: &Desk<'_>| {
        let watch = desk.usage(&[]).unwrap();
        watch.alerts.iter().for_each(|alert| desk.told(&watch, alert).unwrap());
        watch
    };
    let quiet = desk_at(&rig.alice, &rig.fake, &next, told);
    assert!(quiet.alerts.is_empty());
    rig.fake.spend(&second, "6");
    let loud = desk_at(&rig.alice, &rig.fake, &next, told);
    assert_eq!(loud.alerts.iter().map(|alert| alert.threshold.percent()).collect::<Vec<_>>(), [50]);
    let again = desk_at(&rig.alice, &rig.fake, &next, told);
    assert!(again.alerts.is_empty());
}

#[test]
fn a_limit_that_was_raised_is_told_of_anew() {
    let (rig, hash) = rig();
    rig.fake.spend(&hash, "5");
    rig.alice.covault(["key", "usage"]).exits(8);
    rig.alice.covault(["key", "limits", NAME, "--limit", "100/month"]).ok();
    rig.alice.covault(["key", "usage"]).ok();
    rig.fake.spend(&hash, "45");
    rig.alice.covault(["key", "usage"]).exits(8);
    rig.alice.covault(["key", "limits", NAME, "--no-alert", "90%"]).ok();
    rig.fake.spend(&hash, "45");
    rig.alice.covault(["key", "usage"]).ok();
}

#[cfg(unix)]
#[test]
fn the_person_s_own_command_gets_the_alert_and_nothing_else() {
    let (rig, hash) = rig();
    let at = |name: &str| rig.alice.home.join(name);
    let script = format!("cat > '{}'; env > '{}'", at("alert.json").display(), at("alert.env").display());
    configure(&rig, &format!("[\"sh\", \"-c\", {}]", serde_json::json!(script)));
    rig.fake.spend(&hash, "5");
    let said = rig.alice.covault(["key", "usage", "--json"]).exits(8);
    let told: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(at("alert.json")).unwrap()).unwrap();
    assert_eq!((&told["secret"], &told["window"]), (&NAME.into(), &"month".into()));
    assert_eq!((&told["spent"], &told["limit"], &told["threshold"]), (&"5".into(), &"10".into(), &50.into()));
    let env = std::fs::read_to_string(at("alert.env")).unwrap();
    assert!(env.contains("PATH=") && !env.contains("COVAULT_"), "{env}");
    let management = rig.fake.management_key();
    for (place, text) in [("stdout", said.text()), ("stderr", said.err.clone()), ("env", env)] {
        assert!(!text.contains(&management) && !text.contains(&rig.alice.get(NAME)), "a key is in {place}");
    }
}

#[cfg(unix)]
#[test]
fn a_command_that_fails_is_a_warning() {
    let (rig, hash) = rig();
    configure(&rig, "[\"false\"]");
    rig.fake.spend(&hash, "5");
    let said = rig.alice.covault(["key", "usage"]).exits(8);
    assert!(said.err.contains("false ended with"), "{}", said.err);
    assert!(said.text().contains("10/month"));
    configure_again(&rig);
    rig.fake.spend(&hash, "4");
    let said = rig.alice.covault(["key", "usage"]).exits(8);
    assert!(said.err.contains("cannot start"), "{}", said.err);
}

#[cfg(unix)]
#[test]
fn what_nobody_was_told_is_told_again_until_somebody_was() {
    let (rig, hash) = rig();
    let inbox = rig.alice.home.join("inbox");
    let count = || std::fs::read_to_string(&inbox).unwrap_or_default().lines().count();
    rig.fake.spend(&hash, "5");
    // A command that never ends is ended, and counts for nothing.
    configure(&rig, "[\"sleep\", \"600\"]\ntime-limit = \"50ms\"");
    let said = rig.alice.covault(["key", "usage"]).exits(8);
    assert!(said.err.contains("50%") && said.err.contains("sleep was ended: it took longer than 50ms"), "{}", said.err);
    let file = rig.alice.home.join(".config/covault/config.toml");
    let again = std::fs::read_to_string(&file).unwrap().replace("[\"sleep\", \"600\"]", "[\"false\"]");
    std::fs::write(&file, again.replace("50ms", "1m")).unwrap();
    let said = rig.alice.covault(["key", "usage"]).exits(8);
    assert!(said.err.contains("50%") && said.err.contains("false ended with"), "{}", said.err);
    let script = format!("cat >> '{}'", inbox.display());
    let good = format!("[\"sh\", \"-c\", {}]", serde_json::json!(script));
    let text = std::fs::read_to_string(&file).unwrap().replace("[\"false\"]", &good);
    std::fs::write(&file, text).unwrap();
    rig.alice.covault(["key", "usage"]).exits(8);
    assert_eq!(count(), 1);
    let said = rig.alice.covault(["key", "usage"]).ok();
    assert!(!said.err.contains("warning") && count() == 1, "{}", said.err);
}

#[cfg(unix)]
fn configure_again(rig: &Rig) {
    let file = rig.alice.home.join(".config/covault/config.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("false", "no-such-program-anywhere");
    std::fs::write(file, text).unwrap();
}
