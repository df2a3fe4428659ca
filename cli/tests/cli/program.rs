//! The program as a whole: its commands, its lists, and the ends of its pipes.

use std::path::Path;
use std::process::{Command, Output};

use langevin::catalog::METHODS;
use langevin::diffusion::{Method, ProcessKind};

use crate::support::{RUN, TWO, folder, has_keys, json, langevin, names, refuse, stderr, succeed};

#[test]
fn the_lists_are_those_of_the_library() {
    let folder = folder("lists", TWO);
    let listed = json(&folder, "methods");
    has_keys(&listed, "methods dynamics generation generation_psld");
    assert_eq!(names(&listed["methods"]), METHODS.iter().map(|m| m.name).collect::<Vec<_>>());
    assert_eq!(names(&listed["dynamics"]), ["overdamped", "underdamped"]);
    has_keys(
        &listed["methods"][0],
        "name title options evaluations_per_step batched_calls_per_step dynamics source",
    );
    let text = succeed(&folder, "methods");
    for (kind, key) in [(ProcessKind::Vp, "generation"), (ProcessKind::Psld, "generation_psld")] {
        let methods = Method::on(kind);
        let expected: Vec<_> = methods.iter().map(Method::name).collect();
        assert_eq!(names(&listed[key]), expected);
        has_keys(&listed[key][0], "name title options least_evaluations source");
        assert!(expected.iter().all(|name| text.contains(name)), "{text}");
    }
}

#[test]
fn completions_and_the_manual_name_every_command() {
    let folder = folder("manual", TWO);
    let shells = ["bash", "zsh", "fish", "elvish", "powershell"];
    let completions = shells.map(|shell| format!("completions {shell}"));
    for command in completions.iter().map(String::as_str).chain(["man", "--help"]) {
        let text = succeed(&folder, command);
        for name in ["sample", "generate", "compare", "probe", "methods"] {
            assert!(text.contains(name), "{command}: no {name}");
        }
    }
    refuse(&folder, "completions csh", "csh | bash");
    assert!(succeed(&folder, "--version").starts_with("langevin "));
}

#[test]
fn unknown_commands_and_options_are_refused() {
    let folder = folder("unknown", TWO);
    for (arguments, pieces) in [
        ("", "Usage | sample | generate"),
        ("smaple", "smaple | sample"),
        ("sample", "--step | --chains"),
        ("generate", "--method | --chains"),
        ("compare", "--methods"),
        ("probe", "--step"),
        ("methods --chains 3", "--chains"),
        ("sample g.json --chians 3", "--chians | --chains"),
    ] {
        refuse(&folder, arguments, pieces);
    }
    refuse(&folder, &format!("sample g.json {RUN} --precision f16"), "f16 | f32, f64");
    refuse(&folder, &format!("sample g.json {RUN} --non-finite cry"), "cry | stop, freeze, ignore");
    refuse(&folder, &format!("sample g.json {RUN} --chains 3"), "--chains");
}

#[test]
fn messages_quote_arguments_in_part() {
    let folder = folder("quoted", TWO);
    let long = "x".repeat(100_000);
    for odd in ["\u{1b}[31mred\u{7}", &long] {
        for line in [
            odd.to_string(),
            format!("sample g.json {RUN} --seed {odd}"),
            format!("sample g.json {RUN} --precision {odd}"),
            format!("sample g.json {RUN} --friction {odd}"),
            format!("sample g.json --method {odd} --step 1 --steps 2 --chains 3"),
            format!("sample g.json --word {odd} --step 1 --steps 2 --chains 3"),
            format!("sample {odd} {RUN}"),
            format!("sample g.json {RUN} --start {odd}"),
            format!("sample g.json {RUN} --out no/{odd}"),
            format!("generate g.json --method {odd} --evaluations 3 --chains 3"),
            format!("generate g.json --method ddim:{odd}=3 --evaluations 3 --chains 3"),
            format!("generate g.json --method ddim:eta={odd} --evaluations 3 --chains 3"),
            format!("generate --model {odd} --method ddim --evaluations 3 --chains 3"),
            format!("compare g.json --methods {odd} --evaluations 3"),
            format!("compare g.json --methods ddim@{odd}"),
            format!("compare g.json --methods ddim --evaluations 3 --metric {odd}"),
        ] {
            let output = langevin(&folder, &line);
            let message = stderr(&output);
            let short: String = line.chars().take(80).collect();
            assert_eq!(output.status.code(), Some(2), "{short}: {message}");
            assert!(!message.contains(['\u{1b}', '\u{7}']), "{short:?}: {message:?}");
            // A path stands whole, as it may be looked for.
            let most = if message.contains("too long") { 101_000 } else { 2000 };
            assert!(message.len() < most, "{short}: {} bytes", message.len());
        }
    }
}

#[cfg(unix)]
#[test]
fn odd_ends_of_pipes_are_survived() {
    let folder = folder("pipes", TWO);
    let shell = |tail: &str, arguments: &str| -> Output {
        let line = format!("'{}' {arguments} {tail}", env!("CARGO_BIN_EXE_langevin"));
        Command::new("sh").current_dir(&folder).args(["-c", &line]).output().unwrap()
    };
    for command in ["methods", "man", "completions bash"] {
        for tail in ["| head -1", "| true", ">&-"] {
            let output = shell(tail, command);
            assert_eq!(stderr(&output), "", "{command} {tail}");
            assert_eq!(output.status.code(), Some(0), "{command} {tail}");
        }
    }
    let refused = format!("sample g.json {RUN} --every 0");
    assert_eq!(shell("2>&-", &refused).status.code(), Some(2));
    if Path::new("/dev/full").exists() {
        let output = shell("> /dev/full", &format!("sample g.json {RUN} --json"));
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("stdout"));
        assert_eq!(shell("2> /dev/full", &refused).status.code(), Some(2));
    }
}
