//! Tables of the pages in `docs`, and numbers with as many digits as they print.

/// The text of a page.
pub fn page(name: &str) -> String {
    let path = format!("{}/docs/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The first table after the first line of a page that begins with `anchor`: its rows of cells, the
/// header first.
pub fn table(name: &str, anchor: &str) -> Vec<Vec<String>> {
    let page = page(name);
    let mut lines = page.lines().skip_while(|line| !line.starts_with(anchor)).peekable();
    assert!(lines.peek().is_some(), "docs/{name} has no line that begins with `{anchor}`");
    let rows = lines.skip_while(|line| !line.starts_with('|')).take_while(|l| l.starts_with('|'));
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows = rows.filter(|row| !row.starts_with("|---"));
    // A row begins and ends with a bar.
    let all: Vec<Vec<String>> =
        rows.map(cells).map(|cells| cells[1..cells.len() - 1].to_vec()).collect();
    assert!(all.len() > 1, "docs/{name}: no table after `{anchor}`");
    all
}

/// The number with as many digits as the text has, in the same notation.
pub fn as_printed(text: &str, value: f64) -> String {
    let digits = |number: &str| number.split_once('.').map_or(0, |(_, digits)| digits.len());
    match text.split_once('e') {
        Some((number, _)) => format!("{value:.*e}", digits(number)),
        // The zeros at the end of a whole number are no digits.
        None if !text.contains('.') => {
            let zeros = text.len() - text.trim_end_matches('0').len();
            let unit = 10f64.powi(zeros as i32);
            format!("{:.0}", (value / unit).round() * unit)
        }
        None => format!("{value:.*}", digits(text)),
    }
}

/// The number in a line of a page that begins with this text.
pub fn number(name: &str, line: &str) -> String {
    let page = page(name);
    let found = page.lines().find_map(|text| text.strip_prefix(line));
    let found = found.unwrap_or_else(|| panic!("docs/{name} has no line that begins `{line}`"));
    found.trim().trim_end_matches('.').to_owned()
}
