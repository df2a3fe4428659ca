//! The parts of a program on the page of posteriors are those of the example.

use crate::support::docs;

/// Every block that is not a program of its own is in the example, line by line and in its order,
/// with other indents.
#[test]
fn parts_of_a_program_are_in_the_example() {
    let path = format!("{}/examples/eight_schools.rs", env!("CARGO_MANIFEST_DIR"));
    let example = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let page = docs::page("posterior.md");
    let blocks: Vec<&str> = page.split("```rust,ignore\n").skip(1).collect();
    assert_eq!(blocks.len(), 4);
    for block in blocks {
        let (block, _) = block.split_once("```").expect("a block that ends");
        let mut lines = example.lines();
        for line in block.lines() {
            assert!(
                lines.any(|other| other.trim() == line.trim()),
                "not in the example, or out of order: {line}"
            );
        }
    }
    // The program of the page has the gradient of the example.
    let gradient = |text: &str| {
        let (_, rest) = text.split_once("fn gradient").expect("a gradient");
        rest.split_once("\n}\n").expect("its end").0.to_owned()
    };
    assert_eq!(gradient(&page), gradient(&example));
}
