//! The header of .npy files, read strictly: type, order and shape, before any memory is taken.

use langevin::advanced::quoted;

/// The longest header that is read.
const LONGEST: usize = (1 << 16) - 12;
const MAGIC: &[u8] = b"\x93NUMPY";

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// As in `<f8`.
    pub dtype: String,
    /// Whether the first axis runs fastest.
    pub by_columns: bool,
    pub shape: Vec<usize>,
    /// Where the numbers begin.
    pub length: usize,
}

/// Whether a file is an .npy file.
pub fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

impl Header {
    /// Reads the header at the beginning of a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let short = || "it ends inside its header".to_string();
        let version = *bytes.get(6).ok_or_else(short)?;
        let (start, length) = match version {
            1 => (10, bytes.get(8..10).map(number)),
            2 | 3 => (12, bytes.get(8..12).map(number)),
            _ => return Err(format!("version {version} of the format, expected 1 to 3")),
        };
        let length = length.ok_or_else(short)?;
        if length > LONGEST {
            return Err(format!("a header of {length} bytes, expected at most {LONGEST}"));
        }
        let text = bytes.get(start..start + length).ok_or_else(short)?;
        let text = str::from_utf8(text).ok().filter(|text| text.is_ascii());
        let text = text.ok_or("its header is no plain text")?;
        let mut header = Reader { rest: text }.header()?;
        header.length = start + length;
        Ok(header)
    }
}

/// A little-endian number of a few bytes.
fn number(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// The rest of a header.
struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    /// A dictionary with three entries in any order, as Python writes it.
    fn header(mut self) -> Result<Header, String> {
        let mut dtype = None;
        let mut by_columns = None;
        let mut shape = None;
        self.expect("{")?;
        while !self.take("}") {
            let key = self.quoted("a name")?;
            self.expect(":")?;
            let again = match key {
                "descr" => {
                    dtype.replace(self.quoted("one type of numbers, as '<f8' (float64)")?).is_some()
                }
                "fortran_order" => by_columns.replace(self.truth()?).is_some(),
                "shape" => shape.replace(self.shape()?).is_some(),
                _ => return Err(format!("its header has an entry `{}`", quoted(key))),
            };
            if again {
                return Err(format!("its header has two entries `{key}`"));
            }
            if !self.take(",") && !self.rest.trim_start().starts_with('}') {
                return Err(self.found(", or }"));
            }
        }
        if !self.rest.trim().is_empty() {
            return Err(self.found("nothing more"));
        }
        match (dtype, by_columns, shape) {
            (Some(dtype), Some(by_columns), Some(shape)) => {
                Ok(Header { dtype: dtype.into(), by_columns, shape, length: 0 })
            }
            _ => Err("its header lacks descr, fortran_order or shape".into()),
        }
    }

    fn take(&mut self, token: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if self.take(token) { Ok(()) } else { Err(self.found(token)) }
    }

    fn found(&self, expected: &str) -> String {
        let rest = self.rest.trim();
        format!("its header says `{}`, expected {expected}", quoted(rest))
    }

    /// What stands between two quotes of one kind.
    fn quoted(&mut self, what: &str) -> Result<&'t str, String> {
        let rest = self.rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let parts = quote.and_then(|quote| rest[1..].split_once(quote));
        let Some((text, rest)) = parts else { return Err(self.found(what)) };
        self.rest = rest;
        Ok(text)
    }

    fn truth(&mut self) -> Result<bool, String> {
        if self.take("True") {
            return Ok(true);
        }
        self.expect("False").map(|()| false).map_err(|_| self.found("True or False"))
    }

    /// Whole numbers in plain decimals.
    fn shape(&mut self) -> Result<Vec<usize>, String> {
        self.expect("(")?;
        let Some((inside, rest)) = self.rest.split_once(')') else {
            return Err(self.found("a shape"));
        };
        self.rest = rest;
        let inside = inside.trim();
        let inside = inside.strip_suffix(',').unwrap_or(inside);
        if inside.is_empty() {
            return Ok(Vec::new());
        }
        let size = |text: &str| {
            let text = text.trim();
            let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse()
                .ok()
                .filter(|_| plain)
                .ok_or_else(|| format!("shape: `{}` is no size in plain decimals", quoted(text)))
        };
        inside.split(',').map(size).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Header, String> {
        let length = u16::try_from(text.len()).unwrap().to_le_bytes();
        Header::parse(&[MAGIC, &[1, 0], &length, text.as_bytes()].concat())
    }

    #[test]
    fn headers_of_all_spellings_are_read() {
        let expected = |shape: &[usize]| (String::from("<f8"), false, shape.to_vec());
        for (text, shape) in [
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }   \n", &[3, 4][..]),
            ("{\"shape\":(3,4),\"descr\":\"<f8\",\"fortran_order\":False}", &[3, 4]),
            (" { 'descr' : '<f8' , 'fortran_order' : False , 'shape' : ( 3 , ) } ", &[3]),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", &[]),
            (
                "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 18446744073709551615)}",
                &[0, usize::MAX],
            ),
        ] {
            let header = parse(text).unwrap();
            assert_eq!((header.dtype, header.by_columns, header.shape), expected(shape), "{text}");
            assert_eq!(header.length, 10 + text.len());
        }
    }

    #[test]
    fn everything_else_is_refused_at_once() {
        let shape =
            |shape: &str| format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
        for size in [
            "0x10",
            "1e3",
            "1_000",
            "8L",
            "+3",
            "-1",
            "3.0",
            "",
            "1 2",
            "18446744073709551616",
            "(3",
            "[3]",
            "'3'",
            "True",
            "9223372036854775808999",
        ] {
            assert!(parse(&shape(&format!("({size}, 2)"))).is_err(), "{size}");
        }
        for text in [
            "",
            "{",
            "}",
            "{}",
            "{{",
            "[",
            "{'descr'",
            "{'descr': ",
            "{'descr': '<f8', }",
            &shape("3"),
            &shape("(3"),
            &shape("(3, 4)").replace("False", "0"),
            &shape("(3, 4), 'more': 1"),
            &shape("(3, 4), 'shape': (3, 4)"),
            &format!("{} x", shape("(3, 4)")),
            &shape("(3, 4)").replace(", 'sh", " 'sh"),
            &"{".repeat(16),
            &"{".repeat(60_000),
            &"(".repeat(60_000),
            &"[[{(".repeat(15_000),
            &format!("{{'descr': {}", "[('a', ".repeat(8_000)),
            "{'descr': '<f8\u{e9}'",
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.chars().count() < 200, "{message}");
        }
        for bytes in [MAGIC, b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{"] {
            assert!(Header::parse(bytes).is_err());
        }
        assert!(Header::parse(b"\x93NUMPY\x04\x00\x00\x00\x00\x00").is_err());
    }
}
