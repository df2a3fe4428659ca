//! What a file is, by its first bytes: for messages about a file of another kind than expected.

/// Names the kind of a file, often with what to do about it. `None` if nothing is known about it.
///
/// ```
/// use langevin::advanced::recognize;
/// assert_eq!(recognize(b"\x93NUMPY\x01\x00"), Some("a NumPy array (.npy)"));
/// assert_eq!(recognize(b"{\"means\": [[0]]}"), Some("JSON"));
/// ```
pub fn recognize(bytes: &[u8]) -> Option<&'static str> {
    const BEGINNINGS: [(&[u8], &str); 10] = [
        (
            b"version https://git-lfs.github.com/spec",
            "a Git-LFS pointer; fetch the file with `git lfs pull`",
        ),
        (b"\x93NUMPY", "a NumPy array (.npy)"),
        (b"PK\x03\x04", "a zip archive, as .npz and PyTorch files are"),
        (b"\x1f\x8b", "compressed by gzip; unpack it first"),
        (b"\x89PNG", "a PNG picture"),
        (b"\x89HDF", "an HDF5 file"),
        (b"\x80\x02", "a pickle of Python"),
        (b"\x80\x04", "a pickle of Python"),
        (b"\xff\xfe", UTF_16),
        (b"\xfe\xff", UTF_16),
    ];
    if let Some((_, kind)) = BEGINNINGS.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Some(kind);
    }
    if bytes.is_empty() {
        return Some("empty");
    }
    let (pairs, _) = bytes.as_chunks::<2>();
    let mut first = pairs.iter().take(4);
    if first.len() > 1 && first.all(|[one, two]| (*one == 0) != (*two == 0)) {
        return Some(UTF_16);
    }
    if bytes.get(8) == Some(&b'{') && !bytes.starts_with(b"{") {
        let length = u64::from_le_bytes(*bytes.first_chunk()?);
        if length < 1 << 32 {
            return Some("a safetensors file");
        }
    }
    let head = &bytes[..bytes.len().min(1024)];
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with(['{', '[']) {
        return Some("JSON");
    }
    // The end of the head may cut a character in two.
    let is_broken = str::from_utf8(head).is_err_and(|error| error.error_len().is_some());
    if is_broken || text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    let lower = text.get(..9).unwrap_or_default().to_lowercase();
    if lower == "<!doctype" || lower.starts_with("<html") {
        return Some("a web page; download the file itself");
    }
    Some("text")
}

const UTF_16: &str = "text in UTF-16; save it as UTF-8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_first_bytes() {
        let utf16: Vec<u8> = "{\"means\"".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut tensors = 40u64.to_le_bytes().to_vec();
        tensors.extend(b"{\"__metadata__\": ");
        for (bytes, kind) in [
            (&b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"[..], "Git-LFS"),
            (b"PK\x03\x04\x14\x00", "zip"),
            (b"\xff\xfe{\x00", "UTF-16"),
            (&utf16, "UTF-16"),
            (&tensors, "safetensors"),
            (b"<!DOCTYPE html><html>", "web page"),
            (b" [1, 2]", "JSON"),
            (b"1,2\n3,4\n", "text"),
            ("ünïcödé ☃".as_bytes(), "text"),
            (b"", "empty"),
        ] {
            assert!(recognize(bytes).is_some_and(|found| found.contains(kind)), "{kind}");
        }
        for bytes in [&b"\x00\x01\x02\x03\x04"[..], b"\xc3\x28\xa0\xa1", b"a\x1b[31m"] {
            assert_eq!(recognize(bytes), None);
        }
    }
}
