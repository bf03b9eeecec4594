//! Shapes read from a tree, for serde.
//!
//! Less general than serde allows, and smaller for it: a struct is always an object, so that the code that
//! would read it from a list is never made; what is common to all shapes is in functions that are compiled
//! once.

use std::slice;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};

use super::Unreadable;
use super::tree::Json;
use crate::browser;

type Members<'de> = slice::Iter<'de, (Json<'de>, Json<'de>)>;

impl<'de> Json<'de> {
    #[inline(never)]
    fn members(&'de self) -> Result<Entries<'de>, Unreadable> {
        match self {
            Json::Object(members) => Ok(Entries { rest: members.iter(), value: None }),
            _ => Err(self.is_not("an object")),
        }
    }

    #[inline(never)]
    fn elements(&'de self) -> Result<Elements<'de>, Unreadable> {
        match self {
            Json::List(elements) => Ok(Elements(elements.iter())),
            _ => Err(self.is_not("a list")),
        }
    }

    #[inline(never)]
    fn words(&self) -> Result<&str, Unreadable> {
        match self {
            Json::Text(text) | Json::Key(text) => Ok(text),
            _ => Err(self.is_not("a text")),
        }
    }

    /// A number's digits, or a key that may be one.
    #[inline(never)]
    fn digits(&self) -> Result<&str, Unreadable> {
        match self {
            Json::Number(text) => Ok(text),
            Json::Key(text) => Ok(text),
            _ => Err(self.is_not("a number")),
        }
    }

    #[inline(never)]
    fn unsigned(&self) -> Result<u64, Unreadable> {
        self.digits()?.parse().map_err(|_| self.is_not("a whole number from 0"))
    }

    #[inline(never)]
    fn signed(&self) -> Result<i64, Unreadable> {
        self.digits()?.parse().map_err(|_| self.is_not("a whole number"))
    }

    #[inline(never)]
    fn real(&self) -> Result<f64, Unreadable> {
        let value = browser::read_number(self.digits()?);
        value.ok_or_else(|| self.is_not("a number within bounds"))
    }

    #[inline(never)]
    fn truth(&self) -> Result<bool, Unreadable> {
        match self {
            Json::Bool(value) => Ok(*value),
            _ => Err(self.is_not("true or false")),
        }
    }

    #[inline(never)]
    fn nothing(&self) -> Result<(), Unreadable> {
        match self {
            Json::Null => Ok(()),
            _ => Err(self.is_not("null")),
        }
    }

    #[inline(never)]
    fn variant(&'de self) -> Result<Variant<'de>, Unreadable> {
        match self {
            Json::Text(_) | Json::Key(_) => Ok(Variant { name: self, content: None }),
            Json::Object(members) => match members.as_slice() {
                [(name, content)] => Ok(Variant { name, content: Some(content) }),
                _ => Err(self.is_not("an object with one member")),
            },
            _ => Err(self.is_not("one of several words")),
        }
    }

    fn is_not(&self, wanted: &str) -> Unreadable {
        let (found, value) = match self {
            Json::Null => ("null", ""),
            Json::Bool(_) => ("true or false", ""),
            Json::Number(number) => ("the number ", *number),
            Json::Text(text) | Json::Key(text) => ("the text ", &**text),
            Json::List(_) => ("a list", ""),
            Json::Object(_) => ("an object", ""),
        };
        Unreadable::new(format!("{wanted} expected, not {found}{value}"))
    }
}

macro_rules! reads {
    ($($method:ident: $part:ident, $visit:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
            visitor.$visit(self.$part()?)
        }
    )*};
}

impl<'de> Deserializer<'de> for &'de Json<'de> {
    type Error = Unreadable;

    reads! {
        deserialize_bool: truth, visit_bool;
        deserialize_u8: unsigned, visit_u64;
        deserialize_u16: unsigned, visit_u64;
        deserialize_u32: unsigned, visit_u64;
        deserialize_u64: unsigned, visit_u64;
        deserialize_i8: signed, visit_i64;
        deserialize_i16: signed, visit_i64;
        deserialize_i32: signed, visit_i64;
        deserialize_i64: signed, visit_i64;
        deserialize_f32: real, visit_f64;
        deserialize_f64: real, visit_f64;
        deserialize_char: words, visit_str;
        deserialize_str: words, visit_str;
        deserialize_string: words, visit_str;
        deserialize_identifier: words, visit_str;
        deserialize_seq: elements, visit_seq;
        deserialize_map: members, visit_map;
        deserialize_bytes: elements, visit_seq;
        deserialize_byte_buf: elements, visit_seq;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self {
            Json::Null => visitor.visit_unit(),
            Json::Bool(value) => visitor.visit_bool(*value),
            Json::Text(text) | Json::Key(text) => visitor.visit_str(text),
            Json::List(_) => visitor.visit_seq(self.elements()?),
            Json::Object(_) => visitor.visit_map(self.members()?),
            Json::Number(number) => {
                if let Ok(value) = number.parse() {
                    visitor.visit_u64(value)
                } else if let Ok(value) = number.parse() {
                    visitor.visit_i64(value)
                } else {
                    visitor.visit_f64(self.real()?)
                }
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        match self {
            Json::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        self.nothing()?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        let elements = self.elements()?;
        if elements.0.len() != length {
            return Err(self.is_not("a list of another length"));
        }
        visitor.visit_seq(elements)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_map(self.members()?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_enum(self.variant()?)
    }

    /// Whatever it is, it is JSON: the tree has seen to that.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unreadable> {
        visitor.visit_unit()
    }
}

struct Elements<'de>(slice::Iter<'de, Json<'de>>);

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Unreadable;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unreadable> {
        self.0.next().map(|element| seed.deserialize(element)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Entries<'de> {
    rest: Members<'de>,
    value: Option<&'de Json<'de>>,
}

impl<'de> Entries<'de> {
    #[inline(never)]
    fn name(&mut self) -> Option<&'de Json<'de>> {
        let (name, value) = self.rest.next()?;
        self.value = Some(value);
        Some(name)
    }

    #[inline(never)]
    fn value(&mut self) -> Result<&'de Json<'de>, Unreadable> {
        self.value.take().ok_or_else(|| Unreadable::custom("a value is read before its name"))
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Unreadable;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unreadable> {
        self.name().map(|name| seed.deserialize(name)).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, Unreadable> {
        seed.deserialize(self.value()?)
    }
}

/// `"word"`, or `{"word": content}`.
struct Variant<'de> {
    name: &'de Json<'de>,
    content: Option<&'de Json<'de>>,
}

impl<'de> Variant<'de> {
    #[inline(never)]
    fn content(&self) -> Result<&'de Json<'de>, Unreadable> {
        self.content.ok_or_else(|| self.name.is_not("more than a word"))
    }
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Unreadable;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self), Unreadable> {
        Ok((seed.deserialize(self.name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<(), Unreadable> {
        self.content.map_or(Ok(()), Json::nothing)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, Unreadable> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        self.content()?.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unreadable> {
        visitor.visit_map(self.content()?.members()?)
    }
}
