//! Certificates as people keep them: PEM, one or many in a file, or one in DER.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::anchor::rfc3161::Certificate;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// Every authority that browsers trust is fewer.
pub const CERTIFICATES_MAX: usize = 1_024;

/// The file gives no certificates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCertificates {
    #[error("certificate {number}: {cause}")]
    Certificate { number: usize, cause: String },
    #[error("it holds no certificate")]
    None,
    #[error("it holds more than {CERTIFICATES_MAX} certificates")]
    TooMany,
}

/// An ASN.1 SEQUENCE that is all of the file, or a large one: text never begins so.
#[must_use]
pub fn is_der(bytes: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    match bytes {
        [SEQUENCE, 0x81..=0x84, ..] => true,
        [SEQUENCE, length, rest @ ..] => usize::from(*length) == rest.len(),
        _ => false,
    }
}

/// Every certificate in the file, in its order. What stands between them is for people.
///
/// # Errors
/// There is none, or which one cannot be read and why.
pub fn certificates(bytes: &[u8]) -> Result<Vec<Certificate>, BadCertificates> {
    let parse = |number, der: &[u8]| {
        let fail = |cause: String| BadCertificates::Certificate { number, cause };
        Certificate::parse(der).map_err(|cause| fail(cause.to_string()))
    };
    if is_der(bytes) {
        return Ok(vec![parse(1, bytes)?]);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| BadCertificates::None)?;
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(BEGIN) {
        let number = found.len() + 1;
        if number > CERTIFICATES_MAX {
            return Err(BadCertificates::TooMany);
        }
        let fail = |cause: &str| BadCertificates::Certificate { number, cause: cause.to_owned() };
        let (body, next) = after.split_once(END).ok_or_else(|| fail("its end is missing"))?;
        let body: String = body.split_ascii_whitespace().collect();
        let der = BASE64.decode(body).map_err(|_| fail("it is not base64"))?;
        found.push(parse(number, &der)?);
        rest = next;
    }
    if found.is_empty() { Err(BadCertificates::None) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_sequence_is_taken_for_der() {
        assert!(is_der(&[0x30, 0x82, 1, 2]));
        assert!(is_der(&[0x30, 1, 5]));
        assert!(!is_der(b"0123"));
        assert!(!is_der(b"{}"));
        assert!(!is_der(b""));
    }

    #[test]
    fn a_file_without_a_whole_certificate_says_what_is_wrong() {
        assert_eq!(certificates(b"neither"), Err(BadCertificates::None));
        let said = |text: &str| certificates(text.as_bytes()).expect_err("none").to_string();
        assert_eq!(said(BEGIN), "certificate 1: its end is missing");
        assert_eq!(said(&format!("{BEGIN}\n!\n{END}")), "certificate 1: it is not base64");
        assert!(said(&format!("{BEGIN}\nMAA=\n{END}")).starts_with("certificate 1: byte "));
    }
}
