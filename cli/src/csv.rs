//! Arrays as text: a row of numbers on every line, with commas between.

use std::io::{self, Write};

use langevin::Real;
use langevin::advanced::quoted;
use langevin::ndarray::{Array2, ArrayView2};

/// The line of names above the numbers.
pub fn header(frames: bool, dim: usize) -> String {
    let frame = frames.then(|| "frame".to_string());
    let names = frame.into_iter().chain((0..dim).map(|column| format!("x{column}")));
    names.collect::<Vec<_>>().join(",") + "\n"
}

/// One line for each row, with the number of the frame in front if there are frames. Every number
/// reads back as the same number.
pub fn write_rows<F: Real>(
    to: &mut (impl Write + ?Sized),
    frame: Option<usize>,
    rows: ArrayView2<'_, F>,
) -> io::Result<()> {
    for row in rows.rows() {
        let mut separator = "";
        if let Some(frame) = frame {
            write!(to, "{frame}")?;
            separator = ",";
        }
        for x in row {
            // `Debug` takes an exponent where `Display` would print hundreds of digits.
            if F::NAME == "f32" {
                write!(to, "{separator}{:?}", x.widen() as f32)?;
            } else {
                write!(to, "{separator}{:?}", x.widen())?;
            }
            separator = ",";
        }
        writeln!(to)?;
    }
    Ok(())
}

/// Reads rows of one length, with or without a line of names above them.
pub fn read(text: &str) -> Result<Array2<f64>, String> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    if let Some((_, first)) = lines.peek()
        && first.split(',').any(|field| number(field).is_none())
    {
        if first.split(',').next().is_some_and(|name| name.trim() == "frame") {
            return Err("it holds several frames; keep the rows of one, without `frame`".into());
        }
        lines.next();
    }
    let mut numbers = Vec::new();
    let mut shape = (0, 0);
    for (line, text) in lines {
        let before = numbers.len();
        for (column, field) in text.split(',').enumerate() {
            let place = |line: usize| format!("line {}, column {}", line + 1, column + 1);
            let fault = || format!("{}: `{}` is no number", place(line), quoted(field.trim()));
            numbers.push(number(field).ok_or_else(fault)?);
        }
        let columns = numbers.len() - before;
        if shape.0 > 0 && columns != shape.1 {
            let expected = shape.1;
            return Err(format!("line {}: {columns} numbers, expected {expected}", line + 1));
        }
        shape = (shape.0 + 1, columns);
    }
    Array2::from_shape_vec(shape, numbers).map_err(|error| error.to_string())
}

fn number(field: &str) -> Option<f64> {
    field.trim().parse().ok()
}
