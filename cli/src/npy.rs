//! Arrays from files in whichever real type they have, and as .npy files.

use std::io::{self, Read, Write};
use std::path::Path;

use langevin::Real;
use langevin::advanced::quoted;
use langevin::ndarray::{Array2, ArrayD, ArrayView2, Dimension, IxDyn, ShapeBuilder};

use crate::contents::Contents;
use crate::csv;
use crate::failure::Failure;
use crate::npy_header::{Header, is_npy};

/// Which element types a file may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Accept {
    /// float32 and float64.
    Floats,
    /// Also the integers, as pixels and counts are.
    Reals,
}

/// Reads an array of two or more axes as (rows, everything else), in f64: at least one number, all
/// of them finite. The file is .npy, or .csv if its name says so.
pub fn read_rows(option: &str, path: &Path, accept: Accept) -> Result<Array2<f64>, Failure> {
    let fail = |why: String| Failure::Input(format!("{option} {}: {why}", path.display()));
    let array = read_array(option, path, accept)?;
    let shape = array.shape().to_vec();
    if shape.len() < 2 || array.is_empty() {
        let hint = match shape[..] {
            [length] if length > 0 => "; in numpy, .reshape(-1, 1) makes rows of one number",
            _ => "",
        };
        return Err(fail(format!(
            "given shape {shape:?}, expected (rows, columns), at least one of each{hint}"
        )));
    }
    let (rows, columns): (usize, usize) = (shape[0], shape[1..].iter().product());
    let rows = array.as_standard_layout().into_owned().into_shape_with_order((rows, columns));
    rows.map_err(|error| fail(error.to_string()))
}

/// Reads so many numbers: an array of one axis, of one row or of one column.
pub fn read_list(option: &str, path: &Path, count: usize) -> Result<Vec<f64>, Failure> {
    let array = read_array(option, path, Accept::Reals)?;
    let long = array.shape().iter().filter(|length| **length != 1).count();
    if array.len() == count && long < 2 {
        return Ok(array.into_iter().collect());
    }
    let given = format!("{option} {}: given shape {:?}", path.display(), array.shape());
    Err(Failure::Input(format!("{given}, expected ({count}), one number for each chain")))
}

/// An array of finite numbers from an .npy file, or .csv if its name says so.
fn read_array(option: &str, path: &Path, accept: Accept) -> Result<ArrayD<f64>, Failure> {
    let fail = |why: String| Failure::Input(format!("{option} {}: {why}", path.display()));
    let contents = Contents::open(path).map_err(fail)?;
    let named_csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let array = if is_npy(&contents.head) {
        parse(&contents, accept).map_err(fail)?
    } else if named_csv {
        contents.text().and_then(|text| csv::read(&text)).map_err(fail)?.into_dyn()
    } else {
        let kind = contents.kind();
        let hint = match kind {
            "text" => "; the name of a table of numbers must end in .csv",
            _ if kind.starts_with("a zip") => "; save one array with numpy.save",
            _ => "",
        };
        return Err(fail(format!("not a readable .npy file: it is {kind}{hint}")));
    };
    if let Some((index, x)) = array.indexed_iter().find(|(_, x)| !x.is_finite()) {
        return Err(fail(format!(
            "the number at {:?} is {x}, expected a finite number",
            index.slice()
        )));
    }
    Ok(array)
}

/// A type of numbers.
struct Element {
    /// Bytes of one number.
    size: usize,
    is_float: bool,
    /// Whether its highest byte comes first.
    is_big: bool,
    /// The number in so many bytes, the lowest first.
    read: fn(&[u8]) -> f64,
}

impl Element {
    /// The type of a `dtype`, as `<f8`.
    fn named(dtype: &str) -> Option<Self> {
        let (order, name) = dtype.split_at_checked(1)?;
        let is_big = order == ">";
        macro_rules! element {
            ($type:ty, $is_float:literal) => {
                Some(Self {
                    size: size_of::<$type>(),
                    is_float: $is_float,
                    is_big,
                    // The length is that of the type, so the default never is.
                    read: |bytes| {
                        <$type>::from_le_bytes(bytes.try_into().unwrap_or_default()) as f64
                    },
                })
            };
        }
        let element = match name {
            "f8" => element!(f64, true),
            "f4" => element!(f32, true),
            "u1" => element!(u8, false),
            "i1" => element!(i8, false),
            "u2" => element!(u16, false),
            "i2" => element!(i16, false),
            "u4" => element!(u32, false),
            "i4" => element!(i32, false),
            "u8" => element!(u64, false),
            "i8" => element!(i64, false),
            _ => None,
        };
        element.filter(|one| matches!(order, "<" | ">") || order == "|" && one.size == 1)
    }
}

fn parse(contents: &Contents, accept: Accept) -> Result<ArrayD<f64>, String> {
    let broken = |why: String| format!("not a readable .npy file: {why}");
    let header = Header::parse(&contents.head).map_err(broken)?;
    let dtype = header.dtype.as_str();
    let expected = match accept {
        Accept::Floats => "float64 or float32 ('<f8' or '<f4')",
        Accept::Reals => "float64, float32 or an integer type",
    };
    let refused = || {
        let remedy = "convert it with numpy's .astype('float64')";
        format!("dtype is {}, expected {expected}; {remedy}", quoted(dtype))
    };
    let element = Element::named(dtype).ok_or_else(refused)?;
    // A file is not believed to the point of asking for more memory than it could fill.
    let mut sizes = header.shape.iter();
    let count = sizes.try_fold(1, |product: usize, size| product.checked_mul(*size));
    let bytes = count.and_then(|count| count.checked_mul(element.size));
    let length = bytes.and_then(|bytes| bytes.checked_add(header.length));
    let (Some(count), Some(length)) = (count, length) else {
        return Err(broken(format!("a shape of {:?}", header.shape)));
    };
    if let Some(given) = contents.length.filter(|given| *given != length as u64) {
        return Err(broken(format!("it has {given} bytes, its shape asks for {length}")));
    }
    if accept == Accept::Floats && !element.is_float {
        return Err(refused());
    }
    let mut all = Vec::new();
    if contents.length.is_some() {
        all.try_reserve_exact(count).map_err(|error| broken(error.to_string()))?;
    }
    let reader = contents.reader(header.length);
    let read = read_numbers(reader, &mut all, count, &element);
    read.map_err(|error| broken(error.to_string()))?;
    ArrayD::from_shape_vec(IxDyn(&header.shape).set_f(header.by_columns), all)
        .map_err(|error| broken(error.to_string()))
}

/// Reads so many numbers. More bytes than that are an error.
fn read_numbers(
    mut from: impl Read,
    to: &mut Vec<f64>,
    count: usize,
    element: &Element,
) -> io::Result<()> {
    const BLOCK: usize = 1 << 16;
    let mut bytes = vec![0; BLOCK];
    while to.len() < count {
        let block = &mut bytes[..(count - to.len()).min(BLOCK / 8) * element.size];
        from.read_exact(block)?;
        to.extend(block.chunks_exact_mut(element.size).map(|one| {
            if element.is_big {
                one.reverse();
            }
            (element.read)(one)
        }));
    }
    match from.read(&mut bytes)? {
        0 => Ok(()),
        _ => Err(io::Error::other("more bytes than its shape asks for")),
    }
}

/// The header of a little-endian array in C order; the numbers follow by [`write_rows`].
pub fn header<F: Real>(shape: &[usize]) -> Vec<u8> {
    header_of_length::<F>(shape, 0)
}

/// The same, at least this long. The format asks for a header padded with spaces to a multiple of
/// 64 bytes, ending in a newline.
pub fn header_of_length<F: Real>(shape: &[usize], length: usize) -> Vec<u8> {
    let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let descriptor = if F::NAME == "f32" { "<f4" } else { "<f8" };
    let text = format!(
        "{{'descr': '{descriptor}', 'fortran_order': False, 'shape': ({}), }}",
        shape.trim_end()
    );
    let length = (11 + text.len()).next_multiple_of(64).max(length) - 11;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((length as u16 + 1).to_le_bytes());
    bytes.extend(format!("{text:<length$}\n").into_bytes());
    bytes
}

/// Writes the numbers of an array, row by row.
pub fn write_rows<F: Real>(
    to: &mut (impl Write + ?Sized),
    rows: ArrayView2<'_, F>,
) -> io::Result<()> {
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
