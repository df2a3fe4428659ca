//! .npy files: arrays read in whichever real type they have, and frames written as they come.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use langevin::Real;
use langevin::ndarray::{Array2, ArrayD, ArrayView2, Dimension};
use ndarray_npy::npy::header::Header;
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

/// Reads an array of two or more axes as (rows, everything else), in f64: at least one number, all
/// of them finite.
pub fn read_rows(option: &str, path: &Path, accept: Accept) -> Result<Array2<f64>, Failure> {
    let fail = |why: String| Failure::Input(format!("{option} {}: {why}", path.display()));
    let bytes = fs::read(path).map_err(|error| fail(format!("cannot be read: {error}")))?;
    let array = parse(&bytes, accept).map_err(fail)?;
    let shape = array.shape().to_vec();
    if shape.len() < 2 || array.is_empty() {
        return Err(fail(format!(
            "given shape {shape:?}, expected (rows, columns), at least one of each"
        )));
    }
    if let Some((index, x)) = array.indexed_iter().find(|(_, x)| !x.is_finite()) {
        return Err(fail(format!(
            "the number at {:?} is {x}, expected a finite number",
            index.slice()
        )));
    }
    let (rows, columns): (usize, usize) = (shape[0], shape[1..].iter().product());
    let rows = array.as_standard_layout().into_owned().into_shape_with_order((rows, columns));
    rows.map_err(|error| fail(error.to_string()))
}

type Attempt = fn(&[u8]) -> Result<ArrayD<f64>, ReadNpyError>;

fn parse(bytes: &[u8], accept: Accept) -> Result<ArrayD<f64>, String> {
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
            |bytes| Ok(ArrayD::<i64>::read_npy(bytes)?.mapv(|x| x as f64)),
            |bytes| Ok(ArrayD::<u64>::read_npy(bytes)?.mapv(|x| x as f64)),
        ],
    };
    let broken = |why: String| format!("not a readable .npy file: {why}");
    let header = Header::from_reader(&mut &*bytes).map_err(|error| broken(error.to_string()))?;
    // A file is not believed to the point of asking for more memory than it could fill.
    if header.shape.into_iter().fold(1, usize::saturating_mul) > bytes.len() {
        let given = bytes.len();
        return Err(broken(format!("it has {given} bytes, fewer than its shape asks for")));
    }
    for attempt in attempts {
        match attempt(bytes) {
            Err(ReadNpyError::WrongDescriptor(_)) => {}
            result => return result.map_err(|error| broken(error.to_string())),
        }
    }
    let found = header.type_descriptor;
    let expected = match accept {
        Accept::Floats => "float64 or float32 ('<f8' or '<f4')",
        Accept::Reals => "float64, float32 or an integer type",
    };
    Err(format!(
        "dtype is {found}, expected {expected}; convert it with numpy's .astype('float64')"
    ))
}

fn as_type<T: ReadableElement + Into<f64> + Copy>(
    bytes: &[u8],
) -> Result<ArrayD<f64>, ReadNpyError> {
    Ok(ArrayD::<T>::read_npy(bytes)?.mapv(Into::into))
}

/// Writes the header of a little-endian array in C order; the numbers follow by [`write_rows`].
pub fn write_header<F: Real>(to: &mut impl Write, shape: &[usize]) -> io::Result<()> {
    let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let descriptor = if F::NAME == "f32" { "<f4" } else { "<f8" };
    let header = format!(
        "{{'descr': '{descriptor}', 'fortran_order': False, 'shape': ({}), }}",
        shape.trim_end()
    );
    // The format asks for a header padded with spaces to a multiple of 64 bytes, ending in a
    // newline.
    let length = (11 + header.len()).next_multiple_of(64) - 11;
    to.write_all(b"\x93NUMPY\x01\x00")?;
    to.write_all(&(length as u16 + 1).to_le_bytes())?;
    writeln!(to, "{header:<length$}")
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
