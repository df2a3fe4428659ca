//! Samples as a grid of small pictures.

use langevin::ndarray::{ArrayView2, s};
use langevin::{Real, image};

use crate::failure::Failure;
use crate::source::Source;
use crate::target;

/// Images side by side in a picture, and in all.
const COLUMNS: usize = 10;
const MOST_IMAGES: usize = 100;

/// How samples are drawn as images.
pub struct Tiles {
    shape: (usize, usize),
    range: (f64, f64),
}

/// Two whole numbers with an x between.
pub fn image_shape(text: &str) -> Result<(usize, usize), String> {
    let sides = text
        .split_once('x')
        .and_then(|(rows, columns)| Some((rows.parse().ok()?, columns.parse().ok()?)));
    sides
        .filter(|(rows, columns)| *rows > 0 && *columns > 0)
        .ok_or_else(|| "expected rows x columns, as 8x8".into())
}

impl Tiles {
    /// The shape that was given, or that of the model.
    pub fn new(shape: Option<(usize, usize)>, source: &Source) -> Result<Self, Failure> {
        let Some(shape) = shape.or(source.image) else {
            return Err(Failure::Input(
                "--grid-image needs --image-shape: the model does not say the sides of a picture"
                    .into(),
            ));
        };
        let (rows, columns) = shape;
        if rows.checked_mul(columns) != Some(source.dimension()) {
            let given = format!("--image-shape: given {rows}x{columns}");
            let expected =
                format!("a product of {}, the dimension of the target", source.dimension());
            return Err(Failure::Input(format!("{given}, expected {expected}")));
        }
        let of_means = || source.data().map(|data| target::extremes(&data.means().to_owned()));
        let range = source.range.or_else(of_means).unwrap_or((-1.0, 1.0));
        if !(range.1 - range.0 > 0.0 && (range.1 - range.0).is_finite()) {
            let given =
                format!("--grid-image: the means of the target go from {} to {}", range.0, range.1);
            return Err(Failure::Input(format!(
                "{given}, expected different numbers, a finite distance apart"
            )));
        }
        Ok(Self { shape, range })
    }

    /// The first samples, high numbers dark on white.
    pub fn png<F: Real>(&self, positions: ArrayView2<'_, F>) -> Result<Vec<u8>, Failure> {
        let first = positions.slice(s![..positions.nrows().min(MOST_IMAGES), ..]).mapv(F::widen);
        // Small images are enlarged to sides of about 48 pixels.
        let enlarged = (48 / self.shape.0.max(self.shape.1)).clamp(1, 8);
        let picture = image::grid(first.view(), self.shape, COLUMNS, self.range, enlarged)?;
        Ok(picture.inverted().to_png()?)
    }
}
