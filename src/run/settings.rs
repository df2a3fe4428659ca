//! The settings of a run, as state files keep and compare them.

use std::collections::BTreeMap;

use super::saved::fail;
use crate::error::{Error, Result};

/// The settings of a run by name: method, step, target and whatever else must be the same in a run
/// that continues it.
pub type Settings = BTreeMap<String, String>;

/// The most bytes of all lines, more than a command line has on any system.
pub(super) const LONGEST: usize = 4 << 20;

/// The lines of settings. A run with a checkpoint makes them before its first step.
pub(super) fn lines(settings: &Settings) -> Result<String> {
    let mut lines = String::new();
    for (name, value) in settings {
        if name.contains(['\n', '\r', ':']) || value.contains(['\n', '\r']) {
            return Err(fail(format!("the setting `{name}` has more than one line or a colon")));
        }
        lines += &format!("set {name}: {value}\n");
    }
    if lines.len() > LONGEST {
        let given = lines.len();
        let reason = format!("the settings take {given} bytes, at most {LONGEST} are kept");
        return Err(fail(reason));
    }
    Ok(lines)
}

/// The error of the first setting, by name, that differs.
pub(crate) fn differing(given: &Settings, expected: &Settings) -> Option<Error> {
    let value =
        |of: &Settings, name: &String| of.get(name).map_or_else(|| "nothing".into(), String::clone);
    let mut names = given.keys().chain(expected.keys());
    let name = names.find(|name| given.get(*name) != expected.get(*name))?;
    let what = name.clone();
    Some(Error::Mismatch { what, given: value(given, name), expected: value(expected, name) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_no_file_keeps_are_refused() {
        let of = |name: &str, value: String| lines(&Settings::from([(name.to_owned(), value)]));
        assert_eq!(of("step", "0.1".into()).unwrap(), "set step: 0.1\n");
        for (name, value) in [("a:b", "c"), ("a\nb", "c"), ("a", "b\nc"), ("a", "b\r")] {
            let message = of(name, value.into()).unwrap_err().to_string();
            assert!(message.contains("more than one line or a colon"), "{message}");
        }
        assert!(of("list", "1,".repeat(2_000_000)).is_ok());
        let message = of("list", "1,".repeat(2_100_000)).unwrap_err().to_string();
        assert!(message.contains("take 4200011 bytes, at most 4194304"), "{message}");
    }
}
