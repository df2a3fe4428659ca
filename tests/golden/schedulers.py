"""Writes schedulers.json: the timesteps and sigmas of the diffusers package for configurations as
they are published with models. Usage: python schedulers.py > schedulers.json (needs diffusers and torch)."""
import json
import diffusers

SD = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000,
          trained_betas=None, clip_sample=False)
DPM = {key: value for key, value in SD.items() if key != "clip_sample"}
CONFIGS = {
    "stable-diffusion-1.5": dict(_class_name="PNDMScheduler", _diffusers_version="0.6.0", set_alpha_to_one=False,
                                 skip_prk_steps=True, steps_offset=1, **SD),
    "sdxl": dict(_class_name="EulerDiscreteScheduler", _diffusers_version="0.19.0.dev0", interpolation_type="linear",
                 prediction_type="epsilon", sample_max_value=1.0, set_alpha_to_one=False, skip_prk_steps=True,
                 steps_offset=1, timestep_spacing="leading", use_karras_sigmas=False, **SD),
    "sdxl-linspace": dict(_class_name="EulerDiscreteScheduler", prediction_type="epsilon",
                          timestep_spacing="linspace", **SD),
    "sdxl-karras": dict(_class_name="EulerDiscreteScheduler", prediction_type="v_prediction",
                        timestep_spacing="leading", steps_offset=1, use_karras_sigmas=True, **SD),
    "sd-ddim": dict(_class_name="DDIMScheduler", set_alpha_to_one=False, steps_offset=1,
                    prediction_type="v_prediction", **SD),
    "dpm": dict(_class_name="DPMSolverMultistepScheduler", algorithm_type="dpmsolver++", solver_order=2,
                solver_type="midpoint", lower_order_final=True, timestep_spacing="leading", steps_offset=1, **DPM),
    "sde-dpm-karras": dict(_class_name="DPMSolverMultistepScheduler", algorithm_type="sde-dpmsolver++",
                           solver_order=2, use_karras_sigmas=True, **DPM),
    "unipc": dict(_class_name="UniPCMultistepScheduler", solver_order=2, solver_type="bh2",
                  beta_start=0.0001, beta_end=0.02, beta_schedule="linear", num_train_timesteps=1000),
    "zero-snr": dict(_class_name="DDIMScheduler", set_alpha_to_one=True, rescale_betas_zero_snr=True,
                     timestep_spacing="trailing", prediction_type="v_prediction", **SD),
    "ddpm-cifar10": dict(_class_name="DDPMScheduler", _diffusers_version="0.1.1", beta_start=0.0001, beta_end=0.02,
                         beta_schedule="linear", clip_sample=True, num_train_timesteps=1000, trained_betas=None,
                         variance_type="fixed_large"),
    "cosine": dict(_class_name="DDIMScheduler", beta_schedule="squaredcos_cap_v2", clip_sample=False,
                   timestep_spacing="linspace", num_train_timesteps=1000),
    "sd3": dict(_class_name="FlowMatchEulerDiscreteScheduler", num_train_timesteps=1000, shift=3.0),
    "flux-schnell": dict(_class_name="FlowMatchEulerDiscreteScheduler", base_image_seq_len=256, base_shift=0.5,
                         max_image_seq_len=4096, max_shift=1.15, num_train_timesteps=1000, shift=1.0,
                         use_dynamic_shifting=False),
    "edm": dict(_class_name="EDMEulerScheduler", num_train_timesteps=1000, prediction_type="epsilon", rho=7.0,
                sigma_data=0.5, sigma_max=80.0, sigma_min=0.002),
}


def numbers(config, steps):
    s = getattr(diffusers, config["_class_name"]).from_config(config)
    s.set_timesteps(steps)
    out = {"steps": steps, "timesteps": [float(t) for t in s.timesteps]}
    if hasattr(s, "sigmas"):
        out["sigmas"] = [float(x) for x in s.sigmas]
    if hasattr(s, "alphas_cumprod"):
        out["alpha_bars"] = [float(s.alphas_cumprod[t]) for t in (0, 1, 500, 998, 999)]
    return out


lines = [json.dumps(name) + ": " + json.dumps({"config": c, "runs": [numbers(c, n) for n in (10, 50)]})
         for name, c in CONFIGS.items()]
print("{\n" + ",\n".join(lines) + "\n}")
