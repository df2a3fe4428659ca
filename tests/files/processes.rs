//! Networks of flow matching, EDM and VE from files: what they read, are told and predict.

use langevin::diffusion::{Level, Levels};
use langevin::ndarray::Array2;
use langevin::network::Network;
use langevin::prelude::*;
use serde_json::json;

use crate::changed::file;
use crate::made::some_rows;

/// The model reads y, and the network its own variable and number.
#[test]
fn networks_read_the_variable_of_their_process() {
    let sigma = 0.7;
    let level = Level::from_sigma(sigma).unwrap();
    let [a, s] = [level.signal(), level.noise()];
    let t = sigma / (1.0 + sigma);
    let flow = json!({"kind": "flow", "levels": 500, "shift": 2.0});
    let edm = json!({"kind": "edm", "sigma_min": 0.002, "sigma_max": 80.0});
    let ve = json!({"kind": "ve", "sigma_min": 0.01, "sigma_max": 50.0});
    let root = (s * s + 0.25 * a * a).sqrt();
    for (process, prediction, input, told, factor) in [
        (&flow, "flow", "time", t, 1.0 / (a + s)),
        (&flow, "epsilon", "timestep", 500.0 * t, 1.0 / (a + s)),
        (&edm, "edm", "quarter-log-sigma", 0.25 * sigma.ln(), 1.0 / root),
        (&edm, "data", "sigma", sigma, 1.0 / a),
        (&ve, "data", "log-sigma", sigma.ln(), 1.0 / a),
        (&ve, "score", "sigma", sigma, 1.0 / a),
    ] {
        let mut file = file();
        file.model["process"] = process.clone();
        file.model["prediction"] = json!(prediction);
        file.model["time"]["input"] = json!(input);
        if prediction == "edm" {
            file.model["sigma_data"] = json!(0.5);
        }
        let network = Network::from_bytes(&file.bytes()).unwrap();
        let y = some_rows(3, network.input_width());
        let mut found = Array2::zeros(y.dim());
        let model = network.denoiser().unwrap();
        model.predict(Levels::Shared(level), y.view(), found.view_mut()).unwrap();
        let mut want = Array2::zeros(y.dim());
        let own = &y * factor;
        network.evaluate(Times::Shared(told), None, own.view(), want.view_mut()).unwrap();
        if prediction == "score" {
            want /= a;
        }
        let far = (&found - &want).iter().fold(0.0f64, |far, x| far.max(x.abs()));
        assert!(far < 1e-5, "{prediction} told {input}: {far:e}");
        let text = process.to_string();
        assert!(text.contains(network.process().unwrap().kind().name()), "{text}");
    }
}

#[test]
fn numbers_of_another_process_are_refused() {
    let refused = |process: serde_json::Value, input: &str| {
        let mut file = file();
        file.model["process"] = process;
        file.model["prediction"] = json!("data");
        file.model["time"]["input"] = json!(input);
        Network::from_bytes(&file.bytes()).unwrap_err().to_string()
    };
    let flow = json!({"kind": "flow", "levels": 500, "shift": 2.0});
    assert!(refused(flow, "sigma").contains("for flow timestep or time"));
    let ve = json!({"kind": "ve", "sigma_min": 0.01, "sigma_max": 50.0});
    assert!(refused(ve, "timestep").contains("for ve sigma"));
}
