//! Samples as a grid of small pictures.

use langevin::ndarray::ArrayView2;
use langevin::{Real, image};

use crate::failure::{Failure, refuse};
use crate::source::{Source, pair};

/// How samples are drawn as images.
pub struct Tiles {
    shape: (usize, usize),
    range: (f64, f64),
}

/// Two whole numbers with an x between.
pub fn image_shape(text: &str) -> Result<(usize, usize), String> {
    pair(text, 'x')
        .filter(|(rows, columns)| *rows > 0 && *columns > 0)
        .ok_or_else(|| "expected rows x columns, as 8x8".into())
}

impl Tiles {
    /// The shape that was given, or that of the model.
    pub fn new(shape: Option<(usize, usize)>, source: &Source) -> Result<Self, Failure> {
        let Some(shape) = shape.or(source.image) else {
            return refuse(
                "--grid-image needs --image-shape: the model does not say the sides of a picture",
            );
        };
        let (rows, columns) = shape;
        if rows.checked_mul(columns) != Some(source.dimension()) {
            let given = format!("--image-shape: given {rows}x{columns}");
            let expected =
                format!("a product of {}, the dimension of the target", source.dimension());
            return refuse(format!("{given}, expected {expected}"));
        }
        let range = match (source.range, source.data()) {
            (Some(range), _) => range,
            (None, Some(data)) => image::extremes(data.means().view()).map_err(|error| {
                Failure::Input(format!("--grid-image: means of the target, {error}"))
            })?,
            (None, None) => (-1.0, 1.0),
        };
        Ok(Self { shape, range })
    }

    /// The first samples, high numbers dark on white.
    pub fn png<F: Real>(&self, positions: ArrayView2<'_, F>) -> Result<Vec<u8>, Failure> {
        Ok(image::sheet(positions, self.shape, self.range)?.to_png()?)
    }
}
