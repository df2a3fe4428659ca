//! What `langevin generate` refuses.

use langevin::ndarray::Array2;
use ndarray_npy::write_npy;

use crate::support::{THREE, folder, refuse};

const DDIM: &str = "generate g.json --method ddim --evaluations 10 --chains 4";

/// Method, options, and what the message says.
const WITH_METHOD: [(&str, &str, &str); 26] = [
    ("ddim", "", "--evaluations | missing | timesteps"),
    ("ddim", "--timesteps 5,5", "levels | decrease"),
    ("ddim", "--timesteps 5,6", "levels | decrease"),
    ("ddim", "--timesteps 1000", "levels | 1001 | 1000"),
    ("ddim", "--timesteps 5,-1", "timesteps | -1"),
    ("ddim", "--timesteps 5,,1", "timesteps"),
    ("ddim", "--timesteps=", "timesteps | expected a value"),
    ("ddim", "--timesteps 99999999999999999999999", "timesteps | whole numbers"),
    ("ddim", "--timesteps 5,3 --grid equal", "only one of grid, timesteps, sigmas and blocks"),
    ("ddim", "--timesteps 5,3,1 --evaluations 2", "2 evaluations are too few | at least 3"),
    ("ddim", "--blocks 600,400", "blocks | ddim"),
    ("pmm2", "--blocks 600,300", "sum of the blocks | 900"),
    ("pmm2", "--blocks 600,0,400", "block | given 0"),
    ("ddpm", "--evaluations 0", "0 evaluations are too few | at least 1"),
    ("em", "--evaluations 1", "1 evaluations are too few | at least 2"),
    ("pmm1", "--evaluations 1", "1 evaluations are too few | at least 2"),
    ("rm", "--evaluations 2", "2 evaluations are too few | at least 3"),
    ("pc", "--evaluations 5", "5 evaluations are too few | at least 3"),
    ("ddim", "--evaluations -1", "--evaluations | -1"),
    ("DDIMS", "--evaluations 9", "unknown method `DDIMS` | dpmpp2m"),
    ("ddpm", "--evaluations 9 --eta 0.5", "eta | ddpm"),
    ("ddim", "--evaluations 9 --variance large", "variance | ddim"),
    ("ddpm", "--evaluations 9 --variance huge", "variance | huge"),
    ("pmm1", "--evaluations 9 --noise-scale 2", "noise scale | 2"),
    ("rm", "--timesteps 9,1 --rounds 18446744073709551615", "rounds"),
    ("pc", "--evaluations 60 --end-time 100", "horizon less end time"),
];

/// Options of a run of ddim, and what the message says.
const WITH_DDIM: [(&str, &str); 21] = [
    ("--eta 1.5", "eta | 1.5"),
    ("--eta -0.1", "eta | -0.1"),
    ("--eta nan", "eta | NaN"),
    ("--schedule quadratic", "schedule: given `quadratic` | scaled-linear"),
    ("--grid cubic", "grid | `cubic` | logsnr"),
    ("--levels 0", "levels | given 0"),
    ("--levels 1000001", "levels | 1000001"),
    ("--image-shape 1x2", "--grid-image"),
    ("--grid-image x.png", "--image-shape"),
    ("--grid-image x.png --image-shape 2x2", "--image-shape | 2x2 | 2, the dimension"),
    ("--grid-image x.png --image-shape 0x2", "--image-shape | 0x2"),
    ("--grid-image x.png --image-shape 2", "--image-shape | 8x8"),
    ("--grid-image x.svg --image-shape 1x2", "--grid-image x.svg | x.png"),
    ("--grid-image nowhere/x.png --image-shape 1x2", "--grid-image nowhere/x.png"),
    ("--scale 0,1", "--scale"),
    ("--every 11", "--every 11 | 10 steps"),
    ("--every 0", "every | given 0"),
    ("--start wide.npy", "start | (4, 4) | (4, 2)"),
    ("--start short.npy", "start | (3, 2) | (4, 2)"),
    ("--burn-in 3", "--burn-in"),
    ("--bandwidth 1", "--bandwidth"),
];

#[test]
fn bad_input_is_refused() {
    let folder = folder("generate-refused", THREE);
    write_npy(folder.join("wide.npy"), &Array2::<f64>::zeros((4, 4))).unwrap();
    write_npy(folder.join("short.npy"), &Array2::<f64>::zeros((3, 2))).unwrap();
    let outputs = "--out x.npy --plot x.svg --json";
    for (method, options, pieces) in WITH_METHOD {
        let run = format!("generate g.json --method {method} --chains 4 {options}");
        refuse(&folder, &format!("{run} {outputs}"), pieces);
    }
    for (options, pieces) in WITH_DDIM {
        refuse(&folder, &format!("{DDIM} {options} {outputs}"), pieces);
    }
    refuse(&folder, &DDIM.replace("chains 4", "chains 0"), "chains | given 0");
    refuse(&folder, &DDIM.replace("g.json", ""), "TARGET.json");
    // The second block of a two-step method is not the user's.
    refuse(&folder, &DDIM.replace("ddim", "dpmpp2m --start wide.npy"), "start | (4, 4)");
}

#[test]
fn bad_options_behind_a_name_are_refused() {
    let folder = folder("generate-behind-refused", THREE);
    for (method, pieces) in [
        ("ddim:eta", "eta"),
        ("ddim:eta=", "eta"),
        ("ddim:eta=2", "eta | 2"),
        ("ddim:sideways=1", "sideways | ddim"),
        ("ddim:grid=cubic", "grid | cubic | logsnr"),
        ("ddim:", "ddim"),
        ("ddim@10", "ddim@10"),
    ] {
        refuse(&folder, &DDIM.replace("ddim", method), pieces);
    }
}
