//! JSON text as a tree (RFC 8259). Texts without escapes stay where they are, and numbers are their digits
//! until somebody says what they are.

use std::borrow::Cow;
use std::str;

use super::{DEPTH_MAX, Unreadable};

#[derive(Debug)]
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
    /// A member's name: a text, or a number where a map's keys are numbers.
    Key(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Object(Vec<(Json<'a>, Json<'a>)>),
}

pub(super) fn parse(text: &str) -> Result<Json<'_>, Unreadable> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let value = parser.value()?;
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.refuse("nothing more")),
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Of the byte that is read next.
    at: usize,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn value(&mut self) -> Result<Json<'a>, Unreadable> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::list),
            Some(b'"') => self.text().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<Json<'a>, Unreadable>,
    ) -> Result<Json<'a>, Unreadable> {
        if self.depth == DEPTH_MAX {
            return Err(self.refuse("less depth"));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Json<'a>, Unreadable> {
        let mut members = Vec::new();
        while self.goes_on(b'}', members.is_empty())? {
            if self.peek() != Some(b'"') {
                return Err(self.refuse("a name in quotes"));
            }
            let name = self.text()?;
            if !self.takes(b':') {
                return Err(self.refuse("`:`"));
            }
            members.push((Json::Key(name), self.value()?));
        }
        Ok(Json::Object(members))
    }

    fn list(&mut self) -> Result<Json<'a>, Unreadable> {
        let mut elements = Vec::new();
        while self.goes_on(b']', elements.is_empty())? {
            elements.push(self.value()?);
        }
        Ok(Json::List(elements))
    }

    /// Whether another follows before the end.
    fn goes_on(&mut self, end: u8, is_first: bool) -> Result<bool, Unreadable> {
        if self.takes(end) {
            return Ok(false);
        }
        if is_first || self.takes(b',') {
            return Ok(true);
        }
        Err(self.refuse("`,` or the end of a list or an object"))
    }

    fn text(&mut self) -> Result<Cow<'a, str>, Unreadable> {
        self.at += 1;
        let mut whole = Cow::Borrowed("");
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(|letter| matches!(letter, '"' | '\\' | '\0'..='\x1f'));
            let Some(plain) = plain else { return Err(self.refuse("the end of a text")) };
            whole += &rest[..plain];
            self.at += plain + 1;
            match rest.as_bytes()[plain] {
                b'"' => return Ok(whole),
                b'\\' => whole.to_mut().push(self.escaped()?),
                _ => return Err(self.refuse("no control character in a text")),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, Unreadable> {
        let letter = self.text.as_bytes().get(self.at);
        self.at += 1;
        Ok(match letter {
            Some(letter @ (b'"' | b'\\' | b'/')) => char::from(*letter),
            Some(b'b') => '\x08',
            Some(b'f') => '\x0c',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.escaped_unit(),
            _ => return Err(self.refuse("an escape")),
        })
    }

    /// `\u` was read. What is outside the first plane comes as two units.
    fn escaped_unit(&mut self) -> Result<char, Unreadable> {
        let mut units = vec![self.unit()?];
        if matches!(units[0], 0xd800..0xdc00) && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            units.push(self.unit()?);
        }
        let mut letters = char::decode_utf16(units);
        match (letters.next(), letters.next()) {
            (Some(Ok(letter)), None) => Ok(letter),
            _ => Err(self.refuse("two halves of a letter")),
        }
    }

    fn unit(&mut self) -> Result<u16, Unreadable> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        self.at += 4;
        unit.ok_or_else(|| self.refuse("four hexadecimal digits"))
    }

    fn number(&mut self) -> Result<Json<'a>, Unreadable> {
        let number =
            self.run(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
        if is_number(number) { Ok(Json::Number(number)) } else { Err(self.refuse("a number")) }
    }

    fn word(&mut self) -> Result<Json<'a>, Unreadable> {
        match self.run(u8::is_ascii_alphabetic) {
            "null" => Ok(Json::Null),
            "true" => Ok(Json::Bool(true)),
            "false" => Ok(Json::Bool(false)),
            _ => Err(self.refuse("a value")),
        }
    }

    /// The ASCII that follows and is such.
    fn run(&mut self, is_such: fn(&u8) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let length = rest.bytes().take_while(is_such).count();
        self.at += length;
        &rest[..length]
    }

    /// Past white space, the next byte.
    fn peek(&mut self) -> Option<u8> {
        self.run(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        self.text.as_bytes().get(self.at).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn refuse(&self, wanted: &str) -> Unreadable {
        Unreadable::new(format!("JSON: {wanted} expected before byte {}", self.at))
    }
}

/// `-? (0 | 1-9 digits) (. digits)? (e +-? digits)?`
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && digits(fraction)
        && digits(exponent)
}
