//! The region of a client by its address, and how far that holds (RFC 7871 scope).
//!
//! A binary tree over the bits of addresses. The scope of an answer is the shortest prefix of the
//! address under which every address has the same region: a resolver may give the answer to all of
//! them, and to nobody else.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A place in the list of regions that the owner of the tree keeps.
pub type RegionIndex = u16;

/// An address range, such as `198.51.100.0/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }
}

/// The text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no network; write it as 198.51.100.0/24 or 2001:db8::/32")]
pub struct BadNetwork(pub String);

impl std::str::FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let bad = || BadNetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse().map_err(|_| bad())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let bits = bits_of(address);
        let prefix = prefix.unwrap_or(bits);
        if prefix > bits {
            return Err(bad());
        }
        Ok(Network { address, prefix })
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.address, self.prefix)
    }
}

const fn bits_of(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Node {
    /// 0: none; the root is nobody's child.
    children: [u32; 2],
    region: Option<RegionIndex>,
}

/// Regions by network; the longest prefix wins.
#[derive(Clone, Debug)]
pub struct Networks {
    v4: Tree,
    v6: Tree,
}

/// What is known of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub region: Option<RegionIndex>,
    /// Bits of the address under which the answer is the same.
    pub scope: u8,
}

impl Default for Networks {
    fn default() -> Self {
        Networks { v4: Tree::new(), v6: Tree::new() }
    }
}

impl Networks {
    /// Later ones replace earlier ones.
    pub fn insert(&mut self, network: Network, region: RegionIndex) {
        let (tree, bits) = self.side(network.address);
        tree.insert(bits, network.prefix, region);
    }

    #[must_use]
    pub fn find(&self, address: IpAddr) -> Found {
        match address {
            IpAddr::V4(address) => self.v4.find(spread(address.to_bits()), 32),
            IpAddr::V6(address) => match mapped(address) {
                Some(inner) => self.v4.find(spread(inner), 32),
                None => self.v6.find(address.to_bits(), 128),
            },
        }
    }

    const fn side(&mut self, address: IpAddr) -> (&mut Tree, u128) {
        match address {
            IpAddr::V4(address) => (&mut self.v4, spread(address.to_bits())),
            IpAddr::V6(address) => (&mut self.v6, address.to_bits()),
        }
    }
}

/// The first bit of every address is the highest.
const fn spread(address: u32) -> u128 {
    (address as u128) << 96
}

fn mapped(address: Ipv6Addr) -> Option<u32> {
    address.to_ipv4_mapped().map(Ipv4Addr::to_bits)
}

#[derive(Clone, Debug)]
struct Tree(Vec<Node>);

impl Tree {
    fn new() -> Self {
        Tree(vec![Node::default()])
    }

    fn insert(&mut self, bits: u128, prefix: u8, region: RegionIndex) {
        let mut at = 0;
        for depth in 0..prefix {
            let side = bit(bits, depth);
            let next = self.0[at].children[side] as usize;
            at = if next == 0 { self.grow(at, side) } else { next };
        }
        self.0[at].region = Some(region);
    }

    fn grow(&mut self, at: usize, side: usize) -> usize {
        let next = self.0.len();
        self.0.push(Node::default());
        // A tree of four billion nodes does not fit in memory.
        self.0[at].children[side] = u32::try_from(next).unwrap_or(0);
        next
    }

    fn find(&self, bits: u128, length: u8) -> Found {
        let (mut at, mut region) = (0, None);
        for depth in 0..length {
            let node = &self.0[at];
            region = node.region.or(region);
            if node.children == [0, 0] {
                return Found { region, scope: depth };
            }
            let next = node.children[bit(bits, depth)] as usize;
            if next == 0 {
                return Found { region, scope: depth + 1 };
            }
            at = next;
        }
        Found { region: self.0[at].region.or(region), scope: length }
    }
}

const fn bit(bits: u128, depth: u8) -> usize {
    ((bits >> (127 - depth as u32)) & 1) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(list: &[(&str, RegionIndex)]) -> Networks {
        let mut networks = Networks::default();
        for (network, region) in list {
            networks.insert(network.parse().expect("a network"), *region);
        }
        networks
    }

    fn find(networks: &Networks, address: &str) -> (Option<RegionIndex>, u8) {
        let found = networks.find(address.parse().expect("an address"));
        (found.region, found.scope)
    }

    #[test]
    fn the_longest_prefix_wins_and_a_hole_in_a_network_narrows_the_scope_beside_it() {
        let tree = networks(&[("10.0.0.0/8", 1), ("10.2.0.0/16", 2), ("2001:db8::/32", 3)]);
        assert_eq!(find(&tree, "10.2.3.4"), (Some(2), 16));
        // 10.3/16 shares fifteen bits with the exception: the answer holds for those sixteen.
        assert_eq!(find(&tree, "10.3.0.1"), (Some(1), 16));
        assert_eq!(find(&tree, "10.128.0.1"), (Some(1), 9));
        assert_eq!(find(&tree, "192.0.2.1"), (None, 1));
        assert_eq!(find(&tree, "2001:db8::1"), (Some(3), 32));
        assert_eq!(find(&tree, "::ffff:10.2.0.1"), (Some(2), 16));
    }

    #[test]
    fn without_networks_one_answer_holds_for_everybody() {
        assert_eq!(find(&Networks::default(), "203.0.113.9"), (None, 0));
        assert_eq!(find(&Networks::default(), "2001:db8::1"), (None, 0));
    }

    #[test]
    fn every_address_under_a_scope_has_the_same_region() {
        let tree = networks(&[("10.0.0.0/8", 1), ("10.64.0.0/10", 2), ("10.64.7.0/24", 3)]);
        let mut seed: u32 = 7;
        for _ in 0..2_000 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let bits = 0x0a00_0000 | (seed >> 8);
            let found = tree.find(IpAddr::V4(bits.into()));
            let rest = if found.scope == 32 { 0 } else { u32::MAX >> found.scope };
            for other in [bits & !rest, bits | rest] {
                assert_eq!(tree.find(IpAddr::V4(other.into())).region, found.region);
            }
        }
    }
}
