//! One store of memory for all sessions.
#![allow(unsafe_code)] // `ort` has no safe name for the one call that this takes.

use ort::AsPointer;
use ort::environment::Environment;
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};

/// Gives the sessions of `environment` one arena on the processor: text encoder, denoising network and VAE run one after the other,
/// and each would otherwise keep for itself what its largest run took.
pub(super) fn share(environment: &Environment) -> ort::Result<()> {
    let info = MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Arena, MemoryType::Default)?;
    // SAFETY: both pointers are valid for the call, which copies what it needs; null asks for the usual settings. The status that
    // comes back is handed over at once.
    unsafe {
        let status = (ort::api().CreateAndRegisterAllocator)(environment.ptr().cast_mut(), info.ptr(), std::ptr::null());
        ort::Error::result_from_status(status)
    }
}
