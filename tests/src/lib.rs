//! What the black-box tests and benchmarks stand on: the real program in a temporary place, the simulator, essays, and
//! clients that speak to it as the world does.

pub mod api;
pub mod bench;
pub mod blame;
pub mod books;
pub mod crew;
pub mod essays;
pub mod focus;
pub mod load;
pub mod mail;
pub mod pages;
pub mod ports;
pub mod process;
pub mod programs;
pub mod saving;
pub mod school;
pub mod stops;
pub mod storm;
pub mod straight;
pub mod wait;

/// Chooses the cryptography for TLS; the HTTP client wants it also where no TLS is used.
pub fn use_ring() {
    // Chosen already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
