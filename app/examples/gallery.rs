//! Style guide.
fn main() {}
