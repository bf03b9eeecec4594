//! What a transport signature covers.

use domain::cloud::Cloud;
use domain::key::{PublicKey, Signature, SigningKey};
use sha2::{Digest, Sha256};

const MESSAGE_LABEL: &[u8] = b"ternion/peer-message/v1\n";
const ANSWER_LABEL: &[u8] = b"ternion/peer-answer/v1\n";

/// Label, sender, receiver, path and the body's SHA-256. The path has no NUL, so the fields
/// cannot run into each other.
pub(super) fn message(from: Cloud, to: Cloud, path: &str, body: &[u8]) -> Vec<u8> {
    let mut text = MESSAGE_LABEL.to_vec();
    text.extend_from_slice(&[from.code(), to.code()]);
    text.extend_from_slice(path.as_bytes());
    text.push(0);
    text.extend_from_slice(&Sha256::digest(body));
    text
}

/// Label, the message's signature and the answer's SHA-256.
pub(super) fn answer(question: &Signature, body: &[u8]) -> Vec<u8> {
    let mut text = ANSWER_LABEL.to_vec();
    text.extend_from_slice(&question.0);
    text.extend_from_slice(&Sha256::digest(body));
    text
}

pub(super) fn sign_message(
    key: &SigningKey,
    from: Cloud,
    to: Cloud,
    path: &str,
    body: &[u8],
) -> Signature {
    key.sign(&message(from, to, path, body))
}

pub(super) fn message_is_signed(
    key: &PublicKey,
    from: Cloud,
    to: Cloud,
    path: &str,
    body: &[u8],
    signature: &Signature,
) -> bool {
    key.verify(&message(from, to, path, body), signature)
}

pub(super) fn sign_answer(key: &SigningKey, question: &Signature, body: &[u8]) -> Signature {
    key.sign(&answer(question, body))
}

pub(super) fn answer_is_signed(
    key: &PublicKey,
    question: &Signature,
    body: &[u8],
    signature: &Signature,
) -> bool {
    key.verify(&answer(question, body), signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_bound_to_sender_receiver_path_and_body() {
        let key = SigningKey::from_seed([1; 32]);
        let (gcp, aws) = (Cloud::Gcp, Cloud::Aws);
        let signature = sign_message(&key, gcp, aws, "/peer/v1/heads", b"body");
        let holds = |from, to, path, body: &[u8]| {
            message_is_signed(&key.public(), from, to, path, body, &signature)
        };
        assert!(holds(gcp, aws, "/peer/v1/heads", b"body"));
        assert!(!holds(gcp, Cloud::Azure, "/peer/v1/heads", b"body"));
        assert!(!holds(aws, aws, "/peer/v1/heads", b"body"));
        assert!(!holds(gcp, aws, "/peer/v1/append", b"body"));
        assert!(!holds(gcp, aws, "/peer/v1/heads", b"bodi"));
    }

    #[test]
    fn an_answer_holds_for_its_question_only() {
        let key = SigningKey::from_seed([1; 32]);
        let (one, two) = (key.sign(b"one"), key.sign(b"two"));
        let signature = sign_answer(&key, &one, b"yes");
        assert!(answer_is_signed(&key.public(), &one, b"yes", &signature));
        assert!(!answer_is_signed(&key.public(), &two, b"yes", &signature));
        assert!(!answer_is_signed(&key.public(), &one, b"no", &signature));
    }
}
