//! Grids of small grey images, such as samples of a diffusion model, as PNG and PGM files, and the
//! map of their pixels to other units.

mod map;

pub use map::Map;

use ndarray::{ArrayView2, s};

use crate::error::Error;
use crate::real::Real;

/// Grey of the lines between images and of empty places.
const SEPARATOR: u8 = 96;
/// The largest number of pixels. Larger pictures are rejected before memory is allocated.
const MOST_PIXELS: usize = 1 << 28;

/// A grey picture of 8 bits per pixel: 0 is black, 255 white.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GreyImage {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

/// Lays out images as tiles of a grid, row by row.
///
/// - `images`: shape (images, rows · columns), one image per row. The rows of an image follow each
///   other.
/// - `shape`: (rows, columns) of one image.
/// - `columns`: images side by side. Fewer images give a narrower grid.
/// - `range`: (value of black, value of white). Values outside become black or white. Values
///   between are rounded to the nearest of 256 greys. [`GreyImage::inverted`] makes low values
///   white.
/// - `scale`: each value becomes a square of `scale` × `scale` pixels. Grey lines of that width
///   separate the images.
///
/// # Errors
/// [`Error::Shape`] in these cases:
///
/// - There is no image or no pixel.
/// - `shape` does not fit `images`.
/// - `columns` or `scale` is zero.
/// - `range` is not a finite, non-empty interval.
/// - A value is not finite.
/// - The picture would have more than 2²⁸ pixels.
pub fn grid(
    images: ArrayView2<'_, f64>,
    shape: (usize, usize),
    columns: usize,
    range: (f64, f64),
    scale: usize,
) -> Result<GreyImage, Error> {
    check(images, shape, columns, range, scale)?;
    let (black, white) = range;
    let (tile_height, tile_width) = shape;
    let across = columns.min(images.nrows());
    let (width, height) = size(shape, across, images.nrows().div_ceil(across), scale)?;
    let mut pixels = vec![SEPARATOR; width * height];
    for (index, image) in images.rows().into_iter().enumerate() {
        let top = index / across * (tile_height + 1);
        let left = index % across * (tile_width + 1);
        for (position, &value) in image.iter().enumerate() {
            let grey = (255.0 * ((value - black) / (white - black)).clamp(0.0, 1.0)).round() as u8;
            let first_column = (left + position % tile_width) * scale;
            let first_row = (top + position / tile_width) * scale;
            for row in first_row..first_row + scale {
                let start = row * width + first_column;
                pixels[start..start + scale].fill(grey);
            }
        }
    }
    Ok(GreyImage { width, height, pixels })
}

/// The first images, at most 100, as a sheet of ten side by side with high values dark.
///
/// Images are enlarged to sides of about 48 pixels. The arguments are those of [`grid`], with
/// `range` the values of white and black.
///
/// ```
/// use langevin::ndarray::Array2;
/// let images = Array2::<f64>::zeros((250, 64));
/// let sheet = langevin::image::sheet(images.view(), (8, 8), (-1.0, 1.0))?;
/// assert_eq!((sheet.width(), sheet.height()), (89 * 6, 89 * 6));
/// # Ok::<(), langevin::Error>(())
/// ```
///
/// # Errors
/// Those of [`grid`].
pub fn sheet<F: Real>(
    images: ArrayView2<'_, F>,
    shape: (usize, usize),
    range: (f64, f64),
) -> Result<GreyImage, Error> {
    let first = images.slice(s![..images.nrows().min(100), ..]).mapv(F::widen);
    let scale = (48 / shape.0.max(shape.1).max(1)).clamp(1, 8);
    Ok(grid(first.view(), shape, 10, range, scale)?.inverted())
}

/// The smallest and the largest of some values. They must differ and be a finite distance apart.
///
/// # Errors
/// [`Error::Value`] if they do not or are not.
pub fn extremes(values: ArrayView2<'_, f64>) -> Result<(f64, f64), Error> {
    let ends = (f64::INFINITY, f64::NEG_INFINITY);
    let ends = values.iter().fold(ends, |(low, high), &x| (low.min(x), high.max(x)));
    let length = ends.1 - ends.0;
    if length > 0.0 && length.is_finite() {
        return Ok(ends);
    }
    Err(Error::Value {
        option: "range of the numbers".into(),
        given: format!("from {} to {}", ends.0, ends.1),
        expected: "different numbers, a finite distance apart".into(),
    })
}

/// An error about an argument of [`grid`].
fn wrong<T>(what: &'static str, given: String, expected: &str) -> Result<T, Error> {
    Err(Error::Shape { what, given, expected: expected.into() })
}

/// Checks the arguments of [`grid`], except the size of the picture.
fn check(
    images: ArrayView2<'_, f64>,
    shape: (usize, usize),
    columns: usize,
    range: (f64, f64),
    scale: usize,
) -> Result<(), Error> {
    let (count, values) = images.dim();
    let (tile_height, tile_width) = shape;
    if count == 0 || values == 0 || tile_height.checked_mul(tile_width) != Some(values) {
        let given = format!("shape ({count}, {values}) for images of {tile_height} × {tile_width}");
        return wrong(
            "images of a grid",
            given,
            "at least one image, and rows · columns values in each",
        );
    }
    if columns == 0 || scale == 0 {
        return wrong(
            "columns and scale of a grid",
            format!("{columns} and {scale}"),
            "at least 1 each",
        );
    }
    let (black, white) = range;
    // The difference also rejects infinite ends and lengths.
    if !(white - black > 0.0 && (white - black).is_finite()) {
        return wrong(
            "range of a grid",
            format!("{black} to {white}"),
            "a finite interval, black below white",
        );
    }
    for (index, image) in images.rows().into_iter().enumerate() {
        if let Some((position, value)) =
            image.iter().enumerate().find(|(_, value)| !value.is_finite())
        {
            let given = format!("{value} in row {index} at position {position}");
            return wrong("images of a grid", given, "finite values");
        }
    }
    Ok(())
}

/// Width and height of the picture in pixels.
fn size(
    shape: (usize, usize),
    across: usize,
    down: usize,
    scale: usize,
) -> Result<(usize, usize), Error> {
    let (tile_height, tile_width) = shape;
    let side = |tiles: usize, length: usize| {
        length.checked_add(1)?.checked_mul(tiles)?.checked_sub(1)?.checked_mul(scale)
    };
    if let (Some(width), Some(height)) = (side(across, tile_width), side(down, tile_height))
        && width.checked_mul(height).is_some_and(|pixels| pixels <= MOST_PIXELS)
    {
        return Ok((width, height));
    }
    let images = format!("{down} × {across} images of {tile_height} × {tile_width}");
    wrong("size of a grid", format!("{images} at scale {scale}"), "at most 2²⁸ pixels")
}

impl GreyImage {
    /// Number of pixels in a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// All pixels, row by row from the top.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The same picture with black and white exchanged, for printing with ink on paper.
    #[must_use]
    pub fn inverted(mut self) -> Self {
        for pixel in &mut self.pixels {
            *pixel = 255 - *pixel;
        }
        self
    }

    /// The bytes of a PNG file.
    ///
    /// # Errors
    /// [`Error::Picture`] if the encoder fails.
    pub fn to_png(&self) -> Result<Vec<u8>, Error> {
        let refused = |message: String| Error::Picture { format: "PNG", message };
        let side =
            |length: usize| u32::try_from(length).map_err(|error| refused(error.to_string()));
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, side(self.width)?, side(self.height)?);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(|error| refused(error.to_string()))?;
        writer.write_image_data(&self.pixels).map_err(|error| refused(error.to_string()))?;
        writer.finish().map_err(|error| refused(error.to_string()))?;
        Ok(file)
    }

    /// The bytes of a binary PGM file (netpbm "P5").
    #[must_use]
    pub fn to_pgm(&self) -> Vec<u8> {
        let mut file = format!("P5\n{} {}\n255\n", self.width, self.height).into_bytes();
        file.extend_from_slice(&self.pixels);
        file
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    /// Three images of 1 × 2 in two columns, with values below, inside and above the range.
    fn three() -> GreyImage {
        let images = array![[0.0, 1.0], [-5.0, 5.0], [0.5, 0.25]];
        grid(images.view(), (1, 2), 2, (0.0, 1.0), 1).expect("a grid")
    }

    #[test]
    fn pixels_are_where_and_what_they_should_be() {
        let grey = SEPARATOR;
        let image = three();
        assert_eq!((image.width(), image.height()), (5, 3));
        #[rustfmt::skip]
        assert_eq!(image.pixels(), [
            0, 255, grey, 0, 255,
            grey, grey, grey, grey, grey,
            128, 64, grey, grey, grey,
        ]);
        assert_eq!(image.inverted().pixels()[..3], [255, 0, 255 - grey]);
    }

    #[test]
    fn scale_repeats_pixels_and_separators() {
        let images = array![[-1.0, 1.0, 1.0, -1.0], [1.0, 1.0, 1.0, 1.0]];
        let image = grid(images.view(), (2, 2), 9, (-1.0, 1.0), 2).expect("a grid");
        assert_eq!((image.width(), image.height()), (10, 4));
        let grey = SEPARATOR;
        assert_eq!(image.pixels()[10..20], [0, 0, 255, 255, grey, grey, 255, 255, 255, 255]);
        assert_eq!(image.pixels()[20..30], [255, 255, 0, 0, grey, grey, 255, 255, 255, 255]);
    }

    #[test]
    fn files_decode_to_the_same_pixels() {
        let image = three();
        let file = image.to_png().expect("a file");
        let mut reader =
            png::Decoder::new(std::io::Cursor::new(file)).read_info().expect("a header");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("a frame");
        assert_eq!((info.width, info.height, info.color_type), (5, 3, png::ColorType::Grayscale));
        assert_eq!(pixels, image.pixels());
        let pgm = image.to_pgm();
        assert!(pgm.starts_with(b"P5\n5 3\n255\n"));
        assert_eq!(&pgm[11..], image.pixels());
    }

    #[test]
    fn sheets_hold_a_hundred_images_with_high_values_dark() {
        let mut images = Array2::<f32>::zeros((101, 4));
        images[[0, 0]] = 1.0;
        let image = sheet(images.view(), (2, 2), (0.0, 1.0)).expect("a sheet");
        assert_eq!((image.width(), image.height()), (29 * 8, 29 * 8));
        assert_eq!((image.pixels()[0], image.pixels()[8]), (0, 255));
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let good = Array2::<f64>::zeros((2, 4));
        let refused = |images: &Array2<f64>, shape, columns, range, scale| {
            matches!(grid(images.view(), shape, columns, range, scale), Err(Error::Shape { .. }))
        };
        assert!(!refused(&good, (2, 2), 1, (0.0, 1.0), 1));
        assert!(refused(&good, (2, 3), 1, (0.0, 1.0), 1));
        assert!(refused(&good, (usize::MAX, 2), 1, (0.0, 1.0), 1));
        assert!(
            refused(&good, (2, 2), 0, (0.0, 1.0), 1) && refused(&good, (2, 2), 1, (0.0, 1.0), 0)
        );
        assert!(
            refused(&good, (2, 2), 1, (0.0, 1.0), usize::MAX)
                && refused(&good, (2, 2), 1, (0.0, 1.0), 1 << 20)
        );
        for range in
            [(1.0, 0.0), (0.0, 0.0), (f64::NAN, 1.0), (0.0, f64::INFINITY), (-1e308, 1e308)]
        {
            assert!(refused(&good, (2, 2), 1, range, 1), "{range:?}");
        }
        assert!(refused(&Array2::zeros((0, 4)), (2, 2), 1, (0.0, 1.0), 1));
        assert!(refused(&Array2::zeros((2, 0)), (0, 0), 1, (0.0, 1.0), 1));
        let mut holed = good.clone();
        holed[[1, 2]] = f64::NAN;
        let message =
            grid(holed.view(), (2, 2), 1, (0.0, 1.0), 1).expect_err("refused").to_string();
        assert!(message.contains("NaN in row 1 at position 2"), "{message}");
    }
}
