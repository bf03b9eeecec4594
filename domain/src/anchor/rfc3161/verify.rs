//! Checking a time stamp: what was stamped, what was signed, by whom, and who vouches for them.

use crate::anchor::rfc3161::certificate::Certificate;
use crate::anchor::rfc3161::signed::{CertificateId, ID_CT_TST_INFO};
use crate::anchor::rfc3161::{HashAlgorithm, Request, TimeStamp, algorithm, chain};
use crate::receipt::{Step, StepState, Verification, step};

/// Checks every step. Never fails: what is wrong is in the steps.
///
/// `stamped` is the digest of the data in question, by [`TimeStamp::hash`]; `request` the one that
/// the stamp must answer; `roots` are certificates of authorities that the verifier trusts. The
/// chain is judged as of the stamp's own time, since certificates expire and stamps must not. The
/// verdict is green only with data or request, and with roots. Revocation is not looked up.
#[must_use]
pub fn verify(
    stamp: &TimeStamp,
    stamped: Option<&[u8]>,
    request: Option<&Request>,
    roots: &[Certificate],
) -> Verification {
    let pool = || stamp.signed.certificates.iter().chain(roots);
    let signer = pool().find(|one| stamp.signed.signer.by.is(one));
    let mut steps = vec![imprint(stamp, stamped, request)];
    steps.extend(request.map(|request| nonce(stamp, request)));
    steps.push(content(stamp));
    match signer {
        None => steps.push(no_signer(stamp)),
        Some(signer) => {
            steps.push(signature(stamp, signer));
            steps.push(named(stamp, signer));
            steps.push(purpose(signer));
            steps.push(trust(stamp, signer, roots));
        }
    }
    let missing = missing(stamped.is_some() || request.is_some(), !roots.is_empty());
    let valid = signer.map_or_else(String::new, |signer| valid(stamp, signer));
    Verification::of(steps, &missing, &valid)
}

fn imprint(stamp: &TimeStamp, stamped: Option<&[u8]>, request: Option<&Request>) -> Step {
    let imprint = stamp.imprint();
    let title = "The data's digest is the one that was stamped";
    let method = imprint.hash.to_string();
    let inputs = vec![("digest in the time stamp", hex::encode(&imprint.digest))];
    if !imprint.hash.is_sound() {
        let result = "two documents with one SHA-1 can be made: it identifies none".to_owned();
        return step(title, &method, inputs, result, false);
    }
    let asked = request.map(|request| &request.imprint);
    let Some(digest) = stamped.or(asked.map(|asked| asked.digest.as_slice())) else {
        let result = "no data was given: compare this digest with your data's".to_owned();
        let done = step(title, &method, inputs, result, true);
        return Step { state: StepState::Unidentified, ..done };
    };
    let holds = digest == imprint.digest && asked.is_none_or(|asked| asked == imprint);
    step(title, &method, inputs, hex::encode(digest), holds)
}

fn nonce(stamp: &TimeStamp, request: &Request) -> Step {
    let show = |nonce: &Option<Vec<u8>>| nonce.as_ref().map_or("none".to_owned(), hex::encode);
    let found = &stamp.info().nonce;
    step(
        "The time stamp answers this request",
        "the request's number stands in what was signed",
        vec![("number in the request", show(&request.nonce))],
        show(found),
        request.nonce.is_none() || *found == request.nonce,
    )
}

fn content(stamp: &TimeStamp) -> Step {
    let signed = &stamp.signed;
    let attributes = &signed.signer.attributes;
    let digest = signed.signer.hash.digest(&signed.content);
    let info = stamp.info();
    let accuracy = info
        .accuracy_us
        .map_or_else(|| "not stated".to_owned(), |us| format!("{} ms", us.div_ceil(1000)));
    let holds = attributes.content_type == Some(ID_CT_TST_INFO)
        && attributes.message_digest.as_ref() == Some(&digest);
    step(
        "The signature covers this digest and this time",
        &format!(
            "{} of the content = messageDigest among the signed attributes",
            signed.signer.hash
        ),
        vec![
            ("time", info.time.to_string()),
            ("accuracy", accuracy),
            ("policy", info.policy.clone()),
            ("serial number", hex::encode(&info.serial)),
            ("content", hex::encode(&signed.content)),
        ],
        hex::encode(digest),
        holds,
    )
}

fn no_signer(stamp: &TimeStamp) -> Step {
    let count = stamp.signed.certificates.len();
    step(
        "A certificate says whose signature this is",
        "issuer and serial number, or key id, of the signer",
        vec![("certificates in the time stamp", count.to_string())],
        "none is the signer's: ask for a time stamp with certificates, or trust it directly"
            .to_owned(),
        false,
    )
}

fn signature(stamp: &TimeStamp, certificate: &Certificate) -> Step {
    let signer = &stamp.signed.signer;
    let key = certificate.fields().subject_public_key_info();
    let checked = algorithm::check(
        key,
        signer.algorithm,
        Some(signer.hash),
        &signer.attributes_der,
        &signer.signature,
    );
    step(
        "The authority signed it",
        &format!("{} over the signed attributes, {}", signer.algorithm, signer.hash),
        vec![
            ("authority", certificate.subject()),
            ("signed attributes", hex::encode(&signer.attributes_der)),
            ("signature", hex::encode(&signer.signature)),
        ],
        checked.as_ref().map_or_else(ToString::to_string, |()| "valid".to_owned()),
        checked.is_ok(),
    )
}

fn named(stamp: &TimeStamp, certificate: &Certificate) -> Step {
    let ids = &stamp.signed.signer.attributes.certificate_ids;
    let is_it = |(hash, digest): &CertificateId| hash.digest(certificate.der()) == *digest;
    let named: Vec<_> =
        ids.iter().map(|(hash, id)| format!("{hash} {}", hex::encode(id))).collect();
    step(
        "What it signed names this very certificate",
        "signing-certificate attribute (RFC 2634, RFC 5035)",
        vec![("named", named.join("\n"))],
        hex::encode(HashAlgorithm::Sha256.digest(certificate.der())),
        !ids.is_empty() && ids.iter().all(is_it),
    )
}

fn purpose(certificate: &Certificate) -> Step {
    let holds = certificate.is_for_time_stamps_only();
    let result = if holds { "it says so" } else { "it does not say so" };
    step(
        "The certificate is for time stamps, and for nothing else",
        "extended key usage: timeStamping alone, critical (RFC 3161, 2.3)",
        vec![("certificate", certificate.subject())],
        result.to_owned(),
        holds,
    )
}

fn trust(stamp: &TimeStamp, signer: &Certificate, roots: &[Certificate]) -> Step {
    let title = format!("The authority is vouched for, as of {}", stamp.time());
    let method = "X.509 chain: signatures, authority, validity; revocation is not looked up";
    if roots.is_empty() {
        let inputs = vec![("authority", signer.subject())];
        let result = "no certificate that you trust was given".to_owned();
        let done = step(&title, method, inputs, result, true);
        return Step { state: StepState::Unidentified, ..done };
    }
    let found = chain::find(signer, &stamp.signed.certificates, roots, stamp.time());
    let trusted: Vec<String> = roots.iter().map(Certificate::subject).collect();
    let inputs = vec![("certificates that you trust", trusted.join("\n"))];
    match found {
        Err(fault) => step(&title, method, inputs, fault.to_string(), false),
        Ok(chain) => {
            let names: Vec<String> = chain.iter().map(|one| one.subject()).collect();
            step(&title, method, inputs, names.join("\nby "), true)
        }
    }
}

fn missing(has_data: bool, has_roots: bool) -> String {
    let mut missing = Vec::new();
    if !has_data {
        missing.push("no data was given to compare with");
    }
    if !has_roots {
        missing.push("no certificate of an authority that you trust was given");
    }
    format!("Self-consistent: what was computed holds, but {}.", missing.join("; "))
}

fn valid(stamp: &TimeStamp, signer: &Certificate) -> String {
    format!(
        "Valid: the data existed at {} by the word of {}, for whom an authority that you trust \
         vouches. It says nothing of the data's truth or completeness.",
        stamp.time(),
        signer.subject(),
    )
}
