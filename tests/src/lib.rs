//! What the black-box tests and benchmarks stand on: the real program in a temporary place, the simulator, essays, and
//! clients that speak to it as the world does.

pub mod essays;
pub mod load;
pub mod process;
pub mod programs;
pub mod straight;
pub mod wait;
