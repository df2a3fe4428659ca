//! Damaged network files: no bytes and no values make the reader panic.

use serde_json::{Value, json};

use crate::changed::{file, survives};
use crate::made::golden;

/// A generator with a seed, so that a failure can be repeated.
struct Draws(u64);

impl Draws {
    fn next(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % below
    }
}

/// Thousands of damaged files. `LANGEVIN_FUZZ_SECONDS` asks for more of them, from other seeds
/// (`scripts/fuzz.sh`).
#[test]
fn no_bytes_make_the_reader_panic() {
    let seconds = std::env::var("LANGEVIN_FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0.0);
    let clock = std::time::Instant::now();
    let mut accepted = 0;
    let mut seed = 1;
    while seed == 1 || clock.elapsed().as_secs_f64() < seconds {
        accepted += damage(seed);
        seed += 1;
    }
    println!("{} files, {accepted} of them still networks", 12_000 * (seed - 1));
    assert!(accepted > 100, "the changes should leave some networks whole");
}

/// Tries 12,000 files from this seed. Returns how many were still networks.
fn damage(seed: u64) -> usize {
    let mut draws = Draws(seed);
    let mut accepted = 0;
    for name in ["tiny.safetensors", "tiny-psld.safetensors"] {
        let good = std::fs::read(golden(name)).unwrap();
        let header = 8 + u64::from_le_bytes(*good.first_chunk::<8>().unwrap()) as usize;
        for round in 0..6000 {
            let mut bytes = good.clone();
            // Mostly in the header, where there is something to misread.
            let within = if round % 4 == 0 { bytes.len() } else { header };
            for _ in 0..1 + draws.next(3) {
                let at = draws.next(within);
                match draws.next(4) {
                    0 => bytes[at] = draws.next(256) as u8,
                    1 => bytes[at] ^= 1 << draws.next(8),
                    2 => bytes[at] = b"0123456789-{}[]\",:.e"[draws.next(20)],
                    _ => bytes[at] = bytes[draws.next(within)],
                }
            }
            match round % 8 {
                0 => bytes.truncate(draws.next(good.len())),
                1 => drop(bytes.drain(..draws.next(header))),
                _ => (),
            }
            accepted += usize::from(survives(&bytes));
        }
    }
    accepted
}

/// The paths of all values inside of a value.
fn paths(value: &Value, path: &str, all: &mut Vec<String>) {
    all.push(path.into());
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| paths(value, &format!("{path}/{key}"), all))
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| paths(item, &format!("{path}/{i}"), all))
        }
        _ => (),
    }
}

/// Every value of a description replaced by every odd one.
#[test]
fn no_value_makes_the_reader_panic() {
    let odd = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1),
        json!(3),
        json!(1e308),
        json!(5e-324),
        json!(u64::MAX),
        json!(1 << 20),
        json!(""),
        json!("silu"),
        json!("w"),
        json!([]),
        json!({}),
        json!([[]]),
        json!({"residual": ["silu"]}),
        json!(["silu"]),
        json!({"linear": "w"}),
        json!({"condition": "d"}),
        json!([1, 1]),
    ];
    let base = file();
    let mut all = Vec::new();
    paths(&base.model, "", &mut all);
    let mut accepted = 0;
    for path in &all {
        for value in &odd {
            let mut model = base.model.clone();
            *model.pointer_mut(path).unwrap() = value.clone();
            accepted += usize::from(survives(&base.bytes_with(&model.to_string())));
        }
    }
    println!("{} descriptions, {accepted} of them of the format", all.len() * odd.len());
    assert!(accepted > 20 && accepted < all.len() * odd.len() / 2);
}
