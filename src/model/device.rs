//! Where a model runs.

use std::fmt;
use std::str::FromStr;

use ort::ep::{self, ExecutionProvider as _};
use ort::session::builder::SessionBuilder;

/// A kind of hardware that ONNX Runtime may use, with the number of the device where there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Device {
    /// Whatever the ONNX Runtime at hand offers, the fastest first.
    Auto,
    /// The processor.
    Cpu,
    /// NVIDIA, through CUDA.
    Cuda(u8),
    /// NVIDIA, through `TensorRT`.
    TensorRt(u8),
    /// AMD, through `ROCm`.
    Rocm(u8),
    /// AMD, through `MIGraphX`.
    MiGraphX(u8),
    /// Any graphics card on Windows.
    DirectMl(u8),
    /// Apple's neural engine and graphics.
    CoreMl,
    /// Intel processors and graphics.
    OpenVino,
    /// Any graphics card, through WebGPU.
    WebGpu(u8),
    /// The processor, through XNNPACK.
    Xnnpack,
}

impl Device {
    /// All devices by name, the fastest first.
    pub const ALL: [(&'static str, Self); 11] = [
        ("auto", Self::Auto),
        ("tensorrt", Self::TensorRt(0)),
        ("cuda", Self::Cuda(0)),
        ("migraphx", Self::MiGraphX(0)),
        ("rocm", Self::Rocm(0)),
        ("coreml", Self::CoreMl),
        ("directml", Self::DirectMl(0)),
        ("webgpu", Self::WebGpu(0)),
        ("openvino", Self::OpenVino),
        ("xnnpack", Self::Xnnpack),
        ("cpu", Self::Cpu),
    ];

    /// The devices that `auto` tries, in order. `TensorRT` compiles for minutes on first use and XNNPACK and `OpenVINO` are no sure gain
    /// on a processor, so those are only used when asked for.
    const AUTO: [Self; 6] = [Self::Cuda(0), Self::MiGraphX(0), Self::Rocm(0), Self::CoreMl, Self::DirectMl(0), Self::WebGpu(0)];

    /// What the device is called on the command line and in `engine:`.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, d)| std::mem::discriminant(d) == std::mem::discriminant(&self)).map_or("cpu", |(name, _)| *name)
    }

    /// Which of several devices of this kind.
    fn index(self) -> u8 {
        match self {
            Self::Cuda(n) | Self::TensorRt(n) | Self::Rocm(n) | Self::MiGraphX(n) | Self::DirectMl(n) | Self::WebGpu(n) => n,
            Self::Auto | Self::Cpu | Self::CoreMl | Self::OpenVino | Self::Xnnpack => 0,
        }
    }

    fn with_index(self, n: u8) -> Option<Self> {
        match self {
            Self::Cuda(_) => Some(Self::Cuda(n)),
            Self::TensorRt(_) => Some(Self::TensorRt(n)),
            Self::Rocm(_) => Some(Self::Rocm(n)),
            Self::MiGraphX(_) => Some(Self::MiGraphX(n)),
            Self::DirectMl(_) => Some(Self::DirectMl(n)),
            Self::WebGpu(_) => Some(Self::WebGpu(n)),
            Self::Auto | Self::Cpu | Self::CoreMl | Self::OpenVino | Self::Xnnpack => None,
        }
    }

    /// Whether the loaded ONNX Runtime was built with it.
    pub(super) fn is_built_in(self) -> bool {
        let built_in = match self {
            Self::Auto | Self::Cpu => return true,
            Self::Cuda(_) => ep::CUDA::is_available(),
            Self::TensorRt(_) => ep::TensorRT::is_available(),
            Self::Rocm(_) => ep::ROCm::is_available(),
            Self::MiGraphX(_) => ep::MIGraphX::is_available(),
            Self::DirectMl(_) => ep::DirectML::is_available(),
            Self::CoreMl => ep::CoreML::is_available(),
            Self::OpenVino => ep::OpenVINO::is_available(),
            Self::WebGpu(_) => ep::WebGPU::is_available(),
            Self::Xnnpack => ep::XNNPACK::is_available(),
        };
        built_in.unwrap_or(false)
    }

    /// Puts the device in front of the processor for the session that `builder` makes.
    pub(super) fn register(self, builder: &mut SessionBuilder) -> ort::Result<()> {
        let n = i32::from(self.index());
        match self {
            Self::Auto | Self::Cpu => Ok(()),
            Self::Cuda(_) => ep::CUDA::default().with_device_id(n).register(builder),
            Self::TensorRt(_) => ep::TensorRT::default().with_device_id(n).register(builder),
            Self::Rocm(_) => ep::ROCm::default().with_device_id(n).register(builder),
            Self::MiGraphX(_) => ep::MIGraphX::default().with_device_id(n).register(builder),
            Self::DirectMl(_) => ep::DirectML::default().with_device_id(n).register(builder),
            Self::CoreMl => ep::CoreML::default().register(builder),
            Self::OpenVino => ep::OpenVINO::default().register(builder),
            Self::WebGpu(_) => ep::WebGPU::default().with_device_id(n).register(builder),
            Self::Xnnpack => ep::XNNPACK::default().register(builder),
        }
    }

    /// The devices to try for a wish list, and one remark per wish that the loaded ONNX Runtime cannot grant. The processor always
    /// comes last by itself and is not listed.
    pub(super) fn resolve(wishes: &[Self]) -> (Vec<Self>, Vec<String>) {
        let (mut devices, mut remarks) = (Vec::new(), Vec::new());
        for wish in wishes {
            match wish {
                Self::Cpu => break,
                Self::Auto => devices.extend(Self::AUTO.into_iter().filter(|d| d.is_built_in())),
                device if device.is_built_in() => devices.push(*device),
                device => remarks.push(format!("`{device}` is not in this ONNX Runtime, the model runs on the CPU")),
            }
        }
        (devices, remarks)
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index() {
            0 => f.write_str(self.name()),
            n => write!(f, "{}:{n}", self.name()),
        }
    }
}

impl FromStr for Device {
    type Err = String;

    /// Reads `cuda` or `cuda:1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, index) = text.split_once(':').map_or((text, None), |(name, index)| (name, Some(index)));
        let found = Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, device)| *device);
        let Some(device) = found else {
            let names = Self::ALL.map(|(name, _)| name).join(", ");
            return Err(format!("there is no device `{name}`: write one of {names}"));
        };
        match index {
            None => Ok(device),
            Some(index) => index
                .parse()
                .ok()
                .and_then(|n| device.with_index(n))
                .ok_or_else(|| format!("`{text}` names no device: write `{}`, or `cuda:1` for the second of several", device.name())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for (name, device) in Device::ALL {
            assert_eq!(name.parse(), Ok(device));
            assert_eq!(device.to_string(), name);
        }
        assert_eq!("cuda:1".parse(), Ok(Device::Cuda(1)));
        assert_eq!(Device::Cuda(1).to_string(), "cuda:1");
        assert!("cpu:2".parse::<Device>().is_err());
        assert!("gpu".parse::<Device>().unwrap_err().contains("cuda"));
    }
}
