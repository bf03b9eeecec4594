//! Where the reader wants to ask: addresses as they are typed.

/// More voices than these add nothing.
const ADDRESSES_MAX: usize = 5;

/// One node or explorer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Without a slash at its end.
    pub(super) base: String,
    pub(super) speaks: Speaks,
}

/// How it wants to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    /// As block explorers do: `/block-height/…`, `/block/…/header`.
    Esplora,
    /// Bitcoin Core's own, whose addresses end in `/rest`.
    CoreRest,
    /// Ethereum's.
    JsonRpc,
}

/// Of Bitcoin's chain.
///
/// # Errors
/// A sentence: one of them cannot be asked.
pub(super) fn bitcoin(text: &str) -> Result<Vec<Address>, String> {
    let speaks = |base: &str| {
        if base.ends_with("/rest") { Speaks::CoreRest } else { Speaks::Esplora }
    };
    read(text, speaks)
}

/// Of Ethereum's.
///
/// # Errors
/// A sentence: one of them cannot be asked.
pub(super) fn ethereum(text: &str) -> Result<Vec<Address>, String> {
    read(text, |_| Speaks::JsonRpc)
}

fn read(text: &str, speaks: impl Fn(&str) -> Speaks) -> Result<Vec<Address>, String> {
    let mut found: Vec<Address> = Vec::new();
    for word in text.split_whitespace() {
        let base = word.trim_end_matches('/');
        check(base)?;
        if found.iter().all(|known| known.base != base) {
            found.push(Address { base: base.to_owned(), speaks: speaks(base) });
        }
    }
    if found.len() > ADDRESSES_MAX {
        return Err(format!("At most {ADDRESSES_MAX} addresses are asked at once."));
    }
    Ok(found)
}

/// What a browser would refuse anyway is told before, in words.
fn check(base: &str) -> Result<(), String> {
    let rest = match base.split_once("://") {
        Some(("https", rest)) => rest,
        Some(("http", rest)) if is_here(rest) => rest,
        Some(("http", _)) => {
            return Err(format!(
                "{base} is plain http on another machine, where anybody on the way could answer. Use \
                 https, or a tunnel to 127.0.0.1."
            ));
        }
        _ => {
            return Err(format!(
                "\u{201c}{base}\u{201d} is no address; they begin with https://, or with http:// on this computer."
            ));
        }
    };
    let host = rest.split('/').next().unwrap_or_default();
    if host.contains('@') {
        return Err(format!(
            "A page cannot send the name and password in {base}. Ask by a program, and paste what it \
             says into the fields above."
        ));
    }
    if host.is_empty() || rest.contains(['?', '#']) {
        return Err(format!("{base} is not an address of a node or explorer."));
    }
    Ok(())
}

fn is_here(rest: &str) -> bool {
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    host == "127.0.0.1" || host == "localhost"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_by_its_end_how_it_is_asked() {
        let found =
            bitcoin(" https://mempool.space/api/ \nhttp://127.0.0.1:8332/rest").expect("two");
        assert_eq!(found[0].base, "https://mempool.space/api");
        assert_eq!([found[0].speaks, found[1].speaks], [Speaks::Esplora, Speaks::CoreRest]);
        assert_eq!(ethereum("http://localhost:8545").expect("one")[0].speaks, Speaks::JsonRpc);
        assert_eq!(bitcoin("https://a.example https://a.example/").expect("one").len(), 1);
        assert_eq!(bitcoin(""), Ok(Vec::new()));
    }

    #[test]
    fn what_cannot_be_asked_is_a_sentence() {
        for wrong in [
            "http://192.168.0.4:8332/rest",
            "http://127.0.0.1.evil.example",
            "https://user:secret@node.example",
            "ftp://node.example",
            "https://",
            "https://node.example/?key=1",
            "node.example",
        ] {
            assert!(bitcoin(wrong).is_err(), "{wrong}");
        }
        let many: String = (0..6).map(|at| format!("https://{at}.example ")).collect();
        assert!(bitcoin(&many).is_err());
    }
}
