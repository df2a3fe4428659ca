//! Names of parameters: which are valid, and which belong to one array.

use crate::error::{Error, Result};

/// An array of a store: its name, and the coordinates in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    /// The coordinates of the position, in the order of their index.
    pub columns: Vec<usize>,
    /// Whether the names had an index, so that the array has a third dimension.
    pub is_indexed: bool,
}

/// The names x[0], x[1], …
pub fn default_names(dim: usize) -> Vec<String> {
    (0..dim).map(|i| format!("x[{i}]")).collect()
}

/// Gathers names with an index into one variable each, in the order in which they appear.
pub fn variables(names: &[String]) -> Result<Vec<Variable>> {
    let mut found: Vec<(Variable, Vec<usize>)> = Vec::new();
    for (column, name) in names.iter().enumerate() {
        let Some((base, index)) = parts(name) else { return Err(refused(name)) };
        let known = found.iter().position(|(variable, _)| variable.name == base);
        let at = known.unwrap_or(found.len());
        if known.is_none() {
            let is_indexed = index.is_some();
            let variable = Variable { name: base.into(), columns: Vec::new(), is_indexed };
            found.push((variable, Vec::new()));
        }
        let (variable, indices) = &mut found[at];
        let index = index.unwrap_or(0);
        let is_plain = name == base;
        if variable.is_indexed == is_plain || indices.contains(&index) {
            return Err(Error::Twice { what: format!("the name {name}") });
        }
        variable.columns.push(column);
        indices.push(index);
    }
    check_axes(&found)?;
    found.into_iter().map(|(variable, indices)| ordered(variable, &indices)).collect()
}

/// Puts the columns in the order of their index. The indices must be 0, 1, …, each once.
fn ordered(mut variable: Variable, indices: &[usize]) -> Result<Variable> {
    let mut pairs: Vec<_> = indices.iter().copied().zip(variable.columns).collect();
    pairs.sort_unstable();
    if let Some(missing) = (0..pairs.len()).find(|i| pairs[*i].0 != *i) {
        return Err(Error::Value {
            option: "names".into(),
            given: format!("{}[{}]", variable.name, pairs[missing].0),
            expected: format!("the indices 0, 1, …, and {}[{missing}] first", variable.name),
        });
    }
    variable.columns = pairs.into_iter().map(|(_, column)| column).collect();
    Ok(variable)
}

/// No variable may have the name of an axis.
fn check_axes(found: &[(Variable, Vec<usize>)]) -> Result<()> {
    for (variable, _) in found {
        let is_axis =
            |other: &(Variable, _)| other.0.is_indexed && variable.name == axis(&other.0.name);
        if matches!(variable.name.as_str(), "chain" | "draw") || found.iter().any(is_axis) {
            return Err(Error::Value {
                option: "names".into(),
                given: variable.name.clone(),
                expected: "a name that no axis has".into(),
            });
        }
    }
    Ok(())
}

/// The name of the third axis of a variable.
pub fn axis(name: &str) -> String {
    format!("{name}_dim_0")
}

/// The name before the index, and the index. `None` for names that are not valid.
fn parts(name: &str) -> Option<(&str, Option<usize>)> {
    let (base, index) = match name.split_once('[') {
        None => (name, None),
        Some((base, rest)) => {
            let digits = rest.strip_suffix(']')?;
            let index: usize = digits.parse().ok()?;
            // One spelling for each index: no sign, no leading zero.
            (base, (index.to_string() == digits).then_some(Some(index))?)
        }
    };
    // A name is the name of a folder on all systems.
    let begins = base.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
    let goes_on = base.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let is_folder = !base.starts_with("__") && !base.ends_with('.') && base != "zarr.json";
    (begins && goes_on && is_folder && base.len() <= 200).then_some((base, index))
}

fn refused(name: &str) -> Error {
    const EXPECTED: &str = "a letter, then letters, digits, _, - and inner dots, as in `theta`; \
                            an index from 0 may follow, as in `theta[0]`";
    Error::Value { option: "names".into(), given: name.into(), expected: EXPECTED.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Result<Vec<Variable>> {
        variables(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn names_with_an_index_are_gathered() {
        let variable = |name: &str, columns: &[usize], is_indexed| Variable {
            name: name.into(),
            columns: columns.into(),
            is_indexed,
        };
        let found = of(&["theta[1]", "mu", "θ[0]", "theta[0]", "log.s-2"]).unwrap();
        let expected = [
            variable("theta", &[3, 0], true),
            variable("mu", &[1], false),
            variable("θ", &[2], true),
            variable("log.s-2", &[4], false),
        ];
        assert_eq!(found, expected);
        let names = default_names(3);
        assert_eq!(variables(&names).unwrap(), [variable("x", &[0, 1, 2], true)]);
    }

    #[test]
    fn names_that_no_folder_can_have_are_refused() {
        let long = "a".repeat(201);
        for name in ["", "a/b", "a\\b", "..", "1a", "__a", "a.", "a b", "[0]", "zarr.json", &long] {
            let error = of(&[name]).unwrap_err();
            assert!(matches!(error, Error::Value { .. }), "{name}: {error}");
        }
        for name in ["a[", "a[]", "a[-1]", "a[+1]", "a[01]", "a[0]b", "a[0][1]", "a]", "a[x]"] {
            let error = of(&[name]).unwrap_err();
            assert!(matches!(error, Error::Value { .. }), "{name}: {error}");
        }
    }

    #[test]
    fn names_that_clash_are_refused() {
        for names in [["a", "a"], ["a[0]", "a[0]"], ["a", "a[0]"], ["a[0]", "a"]] {
            assert!(matches!(of(&names), Err(Error::Twice { .. })), "{names:?}");
        }
        for names in [["a[1]", "b"], ["a[0]", "a[2]"], ["chain", "a"], ["draw[0]", "a"]] {
            assert!(matches!(of(&names), Err(Error::Value { .. })), "{names:?}");
        }
        assert!(matches!(of(&["a[0]", "a_dim_0"]), Err(Error::Value { .. })));
        assert!(of(&["a", "a_dim_0"]).is_ok());
        let error = of(&["a[0]", "a[2]"]).unwrap_err().to_string();
        assert_eq!(error, "names: given `a[2]`, expected the indices 0, 1, …, and a[1] first");
    }
}
