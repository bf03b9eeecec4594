//! Files that are taken along: their cells, and the time in their names.

/// RFC 4180, and harmless in a spreadsheet: a cell that it would take for a formula begins with
/// an apostrophe (OWASP, CSV injection).
pub(super) fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// `20261124T024106Z`: as of when a file is, in its name.
pub(super) fn stamp() -> String {
    let at: String = crate::now().to_string().chars().filter(|it| !"-:".contains(*it)).collect();
    at.split('.').next().unwrap_or_default().trim_end_matches('Z').to_owned() + "Z"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_never_leaves_its_column() {
        assert_eq!(cell("usage"), "usage");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("@SUM(A1,A2)"), "\"'@SUM(A1,A2)\"");
        assert_eq!(cell("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(cell("a\nb"), "\"a\nb\"");
    }
}
