//! Namespaces and the wires between them.

use std::process::Command;

use domain::cloud::{Cloud, PerCloud};
use uuid::Uuid;

/// One namespace a cloud, one wire a pair. All of it goes when this is dropped.
pub(super) struct Wires {
    names: PerCloud<String>,
}

/// Runs a command to its end; true if it succeeded.
pub(super) fn run(words: &[&str]) -> bool {
    let output = Command::new(words[0]).args(&words[1..]).output();
    output.is_ok_and(|output| output.status.success())
}

fn ip(words: &[&str]) {
    let all: Vec<&str> = std::iter::once("ip").chain(words.iter().copied()).collect();
    assert!(run(&all), "{}", all.join(" "));
}

/// The subnet of a pair.
const fn subnet(a: Cloud, b: Cloud) -> u8 {
    a.code() + b.code()
}

/// The address of `of` on its wire to `to`.
pub(super) fn address(of: Cloud, to: Cloud) -> String {
    format!("10.77.{}.{}", subnet(of, to), of.code())
}

/// How `of` calls its end of the wire to `to`.
fn end(to: Cloud) -> String {
    format!("to-{to}")
}

impl Wires {
    /// `None`, and why on the standard output, where this is not permitted.
    pub(super) fn lay() -> Option<Self> {
        let id = Uuid::new_v4().simple().to_string();
        let names = PerCloud::from_fn(|cloud| format!("ternion-{}-{cloud}", &id[..8]));
        let wires = Wires { names };
        let permitted = wires.names.iter().all(|(_, name)| run(&["ip", "netns", "add", name]));
        if !permitted || !run(&["curl", "--version"]) {
            println!("skipped: this needs root, `ip` and `curl` (Debian's iproute2 and curl)");
            return None;
        }
        for cloud in Cloud::ALL {
            ip(&["-n", wires.name(cloud), "link", "set", "lo", "up"]);
        }
        for (a, b) in
            [(Cloud::Gcp, Cloud::Aws), (Cloud::Gcp, Cloud::Azure), (Cloud::Aws, Cloud::Azure)]
        {
            wires.lay_one(a, b);
        }
        Some(wires)
    }

    fn lay_one(&self, a: Cloud, b: Cloud) {
        let (in_a, in_b) = (self.name(a), self.name(b));
        let peer = ["peer", "name", &end(a), "netns", in_b];
        ip(&[&["link", "add", &end(b), "netns", in_a, "type", "veth"], &peer[..]].concat());
        for (of, to) in [(a, b), (b, a)] {
            let network = format!("{}/24", address(of, to));
            ip(&["-n", self.name(of), "address", "add", &network, "dev", &end(to)]);
            ip(&["-n", self.name(of), "link", "set", &end(to), "up"]);
        }
    }

    pub(super) fn name(&self, cloud: Cloud) -> &str {
        self.names.get(cloud)
    }

    /// Nothing passes, either way.
    pub(super) fn pull(&self, a: Cloud, b: Cloud) {
        ip(&["-n", self.name(a), "link", "set", &end(b), "down"]);
    }

    pub(super) fn plug(&self, a: Cloud, b: Cloud) {
        ip(&["-n", self.name(a), "link", "set", &end(b), "up"]);
    }

    /// What `of` sends `to` vanishes; what comes from there arrives.
    pub(super) fn silence(&self, of: Cloud, to: Cloud) {
        ip(&["-n", self.name(of), "route", "add", "blackhole", &address(to, of)]);
    }

    pub(super) fn unsilence(&self, of: Cloud, to: Cloud) {
        ip(&["-n", self.name(of), "route", "del", "blackhole", &address(to, of)]);
    }
}

impl Drop for Wires {
    fn drop(&mut self) {
        for (_, name) in self.names.iter() {
            run(&["ip", "netns", "del", name]);
        }
    }
}
