//! The device on which ONNX Runtime runs a network.

use std::fmt;
use std::str::FromStr;

use ort::ep::cuda::ConvAlgorithmSearch;
use ort::ep::{CUDA, CoreML, DirectML, ExecutionProviderDispatch};

use crate::error::{Error, Result};

/// A device of ONNX Runtime. One that is not there is an error, and no other one takes its place.
///
/// As text: `cpu`, `cuda:0`, `coreml`, `directml:0`. The number is that of the device, by default
/// 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA card. All products are of f32 numbers, and TF32 is not used.
    Cuda(u16),
    /// Core ML of macOS.
    CoreMl,
    /// DirectML of Windows.
    DirectMl(u16),
}

impl Device {
    /// What ONNX Runtime has to register, or `None` for the processor.
    pub(super) fn provider(self) -> Option<ExecutionProviderDispatch> {
        let provider = match self {
            Self::Cpu => return None,
            // TF32 has 10 bits of mantissa: 250 times the error, for 12 % of the time. A search by
            // timing could choose other kernels, and so other bits, in every process.
            Self::Cuda(number) => CUDA::default()
                .with_device_id(number.into())
                .with_tf32(false)
                .with_conv_algorithm_search(ConvAlgorithmSearch::Heuristic)
                .build(),
            Self::CoreMl => CoreML::default().build(),
            Self::DirectMl(number) => DirectML::default().with_device_id(number.into()).build(),
        };
        Some(provider.error_on_failure())
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::CoreMl => f.write_str("coreml"),
            Self::DirectMl(number) => write!(f, "directml:{number}"),
        }
    }
}

impl FromStr for Device {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let fail = || Error::Value {
            option: "device".into(),
            given: text.into(),
            expected: "cpu, cuda:0, coreml or directml:0".into(),
        };
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number.parse::<u16>().map_err(|_| fail())?)),
            None => (text, None),
        };
        match (name, number) {
            ("cpu", None) => Ok(Self::Cpu),
            ("cuda", number) => Ok(Self::Cuda(number.unwrap_or(0))),
            ("coreml", None) => Ok(Self::CoreMl),
            ("directml", number) => Ok(Self::DirectMl(number.unwrap_or(0))),
            _ => Err(fail()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_as_text_lead_back() {
        for text in ["cpu", "cuda:0", "cuda:3", "coreml", "directml:1"] {
            assert_eq!(text.parse::<Device>().unwrap().to_string(), text);
        }
        assert_eq!("cuda".parse::<Device>().unwrap(), Device::Cuda(0));
        for bad in ["", "gpu", "cuda:", "cuda:x", "cpu:0", "cuda:70000"] {
            assert!(bad.parse::<Device>().is_err(), "{bad}");
        }
    }
}
