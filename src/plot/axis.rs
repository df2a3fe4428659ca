//! One axis: its range, and the positions and labels of its ticks.

/// A closed interval.
pub(super) type Interval = (f64, f64);

/// A linear or logarithmic axis. Positions run from 0 at the low end to 1 at the high end.
#[derive(Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
    /// Value and label of each labelled tick.
    pub(super) ticks: Vec<(f64, String)>,
    /// Values of the unlabelled small ticks.
    pub(super) small_ticks: Vec<f64>,
    /// A number that all labels leave out.
    offset: Option<String>,
}

/// Approximate number of labelled ticks of a linear axis.
const TICKS: f64 = 6.0;
/// Ratio of the largest value and the distance of ticks above which labels leave out an offset.
const LONG_LABELS: f64 = 1e7;
/// Shorter ranges, relative to their values, would show the rounding of f64.
const FINEST: f64 = 1e-12;
/// Shorter ranges would underflow in the computation of ticks.
const SHORTEST: f64 = 1e-90;

impl Axis {
    /// A linear axis over at least `low..high`. Its ticks are at multiples of 1, 2 or 5 times a
    /// power of ten.
    pub(super) fn linear(low: f64, high: f64) -> Self {
        let (low, high) = widened(low, high);
        let values = round_values(low, high);
        let largest = low.abs().max(high.abs());
        let step = tick_step(low, high);
        let far = largest > LONG_LABELS * step;
        let offset = values.get(values.len() / 2).copied().filter(|_| far);
        let from = offset.unwrap_or(0.0);
        let largest = if far { high - low } else { largest };
        let label = |value| (value, linear_label(value - from, step, largest));
        let ticks = values.into_iter().map(label).collect();
        let offset = offset.map(|value| long_number(value, step));
        Self { low, high, logarithmic: false, ticks, small_ticks: Vec::new(), offset }
    }

    /// A logarithmic axis over a little more than `low..high`. Both must be positive.
    pub(super) fn logarithmic(low: f64, high: f64) -> Self {
        let low = low.log10();
        let high = high.log10();
        let margin = (0.04 * (high - low)).max(0.08);
        let low = low - margin;
        let high = high + margin;
        let first = low.ceil() as i32;
        let last = high.floor() as i32;
        let inside = |value: &f64| (low..=high).contains(&value.log10());
        let multiples = |factors: &'static [f64]| {
            let decades = first - 1..=last;
            decades.flat_map(move |k| factors.iter().map(move |factor| factor * 10f64.powi(k)))
        };

        let mut small_ticks = Vec::new();
        let ticks: Vec<(f64, String)> = if last - first >= 1 {
            // At most eight powers of ten have labels. The others are small ticks.
            let stride = (last - first) / 8 + 1;
            let (labelled, bare): (Vec<i32>, Vec<i32>) =
                (first..=last).partition(|k| k.rem_euclid(stride) == 0);
            small_ticks.extend(bare.into_iter().map(|k| 10f64.powi(k)));
            if stride == 1 {
                small_ticks
                    .extend(multiples(&[2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]).filter(inside));
            }
            labelled.into_iter().map(|k| (10f64.powi(k), power_of_ten(k))).collect()
        } else if high - low > 0.7 {
            small_ticks.extend(multiples(&[3.0, 4.0, 6.0, 7.0, 8.0, 9.0]).filter(inside));
            multiples(&[1.0, 2.0, 5.0])
                .filter(inside)
                .map(|value| (value, short_number(value)))
                .collect()
        } else {
            // So short an axis is nearly linear.
            let low = 10f64.powf(low);
            let high = 10f64.powf(high);
            let step = tick_step(low, high);
            round_values(low, high)
                .into_iter()
                .map(|value| (value, linear_label(value, step, high)))
                .collect()
        };
        Self { low, high, logarithmic: true, ticks, small_ticks, offset: None }
    }

    /// The position of a value, clamped to the axis. A value that a logarithmic axis cannot show is
    /// at its low end.
    pub(super) fn position(&self, value: f64) -> f64 {
        let coordinate = if self.logarithmic { value.log10() } else { value };
        let position = (coordinate - self.low) / (self.high - self.low);
        if position.is_nan() { 0.0 } else { position.clamp(0.0, 1.0) }
    }

    /// Whether a value is within the axis.
    pub(super) fn contains(&self, value: f64) -> bool {
        let coordinate = if self.logarithmic { value.log10() } else { value };
        (self.low..=self.high).contains(&coordinate)
    }

    /// The name of the axis, with the offset that its labels leave out.
    pub(super) fn named(&self, name: &str) -> String {
        match &self.offset {
            Some(offset) if offset.starts_with('−') => {
                format!("{name} + {}", offset.trim_start_matches('−'))
            }
            Some(offset) => format!("{name} − {offset}"),
            None => name.into(),
        }
    }

    /// The number of characters of the longest tick label.
    pub(super) fn label_length(&self) -> usize {
        self.ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0)
    }
}

/// The range, widened if it is so short that its ticks would look the same.
pub(super) fn widened(low: f64, high: f64) -> (f64, f64) {
    let largest = low.abs().max(high.abs());
    if high - low > (FINEST * largest).max(SHORTEST) {
        return (low, high);
    }
    let margin = if largest > SHORTEST { 0.1 * largest } else { 1.0 };
    (low - margin, high + margin)
}

fn tick_step(low: f64, high: f64) -> f64 {
    let raw = (high - low) / TICKS;
    let power = 10f64.powf(raw.log10().floor());
    let factor =
        [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= 0.7 * raw).unwrap_or(10.0);
    factor * power
}

fn round_values(low: f64, high: f64) -> Vec<f64> {
    let step = tick_step(low, high);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|k| k as f64 * step).collect()
}

/// The label of a tick on an axis with this tick step and this largest absolute value.
fn linear_label(value: f64, step: f64, largest: f64) -> String {
    let step_exponent = (step.log10() + 1e-9).floor() as i32;
    if value.abs() < 0.5 * step {
        return "0".into();
    }
    if (1e-3..1e6).contains(&largest) {
        return signed(format!("{value:.*}", usize::try_from(-step_exponent).unwrap_or(0)));
    }
    let exponent = (largest.log10() + 1e-9).floor() as i32;
    let decimals = usize::try_from(exponent - step_exponent).unwrap_or(0);
    signed(format!("{:.decimals$}×{}", value / 10f64.powi(exponent), power_of_ten(exponent)))
}

/// A number with all digits down to this step.
fn long_number(value: f64, step: f64) -> String {
    let digit = |x: f64| (x.abs().log10() + 1e-9).floor() as i32;
    let decimals = usize::try_from(-digit(step)).unwrap_or(0);
    if (1e-3..1e12).contains(&value.abs()) {
        return signed(format!("{value:.decimals$}"));
    }
    let exponent = digit(value);
    let decimals = usize::try_from(exponent - digit(step)).unwrap_or(0);
    signed(format!("{:.decimals$}×{}", value / 10f64.powi(exponent), power_of_ten(exponent)))
}

/// A number of one digit times a power of ten. It is written out unless that is long.
fn short_number(value: f64) -> String {
    let exponent = (value.log10() + 1e-9).floor() as i32;
    match exponent {
        -4..=-1 => format!("{value:.*}", exponent.unsigned_abs() as usize),
        0..=4 => format!("{value:.0}"),
        _ => format!("{:.0}×{}", value / 10f64.powi(exponent), power_of_ten(exponent)),
    }
}

fn signed(number: String) -> String {
    number.replace('-', "−")
}

/// Text such as "10⁻³" for −3.
fn power_of_ten(exponent: i32) -> String {
    let raised = |c: char| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        '9' => '⁹',
        _ => '⁰',
    };
    std::iter::once('1')
        .chain(std::iter::once('0'))
        .chain(exponent.to_string().chars().map(raised))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(labels(&Axis::linear(-6.0, 6.0)), ["−6", "−4", "−2", "0", "2", "4", "6"]);
        assert_eq!(labels(&Axis::linear(0.0, 0.55)), ["0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(
            labels(&Axis::linear(0.0, 3e7)),
            ["0", "0.5×10⁷", "1.0×10⁷", "1.5×10⁷", "2.0×10⁷", "2.5×10⁷", "3.0×10⁷"]
        );
        assert_eq!(labels(&Axis::linear(-2e-5, 2e-5))[0], "−2.0×10⁻⁵");
    }

    #[test]
    fn ticks_far_from_zero_can_be_told_apart() {
        let axis = Axis::linear(99.9968, 100.0033);
        assert_eq!(labels(&axis)[..3], ["99.997", "99.998", "99.999"]);
        assert_eq!(axis.named("x"), "x");
        let axis = Axis::linear(100.0 - 3e-9, 100.0 + 3e-9);
        assert_eq!(axis.named("x"), "x − 100.000000000");
        assert!(labels(&axis).contains(&"0") && labels(&axis)[0].ends_with("×10⁻⁹"), "{axis:?}");
        let axis = Axis::linear(-1e20 - 3e10, -1e20 + 3e10);
        assert_eq!(axis.named("x"), "x + 1.0000000000×10²⁰");
        let mut distinct = labels(&axis);
        distinct.dedup();
        assert_eq!(distinct.len(), axis.ticks.len());
    }

    #[test]
    fn powers_of_ten_are_labelled_as_such() {
        assert_eq!(labels(&Axis::logarithmic(0.002, 5.0)), ["10⁻²", "10⁻¹", "10⁰"]);
        assert_eq!(labels(&Axis::logarithmic(15.0, 90.0)), ["20", "50", "100"]);
        assert_eq!(labels(&Axis::logarithmic(2e-7, 8e-7))[0], "2×10⁻⁷");
        let wide = Axis::logarithmic(1e-300, 1e300);
        assert!((4..=9).contains(&wide.ticks.len()), "{:?}", labels(&wide));
    }

    #[test]
    fn degenerate_ranges_still_give_ticks() {
        for value in [0.0, 4.0, -1e99, 1e-80, 5e-324, 123456.789] {
            let axis = Axis::linear(value, value);
            assert!((2..=14).contains(&axis.ticks.len()), "{value}: {:?}", labels(&axis));
            assert!((axis.position(value) - 0.5).abs() < 1e-6);
        }
        let axis = Axis::logarithmic(50.0, 50.0);
        assert!(axis.ticks.len() >= 2 && axis.position(-1.0) == 0.0 && !axis.contains(0.0));
    }
}
