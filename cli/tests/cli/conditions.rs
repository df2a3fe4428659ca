//! `langevin generate` with a strength, a known part of the data, or guidance in part.

use std::path::Path;

use langevin::ndarray::{Array1, Array2, array};
use ndarray_npy::write_npy;

use crate::support::{
    THREE, bytes, folder, json, network, number, read, read_as_f64, refuse, succeed,
};

const DDIM: &str = "generate g.json --method ddim --evaluations 20 --chains 4 --seed 5";

fn start(folder: &Path) {
    let rows = Array2::from_shape_fn((4, 2), |(i, j)| 0.5 * i as f64 - j as f64);
    write_npy(folder.join("start.npy"), &rows).unwrap();
}

#[test]
fn a_strength_takes_the_last_steps_from_noised_data() {
    let folder = folder("conditions-strength", THREE);
    start(&folder);
    let run = format!("{DDIM} --start start.npy");
    let whole = json(&folder, &DDIM.replace("--chains 4", "--chains 4 --quiet"));
    let part = json(&folder, &format!("{run} --strength 0.4 --out part.npy"));
    assert_eq!((&part["steps"], number(&part["evaluations_per_chain"])), (&8.into(), 8.0));
    assert_eq!(part["strength"], 0.4);
    let timesteps = whole["timesteps"].as_array().unwrap();
    assert_eq!(part["timesteps"].as_array().unwrap()[..], timesteps[12..]);
    // The same levels as a list, and the same noise.
    let list: Vec<String> = timesteps[12..].iter().map(ToString::to_string).collect();
    let listed = run.replace("--evaluations 20", &format!("--timesteps {}", list.join(",")));
    succeed(&folder, &format!("{listed} --noise-start --out listed.npy"));
    assert_eq!(bytes(&folder, "part.npy"), bytes(&folder, "listed.npy"));
}

#[test]
fn a_known_part_is_kept() {
    let folder = folder("conditions-known", THREE);
    write_npy(folder.join("mask.npy"), &array![[1u8, 0]]).unwrap();
    write_npy(folder.join("known.npy"), &array![[2.0, 0.0]]).unwrap();
    let run = DDIM.replace("ddim", "ddpm") + " --mask mask.npy --known known.npy --out x.npy";
    for (way, evaluations) in
        [("", 20.0), ("--inpaint projection", 20.0), ("--inpaint repaint:jump=5:repeats=3", 60.0)]
    {
        let report = json(&folder, &format!("{run} {way}"));
        let name = way.strip_prefix("--inpaint ").unwrap_or("replacement");
        assert_eq!(report["inpaint"], name);
        assert_eq!(number(&report["evaluations_per_chain"]), evaluations, "{way}");
        assert_eq!(number(&report["planned_evaluations"]), evaluations, "{way}");
        assert!(report["inputs"]["mask"]["sha256"].is_string());
        let samples = read::<f64>(&folder, "x.npy");
        let first = samples.index_axis(langevin::ndarray::Axis(1), 0);
        assert!(first.iter().all(|x| (x - 2.0).abs() < 1e-12), "{way}: {first}");
    }
    // All three, on a network.
    let mask = Array2::from_shape_fn((1, 64), |(_, j)| u8::from(j < 32));
    write_npy(folder.join("mask.npy"), &mask).unwrap();
    write_npy(folder.join("known.npy"), &Array2::<f32>::from_elem((1, 64), -1.0)).unwrap();
    write_npy(folder.join("start.npy"), &Array2::<f32>::zeros((4, 64))).unwrap();
    let run = run.replace("g.json", &format!("--model {}", network("digits")));
    let options = "--start start.npy --strength 0.5 --label 3 --guidance 2 --window 5";
    let report = json(&folder, &format!("{run} {options} --input-bits 10"));
    assert_eq!(report["window"], 5);
    let samples = read_as_f64(&folder, "x.npy", "f32");
    assert!(samples.iter().take(32).all(|x| (x + 1.0).abs() < 1e-6));
}

#[test]
fn guidance_in_part_acts_and_is_told() {
    let folder = folder("conditions-guidance", THREE);
    let run = format!(
        "generate --model {} --method ddim --evaluations 10 --chains 4 --label 3",
        network("digits")
    );
    succeed(&folder, &format!("{run} --out plain.npy"));
    let mut all = vec![bytes(&folder, "plain.npy")];
    let interval = "--guidance-interval 0.2,2";
    let own = format!("--guidance-model {}", network("digits"));
    for options in ["", interval, "--guidance-rescale 0.7", "--guidance-interval 0.1,5"] {
        let report = json(&folder, &format!("{run} --guidance 3 {options} --out x.npy"));
        let found = bytes(&folder, "x.npy");
        assert!(!all.contains(&found), "{options}");
        all.push(found);
        assert_eq!(report["guidance"], 3.0);
        assert_eq!(report["guidance_rescale"].is_number(), options.contains("rescale"));
    }
    let text = succeed(&folder, &format!("{run} --guidance 3 {interval} --guidance-rescale 0.7"));
    assert!(text.contains("guidance 3 where sigma is above 0.2 and not above 2, rescaled by 0.7"));
    // Away from itself is nowhere.
    succeed(&folder, &format!("{run} --guidance 3 {own} --out x.npy"));
    let same = read_as_f64(&folder, "x.npy", "f32") - read_as_f64(&folder, "plain.npy", "f32");
    assert!(same.iter().all(|off| off.abs() < 1e-4));
}

/// Options of a run of ddim, and what the message says.
const BAD: [(&str, &str); 19] = [
    ("--strength 0.5", "--start"),
    ("--start start.npy --strength 0", "strength: given 0, expected a number in (0, 1]"),
    ("--start start.npy --strength 1.5", "strength: given 1.5"),
    ("--start start.npy --strength nan", "strength: given NaN"),
    ("--start start.npy --strength 0.01", "strength: given 0.01 | at least one of them"),
    ("--mask mask.npy", "--known"),
    ("--known known.npy", "--mask"),
    ("--inpaint projection", "--mask"),
    ("--mask wide.npy --known known.npy", "--mask wide.npy | (1, 3), expected (1, 2)"),
    ("--mask mask.npy --known wide.npy", "--known wide.npy | (1, 3), expected (1, 2)"),
    ("--mask start.npy --known known.npy", "--mask start.npy | (4, 2), expected (1, 2)"),
    ("--mask line.npy --known known.npy", "--mask line.npy | given shape [2]"),
    ("--mask known.npy --known known.npy", "mask: given 2, expected 1 where"),
    ("--mask mask.npy --known known.npy --inpaint paint", "inpaint | `paint` | replacement"),
    ("--mask mask.npy --known known.npy --inpaint repaint:jump=0", "jump | given 0"),
    ("--mask nowhere.npy --known known.npy", "--mask nowhere.npy"),
    ("--guidance-interval 0,1", "--guidance"),
    ("--guidance-rescale 0.7", "--guidance"),
    ("--guidance-model g.json", "--guidance"),
];

/// Options of a guided run of a network, and what the message says.
const BADLY_GUIDED: [(&str, &str); 6] = [
    ("--guidance-interval 2,1", "--guidance-interval | LO below HI"),
    ("--guidance-interval=-1,1", "guidance interval: given -1"),
    ("--guidance-rescale 1.5", "guidance rescale: given 1.5, expected a number in [0, 1]"),
    ("--guidance-model nowhere", "--guidance-model nowhere"),
    ("--guidance-model PSLD", "--guidance-model"),
    ("--guidance-model FEATURES", "--guidance-model | features"),
];

#[test]
fn conditions_that_make_no_sense_are_refused() {
    let folder = folder("conditions-refused", THREE);
    start(&folder);
    write_npy(folder.join("mask.npy"), &array![[1u8, 0]]).unwrap();
    write_npy(folder.join("known.npy"), &array![[2.0, 0.0]]).unwrap();
    write_npy(folder.join("wide.npy"), &array![[1.0, 0.0, 0.0]]).unwrap();
    write_npy(folder.join("line.npy"), &Array1::<f64>::zeros(2)).unwrap();
    for (options, pieces) in BAD {
        refuse(&folder, &format!("{DDIM} {options} --out x.npy"), pieces);
    }
    let held = "--mask mask.npy --known known.npy";
    let psld = DDIM.replace("ddim", "roba --process psld");
    refuse(&folder, &format!("{psld} {held}"), "positions without momenta");
    let memory = DDIM.replace("ddim", "dpmpp2m");
    refuse(&folder, &format!("{memory} {held} --inpaint repaint"), "without a memory");
    let phases = DDIM.replace("ddim --evaluations 20", "pc --evaluations 60");
    refuse(&folder, &format!("{phases} --start start.npy --strength 0.5"), "in the middle of pc");
    for (options, pieces) in BADLY_GUIDED {
        let options = options
            .replace("PSLD", &network("digits-psld"))
            .replace("FEATURES", &network("digits-features"));
        let model = DDIM.replace("g.json", &format!("--model {} --label 1", network("digits")));
        refuse(&folder, &format!("{model} --guidance 2 {options} --out x.npy"), pieces);
    }
}
