//! What the commands answer when something is not there or not right: at once, and what to do.

use std::time::{Duration, Instant};

use crate::command::{Folder, ternion};

/// A try and no second one, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(10);

#[test]
fn an_address_where_nothing_listens_is_told_at_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let to = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    let start = Instant::now();
    let ran = ternion(&["epoch", "list", "--to", &to, "--token", "x"]);
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains(&format!("{to} cannot be reached: nothing listens there")), "{ran:?}");
}

#[test]
fn a_configuration_is_refused_with_the_setting_its_place_and_what_it_may_be() {
    let none = ternion(&["config"]);
    assert!(none.err.contains("name one with --config FILE"), "{none:?}");
    let folder = Folder::new();
    let text =
        "deployment = \"prod.example.com\"\ncloud = \"ibm\"\nregion = \"eu\"\nurl = \"http://x\"\n";
    let file = folder.write("gcp.toml", text);
    let wrong = ternion(&["config", "--config", &file]);
    let told = format!("{file}:2:9: cloud: \"ibm\" is not one of \"gcp\", \"aws\", \"azure\"");
    assert!(wrong.err.contains(&told), "{wrong:?}");
    let flag = ternion(&["config", "--config", &file, "--set", "cloud=oracle"]);
    assert!(flag.err.contains("--set: cloud: \"oracle\" is not one of"), "{flag:?}");
    assert_eq!((none.code, wrong.code, flag.code), (1, 1, 1));
}
