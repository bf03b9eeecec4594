//! RLP, Ethereum's encoding: byte strings and lists. Only the one canonical form is read, and no
//! list is opened but the one that was asked for, so that depth cannot be forced on the reader.

use crate::anchor::bytes::{Defect, Malformed, Reader};

/// A block's header has about twenty items, a trie's node 17, a transaction up to 14.
pub const LIST_ITEMS_MAX: usize = 64;

/// Prefixes: below it a byte stands for itself.
const STRING: u8 = 0x80;
const LIST: u8 = 0xc0;
/// Longer ones have their length in bytes of its own.
const SHORT_BYTES_MAX: u8 = 55;

/// A string, or the encoded items of a list that was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    Bytes(&'a [u8]),
    List(&'a [u8]),
}

impl<'a> Item<'a> {
    /// The string; `None` if it is a list.
    #[must_use]
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Item::Bytes(bytes) => Some(bytes),
            Item::List(_) => None,
        }
    }

    /// A number in its shortest form, or `None`.
    #[must_use]
    pub fn number(self) -> Option<u64> {
        let bytes = self.bytes()?;
        let mut number = [0; 8];
        number.get_mut(8_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
        (bytes.first() != Some(&0)).then_some(u64::from_be_bytes(number))
    }

    /// A string of exactly this length, or `None`.
    #[must_use]
    pub fn array<const N: usize>(self) -> Option<[u8; N]> {
        self.bytes()?.try_into().ok()
    }
}

/// The items of one list that is all of `bytes`.
///
/// # Errors
/// Not canonical RLP, no list, or more than [`LIST_ITEMS_MAX`] items; and at which byte.
pub fn list(bytes: &[u8], bytes_max: usize) -> Result<Vec<Item<'_>>, Malformed> {
    let mut reader = Reader::new(bytes, bytes_max)?;
    let Item::List(inside) = read(&mut reader)? else {
        return Err(Defect::Rlp("a string where a list must stand").at(0));
    };
    let start = reader.at() - inside.len();
    reader.finish()?;
    items(inside).map_err(|inner| Malformed { at: start + inner.at, what: inner.what })
}

/// The items of a list whose inside was read already.
///
/// # Errors
/// Not canonical RLP, or more than [`LIST_ITEMS_MAX`] items; and at which byte of the inside.
pub fn items(inside: &[u8]) -> Result<Vec<Item<'_>>, Malformed> {
    let mut reader = Reader::new(inside, inside.len())?;
    let mut items = Vec::new();
    while reader.left() > 0 {
        if items.len() == LIST_ITEMS_MAX {
            return reader.fail(Defect::TooMany { what: "items", max: LIST_ITEMS_MAX });
        }
        items.push(read(&mut reader)?);
    }
    Ok(items)
}

fn read<'a>(reader: &mut Reader<'a>) -> Result<Item<'a>, Malformed> {
    let at = reader.at();
    let prefix = reader.byte()?;
    if prefix < STRING {
        return Ok(Item::Bytes(reader.since(at)));
    }
    if prefix >= LIST {
        let length = read_length(reader, prefix - LIST)?;
        return reader.take(length).map(Item::List);
    }
    let length = read_length(reader, prefix - STRING)?;
    match reader.take(length)? {
        [byte] if *byte < STRING => Err(Defect::Rlp("a byte that needs no prefix has one").at(at)),
        bytes => Ok(Item::Bytes(bytes)),
    }
}

/// Up to 55 the length itself; above, how many bytes it takes.
fn read_length(reader: &mut Reader<'_>, short: u8) -> Result<u64, Malformed> {
    let Some(count) = short.checked_sub(SHORT_BYTES_MAX).filter(|count| *count > 0) else {
        return Ok(u64::from(short));
    };
    let at = reader.at();
    let bytes = reader.take(u64::from(count))?;
    match Item::Bytes(bytes).number() {
        Some(length) if length > u64::from(SHORT_BYTES_MAX) => Ok(length),
        _ => Err(Defect::Number.at(at)),
    }
}

/// A string, encoded.
#[must_use]
pub fn encode_bytes(bytes: &[u8]) -> Vec<u8> {
    match bytes {
        [byte] if *byte < STRING => vec![*byte],
        _ => encode(STRING, bytes),
    }
}

/// A number, encoded: its bytes without leading zeros.
#[must_use]
pub fn encode_number(number: u64) -> Vec<u8> {
    encode_bytes(shortest(&number.to_be_bytes()))
}

/// A list of items that are encoded already.
#[must_use]
pub fn encode_list(items: &[Vec<u8>]) -> Vec<u8> {
    encode(LIST, &items.concat())
}

fn encode(kind: u8, inside: &[u8]) -> Vec<u8> {
    let length = (inside.len() as u64).to_be_bytes();
    let length = shortest(&length);
    let mut out = match u8::try_from(inside.len()) {
        Ok(short) if short <= SHORT_BYTES_MAX => vec![kind + short],
        // A length is eight bytes at most, so this stays below the next kind.
        _ => [&[kind + SHORT_BYTES_MAX + length.len() as u8], length].concat(),
    };
    out.extend_from_slice(inside);
    out
}

fn shortest(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The examples of Ethereum's documentation of RLP.
    #[test]
    fn the_documented_examples_are_written_so() {
        assert_eq!(encode_bytes(b"dog"), b"\x83dog");
        assert_eq!(
            encode_list(&[encode_bytes(b"cat"), encode_bytes(b"dog")]),
            b"\xc8\x83cat\x83dog"
        );
        assert_eq!(encode_bytes(b""), [0x80]);
        assert_eq!(encode_list(&[]), [0xc0]);
        assert_eq!(encode_number(0), [0x80]);
        assert_eq!(encode_number(15), [0x0f]);
        assert_eq!(encode_number(1024), [0x82, 0x04, 0x00]);
        let long = b"Lorem ipsum dolor sit amet, consectetur adipisicing elit";
        assert_eq!(encode_bytes(long), [&[0xb8, 0x38][..], long].concat());
    }

    #[test]
    fn a_second_spelling_is_refused() {
        for (bytes, at) in [
            (&[0xc2, 0x81, 0x05][..], 1),
            (&[0xc4, 0xb8, 0x02, 7, 8], 2),
            (&[0xf8, 0x00], 1),
            (&[0xf9, 0x00, 0x38], 1),
            (&[0xc1], 1),
            (&[0xc0, 0x00], 1),
            (&[0x80], 0),
        ] {
            assert_eq!(list(bytes, 64).map_err(|error| error.at).err(), Some(at), "{bytes:02x?}");
        }
        assert_eq!(Item::Bytes(&[0, 1]).number(), None);
        assert_eq!(Item::Bytes(&[1; 9]).number(), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            strings in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..10)
        ) {
            let encoded: Vec<_> = strings.iter().map(|bytes| encode_bytes(bytes)).collect();
            let bytes = encode_list(&encoded);
            let items = list(&bytes, bytes.len()).expect("canonical");
            let read: Vec<_> = items.into_iter().filter_map(Item::bytes).collect();
            prop_assert_eq!(read, strings);
        }

        #[test]
        fn what_is_read_has_one_spelling(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(items) = list(&bytes, 80) {
                let again: Vec<_> = items.into_iter().map(|item| match item {
                    Item::Bytes(bytes) => encode_bytes(bytes),
                    Item::List(inside) => encode(LIST, inside),
                }).collect();
                prop_assert_eq!(encode_list(&again), bytes);
            }
        }
    }
}
