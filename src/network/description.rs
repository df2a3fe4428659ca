//! What the descriptions of all file formats say alike: process, prediction, time, and data.

use serde_json::Value;

use super::card::{Card, TimeInput};
use super::object::{Object, count};
use super::problem::wrong;
use crate::diffusion::{Beta, Factor, Flow, Prediction, Process, ProcessKind, Psld, Schedule};
use crate::error::Result;

/// The most bytes of the text.
const LONGEST: usize = 2 << 20;

/// The JSON of a description; `what` says where it stands.
pub(crate) fn json(what: &str, text: &str) -> Result<Value> {
    if text.len() > LONGEST {
        let given = format!("{} bytes", text.len());
        return Err(wrong(what, given, format!("at most {LONGEST}")));
    }
    serde_json::from_str(text)
        .map_err(|error| wrong(what, error, "JSON as in docs/network-format.md"))
}

/// Range and shape of the data, which have this many numbers.
pub(crate) fn read_data(root: &Object<'_>, numbers: usize, card: &mut Card) -> Result<()> {
    let Some(value) = root.get("data") else { return Ok(()) };
    let data = Object::new("data", value, &["range", "image"])?;
    let finite = |value: &Value| value.as_f64().filter(|x| x.is_finite());
    let expected = "two finite numbers, the smaller one first";
    card.range = data.pair("range", finite, expected)?;
    if card.range.is_some_and(|[low, high]| !(low < high)) {
        return Err(data.wrong("range", expected));
    }
    card.image = data.pair("image", count, "the two sides of a picture")?;
    if card.image.is_some_and(|[height, width]| height.checked_mul(width) != Some(numbers)) {
        let expected = format!("two sides whose product is {numbers}, the numbers of the data");
        return Err(data.wrong("image", expected));
    }
    Ok(())
}

/// The process of a network with rows of `input` numbers; `None` for features.
pub(crate) fn process(root: &Object<'_>, input: usize) -> Result<Option<Process>> {
    let kinds = r#"{"kind": KIND, …} with vp, flow, edm, ve, psld or none"#;
    let Some(value) = root.get("process") else { return Err(root.wrong("process", kinds)) };
    match value.get("kind").and_then(Value::as_str) {
        Some("vp") => {
            let vp = Object::new("process", value, &["kind", "schedule", "levels"])?;
            let schedule = vp.text("schedule")?;
            let levels = vp.count("levels")?;
            Ok(Some(Process::vp(schedule.parse::<Schedule>()?.table(levels)?)))
        }
        Some("flow") => {
            let flow = Object::new("process", value, &["kind", "levels", "shift"])?;
            let shift = flow.number("shift", "a finite number > 0", |x| x > 0.0)?;
            Ok(Some(Process::Flow(Flow::new(flow.count("levels")?, shift)?)))
        }
        Some(kind @ ("edm" | "ve")) => {
            let range = Object::new("process", value, &["kind", "sigma_min", "sigma_max"])?;
            let sigma = |key| range.number(key, "a finite number > 0", |x| x > 0.0);
            let sigmas = [sigma("sigma_min")?, sigma("sigma_max")?];
            let process = if kind == "edm" { Process::edm(sigmas) } else { Process::ve(sigmas) };
            process.map(Some)
        }
        Some("psld") => {
            let psld = Object::new("process", value, &["kind", "beta", "gamma", "nu", "kappa"])?;
            let number = |key| psld.number(key, "a finite number >= 0", |x| x >= 0.0);
            let beta = psld.number("beta", "a finite number > 0", |x| x > 0.0)?;
            if input % 2 == 1 {
                return Err(root.wrong("input", "an even number, positions and momenta, for psld"));
            }
            let process = Psld::new(number("gamma")?, number("nu")?, number("kappa")?)?;
            Ok(Some(Process::psld(process, Beta::constant(beta)?)))
        }
        Some("none") => Object::new("process", value, &["kind"]).map(|_| None),
        _ => Err(root.wrong("process", kinds)),
    }
}

/// What is predicted; `None` for features.
pub(crate) fn prediction(
    root: &Object<'_>,
    kind: Option<ProcessKind>,
) -> Result<Option<Prediction>> {
    use Prediction::{Data, Epsilon, JointEpsilon, JointScore, Score, Velocity};
    let known: &[(&str, Option<Prediction>)] = match kind {
        Some(ProcessKind::Vp) => &[
            ("epsilon", Some(Epsilon)),
            ("data", Some(Data)),
            ("velocity", Some(Velocity)),
            ("score", Some(Score)),
        ],
        Some(ProcessKind::Flow | ProcessKind::Edm | ProcessKind::Ve) => &[
            ("epsilon", Some(Epsilon)),
            ("data", Some(Data)),
            ("velocity", Some(Velocity)),
            ("score", Some(Score)),
            ("flow", Some(Prediction::Flow)),
        ],
        Some(ProcessKind::Psld) => &[
            ("epsilon-lower", Some(JointEpsilon(Factor::Lower))),
            ("epsilon-upper", Some(JointEpsilon(Factor::Upper))),
            ("score", Some(JointScore)),
        ],
        None => &[("features", None)],
    };
    let given = root.text("prediction")?;
    if let ("edm", Some(ProcessKind::Edm)) = (given, kind) {
        let number = root.number("sigma_data", "a finite number > 0", |x| x > 0.0);
        return number.map(|sigma_data| Some(Prediction::Edm { sigma_data }));
    }
    let found = known.iter().find(|(name, _)| *name == given);
    found.map(|(_, prediction)| *prediction).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        root.wrong("prediction", format!("for this process one of {}", names.join(", ")))
    })
}

/// Which number tells a network of this process the time.
pub(crate) fn time_input(
    root: &Object<'_>,
    time: &Object<'_>,
    kind: Option<ProcessKind>,
) -> Result<TimeInput> {
    let known: &[(&str, TimeInput)] = match kind {
        Some(ProcessKind::Vp) => {
            &[("timestep", TimeInput::Timestep), ("log-snr", TimeInput::LogSnr)]
        }
        Some(ProcessKind::Flow) => &[("timestep", TimeInput::Timestep), ("time", TimeInput::Time)],
        Some(ProcessKind::Edm | ProcessKind::Ve) => &[
            ("sigma", TimeInput::Sigma),
            ("log-sigma", TimeInput::LogSigma),
            ("quarter-log-sigma", TimeInput::QuarterLogSigma),
        ],
        Some(ProcessKind::Psld) => &[("time", TimeInput::Time)],
        None => {
            return Err(root.wrong("time", "nothing: a map of data to features has no time"));
        }
    };
    let given = time.text("input")?;
    let found = known.iter().find(|(name, _)| *name == given);
    found.map(|(_, input)| *input).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let kind = kind.map_or("", ProcessKind::name);
        let known = match names.split_last() {
            Some((last, others)) if !others.is_empty() => {
                format!("{} or {last}", others.join(", "))
            }
            _ => names.concat(),
        };
        time.wrong("input", format!("for {kind} {known}"))
    })
}
