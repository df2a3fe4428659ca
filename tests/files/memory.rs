//! Files take a small multiple of their size, whatever is in them.

use allocation_counter::measure;
use langevin::network::Network;

/// The bytes of a safetensors file with this header and no tensors.
fn with_header(header: &str) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat()
}

/// So many entries, with their number in place of `#`.
fn list(entry: &str, count: usize) -> String {
    let entries = (0..count).map(|i| entry.replace('#', &i.to_string()));
    entries.collect::<Vec<_>>().join(",")
}

#[test]
fn headers_of_networks() {
    let tensor = r#"{"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}"#;
    let axes = list("1", 200_000);
    for (header, most) in [
        // What no network has is refused before it is read.
        (format!("{{{}}}", list("\"#\": [[[[]]]]", 50_000)), 1),
        (format!("{{\"__metadata__\": {{{}}}}}", list("\"#\": \"\"", 50_000)), 1),
        (format!("{{\"a\": {{\"dtype\": \"F32\", \"shape\": [{axes}]}}}}"), 1),
        (format!("{{\"a\": {{\"shape\": [{axes}], \"data_offsets\": [0, 4]}}}}"), 1),
        (format!("{{\"a\": {}", "[".repeat(500_000)), 2),
        (format!("{{{}}}", list(&format!("\"#\": {tensor}"), 10_000)), 32),
    ] {
        let bytes = with_header(&header);
        let used = measure(|| drop(Network::from_bytes(&bytes).unwrap_err().to_string()));
        let bound = most * bytes.len() as u64;
        assert!(used.bytes_max < bound, "{}: {} bytes", &header[..60], used.bytes_max);
    }
    let mut bytes = (1u64 << 40).to_le_bytes().to_vec();
    bytes.extend(b"{}");
    let message = Network::from_bytes(&bytes).unwrap_err().to_string();
    assert!(message.contains("header of the file: given 1099511627776 bytes"), "{message}");
}

#[cfg(feature = "serde")]
#[test]
fn targets() {
    use langevin::prelude::GaussianMixture;
    for text in [
        // Three numbers for every component (its mean, its weight, its term of the density), in
        // f64 and twice in tables.
        format!(r#"{{"means": [{}], "std": 1}}"#, list("[0]", 100_000)),
        format!(
            r#"{{"means": [{}], "variances": [{}]}}"#,
            list("[0]", 50_000),
            list("[1]", 50_000)
        ),
        format!(
            r#"{{"means": [{}], "covariances": [{}]}}"#,
            list("[0]", 50_000),
            list("[[1]]", 50_000)
        ),
        format!(r#"{{"means": [{}], "std": 1}}"#, list("[]", 100_000)),
        format!(r#"{{"means": [[0]], "covariances": [{}]}}"#, list("[[]]", 100_000)),
        format!(r#"{{"means": [[0]], "weights": [{}], "std": 1}}"#, list("1", 200_000)),
    ] {
        let used = measure(|| drop(serde_json::from_str::<GaussianMixture>(&text)));
        let bound = 24 * text.len() as u64;
        assert!(used.bytes_max < bound, "{}: {} bytes", &text[..60], used.bytes_max);
    }
}
