//! .npy files: arrays read in whichever real type they have, and frames written as they come.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

use langevin::Real;
use langevin::ndarray::{Array2, ArrayD, ArrayView2};
use ndarray_npy::{ReadNpyError, ReadNpyExt, ReadableElement};

use crate::failure::Failure;

/// Which element types a file may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// float32 and float64.
    Floats,
    /// Also the integers, as pixels and counts are.
    Reals,
}

/// Reads an array of two or more axes as (rows, everything else), in f64.
pub fn read_rows(option: &str, path: &Path, accept: Accept) -> Result<Array2<f64>, Failure> {
    let array = read(option, path, accept)?;
    let shape = array.shape().to_vec();
    if shape.len() < 2 {
        let message = format!("{option} {}: given shape {shape:?}, expected (rows, columns)", path.display());
        return Err(Failure::Input(message));
    }
    let (rows, columns): (usize, usize) = (shape[0], shape[1..].iter().product());
    array
        .as_standard_layout()
        .into_owned()
        .into_shape_with_order((rows, columns))
        .map_err(|error| Failure::Input(format!("{option} {}: {error}", path.display())))
}

type Attempt = fn(&Path) -> Result<ArrayD<f64>, ReadNpyError>;

fn read(option: &str, path: &Path, accept: Accept) -> Result<ArrayD<f64>, Failure> {
    let attempts: &[Attempt] = match accept {
        Accept::Floats => &[as_type::<f64>, as_type::<f32>],
        Accept::Reals => &[
            as_type::<f64>,
            as_type::<f32>,
            as_type::<u8>,
            as_type::<i8>,
            as_type::<u16>,
            as_type::<i16>,
            as_type::<u32>,
            as_type::<i32>,
        ],
    };
    let mut last = None;
    for attempt in attempts {
        match attempt(path) {
            Ok(array) => return Ok(array),
            Err(error @ ReadNpyError::WrongDescriptor(_)) => last = Some(error),
            Err(error) => {
                return Err(Failure::Input(format!("{option} {}: not a readable .npy file: {error}", path.display())));
            }
        }
    }
    let found = match last {
        Some(ReadNpyError::WrongDescriptor(descriptor)) => descriptor.to_string(),
        _ => "unknown".into(),
    };
    let expected = match accept {
        Accept::Floats => "float64 or float32 ('<f8' or '<f4')",
        Accept::Reals => "float64, float32 or an integer type of up to 32 bits",
    };
    Err(Failure::Input(format!("{option} {}: dtype is {found}, expected {expected}", path.display())))
}

fn as_type<T: ReadableElement + Into<f64> + Copy>(path: &Path) -> Result<ArrayD<f64>, ReadNpyError> {
    let file = File::open(path)?;
    Ok(ArrayD::<T>::read_npy(BufReader::new(file))?.mapv(Into::into))
}

/// Writes the header of a little-endian array in C order; the numbers follow by [`write_rows`].
pub fn write_header<F: Real>(to: &mut impl Write, shape: &[usize]) -> io::Result<()> {
    let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let descriptor = if F::NAME == "f32" { "<f4" } else { "<f8" };
    let mut header = format!("{{'descr': '{descriptor}', 'fortran_order': False, 'shape': ({}), }}", shape.trim_end());
    // The format asks for a header padded with spaces to a multiple of 64 bytes, ending in a newline.
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    to.write_all(b"\x93NUMPY\x01\x00")?;
    to.write_all(&(header.len() as u16).to_le_bytes())?;
    to.write_all(header.as_bytes())
}

/// Writes the numbers of an array, row by row.
pub fn write_rows<F: Real>(to: &mut impl Write, rows: ArrayView2<'_, F>) -> io::Result<()> {
    let mut bytes = Vec::new();
    for row in rows.rows() {
        bytes.clear();
        for x in row {
            if F::NAME == "f32" {
                bytes.extend_from_slice(&(x.widen() as f32).to_le_bytes());
            } else {
                bytes.extend_from_slice(&x.widen().to_le_bytes());
            }
        }
        to.write_all(&bytes)?;
    }
    Ok(())
}
