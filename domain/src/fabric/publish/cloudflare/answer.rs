//! The envelope around every answer.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// A refusal, with Cloudflare's number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Fault {
    pub code: u64,
    #[serde(default)]
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({})", self.message, self.code)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct PageInfo {
    pub page: u64,
    pub total_pages: u64,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Taken {
        result: Value,
        page: Option<PageInfo>,
    },
    Refused(Vec<Fault>),
    /// No envelope.
    Unreadable(String),
}

#[derive(Deserialize)]
struct Envelope {
    success: bool,
    #[serde(default)]
    errors: Vec<Fault>,
    #[serde(default)]
    result: Value,
    result_info: Option<Value>,
}

#[must_use]
pub fn read(body: &[u8]) -> Answer {
    match serde_json::from_slice::<Envelope>(body) {
        Ok(Envelope { success: true, result, result_info, .. }) => {
            let page = result_info.and_then(|info| serde_json::from_value(info).ok());
            Answer::Taken { result, page }
        }
        Ok(Envelope { errors, .. }) => Answer::Refused(errors),
        Err(error) => Answer::Unreadable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_is_what_the_envelope_says_and_nothing_else() {
        let taken = read(br#"{"success":true,"errors":[],"messages":[],"result":[],"result_info":{"page":1,"total_pages":3,"count":0}}"#);
        let Answer::Taken { page, .. } = taken else { panic!("{taken:?}") };
        assert_eq!(page, Some(PageInfo { page: 1, total_pages: 3 }));
        let refused = read(
            br#"{"success":false,"errors":[{"code":81058,"message":"exists"}],"result":null}"#,
        );
        let fault = Fault { code: 81_058, message: "exists".to_owned() };
        assert_eq!(fault.to_string(), "exists (81058)");
        assert_eq!(refused, Answer::Refused(vec![fault]));
        assert!(matches!(read(b"<html>"), Answer::Unreadable(_)));
    }
}
