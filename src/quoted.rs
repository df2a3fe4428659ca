//! Text of files, arguments and other libraries as messages quote it.

/// Text that a message quotes from a file or an argument: its first 80 characters, without any that
/// a terminal would obey.
pub fn quoted(text: &str) -> String {
    shortened(text, 80, 0)
}

/// The message of another library, which may quote a whole file in it: at most 300 characters, the
/// last 60 of them from its end, which often names the place.
pub fn abridged(error: impl std::fmt::Display) -> String {
    shortened(&error.to_string(), 240, 60)
}

/// Text without any character that a terminal would obey.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            // Marks of the direction of writing reorder what follows.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                escaped.extend(c.escape_unicode());
            }
            _ if c.is_control() => escaped.extend(c.escape_default()),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// The first and the last characters of a text, escaped.
fn shortened(text: &str, first: usize, last: usize) -> String {
    let count = text.chars().count();
    if count <= first + last {
        return escaped(text);
    }
    let head: String = text.chars().take(first).collect();
    let tail: String = text.chars().skip(count - last).collect();
    format!("{}…{}", escaped(&head), escaped(&tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_cut_and_what_a_terminal_obeys_is_escaped() {
        assert_eq!(quoted("ünï ☃ 'a' \"b\" \\"), "ünï ☃ 'a' \"b\" \\");
        assert_eq!(quoted("\u{1b}[31m\n\0\u{202e}"), "\\u{1b}[31m\\n\\u{0}\\u{202e}");
        assert_eq!(quoted(&"a".repeat(80)), "a".repeat(80));
        assert_eq!(quoted(&"a".repeat(81)), "a".repeat(80) + "…");
        assert_eq!(abridged("a".repeat(300)), "a".repeat(300));
        let long = format!("{}{}", "a".repeat(1000), "b".repeat(60));
        assert_eq!(abridged(long), format!("{}…{}", "a".repeat(240), "b".repeat(60)));
    }
}
