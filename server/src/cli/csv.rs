//! Plain CSV: a line of column names, then rows of as many fields, without quotes.

use std::collections::HashMap;

/// A file's rows, each field reachable by its column's name.
#[derive(Debug)]
pub(super) struct Table {
    columns: HashMap<String, usize>,
    rows: Vec<(usize, Vec<String>)>,
}

/// The text is not such a file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub(super) struct CsvError {
    pub(super) line: usize,
    pub(super) reason: String,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    table: &'a Table,
    line: usize,
    fields: &'a [String],
}

impl Table {
    pub(super) fn parse(text: &str) -> Result<Self, CsvError> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let (_, head) = lines.next().ok_or_else(|| CsvError {
            line: 1,
            reason: "the file is empty; its first line must name the columns".to_owned(),
        })?;
        let columns: HashMap<String, usize> =
            head.split(',').enumerate().map(|(at, name)| (name.trim().to_owned(), at)).collect();
        let width = head.split(',').count();
        let rows = lines.map(|(at, line)| row(at + 1, line, width)).collect::<Result<_, _>>()?;
        Ok(Table { columns, rows })
    }

    /// The names of the columns, in their order.
    pub(super) fn columns(&self) -> Vec<&str> {
        let mut columns: Vec<(&usize, &str)> =
            self.columns.iter().map(|(name, at)| (at, name.as_str())).collect();
        columns.sort_unstable();
        columns.into_iter().map(|(_, name)| name).collect()
    }

    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.rows.iter().map(|(line, fields)| Record { table: self, line: *line, fields })
    }
}

fn row(line: usize, text: &str, width: usize) -> Result<(usize, Vec<String>), CsvError> {
    let refuse = |reason: String| Err(CsvError { line, reason });
    if text.contains('"') {
        return refuse("quoted fields are not understood".to_owned());
    }
    let fields: Vec<String> = text.split(',').map(|field| field.trim().to_owned()).collect();
    if fields.len() != width {
        return refuse(format!("{} fields where the first line names {width}", fields.len()));
    }
    Ok((line, fields))
}

impl<'a> Record<'a> {
    pub(super) const fn line(&self) -> usize {
        self.line
    }

    /// The field of this column.
    pub(super) fn get(&self, column: &str) -> Result<&'a str, String> {
        let at = self.table.columns.get(column);
        at.and_then(|at| self.fields.get(*at))
            .map(String::as_str)
            .ok_or_else(|| format!("there is no column \"{column}\""))
    }

    pub(super) fn parse<T: std::str::FromStr>(&self, column: &str) -> Result<T, String> {
        let text = self.get(column)?;
        text.parse().map_err(|_| format!("{column} is \"{text}\", which is not understood"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name_and_lines_counted_from_one() {
        let table = Table::parse("a,b\n1,2\n\n3,4\n").expect("a table");
        let lines: Vec<_> = table.records().map(|r| (r.line(), r.get("b").expect("b"))).collect();
        assert_eq!(lines, [(2, "2"), (4, "4")]);
    }

    #[test]
    fn rows_of_another_width_are_refused_by_line() {
        assert_eq!(Table::parse("a,b\n1\n").expect_err("short").line, 2);
        assert_eq!(Table::parse("a,b\n\"1\",2\n").expect_err("quotes").line, 2);
        assert_eq!(Table::parse("").expect_err("empty").line, 1);
    }
}
