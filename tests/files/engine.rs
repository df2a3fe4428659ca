//! Whether the library of ONNX Runtime is there for the tests.

/// Skips a test where the library is missing, unless LANGEVIN_REQUIRE_ENGINE is set.
macro_rules! needs_engine {
    () => {
        if !$crate::engine::has_engine() {
            eprintln!("skipped: no ONNX Runtime; eval \"$(scripts/engine.sh)\" fetches it");
            return;
        }
    };
}

pub fn has_engine() -> bool {
    let there = std::env::var_os("ORT_DYLIB_PATH").is_some();
    assert!(there || std::env::var_os("LANGEVIN_REQUIRE_ENGINE").is_none(), "no ONNX Runtime");
    there
}
