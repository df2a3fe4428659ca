//! Where generations begin, and what is said about it: schedules, starts, warnings.

use std::fs;

use langevin::ndarray::Array2;
use ndarray_npy::write_npy;

use crate::support::{folder, json, langevin, network, number, read, refuse, stderr, succeed};

/// Data N(0, ¼).
const NARROW: &str = r#"{"means": [[0.0]], "std": 0.5}"#;

/// The variance of generated samples. It has a relative standard error of 1.6 % for 8000 chains, so
/// a window of 15 % fails a right program with probability 1e-19.
fn variance(name: &str, arguments: &str) -> f64 {
    let folder = folder(&format!("starts-{name}"), NARROW);
    let run = format!("generate g.json {arguments} --chains 8000 --threads 1");
    number(&json(&folder, &run)["covariance"][0][0])
}

#[test]
fn the_noisy_end_of_a_schedule_does_not_explode() {
    for method in ["heun", "pmm1", "pmm2", "rm"] {
        for evaluations in [50, 100] {
            let run = format!("--method {method} --schedule cosine --evaluations {evaluations}");
            let found = variance("cosine", &run);
            assert!((found / 0.25 - 1.0).abs() < 0.25, "{run}: {found}");
        }
    }
    let many = "--method pmm2 --beta-range 1e-4,0.02 --levels 10000 --evaluations 100";
    let found = variance("many", many);
    assert!((found / 0.25 - 1.0).abs() < 0.15, "{found}");
}

#[test]
fn few_levels_and_a_start_in_the_middle_are_right() {
    for run in [
        "--method ddim --levels 100 --evaluations 100",
        "--method ddim --levels 100 --beta-range 1e-4,0.02 --evaluations 100",
        "--method heun --timesteps 300,250,200,150,100,50,20,5,0",
    ] {
        let found = variance("middle", run);
        assert!((found / 0.25 - 1.0).abs() < 0.15, "{run}: {found}");
    }
}

#[test]
fn a_start_that_is_not_the_noised_distribution_is_said() {
    let folder = folder("starts-warned", NARROW);
    let model = network("digits");
    let run = format!("generate --model {model} --chains 20");
    let output = langevin(&folder, &format!("{run} --method ddim --timesteps 300,200,100,0"));
    let said = stderr(&output);
    assert!(said.contains("warning: the run starts from pure noise"), "{said}");
    // Nothing is said of the default, and nothing of a start that was given.
    let output = langevin(&folder, &format!("{run} --method ddim --evaluations 20"));
    assert_eq!(stderr(&output), "");
    write_npy(folder.join("start.npy"), &Array2::<f32>::zeros((20, 64))).unwrap();
    let list = "900,700,500,300,200,150,100,80,50,20,5,2,0";
    let given = format!("--method ddim --timesteps {list} --start start.npy");
    let output = langevin(&folder, &format!("{run} {given} --noise-start"));
    assert_eq!(stderr(&output), "");
    // Data in place of noise.
    let output = langevin(&folder, &format!("{run} {given}"));
    assert!(stderr(&output).contains("warning: the mean square of the start is 0.000, but"));
}

/// The known explosion of the form of the paper: the standard deviation is 301 where the data lie
/// in [−1, 1].
#[test]
fn samples_far_outside_of_the_range_are_said() {
    let folder = folder("starts-range", NARROW);
    let model = network("digits");
    let run = format!("--model {model} --chains 100");
    let noise = "--method pmm2 --form noise --evaluations 20";
    let output = langevin(&folder, &format!("generate {run} {noise}"));
    let said = stderr(&output);
    assert!(output.status.success());
    assert!(said.contains("warning: pmm2 takes 10 steps, and below 18"), "{said}");
    assert!(said.contains("numbers are far outside of the range of the data, -1 to 1"), "{said}");
    let data = crate::support::repository("examples/data/digits_8x8_u8.npy");
    let methods = "--methods pmm2:form=noise,ddim --evaluations 20";
    let compare = format!("compare {run} {methods} --reference {data}");
    let output = langevin(&folder, &format!("{compare} --seeds 1 --metric frechet --quiet"));
    assert!(output.status.success(), "{}", stderr(&output));
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(table.contains("\npmm2:form=noise !") && !table.contains("\nddim !"), "{table}");
    assert!(table.contains("\n! pmm2:form=noise with 20 evaluations, seed 0: "), "{table}");
    let said = stderr(&output);
    let warning = "warning: pmm2:form=noise with 20 evaluations: pmm2 takes 10 steps";
    assert!(said.contains(warning), "{said}");
}

#[test]
fn rates_are_read_from_files() {
    let folder = folder("starts-betas", NARROW);
    let betas: Vec<f64> = (0..50).map(|i| 0.002 + 0.4 * f64::from(i) / 49.0).collect();
    let text: Vec<String> = betas.iter().map(ToString::to_string).collect();
    fs::write(folder.join("betas.txt"), text.join("\n")).unwrap();
    fs::write(folder.join("list.json"), format!("[{}]", text.join(", "))).unwrap();
    let column = Array2::from_shape_vec((50, 1), betas).unwrap();
    write_npy(folder.join("betas.npy"), &column).unwrap();
    let run = "generate g.json --method ddpm --evaluations 50 --chains 9 --betas betas.txt";
    let report = json(&folder, run);
    assert_eq!(report["betas"].as_array().map(Vec::len), Some(50));
    let run = "generate g.json --method ddim --evaluations 20 --chains 9 --out x.npy";
    let ends = |options: &str| {
        succeed(&folder, &format!("{run} {options}"));
        read::<f64>(&folder, "x.npy")
    };
    let first = ends("--betas betas.txt");
    assert_eq!(ends("--betas betas.npy"), first);
    assert_eq!(ends("--betas list.json"), first);
    assert_ne!(ends(""), first);
    // A last rate of 1: all methods begin below it.
    fs::write(folder.join("one.txt"), format!("{} 1.0", text.join(" "))).unwrap();
    for method in ["ddpm", "ddim", "dpmpp2m", "heun", "em", "pmm1", "pmm2", "rm", "pc"] {
        let run = format!("generate g.json --method {method} --evaluations 60 --chains 9");
        succeed(&folder, &format!("{run} --betas one.txt"));
    }
    fs::write(folder.join("bad.txt"), "0.1, zero").unwrap();
    fs::write(folder.join("high.txt"), "0.1 1.5").unwrap();
    let run = "generate g.json --method ddim --evaluations 2 --chains 9";
    for (options, pieces) in [
        ("--betas bad.txt", "--betas bad.txt | number 2 is `zero`"),
        ("--betas high.txt", "high.txt | given 1.5"),
        ("--betas none.txt", "none.txt"),
        ("--betas /dev/zero", "--betas /dev/zero | device"),
        ("--betas betas.txt --out betas.txt", "--out betas.txt would replace --betas betas.txt"),
        ("--betas betas.txt --levels 5", "only one of --betas and --levels"),
        ("--betas betas.txt --process psld", "only one of --betas and --process"),
        ("--schedule cosine --beta-range 0.1,0.2", "only one of"),
    ] {
        refuse(&folder, &format!("{run} {options}"), pieces);
    }
}

/// Image to image: the start is noised by the run's own noise, chain by chain.
#[test]
fn starts_are_noised_chain_by_chain() {
    let folder = folder("starts-noised", NARROW);
    let start = Array2::from_shape_fn((6, 1), |(i, _)| i as f64 - 2.5);
    write_npy(folder.join("start.npy"), &start).unwrap();
    let lists = "--timesteps 200,150,100,50,20,10,5,2,1,0 --start start.npy --noise-start";
    for process in ["--method ddim", "--method roba --evaluations 40 --process psld"] {
        let list = if process.contains("psld") { "--start start.npy --noise-start" } else { lists };
        let run = format!("generate g.json {process} {list} --out x.npy");
        succeed(&folder, &format!("{run} --chains 6 --seed 4"));
        let whole = read::<f64>(&folder, "x.npy");
        succeed(&folder, &format!("{run} --chains 6 --seed 4 --chunk 2 --threads 1"));
        assert_eq!(read::<f64>(&folder, "x.npy"), whole);
        succeed(&folder, &format!("{run} --chains 6 --seed 5"));
        assert_ne!(read::<f64>(&folder, "x.npy"), whole);
        let part = start.slice(langevin::ndarray::s![2.., ..]).to_owned();
        write_npy(folder.join("part.npy"), &part).unwrap();
        let run = run.replace("start.npy", "part.npy");
        succeed(&folder, &format!("{run} --chains 4 --seed 4 --first-chain 2"));
        let rest = whole.slice(langevin::ndarray::s![2.., ..]).into_dyn().to_owned();
        assert_eq!(read::<f64>(&folder, "x.npy"), rest);
    }
    let run = "generate g.json --method ddim --evaluations 20 --chains 6 --noise-start";
    refuse(&folder, run, "--start");
}
