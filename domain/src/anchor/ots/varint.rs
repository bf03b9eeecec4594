//! Numbers as OpenTimestamps writes them: base 128, little-endian (LEB128).

use crate::anchor::bytes::{Defect, Malformed, Reader};

/// Seven bits a byte, 64 in all.
const SHIFT_MAX: u32 = 63;

/// A number in its shortest form. The reference writes no other, and one spelling a proof is what
/// lets it be written again as it was read.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<u64, Malformed> {
    let start = reader.at();
    let mut value = 0;
    for shift in (0..=SHIFT_MAX).step_by(7) {
        let byte = reader.byte()?;
        let bits = u64::from(byte & 0x7f);
        let is_last = byte & 0x80 == 0;
        if (bits << shift) >> shift != bits || (is_last && bits == 0 && shift > 0) {
            break;
        }
        value |= bits << shift;
        if is_last {
            return Ok(value);
        }
    }
    Err(Defect::Number.at(start))
}

pub(super) fn write(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A length, and that many bytes.
pub(super) fn read_bytes<'a>(
    reader: &mut Reader<'a>,
    least: usize,
    most: usize,
) -> Result<&'a [u8], Malformed> {
    let at = reader.at();
    let found = read(reader)?;
    let (least, most) = (least as u64, most as u64);
    if found < least || found > most {
        return Err(Defect::Length { found, least, most }.at(at));
    }
    reader.take(found)
}

pub(super) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_all(bytes: &[u8]) -> Result<u64, Malformed> {
        let mut reader = Reader::new(bytes, 16)?;
        let value = read(&mut reader)?;
        reader.finish().map(|()| value)
    }

    #[test]
    fn only_the_shortest_form_of_a_number_is_one() {
        assert_eq!(read_all(&[0xf7, 0xef, 0x15]), Ok(358_391));
        assert_eq!(read_all(&[0x80, 0x00]), Err(Defect::Number.at(0)));
        assert_eq!(read_all(&[0xff; 10]), Err(Defect::Number.at(0)));
        assert_eq!(read_all(&[0x80]), Err(Defect::Truncated(1).at(1)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value: u64) {
            let mut bytes = Vec::new();
            write(&mut bytes, value);
            prop_assert_eq!(read_all(&bytes), Ok(value));
        }
    }
}
