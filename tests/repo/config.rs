//! Git's configuration and `info/attributes`.

use covault::repo::RepoError;

use super::Place;

#[test]
fn settings_are_written_in_one_go_and_comments_stay() {
    let place = Place::with_vault();
    let path = place.top.join(".git/config");
    let old = std::fs::read_to_string(&path).unwrap() + "# a note\n[alias]\n\tx = status # why\n";
    std::fs::write(&path, &old).unwrap();
    let command = "sh -c 'if test -x \"/a b/c\"; then \"/a b/c\" textconv \"$1\"; fi; #' -- \\ ; \t x";
    let repo = place.repo();
    repo.set_config(&[
        ("diff", Some("covault"), "textconv", command),
        ("diff", Some("covault"), "cachetextconv", "false"),
        ("merge", Some("covault"), "driver", "d %O %A %B"),
        ("covault", None, "trunk", "main"),
    ])
    .unwrap();
    assert!(place.text(".git/config").starts_with(&old));
    assert_eq!(place.git(&["config", "diff.covault.textconv"]).trim_end_matches('\n'), command);
    assert_eq!(place.git(&["config", "merge.covault.driver"]), "d %O %A %B\n");
    let again = place.repo();
    assert_eq!(again.config_str("diff.covault.textconv").unwrap(), command);
    assert_eq!(again.config_str("alias.x").unwrap(), "status");
    assert_eq!(again.config_bool("diff.covault.cachetextconv"), Some(false));
    assert_eq!(again.config_bool("covault.nothing"), None);
    // Setting again replaces and does not add.
    again.set_config(&[("covault", None, "trunk", "develop")]).unwrap();
    assert_eq!(place.git(&["config", "--get-all", "covault.trunk"]), "develop\n");
    assert!(again.remove_config_section("diff", Some("covault")).unwrap());
    assert!(again.remove_config_section("merge", Some("covault")).unwrap());
    assert!(again.remove_config_value("covault", None, "trunk").unwrap());
    assert!(!again.remove_config_section("merge", Some("covault")).unwrap());
    assert!(place.try_git(&["config", "diff.covault.textconv"]).stdout.is_empty());
    assert!(place.text(".git/config").starts_with(&old));
}

#[test]
fn a_locked_configuration_is_an_error_and_stays_as_it_is() {
    let place = Place::with_vault();
    place.put(".git/config.lock", "");
    let old = place.text(".git/config");
    let error = place.repo().set_config(&[("covault", None, "trunk", "main")]).unwrap_err();
    assert!(matches!(error, RepoError::Config { .. }));
    assert_eq!(place.text(".git/config"), old);
}

#[test]
fn our_block_in_info_attributes_comes_and_goes_and_the_rest_stays() {
    let place = Place::with_vault();
    std::fs::create_dir_all(place.top.join(".git/info")).unwrap();
    place.put(".git/info/attributes", "*.png binary");
    let repo = place.repo();
    assert!(repo.edit_info_attributes("**/.covault/secrets/** merge=covault\n").unwrap());
    assert!(!repo.edit_info_attributes("**/.covault/secrets/** merge=covault").unwrap());
    assert!(repo.edit_info_attributes("**/.covault/secrets/** merge=covault diff=covault").unwrap());
    let text = repo.info_attributes().unwrap();
    assert_eq!(text.matches("merge=covault").count(), 1);
    assert!(text.starts_with("*.png binary\n"));
    assert_eq!(
        repo.check_attr(super::DB, "merge").unwrap(),
        Some(covault::repo::AttributeValue::Value("covault".into()))
    );
    assert!(repo.remove_info_attributes().unwrap());
    assert!(!repo.remove_info_attributes().unwrap());
    assert_eq!(repo.info_attributes().unwrap(), "*.png binary\n");
}
