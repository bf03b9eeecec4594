//! The layers, and what is refused.

use std::path::PathBuf;

use domain::cloud::Cloud;
use domain::key::SigningKey;

use domain::quorum::Mode;

use super::*;

const BASE: &str = "deployment = \"prod.example.com\"\n\
                    cloud = \"gcp\"\n\
                    region = \"us-central1\"\n\
                    url = \"https://gcp.example.com\"\n";

fn layers(more: &str) -> Layers {
    Layers {
        file: Some(PathBuf::from("/etc/ternion/gcp.toml")),
        text: format!("{BASE}{more}"),
        ..Layers::default()
    }
}

fn refused(layers: &Layers) -> String {
    layers.build().expect_err("refused").to_string()
}

#[test]
fn a_short_file_and_defaults_are_a_configuration() {
    let (config, sources) = layers("").build().expect("valid");
    assert_eq!(config.cloud, Cloud::Gcp);
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.data, PathBuf::from("/etc/ternion/data"));
    assert_eq!(sources["cloud"].to_string(), "/etc/ternion/gcp.toml:2:1");
    assert!(!sources.contains_key("mode"));
}

#[test]
fn the_environment_goes_over_the_file_and_flags_over_both() {
    let mut layers = layers("mode = \"unanimous\"\n[limits]\nrequests = 10\nstreams = 11\n");
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    layers.environment = [
        set("TERNION_LIMITS_REQUESTS", "20"),
        set("TERNION_MODE", "unanimous"),
        set("TERNION_LISTEN", "127.0.0.1:4000, 127.0.0.11:4000"),
        set("DATABASE_URL", "postgres://secret@db/ternion"),
    ]
    .into();
    layers.flags = vec!["mode=2of3".to_owned()];
    let (config, sources) = layers.build().expect("valid");
    assert_eq!(config.mode, Mode::TwoOfThree);
    assert_eq!((config.limits.requests, config.limits.streams), (20, 11));
    assert_eq!(config.listen.len(), 2);
    assert_eq!(sources["mode"], Source::Flag);
    let printed = effective(&config, &sources).expect("printable");
    assert!(printed.contains("limits.requests = 20  # environment variable TERNION_LIMITS"));
    assert!(printed.contains("limits.streams = 11  # /etc/ternion/gcp.toml:8:1"), "{printed}");
    assert!(printed.contains("database_url = \"(hidden)\"") && !printed.contains("secret@"));
    assert!(!format!("{config:?}").contains("secret@"));
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_what_was_meant() {
    let message = refused(&layers("\n[limits]\nbody_byte = 5\n"));
    let expected =
        "/etc/ternion/gcp.toml:7:1: \"body_byte\" is not a setting; did you mean \"body_bytes\"?";
    assert_eq!(message, expected);
    let message = refused(&layers("[peers.amazon]\nurl = \"http://x\"\n"));
    assert!(message.contains("gcp.toml:5:8: \"amazon\" is not a setting"), "{message}");
}

#[test]
fn a_wrong_value_is_refused_where_it_was_written() {
    let message = refused(&layers("mode = 3\n"));
    assert!(message.starts_with("/etc/ternion/gcp.toml:5:8: mode: invalid type"), "{message}");
    let mut layers = layers("");
    layers.environment.insert("TERNION_LIMITS_REQUESTS".to_owned(), "one".to_owned());
    let message = refused(&layers);
    assert!(
        message.starts_with(
            "environment variable TERNION_LIMITS_REQUESTS: limits.requests: invalid type"
        ),
        "{message}"
    );
    layers.environment.clear();
    layers.flags = vec!["mod=1".to_owned()];
    assert!(refused(&layers).contains("did you mean \"mode\"?"));
}

#[test]
fn a_word_that_is_none_of_the_allowed_ones_is_refused_with_setting_place_and_those() {
    let allowed = "\"ibm\" is not one of \"gcp\", \"aws\", \"azure\"";
    let text = BASE.replace("\"gcp\"", "\"ibm\"");
    let file = Some(PathBuf::from("/etc/ternion/gcp.toml"));
    let in_file = Layers { file, text, ..Layers::default() };
    assert_eq!(refused(&in_file), format!("/etc/ternion/gcp.toml:2:9: cloud: {allowed}"));
    let mut elsewhere = layers("");
    elsewhere.environment.insert("TERNION_CLOUD".to_owned(), "ibm".to_owned());
    let told = format!("environment variable TERNION_CLOUD: cloud: {allowed}");
    assert_eq!(refused(&elsewhere), told);
    elsewhere.flags = vec!["cloud=ibm".to_owned()];
    assert_eq!(refused(&elsewhere), format!("--set: cloud: {allowed}"));
    let deep = refused(&layers("[log]\nformat = \"xml\"\n"));
    assert!(deep.contains("gcp.toml:6:10: log.format: \"xml\" is not one of"), "{deep}");
}

#[test]
fn without_a_file_one_is_told_how_to_name_it() {
    let message = refused(&Layers::default());
    assert!(
        message.starts_with("missing setting \"deployment\", and no configuration"),
        "{message}"
    );
    assert!(message.contains("--config FILE") && message.contains("TERNION_CONFIG"), "{message}");
}

#[test]
fn a_misspelt_variable_is_suspected_and_a_test_s_own_is_not() {
    let mut layers = layers("");
    for name in ["TERNION_LISTNE", "TERNION_BIN", "TERNION_DATA", "TERNION_EPOCH", "PATH"] {
        layers.environment.insert(name.to_owned(), "x".to_owned());
    }
    let suspected = layers.suspicious_variables();
    assert_eq!(suspected, ["TERNION_LISTNE is not a setting; did you mean TERNION_LISTEN?"]);
}

#[test]
fn a_missing_setting_is_named() {
    let text = BASE.replace("cloud = \"gcp\"\n", "");
    let message = refused(&Layers { text, ..Layers::default() });
    assert!(message.contains("missing setting \"cloud\""), "{message}");
}

#[test]
fn the_demonstration_stays_on_this_machine() {
    let open = "demonstration = true\nlisten = [\"0.0.0.0:3000\"]\n";
    assert!(refused(&layers(open)).contains("the demonstration's passwords are public"));
    assert!(refused(&layers("story = true\n")).contains("demonstration"));
}

#[test]
fn addresses_and_names_are_checked() {
    assert!(refused(&layers("lab_url = \"ftp://x\"\n")).contains("http://"));
    let text = BASE.replace("prod.example.com", "prod example");
    assert!(refused(&Layers { text, ..Layers::default() }).contains("deployment"));
    assert!(refused(&layers("listen = []\n")).contains("at least one address"));
}

const ETHEREUM: &str = "[anchor.ethereum]\nurl = \"https://n.example/v3/0123456789abcdef\"\n\
                        chain_id = 1\nkey_file = \"eth.key\"\nmax_fee_gwei = \"0.5\"\n\
                        max_spend_eth_per_month = \"0.01\"\n";

#[test]
fn a_publisher_s_address_is_hidden_its_amounts_are_exact_and_its_files_lie_beside_the_settings() {
    let (config, sources) = layers(ETHEREUM).build().expect("valid");
    let ethereum = config.anchor.ethereum.as_ref().expect("set");
    assert_eq!(ethereum.fee_max(), 500_000_000);
    assert_eq!(ethereum.month_max(), 10_000_000_000_000_000);
    assert_eq!(ethereum.key_file, PathBuf::from("/etc/ternion/eth.key"));
    assert_eq!((ethereum.confirmations, ethereum.dry_run), (64, false));
    let printed = effective(&config, &sources).expect("printable");
    assert!(printed.contains("anchor.ethereum.url = \"(hidden)\"  # /etc/ternion/gcp.toml:6:1"));
    assert!(printed.contains("anchor.calendars = []  # default"), "{printed}");
    assert!(!printed.contains("0123456789abcdef") && !format!("{config:?}").contains("abcdef"));
    assert!(layers("").build().expect("valid").0.anchor.ethereum.is_none(), "nothing by default");
}

#[test]
fn a_publisher_that_could_lose_money_or_secrets_is_refused() {
    let changed = |from: &str, to: &str| refused(&layers(&ETHEREUM.replace(from, to)));
    let plain = changed("https://n.example", "http://n.example");
    assert!(
        plain.ends_with(
            "anchor.ethereum.url: it must begin with https://, as it is not on this \
                             machine"
        ),
        "{plain}"
    );
    assert!(!plain.contains("abcdef"), "{plain}");
    assert!(changed("\"0.5\"", "\"-1\"").contains("anchor.ethereum.max_fee_gwei: must be more"));
    assert!(changed("\"0.01\"", "\"0\"").contains("max_spend_eth_per_month: must be more"));
    assert!(changed("max_fee_gwei = \"0.5\"\n", "").contains("missing setting \"max_fee_gwei\""));
    let bitcoin = "[anchor.bitcoin]\nurl = \"http://127.0.0.1:8332\"\nmax_fee_sat_per_vbyte = 5\n\
                   max_spend_btc_per_month = \"0.001\"\n";
    let login = refused(&layers(bitcoin));
    assert!(login.contains("give either cookie_file, or user and password"), "{login}");
    let one = "[anchor]\nexplorers = [\"https://blockstream.info/api\"]\n";
    assert!(refused(&layers(one)).contains("must name two at least"));
}

#[test]
fn limits_that_cannot_hold_are_refused_with_the_bound() {
    let refusals = [
        ("postgres = { connections = 10 }", "postgres.connections must be at least 11"),
        ("limits = { batch_events = 5000 }", "limits.batch_events must be at most 4096"),
        ("limits = { batch_ms = 1001 }", "limits.batch_ms must be at most 1000"),
        ("limits = { intake_events = 999 }", "limits.intake_events must hold at least one batch"),
        ("limits = { waiters = 0 }", "limits.waiters must be more than 0"),
        ("limits = { streams = 1000001 }", "limits.streams must be at most 1000000"),
    ];
    for (text, expected) in refusals {
        let message = refused(&layers(text)).replace(": ", " ");
        assert!(message.ends_with(expected), "{message}");
    }
}

#[test]
fn a_roster_needs_all_three_clouds_and_nine_different_keys() {
    let key = |seed: u8| keys::text::of(SigningKey::from_seed([seed; 32]).public());
    let peer = |cloud: &str, first: u8| {
        format!(
            "[peers.{cloud}]\nurl = \"http://{cloud}\"\nregion = \"eu\"\nlog_key = \"{}\"\n\
             cosigner_key = \"{}\"\ntransport_key = \"{}\"\n",
            key(first),
            key(first + 1),
            key(first + 2)
        )
    };
    let own = keys::CloudKeys {
        log: SigningKey::from_seed([1; 32]).into(),
        cosigner: SigningKey::from_seed([2; 32]).into(),
        transport: SigningKey::from_seed([3; 32]),
    };
    let roster = |more: &str| keys::Roster::of(&layers(more).build().expect("valid").0, &own);
    let error = |more: &str| roster(more).expect_err("refused");
    assert!(roster(&(peer("aws", 4) + &peer("azure", 7))).is_ok());
    assert_eq!(error(&peer("aws", 4)), keys::RosterError::Missing(Cloud::Azure));
    let shared = peer("aws", 4) + &peer("azure", 6);
    assert_eq!(error(&shared), keys::RosterError::Shared(Cloud::Azure));
}

#[test]
fn every_setting_is_listed_and_every_listed_one_exists() {
    let key = keys::text::of(SigningKey::from_seed([1; 32]).public());
    for setting in SETTINGS {
        if setting.path.starts_with("peers.gcp") {
            continue; // this cloud itself
        }
        let mut layers = layers("");
        let peer = |cloud: &str| {
            format!(
                "[peers.{cloud}]\nurl = \"http://x\"\nregion = \"eu\"\nlog_key = \"{key}\"\n\
                 cosigner_key = \"{key}\"\ntransport_key = \"{key}\"\n"
            )
        };
        layers.text.push_str(&(peer("aws") + &peer("azure")));
        layers.flags = vec![format!("{}=\u{7}", setting.path)];
        // A value that nothing accepts, or anything: but never "not a setting".
        let unknown = layers
            .build()
            .err()
            .is_some_and(|error| error.to_string().contains("is not a setting"));
        assert!(!unknown, "{}", setting.path);
    }
    let (config, _) = layers("database_url = \"postgres://x\"\n").build().expect("valid");
    let table = toml::Table::try_from(&config).expect("table");
    for (key, value) in &table {
        let inner = value.as_table().filter(|_| key != "peers");
        let paths = inner.map_or_else(
            || vec![key.clone()],
            |inner| inner.keys().map(|name| format!("{key}.{name}")).collect(),
        );
        for path in paths.iter().filter(|path| *path != "peers") {
            assert!(Setting::find(path).is_some(), "{path} is not in SETTINGS");
        }
    }
}

#[test]
fn a_load_balancer_s_settings_are_held_to_what_cloudflare_takes_and_named() {
    let table = |own: &str| {
        let (account, zone) = ("a".repeat(32), "b".repeat(32));
        let ids = format!("account_id = \"{account}\"\nzone_id = \"{zone}\"\n");
        layers(&format!(
            "[fabric.gcp]\naddresses = [\"203.0.113.1\"]\n[fabric.cloudflare_balancer]\n\
             {ids}token_file = \"token\"\n{own}"
        ))
    };
    let (config, _) = table("").build().expect("valid");
    let own = config.fabric.cloudflare_balancer.expect("it is there");
    assert_eq!(own.token_file, PathBuf::from("/etc/ternion/token"));
    assert_eq!((own.monitor.enabled, own.monitor.port(), own.ttl_s), (true, 443, 30));
    assert!(table("[fabric.cloudflare_balancer.monitor]\nenabled = false\n").build().is_ok());
    let wrong = [
        ("ttl_s", "ttl_s = 9\n"),
        ("monitor.interval_s", "monitor.interval_s = 5\n"),
        ("monitor.timeout_s", "monitor.timeout_s = 11\n"),
        ("monitor.retries", "monitor.retries = 6\n"),
        ("monitor.consecutive_down", "monitor.consecutive_down = 11\n"),
        ("monitor.consecutive_up", "monitor.consecutive_up = 11\n"),
        ("monitor.port", "monitor.port = 0\n"),
        ("monitor.scheme", "monitor.scheme = \"tcp\"\n"),
    ];
    for (setting, text) in wrong {
        let told = refused(&table(text));
        assert!(told.contains(&format!("fabric.cloudflare_balancer.{setting}")), "{told}");
    }
    let mut elsewhere = table("");
    let set = ("TERNION_FABRIC_CLOUDFLARE_BALANCER_ZONE_ID".to_owned(), "example.com".to_owned());
    elsewhere.environment.extend([set]);
    assert!(refused(&elsewhere).contains("\"example.com\" is not an id of 32 hex digits"));
    let mut nowhere = table("");
    nowhere.text = nowhere.text.replace("[\"203.0.113.1\"]", "[]");
    assert!(refused(&nowhere).contains("fabric.<cloud>.addresses"), "{}", refused(&nowhere));
}
