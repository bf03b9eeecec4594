//! Targets: how small the hash of a header must be.

use std::fmt;

use crate::anchor::bitcoin::Sha256d;

/// The greatest hash that counts, as a number from its most significant byte on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target([u8; 32]);

impl Target {
    /// No hash is this small.
    pub(super) const NOTHING: Target = Target([0; 32]);

    /// From the short form of a header: one byte that says how many bytes long the number is, and
    /// its first three. `None` if it is negative, zero or over 256 bits, where nothing is a proof.
    #[must_use]
    pub fn from_bits(bits: u32) -> Option<Self> {
        const NEGATIVE: u32 = 0x0080_0000;
        let [length, first @ ..] = bits.to_be_bytes();
        if bits & NEGATIVE != 0 {
            return None;
        }
        let mut number = [0; 32];
        for (at, byte) in first.into_iter().enumerate() {
            // How many bytes of the number follow this one; those below the point are cut off.
            let Some(after) = usize::from(length).checked_sub(at + 1) else { continue };
            match number.len().checked_sub(after + 1).and_then(|place| number.get_mut(place)) {
                Some(place) => *place = byte,
                None if byte == 0 => {}
                None => return None,
            }
        }
        Some(Target(number)).filter(|target| *target != Target::NOTHING)
    }

    /// Is this hash small enough?
    #[must_use]
    pub fn admits(self, hash: Sha256d) -> bool {
        let mut number = hash.0;
        number.reverse();
        number <= self.0
    }

    /// The tries that one hash below it takes on average, as a power of two.
    fn work_log2(self) -> usize {
        let zero_bytes = self.0.iter().take_while(|byte| **byte == 0).count();
        let first = self.0.get(zero_bytes).copied().unwrap_or_default();
        zero_bytes * 8 + first.leading_zeros() as usize
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (about 2^{} tries)", hex::encode(self.0), self.work_log2())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(bits: u32) -> Option<String> {
        Target::from_bits(bits).map(|target| hex::encode(target.0))
    }

    /// The cases of Bitcoin Core's `arith_uint256_tests`.
    #[test]
    fn the_short_form_is_read_as_bitcoin_core_reads_it() {
        for nothing in [
            0,
            0x0012_3456,
            0x0100_3456,
            0x0200_0056,
            0x0300_0000,
            0x0400_0000,
            0x0092_3456,
            0x0180_3456,
            0x0200_0056,
            0x01fe_dcba,
            0x0492_3456,
            0xff12_3456,
        ] {
            assert_eq!(target(nothing), None, "{nothing:08x}");
        }
        for (bits, end) in [
            (0x0112_3456, "12"),
            (0x0200_8000, "80"),
            (0x0212_3456, "1234"),
            (0x0312_3456, "123456"),
            (0x0412_3456, "12345600"),
            (0x0500_9234, "92340000"),
        ] {
            assert_eq!(target(bits), Some(format!("{end:0>64}")), "{bits:08x}");
        }
        assert_eq!(target(0x2012_3456), Some(format!("123456{:0<58}", "")));
        assert_eq!(target(0x2200_0001), Some(format!("01{:0<62}", "")), "two leading zero bytes");
        assert_eq!(target(0x2200_0100), None, "one bit more than there are");
    }
}
