//! AWS Signature Version 4, for requests whose body is at hand.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};

use crate::clock::Timestamp;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Whose signature. It never shows its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: String,
    /// Of temporary credentials.
    pub session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Credentials({}, hidden)", self.access_key_id)
    }
}

/// Where a signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    pub region: &'a str,
    pub service: &'a str,
}

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    pub method: &'a str,
    /// As in the header `host`.
    pub host: &'a str,
    /// Absolute, encoded as it is sent.
    pub path: &'a str,
    /// Decoded.
    pub query: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
}

/// The headers that make a request a signed one, beside `host`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    pub authorization: String,
    pub amz_date: String,
    pub security_token: Option<String>,
}

/// Signs `host`, `x-amz-date` and the session's token, if there is one.
#[must_use]
pub fn sign(
    request: &Request<'_>,
    credentials: &Credentials,
    scope: Scope<'_>,
    at: Timestamp,
) -> Signed {
    let amz_date = amz_date(at);
    let day = &amz_date[..8];
    let mut headers = vec![("host", request.host), ("x-amz-date", amz_date.as_str())];
    let token = credentials.session_token.as_deref();
    headers.extend(token.map(|token| ("x-amz-security-token", token)));
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical = format!(
        "{}\n{}\n{}\n{lines}\n{names}\n{}",
        request.method,
        request.path,
        query(request.query),
        hex_sha256(request.body)
    );
    let Scope { region, service } = scope;
    let within = format!("{day}/{region}/{service}/aws4_request");
    let to_sign =
        format!("{ALGORITHM}\n{amz_date}\n{within}\n{}", hex_sha256(canonical.as_bytes()));
    let first = format!("AWS4{}", credentials.secret_access_key);
    let parts = [day, region, service, "aws4_request"];
    let key = parts.iter().fold(first.into_bytes(), |key, part| mac(&key, part.as_bytes()));
    let signature = hex::encode(mac(&key, to_sign.as_bytes()));
    let by = &credentials.access_key_id;
    Signed {
        authorization: format!(
            "{ALGORITHM} Credential={by}/{within}, SignedHeaders={names}, Signature={signature}"
        ),
        amz_date,
        security_token: credentials.session_token.clone(),
    }
}

/// The query as it is signed, which is also how it can be sent: encoded, in order.
#[must_use]
pub fn query(pairs: &[(&str, &str)]) -> String {
    let mut encoded: Vec<(String, String)> =
        pairs.iter().map(|(name, value)| (encode(name), encode(value))).collect();
    encoded.sort_unstable();
    let joined = encoded.iter().map(|(name, value)| format!("{name}={value}"));
    joined.collect::<Vec<_>>().join("&")
}

/// RFC 3986, unreserved characters stay.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// `20261122T093005Z`.
fn amz_date(at: Timestamp) -> String {
    let at = at.to_datetime();
    let (hour, minute, second) = at.to_hms();
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

fn hex_sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// # Panics
/// Never: HMAC takes keys of any length.
#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn credentials(token: Option<&str>) -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: SECRET.to_owned(),
            session_token: token.map(str::to_owned),
        }
    }

    fn signature(signed: &Signed) -> &str {
        signed.authorization.rsplit_once("Signature=").expect("it ends so").1
    }

    /// AWS's own suite: `get-vanilla`, `post-vanilla` and `get-vanilla-query-order-key-case`.
    #[test]
    fn the_vectors_of_aws_are_met() {
        let at = "2015-08-30T12:36:00Z".parse().expect("a time");
        let scope = Scope { region: "us-east-1", service: "service" };
        let of = |method, query: &[(&str, &str)]| {
            let request =
                Request { method, host: "example.amazonaws.com", path: "/", query, body: b"" };
            sign(&request, &credentials(None), scope, at)
        };
        let vanilla = of("GET", &[]);
        assert_eq!(
            vanilla.authorization,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        let posted = of("POST", &[]);
        let expected = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        assert_eq!(signature(&posted), expected);
        let ordered = of("GET", &[("Param2", "value2"), ("Param1", "value1")]);
        let expected = "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500";
        assert_eq!(signature(&ordered), expected);
    }

    /// Made with botocore 1.43.11's `SigV4Auth`.
    #[test]
    fn a_question_to_route_53_is_signed_as_botocore_does_and_a_token_is_signed_too() {
        let at = "2026-11-22T09:30:05Z".parse().expect("a time");
        let scope = Scope { region: "us-east-1", service: "route53" };
        let query = [("name", "api.example.com."), ("type", "A"), ("maxitems", "300")];
        let request = Request {
            method: "GET",
            host: "route53.amazonaws.com",
            path: "/2013-04-01/hostedzone/Z111/rrset",
            query: &query,
            body: b"",
        };
        let signed = sign(&request, &credentials(None), scope, at);
        assert_eq!(signed.amz_date, "20261122T093005Z");
        let expected = "3c2c9e695498abf260469a8c044214bfee02141534d2cddede1d42e2fefe0765";
        assert_eq!(signature(&signed), expected);
        let with = sign(&request, &credentials(Some("TOKEN//==")), scope, at);
        assert!(with.authorization.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"));
        assert_ne!(signature(&with), expected);
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let text = format!("{:?}", credentials(Some("TOKEN")));
        assert!(text.contains("AKIDEXAMPLE") && !text.contains(SECRET) && !text.contains("TOKEN"));
    }
}
